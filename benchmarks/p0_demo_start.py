"""P0: from `storewatch demo` to its first full screen (every store with a level), beside the first paint of a minimal Textual app."""

from __future__ import annotations

import re
import sys
import time

import pyte

from benchmarks._common import rounds, say
from benchmarks._pty import Terminal
from benchmarks.p1_first_paint import MINIMAL, painted

ROUNDS = 3
STORES = 12
LIMIT = 30.0
GOAL = 5.0
"""Seconds: for as long a newcomer waits without wondering whether it works."""


def demo() -> tuple[float, float]:
    """Milliseconds from start to the frame, and until no store waits for its first look."""
    here = Terminal([sys.executable, "-m", "tui", "demo", "--calm", f"--stores={STORES}"], (120, 40))
    try:
        framed = here.wait_for(b"storewatch") * 1000
        screen = pyte.Screen(120, 40)  # only cells that change are sent: what is on the screen is not in the bytes as one piece
        stream = pyte.ByteStream(screen)
        stream.feed(_known(bytes(here.seen)))
        while not any(f"{STORES} OK" in line for line in screen.display):
            stream.feed(_known(here.read(0.2)))
            if time.perf_counter() - here.started > LIMIT:
                raise RuntimeError(f"no full screen within {LIMIT} s: {screen.display}")
        return framed, (time.perf_counter() - here.started) * 1000
    finally:
        here.child.terminate()  # the fleet ends with it, by the end of its stdin
        here.close()


def _known(data: bytes) -> bytes:
    """Without kitty's key mode, which pyte takes for another command."""
    return re.sub(rb"\x1b\[[<>=]\d*u", b"", data)


def main() -> None:
    frames: list[float] = []

    def full() -> float:
        framed, filled = demo()
        frames.append(framed)
        return filled

    result = rounds({"minimal": lambda: painted(MINIMAL, b"first paint of the minimal app"), "demo": full}, ROUNDS)
    frame = sorted(frames)[len(frames) // 2]
    minimal, filled = result["minimal"], result["demo"]
    text = f"demo of {STORES} stores: minimal Textual {minimal:.0f} ms, our frame {frame:.0f} ms ({frame / minimal:.2f})"
    say("P0", f"{text}, all levels shown {filled:.0f} ms ({filled / minimal:.1f})", f"<= {GOAL:.0f} s", filled <= GOAL * 1000)


if __name__ == "__main__":
    main()
