"""What was done and what happened: the audit log with its commands, and the timeline."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from textual.widget import Widget

from tui.view.keys import Key
from tui.view.link import LinkError
from tui.view.query import parse
from tui.view.screens.base import RoomScreen, table_keys
from tui.view.screens.text import TextDialog
from tui.view.views import View
from tui.view.widgets.grid import Cell, Col
from tui.view.widgets.lines import Lines, Spans
from tui.view.widgets.table import VirtualTable
from tui.view.words import level_word, local, style_of
from tui.wire.messages import Audit, AuditLine, Event, GetAudit, GetTimeline, No, Timeline

if TYPE_CHECKING:
    from tui.view.board import Change

WHAT_STYLES = {"intent": "head", "outcome": "text", "refused": "warn", "undo": "warn"}


class RecordsScreen(RoomScreen):
    """A list that is fetched from the room, newest first, filtered with ``/``, one of it in full with ``d``."""

    columns: Sequence[Col] = ()

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self.filter = ""
        self.state = "asking the room…"
        self.note: Spans = ()

    def body(self) -> Iterable[Widget]:
        yield Lines(id="note")
        yield VirtualTable(self.columns, self.cells, id="table")

    @property
    def table(self) -> VirtualTable:
        return self.query_one("#table", VirtualTable)

    def on_mount(self) -> None:
        super().on_mount()
        self.table.on_open = self.details
        self.viewer.attempt(self.fetch())
        self.draw()

    async def fetch(self) -> None:
        """Ask the room anew; what it says no to is shown."""
        try:
            refusal = await self.ask()
        except LinkError as error:
            self.state = error.message.say()
        else:
            self.state = refusal.message.say() if refusal is not None else ""
        if self.ready:
            self.draw()

    @abstractmethod
    async def ask(self) -> No | None:
        """Fetch; the room's refusal, if that was its answer."""

    @abstractmethod
    def texts(self) -> list[str]:
        """One text per record, newest first, for the filter."""

    @abstractmethod
    def cells(self, key: str) -> Sequence[Cell]: ...

    @abstractmethod
    def lines(self, index: int) -> list[Spans]:
        """A record in full."""

    def draw(self) -> None:
        test = parse(self.filter)
        table = self.table
        table.empty = self.state or ("no line matches the filter" if self.filter else "nothing happened yet")
        table.touch()
        table.set_rows([str(index) for index, text in enumerate(self.texts()) if test is None or test({"": text.lower()})])
        self.query_one("#note", Lines).show([self.note] if self.note else [])

    def details(self) -> None:
        key = self.table.cursor_key
        if key is None:
            self.viewer.tell("there is nothing to show")
        else:
            self.viewer.push_screen(TextDialog(self.title_words, self.lines(int(key))))

    def set_filter(self, text: str) -> None:
        self.filter = text
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
            Key(("r",), "fetch again", self.fetch, shown=True),
            Key(("escape",), "clear filter or back", lambda: self.set_filter("") if self.filter else self.viewer.back()),
            *table_keys(self.table),
        ]

    def name_of(self, site: str) -> str:
        card = self.viewer.board.sites.get(site)
        return card.name if card else site


