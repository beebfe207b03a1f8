"""A list to choose one from; what cannot be chosen stays in sight and says why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from textual.widget import Widget

from tui.view.keys import Key
from tui.view.query import parse
from tui.view.screens.base import Dialog, table_keys
from tui.view.widgets.grid import Cell, Col
from tui.view.widgets.table import VirtualTable

COLUMNS = (Col("label", "choice", 24, grow=True), Col("note", "", 24, grow=True))


class Item(NamedTuple):
    """``value`` goes back unchanged; ``refused``: why it cannot be chosen, "" when it can; ``preferred``: where the cursor starts."""

    value: str
    label: str
    note: str = ""
    refused: str = ""
    preferred: bool = False


class ChoiceDialog(Dialog):
    """Dismissed with the chosen value, or None. Choosing runs nothing: a plan follows."""

    def __init__(self, title: str, items: Sequence[Item]) -> None:
        super().__init__()
        self.title_words = title
        self.items = list(items)

    def body(self) -> Iterable[Widget]:
        yield VirtualTable(COLUMNS, self._cells, id="table")

    @property
    def table(self) -> VirtualTable:
        return self.query_one("#table", VirtualTable)

    def _cells(self, row: str) -> Sequence[Cell]:
        item = self.items[int(row)]
        if item.refused:
            return Cell(item.label, "dim"), Cell(f"not possible: {item.refused}", "dim")
        return Cell(item.label, "bold"), Cell(item.note, "text")

    def on_mount(self) -> None:
        super().on_mount()
        self.table.on_open = self.choose
        self.search("")
        start = next((index for index, item in enumerate(self.items) if item.preferred), 0)
        self.table.move_to(start)

    def search(self, text: str) -> None:
        test = parse(text)
        self.table.set_rows(
            [str(index) for index, item in enumerate(self.items) if test is None or test({"": f"{item.label} {item.note}".lower()})]
        )

    def choose(self) -> None:
        row = self.table.cursor_key
        if row is None:
            self.viewer.tell("there is nothing to choose")
            return
        item = self.items[int(row)]
        if item.refused:
            self.viewer.tell(f"{item.label}: {item.refused}", "warning")
        else:
            self.dismiss(item.value)

    def keys(self) -> list[Key]:
        return [
            Key(("enter",), "choose", self.choose, shown=True),
            Key(("escape", "q"), "cancel", lambda: self.dismiss(None), shown=True),
            *table_keys(self.table),
        ]
