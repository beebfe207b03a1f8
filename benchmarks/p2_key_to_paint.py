"""P2: from a key to the moved cursor on the terminal, 1,000 sites (5,000: p2_key_to_paint_5000) of which a tenth change each second,
beside the barest table on the Line API and Textual's DataTable."""

from __future__ import annotations

import collections
import sys
import time
from typing import NamedTuple

import pyte

from benchmarks._common import helper, percentile, say
from benchmarks._fleet import SERVER, VIEWER
from benchmarks._pty import Terminal
from benchmarks._tables import BARE, DATATABLE

KEYS = 36
WINDOW = 0.13
"""Seconds for the answer to a key; a later one counts as this."""
SIZE = (120, 40)
LOOK = 12
"""The column whose background tells the row under the cursor."""


class Result(NamedTuple):
    p50: float
    p95: float
    worst: float
    cpu: float


class Watcher:
    """Knows which row has the cursor; fed after the clock was read, so that parsing costs no one any time."""

    def __init__(self) -> None:
        self.screen = pyte.Screen(*SIZE)
        self.stream = pyte.ByteStream(self.screen)

    def row(self) -> int:
        """The row between the bars whose background differs from that of most, -1 when there is none."""
        colours = [self.screen.buffer[y][LOOK].bg for y in range(4, SIZE[1] - 5)]
        common = collections.Counter(colours).most_common(1)[0][0]
        return next((y for y, colour in enumerate(colours) if colour != common), -1)


def press(here: Terminal, watcher: Watcher, key: bytes) -> float:
    """Milliseconds from the key to the row having moved."""
    before = watcher.row()
    start = time.perf_counter()
    here.key(key)
    chunks = []
    while (left := start + WINDOW - time.perf_counter()) > 0:
        data = here.read(left)
        chunks.append((time.perf_counter(), data))
    answer = WINDOW
    for at, data in chunks:
        watcher.stream.feed(data)
        if answer == WINDOW and watcher.row() not in (before, -1):
            answer = at - start
    return answer * 1000


def settle(here: Terminal, watcher: Watcher) -> None:
    """Move the cursor away from the top, where bars are, until the program answers at once."""
    for _ in range(60):
        if watcher.row() >= 5:
            return
        press(here, watcher, b"j")
    raise RuntimeError("no cursor row was found on the screen")


def measure(code: str, ready: bytes, *args: str) -> Result:
    here, watcher = Terminal([sys.executable, "-c", code, *args], SIZE), Watcher()
    try:
        here.wait_for(ready)
        here.drain(0.8)
        watcher.stream.feed(bytes(here.seen))
        settle(here, watcher)
        spent, begin = here.cpu(), time.perf_counter()
        times = [press(here, watcher, b"j" if turn // 9 % 2 == 0 else b"k") for turn in range(KEYS)]
        cpu = (here.cpu() - spent) / (time.perf_counter() - begin)
    finally:
        here.close()
    return Result(percentile(times, 0.5), percentile(times, 0.95), max(times), cpu)


def compare(count: int) -> None:
    with helper(SERVER, str(count), "changing") as socket:
        ours = measure(VIEWER, b"Shop 00", socket)
    bare = measure(BARE, b"Shop 00", str(count))
    table = measure(DATATABLE, b"Shop 00", str(count))

    def words(name: str, result: Result) -> str:
        return f"{name} {result.p50:.1f} / {result.p95:.1f} / {result.worst:.0f} ms, CPU {result.cpu * 100:.1f} %"

    all_three = "; ".join((words("ours", ours), words("bare Line API", bare), words("DataTable", table)))
    say("P2", f"key to paint, {count} sites, p50 / p95 / worst: {all_three}")
    p50, p95, cpu = ours.p50 / bare.p50, ours.p95 / bare.p95, ours.cpu / max(table.cpu, 1e-9)
    say("P2", f"{count} sites, p50: ratio to bare {p50:.2f}", "<= 2", p50 <= 2)
    say("P2", f"{count} sites, p95: ratio to bare {p95:.2f}", "<= 2", p95 <= 2)
    say("P2", f"{count} sites, CPU: ratio to DataTable {cpu:.2f}", "<= 0.2", cpu <= 0.2)


def main() -> None:
    compare(1000)


if __name__ == "__main__":
    main()
