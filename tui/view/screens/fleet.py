"""All stores in one table: which is hurt, and why."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from textual import events
from textual.widget import Widget

from tui.view import acting, fleet
from tui.view.keys import Key
from tui.view.query import Test, parse
from tui.view.screens.base import RoomScreen, table_keys
from tui.view.views import View
from tui.view.widgets.grid import Cell
from tui.view.widgets.lines import Lines
from tui.view.widgets.table import VirtualTable

if TYPE_CHECKING:
    from tui.view.board import Change

RESORT = 0.3
"""Seconds in which changes of order are gathered, so that rows do not dance."""
DETAIL = 0.04
"""Seconds the detail strip waits for the cursor to rest: the row under the key is painted first."""


class FleetScreen(RoomScreen):
    """The ground on which all else stands. Also the base of the wall, which shows the same rows as cards."""

    title_words = "Fleet"
    explain = (
        "Every store of this room, the worst first. A level is the worst of a store's readings: CRIT is broken, UNKNOWN means we could not "
        "look (it says nothing about the shop), WARN needs eyes, OK is fine; a dot is a first look under way. Below the table stands why "
        "the selected store is what it is and what to do. Enter opens a store; / filters by words, !words, -f fuzzy or field:value "
        "(level, name, platform, host, tag, layout, env); ! keeps only stores that are not OK; o sorts; space marks."
    )

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self.filter = ""
        self.faults = False
        self.sort = fleet.BY_LEVEL
        self.reverse = False
        self._test: Test | None = None
        self._sorting = False
        self._detailing = False

    def body(self) -> Iterable[Widget]:
        yield Lines(id="summary", lines=1)
        yield VirtualTable((), self._cells, id="table")
        yield Lines(id="detail", lines=fleet.detail_height(self.viewer.size.height))

    @property
    def table(self) -> VirtualTable:
        return self.query_one("#table", VirtualTable)

    def on_mount(self) -> None:
        super().on_mount()
        self.table.on_cursor = self._later_detail
        self.table.on_open = self.open_site
        self.rebuild()

    def _cells(self, site: str) -> Sequence[Cell]:
        return fleet.cells(self.viewer.board, site, time.time())

    def resumed(self) -> None:
        self.rebuild()

    def rebuild(self) -> None:
        """Columns, rows and all else anew."""
        self.table.set_columns(fleet.columns(self.viewer.board.catalogue))
        self.table.touch()
        self.resort()

    def resort(self) -> None:
        """Filter and order anew; the cursor stays on its store."""
        self._sorting = False
        if not self.ready:
            return
        board = self.viewer.board
        rows = fleet.order(board, self._test, self.faults, self.sort, self.reverse)
        self.table.empty = fleet.why_empty(self.viewer, bool(self._test), self.faults)
        self.table.set_sort(self.sort if self.sort != fleet.BY_LEVEL else "level", self.reverse)
        self.table.set_rows(rows)
        self._summary()
        self._later_detail()

    def board_changed(self, change: Change) -> None:
        super().board_changed(change)
        if change.fleet:
            self.rebuild()
            return
        self.table.touch(change.sites)
        if change.levels:
            self._summary()
        moves = change.levels or (change.sites and (self.sort not in (fleet.BY_LEVEL, fleet.BY_NAME) or self._test))
        if moves and not self._sorting:
            self._sorting = True
            self.set_timer(RESORT, self.resort)
        if self.table.cursor_key in change.sites:
            self._later_detail()

    def tick(self) -> None:
        self.table.touch()
        self._detail()

    def _summary(self) -> None:
        self.query_one("#summary", Lines).show([fleet.summary(self.viewer.board, len(self.table.rows), self.filter, self.faults)])

    def _later_detail(self) -> None:
        if not self._detailing:
            self._detailing = True
            self.set_timer(DETAIL, self._detail)

    def _detail(self) -> None:
        self._detailing = False
        if self.ready:
            lines = fleet.detail(self.viewer.board, self.table.cursor_key, time.time(), self.size.width, self.size.height)
            self.query_one("#detail", Lines).show(lines)

    def on_resize(self, event: events.Resize) -> None:
        super().on_resize(event)
        self._later_detail()

    def targets(self) -> tuple[str, ...]:
        """The marked stores, or the one under the cursor."""
        table = self.table
        marked = tuple(site for site in table.rows if site in table.marks)
        return marked or ((table.cursor_key,) if table.cursor_key else ())

    def open_site(self) -> None:
        key = self.table.cursor_key
        if key is None:
            self.viewer.tell("there is no store to open")
        else:
            self.viewer.go(View("site", (key,)))

    def keys(self) -> list[Key]:
        return [
            Key(("enter", "right"), "open", self.open_site, shown=True),
            *fleet.table_keys(self),
            *acting.keys(self, self.targets),
            *table_keys(self.table),
        ]

    def set_filter(self, text: str) -> None:
        """Keep the stores that ``text`` asks for; "" keeps all."""
        self.filter, self._test = text, parse(text)
        self.resort()
