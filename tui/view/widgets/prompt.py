"""One line to type into. It opens at once (no mount to wait for), so the characters of a quick typist are never taken for keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from tui.model.text import one_line
from tui.view.look import style


class Prompt(Widget):
    """``sign`` stands before the text. ``changed(text)`` at each edit; ``done(text)`` at Enter, ``done(None)`` at Esc."""

    DEFAULT_CSS = "Prompt { height: 0; width: 1fr; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.value = ""
        self.active = False
        self._sign = "/"
        self._at = 0
        self._offers: Callable[[str], Sequence[str]] | None = None
        self._changed: Callable[[str], None] | None = None
        self._done: Callable[[str | None], None] = lambda _text: None

    def open(
        self,
        sign: str,
        done: Callable[[str | None], None],
        *,
        value: str = "",
        changed: Callable[[str], None] | None = None,
        offers: Callable[[str], Sequence[str]] | None = None,
    ) -> None:
        """Begin. ``offers(text)``: whole texts that it may become; tab takes the first."""
        self._sign, self._done, self._changed, self._offers = sign, done, changed, offers
        self.value, self._at, self.active = value, len(value), True
        self.styles.height = 1
        self.refresh(layout=True)

    def close(self) -> None:
        self.active = False
        self.styles.height = 0

    def feed(self, key: str, character: str | None, printable: bool) -> bool:
        """Take a key; whether it was used."""
        if key in ("enter", "escape"):
            self.close()
            self._done(self.value if key == "enter" else None)
        elif key == "tab":
            self._complete()
        elif printable and character:
            self.insert(character)
        else:
            return self._edit(key)
        return True

    def insert(self, text: str) -> None:
        """Put typed or pasted text in, as one harmless line."""
        text = text if text == " " else one_line(text)
        self._set(self.value[: self._at] + text + self.value[self._at :], self._at + len(text))

    def _edit(self, key: str) -> bool:
        at, value = self._at, self.value
        if key == "backspace":
            self._set(value[: max(0, at - 1)] + value[at:], max(0, at - 1))
        elif key == "delete":
            self._set(value[:at] + value[at + 1 :], at)
        elif key == "ctrl+u":
            self._set(value[at:], 0)
        elif key == "ctrl+w":
            start = value[:at].rstrip().rfind(" ") + 1
            self._set(value[:start] + value[at:], start)
        elif key in ("left", "right", "home", "end", "ctrl+a", "ctrl+e"):
            goes = {"left": at - 1, "right": at + 1, "end": len(value), "ctrl+e": len(value)}
            self._at = max(0, min(goes.get(key, 0), len(value)))
            self.refresh()
        else:
            return False
        return True

    def _set(self, value: str, at: int) -> None:
        self.value, self._at = value, at
        self.refresh()
        if self._changed:
            self._changed(value)

    def _offered(self) -> str:
        offers = self._offers(self.value) if self._offers else ()
        return next((offer for offer in offers if offer.startswith(self.value) and offer != self.value), "")

    def _complete(self) -> None:
        offered = self._offered()
        if offered:
            self._set(offered, len(offered))

    def render_line(self, _y: int) -> Strip:
        bar, width = style("bar-bold"), self.size.width
        before, rest = self.value[: self._at], self.value[self._at :]
        while before and cell_len(before) > width - 6:  # a long text is seen from where the cursor is
            before = before[1:]
        under = rest[:1] or " "
        hint = self._offered()[len(self.value) :] if not rest else ""
        segments = [
            Segment(f" {self._sign} ", style("bar-key")),
            Segment(before, bar),
            Segment(under, bar + Style(reverse=True)),
            Segment(rest[1:], bar),
            Segment(hint, style("bar")),
        ]
        return Strip(segments).adjust_cell_length(width, style("bar"))
