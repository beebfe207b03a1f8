"""P1: from the start of the process to the first paint, the viewer on a running room of 12 stores beside a minimal Textual app."""

from __future__ import annotations

from benchmarks._common import helper, rounds, say
from benchmarks._fleet import SERVER, VIEWER
from benchmarks._pty import terminal

ROUNDS = 7
MINIMAL = """
from textual.app import App
from textual.widgets import Static

class Minimal(App):
    def compose(self):
        yield Static("first paint of the minimal app")

Minimal().run(mouse=False)
"""


def painted(code: str, text: bytes, *args: str) -> float:
    """Milliseconds from start until ``text`` is on the terminal."""
    with terminal(code, *args) as here:
        return here.wait_for(text) * 1000


def main() -> None:
    with helper(SERVER, "12", "still") as socket:
        result = rounds(
            {
                "minimal": lambda: painted(MINIMAL, b"first paint of the minimal app"),
                "frame": lambda: painted(VIEWER, b"storewatch", socket),
                "stores": lambda: painted(VIEWER, b"Shop 00011", socket),
            },
            ROUNDS,
        )
    minimal = result["minimal"]
    frame, stores = result["frame"] / minimal, result["stores"] / minimal
    say("P1", f"first paint: minimal Textual {minimal:.0f} ms, ours {result['frame']:.0f} ms, ratio {frame:.2f}", "<= 1.15", frame <= 1.15)
    say("P1", f"all 12 stores of a running room painted: {result['stores']:.0f} ms, ratio {stores:.2f}", "<= 1.15", stores <= 1.15)


if __name__ == "__main__":
    main()
