"""Colours. All are entries of the 256-colour cube, chosen so that 16 colours keep the hue; none carries meaning alone."""

from __future__ import annotations

from functools import cache

from rich.style import Style

BACK = "#121212"
LINE = "#444444"
TEXT = "#d0d0d0"

_STYLES = {
    "text": TEXT,
    "dim": "#8a8a8a",
    "bold": f"bold {TEXT}",
    "head": "bold #87d7ff",
    "accent": "#5fafd7",
    "line": LINE,
    "bar": f"{TEXT} on #303030",
    "bar-bold": "bold #ffffff on #303030",
    "bar-key": "bold #87d7ff on #303030",
    "ok": "#5fd75f",
    "warn": "#ffd75f",
    "unknown": "#ff87ff",
    "crit": "bold #ff5f5f",
    "first": "#8a8a8a",
    "stale": "italic #8a8a8a",
    "mark": "bold #ffaf00",
    "badge-crit": "bold #ffffff on #d70000",
    "badge-warn": "bold #000000 on #ffd75f",
    "badge-unknown": "bold #000000 on #ff87ff",
    "badge-ok": "#5fd75f",
    "badge-first": "#8a8a8a",
    "badge-demo": "bold #000000 on #5fafd7",
    "badge-lock": "bold #000000 on #ffaf00",
    "prod": "bold #ff5f5f",
    "command": "#87d7ff",
}
CURSOR = Style.parse("on #005f87")
"""Laid over a row's own styles; the row is marked by a sign at its left as well."""


@cache
def style(name: str) -> Style:
    """The style called ``name``; an unknown name is plain text. Each has a background: a line of the Line API gets none by itself, and
    light text would vanish on a light terminal."""
    return Style(bgcolor=BACK) + Style.parse(_STYLES.get(name, TEXT))
