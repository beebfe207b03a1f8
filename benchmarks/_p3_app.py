"""A table of 50 rows of which each key press changes three cells: as DataTable, or on the Line API. Run by p3_bytes in a pty."""

from __future__ import annotations

import random
import sys

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.app import App, ComposeResult
from textual.driver import Driver
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import DataTable

from tui.view.quiet import quiet_driver

ROWS, COLUMNS, WIDTH = 50, 11, 10
GOOD, BAD = Style.parse("green on #101020"), Style.parse("bold red on #101020")


class Figures:
    """Rows of numbers; the same seed gives every kind of table the same changes."""

    def __init__(self) -> None:
        self._random = random.Random(7)
        self.rows = [[self._random.randrange(2000) for _ in range(COLUMNS)] for _ in range(ROWS)]

    def change(self) -> list[tuple[int, int]]:
        """Three cells of each row get another number."""
        places = [(row, column) for row in range(ROWS) for column in self._random.sample(range(COLUMNS), 3)]
        for row, column in places:
            self.rows[row][column] = (self.rows[row][column] + self._random.randrange(1, 2000)) % 2000
        return places


def style(value: int) -> Style:
    return BAD if value > 1900 else GOOD


class Lines(Widget, can_focus=True):
    """The plain Line-API table: a changed table draws its rows again."""

    DEFAULT_CSS = "Lines { height: 50; }"

    def __init__(self, figures: Figures) -> None:
        super().__init__()
        self.figures = figures

    def change(self, places: list[tuple[int, int]]) -> None:
        rows = {row for row, _ in places} or range(ROWS)
        self.refresh(*(Region(0, row, COLUMNS * WIDTH, 1) for row in sorted(rows)))

    def render_line(self, y: int) -> Strip:
        if y >= ROWS:
            return Strip.blank(self.size.width)
        return Strip([Segment(f"{value:>{WIDTH - 1}} ", style(value)) for value in self.figures.rows[y]], COLUMNS * WIDTH)


class Table(DataTable[Text]):
    """The same in a DataTable."""

    def __init__(self, figures: Figures) -> None:
        super().__init__(show_header=False, cursor_type="none")
        self.figures = figures

    def on_mount(self) -> None:
        for column in range(COLUMNS):
            self.add_column(str(column), width=WIDTH - 2, key=str(column))
        for row, values in enumerate(self.figures.rows):
            self.add_row(*(Text(str(value), style(value)) for value in values), key=str(row))

    def change(self, places: list[tuple[int, int]]) -> None:
        for row, column in places:
            value = self.figures.rows[row][column]
            self.update_cell(str(row), str(column), Text(str(value), style(value)))
        if not places:
            self.refresh()


class Bench(App[None]):
    """``n`` changes, ``r`` draws again without a change, ``q`` leaves."""

    CSS = "Screen { overflow: hidden; } DataTable { height: 50; }"

    def __init__(self, kind: str, driver: type[Driver] | None) -> None:
        super().__init__(driver_class=driver)
        self.kind = kind
        self.figures = Figures()

    def compose(self) -> ComposeResult:
        yield Table(self.figures) if self.kind == "datatable" else Lines(self.figures)

    def on_key(self, event: object) -> None:
        key = getattr(event, "key", "")
        if key == "q":
            self.exit()
        elif key in ("n", "r"):
            self.query_one("Table, Lines").change(self.figures.change() if key == "n" else [])  # type: ignore[attr-defined]


if __name__ == "__main__":
    Bench(sys.argv[1], quiet_driver() if sys.argv[1] == "quiet" else None).run(mouse=False)
