"""P3: bytes to the terminal when three cells of each of 50 rows change, beside DataTable, the plain Line API, and the floor."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import statistics
import struct
import subprocess
import sys
import termios
import time

import pyte

from benchmarks._common import ROOT, say

WIDTH, HEIGHT = 120, 52
TICKS = 6
QUIET = 0.35
"""Seconds without output after which a frame counts as whole."""

Cells = dict[tuple[int, int], pyte.screens.Char]


class Run:
    """One app in a pty, and the screen that its bytes make."""

    def __init__(self, kind: str) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
        env = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "TEXTUAL_ANIMATIONS": "none", "STOREWATCH_QUIET": "1"}
        command = [sys.executable, "-m", "benchmarks._p3_app", kind]
        self.child = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, cwd=ROOT, env=env, start_new_session=True)
        os.close(slave)
        self.screen = pyte.Screen(WIDTH, HEIGHT)
        self.stream = pyte.ByteStream(self.screen)
        self.frame(first=15.0)

    def frame(self, key: bytes = b"", first: float = 1.0) -> int:
        """Press ``key``; bytes of what comes until it is quiet."""
        if key:
            os.write(self.master, key)
        got, wait = b"", first
        while select.select([self.master], [], [], wait)[0]:
            try:
                got += os.read(self.master, 65_536)
            except OSError:  # the app is gone
                break
            wait = QUIET
        # pyte takes kitty's key mode for "restore cursor"
        self.stream.feed(got.replace(b"\x1b[<u", b"").replace(b"\x1b[>25u", b""))
        return len(got)

    def cells(self) -> Cells:
        return {(y, x): self.screen.buffer[y][x] for y in range(HEIGHT) for x in range(WIDTH)}

    def close(self) -> None:
        with contextlib.suppress(OSError):
            os.write(self.master, b"q")
        with contextlib.suppress(subprocess.TimeoutExpired):
            deadline = time.monotonic() + 3
            while self.child.poll() is None and time.monotonic() < deadline:
                self.frame(first=0.1)
        self.child.kill()
        self.child.wait()
        os.close(self.master)


def floor(before: Cells, after: Cells) -> int:
    """Bytes no program can do without: for each run of cells that differ, the shortest cursor move, a colour where it is another
    than before, and the characters. Attributes cost what the shortest SGR for the colour costs (5 bytes), once a change."""
    total, at, style = 0, (0, 0), None
    for y, x in sorted(place for place in after if after[place] != before[place]):
        char = after[y, x]
        if at != (y, x):
            total += min(
                len(f"\x1b[{y + 1};{x + 1}H"), sideways(x - at[1]) if y == at[0] else 99, 2 + sideways(x) if y == at[0] + 1 else 99
            )
        look = char[1:]
        if look != style:
            total += 5 if style is not None else 0
            style = look
        total += len(char.data.encode())
        at = (y, x + 1)
    return total


def sideways(columns: int) -> int:
    """Bytes to go right: nothing, ESC [ C, or ESC [ n C."""
    return 99 if columns < 0 else 0 if columns == 0 else 3 if columns == 1 else 3 + len(str(columns))


def measure(kind: str) -> tuple[float, float, float, Cells]:
    """Medians of bytes a change, of the floor of the same frames, and the bytes of a repaint that changes nothing; the last screen."""
    run = Run(kind)
    try:
        run.frame(b"n")  # what the first frames leave unknown is drawn
        sent, floors = [], []
        for _ in range(TICKS):
            before = run.cells()
            sent.append(run.frame(b"n"))
            floors.append(floor(before, run.cells()))
        idle = max(run.frame(b"r") for _ in range(2))
        return statistics.median(sent), statistics.median(floors), idle, run.cells()
    finally:
        run.close()


def main() -> None:
    found = {kind: measure(kind) for kind in ("datatable", "lines", "quiet")}
    table, lines, quiet = (found[kind][0] for kind in ("datatable", "lines", "quiet"))
    least = found["quiet"][1]
    if found["quiet"][3] != found["lines"][3]:
        raise RuntimeError("the quiet driver's screen is not the plain one's")
    ratio = quiet / least
    text = f"bytes a change of 3 cells in 50 rows: ours {quiet:.0f}, floor {least:.0f}, Line API by rows {lines:.0f}, DataTable {table:.0f}"
    say("P3", f"{text}, ratio to floor {ratio:.2f}", "<= 2.0", ratio <= 2)
    share = quiet / lines
    say("P3", f"share of the plain Line-API table: {share:.2f}", "< 0.30", share < 0.3)
    idle = found["quiet"][2]
    say(
        "P3",
        f"bytes when nothing changed: ours {idle:.0f}, Line API {found['lines'][2]:.0f}, DataTable {found['datatable'][2]:.0f}",
        "0",
        idle == 0,
    )


if __name__ == "__main__":
    main()
