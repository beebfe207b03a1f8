"""One probe of one site in a box: its state, its figures, the head of its table, its evidence."""

from __future__ import annotations

import time

from rich.segment import Segment
from textual import events
from textual.strip import Strip
from textual.widget import Widget

from tui.model.catalogue import ProbeInfo
from tui.model.reading import Reading
from tui.view.board import Board
from tui.view.cells import fit, width_of
from tui.view.look import style
from tui.view.readings import fact_spans, flow, headline, pane_columns, row_cell
from tui.view.widgets.grid import fit_columns, header_strip, row_strip
from tui.view.widgets.lines import strip_of, wrapped
from tui.view.words import WORDS, style_of

_BOX = {False: "╭─╮│╰╯", True: "+-+|++"}


class Pane(Widget):
    """Draws itself in whatever room it is given. The one with the cursor has a bright border and a row cursor."""

    DEFAULT_CSS = "Pane { height: 1fr; width: 1fr; }"

    def __init__(self, board: Board, site: str, probe: ProbeInfo, number: int) -> None:
        super().__init__(id=f"pane-{number}")
        self.board = board
        self.site = site
        self.probe = probe
        self.number = number
        self.focused_pane = False
        self.row = 0
        self._body: list[Strip] = []

    @property
    def reading(self) -> Reading | None:
        return self.board.reading(self.site, self.probe.id)

    @property
    def row_key(self) -> str:
        """The raw name of the selected row, "" when there is none."""
        rows = self.reading.rows if self.reading else ()
        return str(rows[self.row].get("key") or "") if self.row < len(rows) else ""

    def choose(self, focused: bool) -> None:
        if focused != self.focused_pane:
            self.focused_pane = focused
            self.draw()
            self.refresh()

    def move(self, by: int) -> None:
        rows = len(self.reading.rows) if self.reading else 0
        self.row = max(0, min(self.row + by, rows - 1))
        self.draw()

    def draw(self) -> None:
        """Compute the body anew; repaint only when it looks different."""
        if self.size.width < 6 or self.size.height < 3:
            return
        body = self._lines(self.size.width - 4, self.size.height - 2)
        if body != self._body:
            self._body = body
            self.refresh()

    def _lines(self, width: int, height: int) -> list[Strip]:
        now, reading = time.time(), self.reading
        lines = [strip_of(spans, width) for spans in wrapped(headline(self.board, self.site, self.probe, now), width)]
        if reading is None:
            return lines[:height]
        lines += [strip_of(facts, width) for facts in flow(fact_spans(reading, self.probe, now), width)[: max(1, height // 4)]]
        room = height - len(lines)
        if self.probe.columns and room > 1 and reading.rows:
            lines += self._table(reading, width, room, now)
        elif self.probe.columns and self.probe.empty and not reading.rows and reading.failure is None:
            lines.append(strip_of(((self.probe.empty, "dim"),), width))
        lines += [strip_of((("│ ", "line"), (line, "dim")), width) for line in reading.evidence[: max(0, height - len(lines))]]
        return lines[:height]

    def _table(self, reading: Reading, width: int, room: int, now: float) -> list[Strip]:
        columns = self.probe.columns
        fitted = fit_columns(pane_columns(columns), width)
        self.row = min(self.row, len(reading.rows) - 1)
        seen = min(room - 1, len(reading.rows))
        top = max(0, self.row - seen + 1)
        lines = [header_strip(fitted, width)]
        for index in range(top, min(top + seen, len(reading.rows))):
            cells = [row_cell(reading.rows[index], info, now) for info in columns]
            lines.append(row_strip(fitted, cells, width, self.focused_pane and index == self.row))
        return lines

    def on_resize(self, _event: events.Resize) -> None:
        self.draw()

    def on_mount(self) -> None:
        self.draw()

    def render_line(self, y: int) -> Strip:
        width, box = self.size.width, _BOX[WORDS.ascii]
        border = style("head" if self.focused_pane else "line")
        if y == 0:
            return self._title(width, box)
        if y == self.size.height - 1:
            return Strip([Segment(box[4] + box[1] * (width - 2) + box[5], border)], width)
        body = self._body[y - 1] if y - 1 < len(self._body) else Strip.blank(width - 4, style("text"))
        return Strip([Segment(box[3] + " ", border), *body, Segment(" " + box[3], border)], width)

    def _title(self, width: int, box: str) -> Strip:
        reading = self.reading
        border = style("head" if self.focused_pane else "line")
        sign = f" {self.number} " if self.number < 10 else " "
        key = f" {self.probe.key} " if self.probe.key else ""
        name = fit(self.probe.title, min(width_of(self.probe.title), max(1, width - 12)))
        level = style_of(reading.level if reading else None)
        used = 3 + len(sign) + width_of(name) + 1 + len(key)
        fill = box[1] * max(0, width - used)
        return Strip(
            [
                Segment(box[0] + box[1], border),
                Segment(sign, style("dim")),
                Segment(name + " ", style(level if level in ("crit", "warn", "unknown") else "bold")),
                Segment(fill, border),
                Segment(key, style("accent")),
                Segment(box[2], border),
            ]
        ).adjust_cell_length(width, style("line"))
