"""The peers of P2: the barest table on the Line API, and Textual's DataTable, each with as many cells as our fleet and the same changes."""

from __future__ import annotations

COMMON = r"""
import sys
from textual.app import App
COUNT = int(sys.argv[1])
COLUMNS = ["level", "name", *(f"c{i}" for i in range(10)), "why"]

def cells(row, turn):
    figures = (str(100 + (row * 7 + turn) % 900) + " ms" for _ in range(10))
    return ["WARN" if (row + turn) % 17 == 0 else "OK", f"Shop {row:05d}", *figures, f"{100 + turn % 900} ms"]

class Peer(App):
    turn = 0
    def on_mount(self):
        self.set_interval(0.1, self.change)
    def changing(self):
        self.turn += 1
        return range(self.turn * 37 % 100, COUNT, 100)
"""

BARE = (
    COMMON
    + r"""
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
CURSOR, PLAIN = Style.parse("on #005f87"), Style()

class Table(ScrollView, can_focus=True):
    BINDINGS = [("j", "move(1)"), ("k", "move(-1)")]
    at = 0
    def on_mount(self):
        self.rows = [cells(row, 0) for row in range(COUNT)]
        self.virtual_size = Size(110, COUNT)
    def render_line(self, y):
        index = y + self.scroll_offset.y
        if index >= COUNT:
            return Strip.blank(self.size.width)
        text = " ".join(cell.ljust(8)[:8] for cell in self.rows[index])
        return Strip([Segment(text.ljust(self.size.width)[: self.size.width], CURSOR if index == self.at else PLAIN)], self.size.width)
    def line(self, row):
        return Region(0, row - self.scroll_offset.y, self.size.width, 1)
    def action_move(self, by):
        old, self.at = self.at, max(0, min(COUNT - 1, self.at + by))
        self.refresh(self.line(old), self.line(self.at))
    def change(self, rows, turn):
        for row in rows:
            self.rows[row] = cells(row, turn)
        top = self.scroll_offset.y
        seen = [self.line(row) for row in rows if top <= row < top + self.size.height]
        if seen:
            self.refresh(*seen)

class Bare(Peer):
    def compose(self):
        yield Table()
    def change(self):
        rows = self.changing()
        self.query_one(Table).change(rows, self.turn)

Bare().run(mouse=False)
"""
)

DATATABLE = (
    COMMON
    + r"""
from textual.widgets import DataTable

class Full(Peer):
    BINDINGS = [("j", "move(1)"), ("k", "move(-1)")]
    def compose(self):
        yield DataTable(cursor_type="row")
    def on_mount(self):
        table = self.query_one(DataTable)
        for column in COLUMNS:
            table.add_column(column, key=column, width=8)
        for row in range(COUNT):
            table.add_row(*cells(row, 0), key=str(row))
        super().on_mount()
    def action_move(self, by):
        table = self.query_one(DataTable)
        table.move_cursor(row=table.cursor_row + by, animate=False)
    def change(self):
        table = self.query_one(DataTable)
        for row in self.changing():
            for column, value in zip(COLUMNS, cells(row, self.turn)):
                table.update_cell(str(row), column, value)

Full().run(mouse=False)
"""
)
