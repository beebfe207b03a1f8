"""What a key does here: one table per screen from which dispatch, key bar, ``?``, palette and ``:`` all follow."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from textual.events import Key as KeyEvent

_SHOWN = {
    "space": "space",
    "escape": "esc",
    "enter": "enter",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "pageup": "pgup",
    "pagedown": "pgdn",
}


class Key(NamedTuple):
    """``keys``: characters (``G``, ``!``) or Textual names (``ctrl+l``, ``pageup``). ``shown``: in the key bar. ``why``: the reason it
    cannot work now, None when it can. ``name``: its word for ``:`` and the palette, "" for neither."""

    keys: tuple[str, ...]
    label: str
    run: Callable[[], object]
    shown: bool = False
    name: str = ""
    why: Callable[[], str | None] | None = None
    help: str = ""

    @property
    def sign(self) -> str:
        """The first key as people write it."""
        return show(self.keys[0])


def show(key: str) -> str:
    """A key as people write it: ``ctrl+l``, ``pgup``, ``G``."""
    return _SHOWN.get(key, key)


def pressed(event: KeyEvent) -> str:
    """The character of a printable key, else Textual's name of it."""
    if event.character is not None and event.is_printable and event.character != " ":
        return event.character
    return event.key


def find(table: Iterable[Key], key: str) -> Key | None:
    """The first entry of ``table`` that answers to ``key``."""
    return next((entry for entry in table if key in entry.keys), None)


MUSCLE = {"ctrl+d": "deletes", "ctrl+k": "kills"}
"""Keys that destroy elsewhere and must be harmless here."""