class AuditScreen(RecordsScreen):
    """Every intent and outcome, each line chained to the one before, with the exact commands."""

    title_words = "Audit and command log"
    explain = (
        "Everything anyone did through this room: the intent before the first command, the outcome after the last, refusals as well. "
        "Each line carries the hash of the one before, so a changed line is found. d shows the exact commands."
    )
    columns = (
        Col("at", "when", 14), Col("who", "who", 10), Col("what", "what", 8), Col("action", "action", 12), Col("site", "store", 14, drop=1),
        Col("detail", "commands or outcome", 24, grow=True),
    )  # fmt: skip

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self.records: list[AuditLine] = []

    async def ask(self) -> No | None:
        result = await self.viewer.request(GetAudit())
        if isinstance(result, Audit):
            sites = self.view.sites
            self.records = [line for line in reversed(result.lines) if not sites or line.site in sites or not line.site]
            broken = result.broken
            self.note = (
                ((" the chain of hashes is whole", "ok"),)
                if broken is None
                else (
                    (f" CHAIN BROKEN at line {broken}: somebody changed the record; `storewatch audit --verify` says more", "badge-crit"),
                )
            )
        return result if isinstance(result, No) else None

    def board_changed(self, change: Change) -> None:
        super().board_changed(change)
        if change.runs:
            self.viewer.attempt(self.fetch())

    def texts(self) -> list[str]:
        return [f"{line.who} {line.what} {line.action} {line.site} {line.detail} {' '.join(line.commands)}" for line in self.records]

    def cells(self, key: str) -> Sequence[Cell]:
        line = self.records[int(key)]
        when = line.at[5:19].replace("T", " ")
        said = line.detail or " ; ".join(line.commands)
        style = WHAT_STYLES.get(line.what, "text")
        site = Cell(self.name_of(line.site))
        return Cell(when, "dim"), Cell(line.who, "accent"), Cell(line.what, style), Cell(line.action), site, Cell(said, style)

    def lines(self, index: int) -> list[Spans]:
        line = self.records[index]
        pairs = {
            "line": str(line.seq), "at": line.at, "who": f"{line.who} (uid {line.uid})", "what": line.what, "action": line.action,
            "store": line.site, "reason": line.reason, "outcome": line.detail, "run": line.run, "plan": line.plan, "hash": line.hash,
        }  # fmt: skip
        found: list[Spans] = [[(f"{name:<9}", "dim"), (value, "text")] for name, value in pairs.items() if value]
        return [*found, [], *([("$ ", "dim"), (command, "command")] for command in line.commands)]


class TimelineScreen(RecordsScreen):
    """Everything the room saw and everyone did, newest first; new events join as they happen."""

    title_words = "Timeline"
    explain = "What happened, newest first: levels that changed, actions, changes of sites.toml, hosts that went and came back."
    columns = (
        Col("at", "when", 14),
        Col("kind", "kind", 7),
        Col("site", "store", 16),
        Col("who", "who", 10, drop=1),
        Col("text", "what", 24, grow=True),
    )

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self.records: list[Event] = []

    async def ask(self) -> No | None:
        result = await self.viewer.request(GetTimeline(site=self.view.site))
        if isinstance(result, Timeline):
            self.records = sorted(result.events, key=lambda event: -event.at)
        return result if isinstance(result, No) else None

    def board_changed(self, change: Change) -> None:
        super().board_changed(change)
        if change.events:
            known = {(event.at, event.message.id, event.site) for event in self.records}
            fresh = [event for event in self.viewer.board.events if (event.at, event.message.id, event.site) not in known]
            site = self.view.site
            self.records = sorted(
                [*self.records, *(event for event in fresh if not site or event.site == site)], key=lambda event: -event.at
            )[:1000]
            self.draw()

    def texts(self) -> list[str]:
        return [f"{event.kind} {event.site} {self.name_of(event.site)} {event.who} {event.message}" for event in self.records]

    def cells(self, key: str) -> Sequence[Cell]:
        event = self.records[int(key)]
        style = style_of(event.level) if event.level else "text"
        return (
            Cell(local(event.at, "%m-%d %H:%M:%S"), "dim"),
            Cell(event.kind, "dim"),
            Cell(self.name_of(event.site), "bold"),
            Cell(event.who, "accent"),
            Cell((f"{level_word(event.level)} " if event.level else "") + event.message.say(), style),
        )

    def lines(self, index: int) -> list[Spans]:
        event = self.records[index]
        pairs = {"at": local(event.at, "%Y-%m-%d %H:%M:%S"), "kind": event.kind, "store": self.name_of(event.site), "who": event.who}
        level: list[Spans] = [[(f"{'level':<8}", "dim"), (level_word(event.level), style_of(event.level))]] if event.level else []
        return [
            *([(f"{name:<8}", "dim"), (value, "text")] for name, value in pairs.items() if value),
            *level,
            [],
            [(event.message.say(), "text")],
        ]
