"""A virtual table on the Line API: only what is seen is drawn, only what changed is drawn again.

Textual's DataTable measures every cell and repaints 50 rows for a cursor that moved by one; with 5,000 sites of which a tenth change each
second that costs ten times the CPU (performance.md, P2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from textual import events
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tui.view.widgets.grid import Cell, Col, Fitted, fit_columns, header_strip, row_strip
from tui.view.widgets.lines import strip_of

Fetch = Callable[[str], Sequence[Cell]]
CACHE = 4000


class VirtualTable(Widget):
    """Rows are known by key; the cursor stays on its key while rows move under it. ``empty`` is said when there are none."""

    DEFAULT_CSS = "VirtualTable { height: 1fr; width: 1fr; }"

    def __init__(self, columns: Sequence[Col] = (), fetch: Fetch | None = None, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.rows: Sequence[str] = ()
        self.marks: set[str] = set()
        self.empty = ""
        self.sort = ""
        self.reverse = False
        self.on_cursor: Callable[[], None] | None = None
        self.on_open: Callable[[], None] | None = None
        self._columns = tuple(columns)
        self._fetch: Fetch = fetch or (lambda _key: ())
        self._fitted: Fitted = ()
        self._cursor = 0
        self._chosen = False  # nobody has moved the cursor yet: then it stays on top, wherever the first row goes
        self._top = 0
        self._strips: dict[str, Strip] = {}

    @property
    def cursor(self) -> int:
        return self._cursor

    @property
    def cursor_key(self) -> str | None:
        return self.rows[self._cursor] if self._cursor < len(self.rows) else None

    @property
    def page(self) -> int:
        """Rows that are seen at once."""
        return max(1, self.size.height - 1)

    def set_columns(self, columns: Sequence[Col], fetch: Fetch | None = None) -> None:
        if fetch is not None:
            self._fetch = fetch
        if tuple(columns) != self._columns:
            self._columns = tuple(columns)
            self._fit()

    def set_sort(self, key: str, reverse: bool) -> None:
        if (key, reverse) != (self.sort, self.reverse):
            self.sort, self.reverse = key, reverse
            self.refresh()

    def set_rows(self, rows: Sequence[str]) -> None:
        """Show ``rows`` in this order, the cursor on the key where it was (or on the same line when that has gone)."""
        before, key = self.rows, self.cursor_key
        self.rows = rows
        if self._chosen and key is not None and (self._cursor >= len(rows) or rows[self._cursor] != key):
            try:
                self._cursor = rows.index(key)
            except ValueError:
                self._cursor = max(0, min(self._cursor, len(rows) - 1))
        if len(self._strips) > CACHE:
            self._strips.clear()
        self._cursor = max(0, min(self._cursor, len(rows) - 1))
        seen = slice(self._top, self._top + self.page)
        moved = self._settle()
        if moved or before[seen] != rows[seen]:
            self.refresh()
        if key != self.cursor_key and self.on_cursor:
            self.on_cursor()

    def touch(self, keys: Iterable[str] | None = None) -> None:
        """The cells of these rows (all: None) may have changed: repaint those that are seen and look different."""
        stale = set(self._strips) if keys is None else set(keys)
        seen = self.rows[self._top : self._top + self.page]
        changed = []
        for y, key in enumerate(seen, start=1):
            if key in stale:
                old = self._strips.pop(key, None)
                if old is None or self._strip(key) != old:
                    changed.append(Region(0, y, self.size.width, 1))
        for key in stale.difference(seen):
            self._strips.pop(key, None)
        if changed:
            self.refresh(*changed)

    def move(self, by: int) -> None:
        self.move_to(self._cursor + by)

    def move_to(self, index: int) -> None:
        """Put the cursor on row ``index``, at most to the ends; repaints two lines unless it scrolls."""
        self._chosen = True
        index = max(0, min(index, len(self.rows) - 1))
        if index == self._cursor:
            return
        old, self._cursor = self._cursor, index
        if self._settle():
            self.refresh()
        else:
            width = self.size.width
            self.refresh(*(Region(0, line - self._top + 1, width, 1) for line in (old, index)))
        if self.on_cursor:
            self.on_cursor()

    def toggle_mark(self) -> None:
        """Mark or unmark the row under the cursor and go on to the next."""
        key = self.cursor_key
        if key is None:
            return
        self._chosen = True
        self.marks ^= {key}
        self._strips.pop(key, None)
        self.refresh(Region(0, self._cursor - self._top + 1, self.size.width, 1))
        self.move(1)

    def _settle(self) -> bool:
        """Scroll so that the cursor is seen; whether that moved anything."""
        top = min(self._top, max(0, len(self.rows) - self.page))
        top = max(min(top, self._cursor), self._cursor - self.page + 1, 0)
        moved, self._top = top != self._top, top
        return moved

    def _fit(self) -> None:
        self._fitted = fit_columns(self._columns, self.size.width)
        self._strips.clear()
        self._settle()
        self.refresh()

    def on_resize(self) -> None:
        self._fit()

    def _strip(self, key: str) -> Strip:
        strip = self._strips.get(key)
        if strip is None:
            strip = row_strip(self._fitted, self._fetch(key), self.size.width, False, key in self.marks)
            self._strips[key] = strip
        return strip

    def render_line(self, y: int) -> Strip:
        if y == 0:
            return header_strip(self._fitted, self.size.width, self.sort, self.reverse)
        index = self._top + y - 1
        if index >= len(self.rows):
            text = self.empty if y == 1 and not self.rows else ""
            return strip_of((("  " + text, "dim"),), self.size.width)
        key = self.rows[index]
        if index == self._cursor:
            self._strip(key)  # so that touch() can tell whether the row under the cursor looks different
            return row_strip(self._fitted, self._fetch(key), self.size.width, True, key in self.marks)
        return self._strip(key)

    def text(self) -> str:
        """What is seen, for tests and screen readers."""
        return "\n".join(self.render_line(y).text.rstrip() for y in range(self.size.height))

    def on_click(self, event: events.Click) -> None:
        if event.y >= 1 and self._top + event.y - 1 < len(self.rows):
            again = self._top + event.y - 1 == self._cursor
            self.move_to(self._top + event.y - 1)
            if again and self.on_open:
                self.on_open()

    def on_mouse_scroll_down(self) -> None:
        self.move(3)

    def on_mouse_scroll_up(self) -> None:
        self.move(-3)
