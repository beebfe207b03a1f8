"""A few lines of styled text; repaints only lines that changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tui.view.cells import fit, safe, wrap
from tui.view.look import style

Spans = Sequence[tuple[str, str]]
"""One line as pairs of text and the name of its style."""


def plain(spans: Spans) -> str:
    return "".join(text for text, _ in spans)


def strip_of(spans: Spans, width: int, base: Style | None = None, right: Spans = ()) -> Strip:
    """The line in exactly ``width`` cells, cut with ``…``; ``right`` ends at the right edge and wins over ``spans``."""
    from rich.cells import cell_len

    tail = [(safe(text), name) for text, name in right]
    tail_width = sum(cell_len(text) for text, _ in tail)
    if tail_width > width:
        tail, tail_width = [], 0
    segments, used, room = [], 0, width - tail_width
    for text, name in spans:
        text = safe(text)
        length = cell_len(text)
        if used + length > room:
            segments.append(Segment(fit(text, room - used), style(name)))
            used = room
            break
        segments.append(Segment(text, style(name)))
        used += length
    if used < room:
        segments.append(Segment(" " * (room - used), base or style("text")))
    segments.extend(Segment(text, style(name)) for text, name in tail)
    if base is not None:
        segments = list(Segment.apply_style(segments, base))
    return Strip(segments, width)


def wrapped(lines: Iterable[Spans], width: int) -> list[Spans]:
    """``lines`` broken so that none is wider than ``width``; a broken line goes on under its first span's indent."""
    found: list[Spans] = []
    for spans in lines:
        if sum(len(text) for text, _ in spans) * 2 <= width and all(text.isprintable() for text, _ in spans):
            found.append(spans)
            continue
        found.extend(_wrap_spans(spans, width))
    return found


def _wrap_spans(spans: Spans, width: int) -> list[Spans]:
    if not spans:
        return [spans]
    lead, (last, name) = list(spans[:-1]), spans[-1]
    indent = min(len(plain(lead)), width // 2)
    parts = wrap(last, max(8, width - indent))
    return [[*lead, (parts[0], name)], *([(" " * indent, "text"), (part, name)] for part in parts[1:])]


class Lines(Widget):
    """As many lines as it was shown (at most ``most``); none takes no room. ``lines``: how many it begins with, so that the first
    frame is laid out once."""

    DEFAULT_CSS = "Lines { height: 0; width: 1fr; }"

    def __init__(self, *, id: str | None = None, base: str | None = None, most: int = 99, lines: int = 0) -> None:  # noqa: A002
        super().__init__(id=id)
        self._lines: list[tuple[Spans, Spans]] = [((), ())] * lines
        if lines:
            self.styles.height = lines
        self._base = None if base is None else style(base)
        self._most = most

    def show(self, lines: Sequence[Spans], right: Spans = ()) -> None:
        """Show ``lines``; ``right`` stands at the right end of the first."""
        fresh = [(spans, right if index == 0 else ()) for index, spans in enumerate(lines[: self._most])]
        before, self._lines = self._lines, fresh
        if len(before) != len(fresh):
            self.styles.height = len(fresh)
            self.refresh(layout=True)
            return
        width = self.size.width
        changed = [Region(0, y, width, 1) for y, (old, new) in enumerate(zip(before, fresh, strict=True)) if old != new]
        if changed:
            self.refresh(*changed)

    def text(self) -> str:
        """What is shown, for tests and for copying."""
        return "\n".join(plain(spans) + plain(right) for spans, right in self._lines)

    def render_line(self, y: int) -> Strip:
        if y >= len(self._lines):
            return Strip.blank(self.size.width, self._base or style("text"))
        spans, right = self._lines[y]
        return strip_of(spans, self.size.width, self._base, right)


class TextView(Widget):
    """Many lines, wrapped, scrolled by line and page. Nothing in it is markup."""

    DEFAULT_CSS = "TextView { height: 1fr; width: 1fr; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._source: list[Spans] = []
        self._shown: list[Spans] = []
        self.top = 0

    def show(self, lines: Sequence[Spans]) -> None:
        if list(lines) == self._source:
            return
        self._source = list(lines)
        self._flow()

    def _flow(self) -> None:
        if self.size.width:
            self._shown = wrapped(self._source, self.size.width)
        self.scroll_by(0)
        self.refresh()

    def on_resize(self) -> None:
        self._flow()

    def scroll_by(self, lines: int) -> None:
        """Move by ``lines``, not beyond the ends."""
        top = max(0, min(self.top + lines, len(self._shown) - self.size.height))
        if top != self.top:
            self.top = top
            self.refresh()

    @property
    def more(self) -> bool:
        """Whether there is text below what is seen."""
        return self.top + self.size.height < len(self._shown)

    def text(self) -> str:
        return "\n".join(plain(spans) for spans in self._source)

    def render_line(self, y: int) -> Strip:
        index = self.top + y
        spans = self._shown[index] if index < len(self._shown) else ()
        mark: Spans = (("▼" if index else "", "dim"),) if y == self.size.height - 1 and self.more else ()
        return strip_of(spans, self.size.width, None, mark)

    def on_mouse_scroll_down(self) -> None:
        self.scroll_by(3)

    def on_mouse_scroll_up(self) -> None:
        self.scroll_by(-3)
