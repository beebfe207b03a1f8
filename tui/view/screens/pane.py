"""One pane of one store, filling the screen."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from textual.widget import Widget

from tui.model.catalogue import ProbeInfo
from tui.model.reading import Reading, Row
from tui.view import acting
from tui.view.keys import Key
from tui.view.query import Test, parse
from tui.view.readings import fact_spans, flow, headline, pane_columns, row_cell, taken
from tui.view.screens.base import RoomScreen, table_keys
from tui.view.screens.text import TextDialog
from tui.view.views import View
from tui.view.widgets.grid import Cell
from tui.view.widgets.lines import Lines, Spans, wrapped
from tui.view.widgets.table import VirtualTable
from tui.view.words import figure

if TYPE_CHECKING:
    from tui.view.board import Change


class PaneScreen(RoomScreen):
    """State and figures above, the table in the middle, the evidence below."""

    title_words = "Pane"

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self.filter = ""
        self._test: Test | None = None
        self._rows: dict[str, Row] = {}

    @property
    def explain(self) -> str:  # type: ignore[override]
        info = self.info
        return (
            info.help if info else ""
        ) + " Above: what was seen and when. The table: one line each; d shows all of a row. Below: the evidence."

    @property
    def info(self) -> ProbeInfo | None:
        return self.viewer.board.probe(self.view.probe)

    @property
    def reading(self) -> Reading | None:
        return self.viewer.board.reading(self.view.site, self.view.probe)

    def body(self) -> Iterable[Widget]:
        yield Lines(id="facts", most=9)
        yield VirtualTable((), self._cells, id="table")
        yield Lines(id="evidence", most=8)

    @property
    def table(self) -> VirtualTable:
        return self.query_one("#table", VirtualTable)

    def on_mount(self) -> None:
        super().on_mount()
        self.table.on_open = self.details
        self.draw()

    def resumed(self) -> None:
        self.draw()

    def _cells(self, key: str) -> Sequence[Cell]:
        info, row = self.info, self._rows.get(key)
        if info is None or row is None:
            return [Cell("")] * (len(info.columns) if info else 0)
        return [row_cell(row, column, time.time()) for column in info.columns]

    def draw(self) -> None:
        info = self.info
        if info is None or self.view.site not in self.viewer.board.sites:
            self.query_one("#facts", Lines).show([[(" this store or pane is no longer there; q goes back", "warn")]])
            return
        reading, now = self.reading, time.time()
        width = max(20, self.size.width - 2)
        head = [[(" ", "text"), *spans] for spans in wrapped(self._head(info, reading, now), width)]
        self.query_one("#facts", Lines).show(head)
        self._table(info, reading)
        evidence = reading.evidence if reading else ()
        shown = evidence[: 8 if self.size.height >= 36 else 3]
        self.query_one("#evidence", Lines).show([[(" │ ", "line"), (line, "dim")] for line in shown])

    def _head(self, info: ProbeInfo, reading: Reading | None, now: float) -> list[Spans]:
        lines = headline(self.viewer.board, self.view.site, info, now)
        if reading is None:
            return lines
        lines.append([(taken(reading, now), "dim")])
        return lines + flow(fact_spans(reading, info, now), max(20, self.size.width - 2))

    def _table(self, info: ProbeInfo, reading: Reading | None) -> None:
        rows = reading.rows if reading else ()
        self._rows = {}
        for index, row in enumerate(rows):
            key = str(row.get("key") if row.get("key") is not None else index)
            self._rows[key if key not in self._rows else f"{key}\0{index}"] = row
        table = self.table
        table.set_columns(pane_columns(info.columns))
        table.empty = self._empty(info, reading)
        table.touch()
        table.set_rows([key for key, row in self._rows.items() if self._test is None or self._test(_fields(row))])

    def _empty(self, info: ProbeInfo, reading: Reading | None) -> str:
        if self.filter:
            return "no row matches the filter; / changes it, esc clears it"
        if reading is None or reading.failure is not None:
            return ""
        return info.empty if info.columns else ""

    def board_changed(self, change: Change) -> None:
        super().board_changed(change)
        if change.fleet or self.view.site in change.sites:
            self.draw()

    def tick(self) -> None:
        self.draw()

    def crumbs(self) -> str:
        card, info = self.viewer.board.sites.get(self.view.site), self.info
        return f"{card.name if card else self.view.site} › {info.title if info else self.view.probe}"

    def chosen(self, probe: str) -> str:
        key = self.table.cursor_key
        if probe != self.view.probe or key is None:
            return ""
        return str(self._rows[key].get("key") or "")

    def details(self) -> None:
        """Everything known of the selected row, and the evidence in full."""
        key, now = self.table.cursor_key, time.time()
        lines: list[Spans] = []
        if key is not None and (info := self.info):
            units = {column.key: (column.title, column.unit) for column in info.columns}
            for name, value in self._rows[key].items():
                title, unit = units.get(name, (name, ""))
                lines.append([(f"{title:<16} ", "dim"), (figure(value, unit, now), "text")])
            lines.append([])
        if self.reading is not None:
            lines += [[("│ ", "line"), (line, "text")] for line in self.reading.evidence]
        if lines:
            self.viewer.push_screen(TextDialog(self.crumbs(), lines))
        else:
            self.viewer.tell("there is nothing more to show here")

    def set_filter(self, text: str) -> None:
        self.filter, self._test = text, parse(text)
        self.draw()

    def keys(self) -> list[Key]:
        before = self.filter
        return [
            Key(("d", "enter"), "details", self.details, shown=True),
            Key(
                ("/",),
                "filter",
                lambda: self.prompt.open(
                    "/", lambda text: self.set_filter(before if text is None else text), value=before, changed=self.set_filter
                ),
                shown=True,
            ),
            Key(("escape",), "clear filter or back", lambda: self.set_filter("") if self.filter else self.viewer.back()),
            *table_keys(self.table),
            *acting.keys(self, lambda: self.view.sites, self.chosen),
        ]


def _fields(row: Row) -> dict[str, str]:
    found = {name: str(value).lower() for name, value in row.items() if value is not None}
    return {**found, "": " ".join(found.values())}
