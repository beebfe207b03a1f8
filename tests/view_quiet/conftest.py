import pyte
import pytest


class Terminal:
    """A terminal as pyte draws it, fed with the original stream or with ours."""

    def __init__(self, width: int, height: int) -> None:
        self.screen = pyte.Screen(width, height)
        self.stream = pyte.Stream(self.screen)

    def feed(self, text: str) -> None:
        self.stream.feed(text.replace("\n", "\r\n"))  # as a tty with onlcr

    def picture(self) -> list[tuple]:
        """Every cell: character and all its attributes."""
        return [tuple(self.screen.buffer[y][x] for x in range(self.screen.columns)) for y in range(self.screen.lines)]

    @property
    def cursor(self) -> tuple[int, int]:
        return self.screen.cursor.x, self.screen.cursor.y


@pytest.fixture
def terminal():
    return Terminal
