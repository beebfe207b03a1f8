"""One store: every pane of the catalogue at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from textual import events
from textual.containers import Grid
from textual.widget import Widget

from tui.view import acting
from tui.view.keys import Key
from tui.view.screens.base import RoomScreen
from tui.view.views import View
from tui.view.widgets.lines import Lines
from tui.view.widgets.pane import Pane
from tui.view.words import level_word, style_of

if TYPE_CHECKING:
    from tui.view.board import Change


class SiteScreen(RoomScreen):
    """Panes in a grid; the one with the cursor is where j, k and Enter work."""

    DEFAULT_CSS = "SiteScreen > #panes { height: 1fr; width: 1fr; grid-gutter: 0; }"
    title_words = "Store"
    explain = (
        "One store, each probe in its own pane: level, summary, age, figures, table, evidence. A pane that could not look says at which "
        "step, why, and what to do; one that does not apply here says which key of sites.toml is missing. tab goes to the next pane, j "
        "and k choose a row, Enter (or the pane's key or number) fills the screen with it."
    )

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self.at = 0

    @property
    def site(self) -> str:
        return self.view.site

    def body(self) -> Iterable[Widget]:
        yield Lines(id="head")
        board = self.viewer.board
        with Grid(id="panes"):
            for number, probe in enumerate(board.catalogue.probes, start=1):
                yield Pane(board, self.site, probe, number)

    @property
    def panes(self) -> list[Pane]:
        return list(self.query(Pane))

    def on_mount(self) -> None:
        super().on_mount()
        self.lay_out(self.viewer.size.width)
        self.select(0)
        self.draw()

    def resumed(self) -> None:
        self.draw()

    def lay_out(self, width: int) -> None:
        """As many columns as give each pane some 38 cells at least, but at most three."""
        columns = max(1, min(3 if width >= 150 else 2 if width >= 76 else 1, len(self.panes)))
        grid = self.query_one("#panes", Grid)
        grid.styles.grid_size_columns = columns
        grid.styles.grid_size_rows = max(1, -(-len(self.panes) // columns))

    def on_resize(self, event: events.Resize) -> None:
        super().on_resize(event)
        self.lay_out(event.size.width)

    def select(self, index: int) -> None:
        panes = self.panes
        if panes:
            self.at = index % len(panes)
            for number, pane in enumerate(panes):
                pane.choose(number == self.at)

    def pane(self) -> Pane | None:
        panes = self.panes
        return panes[self.at] if panes else None

    def draw(self) -> None:
        board = self.viewer.board
        card = board.sites.get(self.site)
        if card is None:
            self.query_one("#head", Lines).show([[(" this store is no longer in sites.toml; q goes back", "warn")]])
            return
        level = board.levels[self.site]
        facts = " · ".join(part for part in (card.url, card.platform, card.layout, card.host, " ".join(card.tags)) if part)
        env = ("PROD", "prod") if card.production else ("test", "dim")
        self.query_one("#head", Lines).show(
            [[(f" {level_word(level)} ", f"badge-{style_of(level)}"), (f" {card.name} ", "bold"), env, (f"  {facts}", "dim")]]
        )
        for pane in self.panes:
            pane.draw()

    def board_changed(self, change: Change) -> None:
        super().board_changed(change)
        if change.fleet and [pane.probe for pane in self.panes] != list(self.viewer.board.catalogue.probes):
            self.refresh(recompose=True)
            self.call_after_refresh(self.on_mount)
        elif change.fleet or self.site in change.sites:
            self.draw()

    def tick(self) -> None:
        self.draw()

    def crumbs(self) -> str:
        card = self.viewer.board.sites.get(self.site)
        return card.name if card else self.site

    def open_pane(self) -> None:
        pane = self.pane()
        if pane is None:
            self.viewer.tell("there is no pane to open: the room has no probes")
        else:
            self.viewer.go(View("pane", (self.site,), pane.probe.id))

    def move_row(self, by: int) -> None:
        pane = self.pane()
        if pane is not None:
            pane.move(by)

    def chosen(self, probe: str) -> str:
        """The raw name of the selected row, when the cursor is in that probe's pane."""
        pane = self.pane()
        return pane.row_key if pane is not None and pane.probe.id == probe else ""

    def keys(self) -> list[Key]:
        return [
            Key(("enter",), "fill the screen", self.open_pane, shown=True),
            Key(("tab", "right"), "next pane", lambda: self.select(self.at + 1), shown=True),
            Key(("shift+tab", "left"), "previous pane", lambda: self.select(self.at - 1)),
            Key(("j", "down"), "next row", lambda: self.move_row(1)),
            Key(("k", "up"), "previous row", lambda: self.move_row(-1)),
            Key(("g", "home"), "first row", lambda: self.move_row(-(10**6))),
            Key(("G", "end"), "last row", lambda: self.move_row(10**6)),
            Key(("d",), "details of the row", self.open_pane),
            *acting.keys(self, lambda: (self.site,), self.chosen),
        ]
