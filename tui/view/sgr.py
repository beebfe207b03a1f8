"""Colours and attributes of a terminal cell, and the shortest way from one set to another."""

from __future__ import annotations

from collections.abc import Iterator

Style = tuple[int, str, str]
"""Attribute bits (see ATTRIBUTES), foreground and background as SGR parameters ("" for the default)."""

PLAIN: Style = (0, "", "")
ATTRIBUTES = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "21", "51", "52", "53")
"""SGR parameters that switch an attribute on; its bit is its place here (ECMA-48, section 8.3.117)."""
_BIT = {code: 1 << place for place, code in enumerate(ATTRIBUTES)}
_OFF = (("22", _BIT["1"] | _BIT["2"]), ("23", _BIT["3"]), ("24", _BIT["4"]), ("27", _BIT["7"]), ("29", _BIT["9"]))
"""What switches attributes off one by one. Blink, conceal, double underline, frames: terminals disagree, so these go by a full reset."""
_SINGLE = sum(bits for _, bits in _OFF)
_FORE = frozenset(map(str, (*range(30, 38), *range(90, 98))))
_BACK = frozenset(map(str, (*range(40, 48), *range(100, 108))))
_COLOUR_LENGTH = {"5": 3, "2": 5}


def applied(style: Style, parameters: str) -> Style | None:
    """``style`` after ``ESC [ parameters m``; None for parameters this does not know."""
    flags, fore, back = style
    for code in _codes(parameters):
        if code == "0":
            flags, fore, back = PLAIN
        elif code in _BIT:
            flags |= _BIT[code]
        elif code in _FORE or code.startswith("38;"):
            fore = code
        elif code in _BACK or code.startswith("48;"):
            back = code
        elif code == "39":
            fore = ""
        elif code == "49":
            back = ""
        else:
            off = dict(_OFF).get(code)
            if off is None:
                return None
            flags &= ~off
    return flags, fore, back


def _codes(parameters: str) -> Iterator[str]:
    """Parameters one by one, an extended colour as one; "?" for what is cut short."""
    parts = [part or "0" for part in parameters.split(";")]
    at = 0
    while at < len(parts):
        length = 1
        if parts[at] in ("38", "48"):
            length = _COLOUR_LENGTH.get(parts[at + 1] if at + 1 < len(parts) else "", 0)
            if not length or at + length > len(parts):
                yield "?"
                return
        yield ";".join(parts[at : at + length])
        at += length


def change(now: Style | None, then: Style) -> str:
    """The shortest sequence from ``now`` (None: unknown) to ``then``; "" when they are equal."""
    if now == then:
        return ""
    if then == PLAIN:
        return "\x1b[m"
    on = [code for place, code in enumerate(ATTRIBUTES) if then[0] >> place & 1]
    whole = ";".join([*([] if now == PLAIN else ["0"]), *on, *filter(None, then[1:])])
    if now is None or (now[0] | then[0]) & ~_SINGLE:
        return f"\x1b[{whole}m"
    step = ";".join(_step(now, then))
    return f"\x1b[{step if len(step) < len(whole) else whole}m"


def _step(now: Style, then: Style) -> Iterator[str]:
    gone = now[0] & ~then[0]
    held = now[0]
    for code, bits in _OFF:
        if gone & bits:
            yield code
            held &= ~bits
    for place, code in enumerate(ATTRIBUTES):
        if then[0] & ~held & (1 << place):
            yield code
    for before, after, default in ((now[1], then[1], "39"), (now[2], then[2], "49")):
        if before != after:
            yield after or default
