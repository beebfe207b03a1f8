"""P6: memory of a viewer on a room of 12 and of 1,000 stores beside a minimal Textual app, once each is painted."""

from __future__ import annotations

from pathlib import Path

from benchmarks._common import helper, rounds, say
from benchmarks._fleet import SERVER, VIEWER
from benchmarks._pty import terminal
from benchmarks.p1_first_paint import MINIMAL

ROUNDS = 3
SETTLE = 1.0
"""Seconds after the paint, so that what is made lazily is there."""


def resident(code: str, text: bytes, *args: str) -> float:
    """MiB resident (VmRSS of /proc, Linux) of the program that painted ``text``."""
    with terminal(code, *args) as here:
        here.wait_for(text)
        here.drain(SETTLE)
        status = Path(f"/proc/{here.child.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def main() -> None:
    with helper(SERVER, "12", "still") as few, helper(SERVER, "1000", "still") as many:
        result = rounds(
            {
                "minimal": lambda: resident(MINIMAL, b"first paint of the minimal app"),
                "few": lambda: resident(VIEWER, b"Shop 00011", few),
                "many": lambda: resident(VIEWER, b"Shop 00", many),
            },
            ROUNDS,
        )
    minimal, few_mib, many_mib = result["minimal"], result["few"], result["many"]
    ratio = few_mib / minimal
    say("P6", f"viewer memory, 12 stores: {few_mib:.0f} MiB, minimal Textual {minimal:.0f} MiB, ratio {ratio:.2f}", "<= 1.5", ratio <= 1.5)
    share = many_mib / minimal
    say("P6", f"viewer memory, 1,000 stores: {many_mib:.0f} MiB, ratio {share:.2f}", "<= 1.5", share <= 1.5)


if __name__ == "__main__":
    main()
