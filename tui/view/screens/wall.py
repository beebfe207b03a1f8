"""All stores as cards, to be read from two metres away."""

from __future__ import annotations

import time
from collections.abc import Iterable

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tui.view import fleet
from tui.view.board import Board
from tui.view.cells import fit, wrap
from tui.view.keys import Key
from tui.view.look import CURSOR, style
from tui.view.screens.fleet import FleetScreen
from tui.view.widgets.lines import Lines
from tui.view.widgets.table import VirtualTable
from tui.view.words import WORDS, age, figure, level_word, style_of

_BADGE = {"crit": "badge-crit", "warn": "badge-warn", "unknown": "badge-unknown", "ok": "ok", "first": "first"}
CARD = 4
"""Lines of a card: level and name, what hurts twice, figures."""


class Cards(VirtualTable):
    """The rows of the table as cards, as many beside one another as fit; the same cursor, the same order."""

    DEFAULT_CSS = "Cards { height: 1fr; width: 1fr; }"
    board: Board

    @property
    def across(self) -> int:
        return max(1, self.size.width // (26 if self.size.width < 200 else 32))

    @property
    def page(self) -> int:
        return max(1, self.size.height // CARD) * self.across

    def move_to(self, index: int) -> None:
        before, top = self.cursor, self._top
        super().move_to(index)
        if self._top % self.across:
            self._top = -(-self._top // self.across) * self.across
        if self._top != top:
            self.refresh()
        elif before != self.cursor:
            self._repaint((before, self.cursor))

    def _repaint(self, indexes: Iterable[int]) -> None:
        width = self.size.width // self.across
        places = [divmod(index - self._top, self.across) for index in indexes]
        regions = [Region(column * width, line * CARD, width, CARD) for line, column in places]
        if regions:
            self.refresh(*regions)

    def touch(self, keys: Iterable[str] | None = None) -> None:
        seen = self.rows[self._top : self._top + self.page]
        wanted = set(seen) if keys is None else set(keys)
        changed = []
        for index, key in enumerate(seen, start=self._top):
            if key in wanted and self._card(key) != self._cards.get(key):
                changed.append(index)
        self._repaint(changed)

    def on_mount(self) -> None:
        self._cards: dict[str, list[tuple[str, str]]] = {}

    def _card(self, site: str) -> list[tuple[str, str]]:
        """The four lines of one card with their styles."""
        board, now = self.board, time.time()
        card = board.sites.get(site)
        if card is None:
            return [("", "text")] * CARD
        level, worst = board.levels[site], board.worst(site)
        name = style_of(level)
        stale = worst is not None and worst.is_stale(now)
        summary = worst.summary.say() if worst else "first look…"
        probe = board.probe(worst.probe) if worst else None
        cause = f"{probe.title}: " if probe and name not in ("ok", "first") else ""
        width = self.size.width // self.across - 3
        text, more = [*wrap(cause + summary, width), ""][:2]
        body = "stale" if stale else "dim" if name in ("ok", "first") else name
        figures = self._figures(site, now) + (f"  {age(now - worst.at)}" if worst else "")
        return [(f"{level_word(level)}  {card.name}", _BADGE[name]), (text, body), (more, body), (figures, "dim")]

    def _figures(self, site: str, now: float) -> str:
        found = []
        for probe in self.board.catalogue.probes:
            reading = self.board.reading(site, probe.id)
            if reading is not None:
                found += [
                    f"{info.title} {figure(reading.values[info.key], info.unit, now)}"
                    for info in probe.fleet[:1]
                    if info.key in reading.values
                ]
        return " ".join(found[:2])

    def render_line(self, y: int) -> Strip:
        line, part = divmod(y, CARD)
        width, across = self.size.width // self.across, self.across
        segments: list[Segment] = []
        for column in range(across):
            index = self._top + line * across + column
            if index >= len(self.rows):
                break
            key = self.rows[index]
            card = self._cards[key] = self._card(key)
            segments += self._card_line(card[part], part, width, index == self.cursor, key in self.marks)
        if not segments and y == 0 and not self.rows:
            segments = [Segment(fit("  " + self.empty, self.size.width), style("dim"))]
        return Strip(segments).adjust_cell_length(self.size.width, style("text"))

    def _card_line(self, line: tuple[str, str], part: int, width: int, cursor: bool, marked: bool) -> list[Segment]:
        text, name = line
        sign = (">" if WORDS.ascii else "❯") if cursor and part == 0 else "*" if marked and part == 0 else " "
        base = CURSOR if cursor else Style()
        return [
            Segment(sign, style("mark") + base),
            Segment(fit(text, width - 3), style(name) if name.startswith("badge") else style(name) + base),
            Segment("  ", style("text")),
        ]


class WallScreen(FleetScreen):
    """The fleet as cards: same order, filter, marks and keys."""

    title_words = "Wall"
    explain = (
        "Every store as a card, the worst first: its level, what hurts, two figures and how long ago. Arrows move, Enter opens, w shows "
        "the table. " + FleetScreen.explain
    )

    def body(self) -> Iterable[Widget]:
        yield Lines(id="summary", lines=1)
        cards = Cards((), self._cells, id="table")
        cards.board = self.viewer.board
        yield cards
        yield Lines(id="detail", lines=fleet.detail_height(self.viewer.size.height))

    def keys(self) -> list[Key]:
        cards = self.table
        across = cards.across if isinstance(cards, Cards) else 1
        return [
            Key(("down", "j"), "card below", lambda: cards.move(across)),
            Key(("up", "k"), "card above", lambda: cards.move(-across)),
            Key(("right",), "next card", lambda: cards.move(1)),
            Key(("left",), "previous card", lambda: cards.move(-1)),
            *super().keys(),
        ]
