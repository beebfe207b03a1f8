"""Log records of one or several stores as they come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from textual.widget import Widget

from tui.model.log import LogRecord
from tui.view.keys import Key
from tui.view.link import LinkError
from tui.view.logbuffer import LogBuffer
from tui.view.query import parse
from tui.view.screens.base import RoomScreen, table_keys
from tui.view.screens.text import TextDialog
from tui.view.views import View
from tui.view.widgets.grid import Cell, Col
from tui.view.widgets.lines import Lines, Spans
from tui.view.widgets.table import VirtualTable
from tui.view.words import local
from tui.wire.messages import LogBatch, No, StartTail, StopTail, Tailing

if TYPE_CHECKING:
    from tui.view.board import Change

NO_MATCH = "no record matches the filter"
QUIET = "no record yet: these logs are quiet (or sites.toml names none for this store)"
FLUSH = 0.1
"""Seconds in which batches are gathered before they are drawn."""
_LEVELS = {"crit": "crit", "alert": "crit", "emerg": "crit", "error": "crit", "warn": "warn", "notice": "text", "debug": "dim"}


class LogsScreen(RoomScreen):
    """A tail: follows its end until the cursor leaves it or it is paused; nothing that came is thrown away by a pause or a filter."""

    title_words = "Logs"
    explain = (
        "Records of the chosen stores, merged, newest below. While the cursor is on the last line the view follows; k or p holds it and "
        "new records wait. / filters what is shown (words, !word, level:error, source:name, site:id), e and E go to the next and the "
        "previous error, d shows one record with all its fields, f follows again."
    )

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self.buffer = LogBuffer()
        self.filter = ""
        self.follow = True
        self.state = "asking the room…"
        self.notes: list[str] = []
        self._tail: int | None = None
        self._dirty = False
        self._linked = True

    def body(self) -> Iterable[Widget]:
        many = len(self.view.sites) != 1
        columns = [Col("time", "time", 8), Col("level", "level", 6), Col("source", "source", 12, drop=3)]
        if many:
            columns.insert(1, Col("site", "store", 12, drop=1))
        yield VirtualTable([*columns, Col("text", "record", 20, grow=True)], self._cells, id="table")
        yield Lines(id="state")

    @property
    def table(self) -> VirtualTable:
        return self.query_one("#table", VirtualTable)

    def on_mount(self) -> None:
        super().on_mount()
        self.table.on_cursor = self._cursor_moved
        self.table.on_open = self.details
        self.viewer.attempt(self.begin())
        self.draw()

    async def begin(self) -> None:
        """Ask for the tail; after a lost room again, with what the last minutes hold."""
        try:
            result = await self.viewer.request(StartTail(self.view.sites))
        except LinkError as error:
            self.state = f"{error.message}"
        else:
            if isinstance(result, Tailing):
                self._tail, self.state = result.tail, ""
                self.viewer.session.hear(result.tail, self.take)
            elif isinstance(result, No):
                self.state = f"{result.message}" + (f" → {result.remedy}" if result.remedy else "")
        self.draw()

    async def on_unmount(self) -> None:
        if self._tail is None:
            return
        self.viewer.session.unhear(self._tail)
        if self.viewer.board.linked:
            self.viewer.attempt(self.viewer.request(StopTail(self._tail)))

    def board_changed(self, change: Change) -> None:
        super().board_changed(change)
        if change.fleet and not self._linked:
            self._linked = True
            self.viewer.attempt(self.begin())

    def tick(self) -> None:
        if not self.viewer.board.linked and self._linked:
            self._linked, self._tail, self.state = False, None, "the room is gone; the tail goes on when it is back"
            self.draw()

    def take(self, batch: LogBatch) -> None:
        """A batch came; drawn with the next flush."""
        self.buffer.add(batch.records, batch.skipped)
        self.notes += [note.say() for note in batch.notes]
        del self.notes[:-20]
        if batch.done:
            self.state = "the tail has ended"
        if not self._dirty:
            self._dirty = True
            self.set_timer(FLUSH, self.draw)

    def draw(self) -> None:
        if not self.ready:
            return
        self._dirty = True  # the rows move, not the person
        table = self.table
        table.empty = self.state or (NO_MATCH if self.filter else QUIET)
        if not self.buffer.paused:
            table.set_rows(self.buffer.rows())
            if self.follow:
                table.move_to(len(table.rows) - 1)
                self.follow = True
        self._dirty = False
        self.query_one("#state", Lines).show([self._state_spans()])

    def _state_spans(self) -> Spans:
        buffer = self.buffer
        mode = ("PAUSED", "badge-warn") if buffer.paused else ("following", "ok") if self.follow else ("held", "warn")
        spans = [(" ", "text"), mode, (f"  {len(self.table.rows)} of {buffer.total} records", "dim")]
        if buffer.waiting:
            spans.append((f"  {buffer.waiting} new wait", "mark"))
        if self.filter:
            spans.append((f"  /{self.filter}", "mark"))
        if buffer.skipped or buffer.lost:
            spans.append((f"  {buffer.skipped + buffer.lost} skipped", "warn"))
        word = self.state or (self.notes[-1] if self.notes else "")
        if word:
            spans.append((f"  {word}", "warn"))
        return spans

    def _cells(self, row: str) -> Sequence[Cell]:
        record = self.buffer.record(row)
        if record is None:
            return [Cell("")] * 5
        style = _LEVELS.get(record.level, "text")
        card = self.viewer.board.sites.get(record.site)
        cells = [Cell(local(record.at) if record.at is not None else "-", "dim"), Cell(record.level, style), Cell(record.source, "dim")]
        if len(self.view.sites) != 1:
            cells.insert(1, Cell(card.name if card else record.site, "accent"))
        return [*cells, Cell(record.text.split("\n", 1)[0], style)]

    def _cursor_moved(self) -> None:
        if not self._dirty:
            self.follow = self.table.cursor >= len(self.table.rows) - 1
            self.query_one("#state", Lines).show([self._state_spans()])

    def crumbs(self) -> str:
        names = [card.name for site in self.view.sites if (card := self.viewer.board.sites.get(site))]
        return "Logs › " + (", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else ""))

    def pause(self) -> None:
        if self.buffer.paused:
            self.buffer.resume()
            self.follow = True
        else:
            self.buffer.pause()
        self.draw()

    def go_end(self) -> None:
        if self.buffer.paused:
            self.buffer.resume()
        self.follow = True
        self.draw()

    def error(self, step: int) -> None:
        table = self.table
        index = self.buffer.next_error(table.rows, table.cursor, step)
        if index is None:
            self.viewer.tell("no error below" if step > 0 else "no error above")
        else:
            table.move_to(index)

    def set_filter(self, text: str) -> None:
        self.filter = text
        self.buffer.filter(parse(text))
        self.table.set_rows(self.buffer.rows())
        self.draw()

    def details(self) -> None:
        key = self.table.cursor_key
        record = self.buffer.record(key) if key is not None else None
        if record is None:
            self.viewer.tell("there is no record to show")
        else:
            self.viewer.push_screen(TextDialog("Log record", record_lines(record)))

    def keys(self) -> list[Key]:
        before = self.filter
        return [
            Key(("p",), "go on" if self.buffer.paused else "pause", self.pause, shown=True),
            Key(
                ("/",),
                "filter",
                lambda: self.prompt.open(
                    "/", lambda text: self.set_filter(before if text is None else text), value=before, changed=self.set_filter
                ),
                shown=True,
            ),
            Key(("e",), "next error", lambda: self.error(1), shown=True),
            Key(("E",), "previous error", lambda: self.error(-1), shown=True),
            Key(("d", "enter"), "details", self.details, shown=True),
            Key(("f", "G", "end"), "follow", self.go_end, shown=True),
            Key(("escape",), "clear filter or back", lambda: self.set_filter("") if self.filter else self.viewer.back()),
            *table_keys(self.table),
        ]


def record_lines(record: LogRecord) -> list[Spans]:
    """One record with all its fields, wrapped where it is long."""
    at = local(record.at, "%Y-%m-%d %H:%M:%S") if record.at is not None else "the line names no time"
    pairs = [("time", at), ("level", record.level), ("store", record.site), ("source", record.source), ("culprit", record.culprit)]
    pairs += list(record.fields.items())
    lines: list[Spans] = [[(f"{name:<12} ", "dim"), (value, "text")] for name, value in pairs if value]
    return [*lines, [], [(record.text, "bold")], [], [(record.raw if record.raw != record.text else "", "dim")]]
