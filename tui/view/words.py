"""Levels, figures and times in words, the same on every screen. No Textual here."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, tzinfo

from tui.model.level import Level

_GLYPHS = {Level.OK: "✔", Level.WARN: "▲", Level.UNKNOWN: "?", Level.CRIT: "✖", None: "·"}
_ASCII = {Level.OK: "+", Level.WARN: "!", Level.UNKNOWN: "?", Level.CRIT: "x", None: "."}
_NAMES = {Level.OK: "OK", Level.WARN: "WARN", Level.UNKNOWN: "UNKNOWN", Level.CRIT: "CRIT", None: "FIRST LOOK"}
ORDER: tuple[Level | None, ...] = (Level.CRIT, Level.UNKNOWN, Level.WARN, Level.OK, None)
"""Worst first, as on the summary line; None is a site nobody has looked at yet."""


class Words:
    """How this viewer speaks: its language, its time zone, and whether it may use more than ASCII."""

    def __init__(self) -> None:
        self.ascii = False
        self._zone: tzinfo | None = None
        self._zone_name = ""
        self.translate: Callable[[str], str] = str

    def use_zone(self, name: str) -> None:
        """Show times in the IANA zone ``name``; an unknown name leaves this machine's own."""
        self._zone, self._zone_name = None, name

    @property
    def zone(self) -> tzinfo | None:
        """Looked up when the first time is shown: it costs reading files, which the first paint does not wait for."""
        if self._zone_name:
            from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

            name, self._zone_name = self._zone_name, ""
            try:
                self._zone = ZoneInfo(name)
            except (ZoneInfoNotFoundError, ValueError):
                self._zone = None
        return self._zone


WORDS = Words()
"""One viewer is one process with one language."""


def glyph(level: Level | None) -> str:
    return (_ASCII if WORDS.ascii else _GLYPHS)[level]


def level_word(level: Level | None) -> str:
    """Glyph and word, so that colour is never needed: ``✖ CRIT``."""
    return f"{glyph(level)} {_NAMES[level]}"


def level_name(level: Level | None) -> str:
    return _NAMES[level]


def style_of(level: Level | None) -> str:
    """The name of the level's style in :mod:`tui.view.look`."""
    return "first" if level is None else level.name.lower()


def age(seconds: float) -> str:
    """How long ago in steps that change seldom, so that a calm screen sends no bytes: ``now 15 s 30 s 1 min … 2 h 3 d``."""
    if seconds < 15:
        return "now"
    if seconds < 60:
        return "15 s" if seconds < 30 else "30 s"
    if seconds < 5400:
        return f"{int(seconds // 60)} min"
    if seconds < 172_800:
        return f"{int(seconds // 3600)} h"
    return f"{int(seconds // 86_400)} d"


def span(seconds: float | None) -> str:
    """A measured time: ``0.4 s``, ``12.3 s``, ``3 min 05 s``; a dash when there is none."""
    if seconds is None:
        return "-"
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60):02d} s"


def size(count: float) -> str:
    """Bytes with a binary unit: ``812 B``, ``4.2 MiB``."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(count) < 1024:
            return f"{count:.0f} {unit}" if unit == "B" or abs(count) >= 100 else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def local(at: float, pattern: str = "%H:%M:%S") -> str:
    """A Unix time in the room's zone; a time no calendar has is shown as the number it is."""
    try:
        return datetime.fromtimestamp(at, WORDS.zone).strftime(pattern)
    except (OverflowError, ValueError, OSError):
        return f"{at:.0f}"


def stamp(at: float, now: float) -> str:
    """A Unix time: the clock today, the day before and after that, the year when it is half a year away."""
    if abs(now - at) > 15_000_000:
        return local(at, "%Y-%m-%d")
    return local(at) if abs(now - at) < 43_200 else local(at, "%m-%d %H:%M")


def _plain(number: float) -> str:
    if isinstance(number, int) or number == int(number):
        return str(int(number))
    return f"{number:.1f}" if abs(number) >= 10 else f"{number:.2f}"


def figure(value: object, unit: str, now: float | None = None) -> str:
    """One value of a reading under its column's unit (see ``catalogue.Column``); unknown is a dash, never a zero."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, int | float):
        return str(value)
    if value != value or value in (float("inf"), float("-inf")):
        return "-"
    return _number(value, unit, time.time() if now is None else now)


def _number(value: float, unit: str, now: float) -> str:
    if unit == "B":
        return size(value)
    if unit == "at":
        return stamp(value, now)
    if unit == "age":
        return age(now - value)
    if unit == "ms":
        return f"{value:.0f} ms"
    if unit == "%":
        return f"{value:.0f}%"
    if unit == "days":
        return f"{value:.0f} d"
    if unit == "s":
        return f"{_plain(value)} s"
    if unit.startswith("/"):
        return (f"{value:.1f}".removesuffix(".0") if abs(value) < 100 else f"{value:.0f}") + unit
    return _plain(value)


RIGHT = frozenset({"ms", "s", "%", "B", "/min", "age", "days"})
"""Units that are aligned to the right."""
