"""The one place where text from a store is made harmless."""

from __future__ import annotations

import re

LIMIT = 8192
"""Characters kept of one text unless the caller says otherwise."""

_DROP = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u08e2\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f"
    "\ufeff\ufff0-\ufffb\ud800-\udfff\ue000-\uf8ff\U000e0000-\U000e0fff\U000f0000-\U0010ffff]"
)
_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x9b[0-?]*[ -/]*[@-~]"  # CSI, 7 and 8 bit
    r"|\x1b[\]PX^_][^\x07\x1b\x9c]{0,4096}(?:\x07|\x1b\\|\x9c)?"  # OSC, DCS, SOS, PM, APC with their ends
    r"|\x1b[ -/]*[0-~]"
)


def clean(text: str, limit: int = LIMIT) -> str:
    """``text`` with nothing in it that a terminal or a markup reader would obey.

    Terminal sequences vanish whole; other control characters but newline and tab, C1, bidi controls, zero-width and private
    characters and lone surrogates are dropped; CR LF becomes newline, a lone CR a space. Longer than ``limit``
    characters: cut, ending in ``…``. Idempotent.
    """
    if len(text) > limit * 4:
        text = text[: limit * 4]
    if not text.isascii() or not text.isprintable():
        text = text.replace("\r\n", "\n").replace("\r", " ")
        previous = None
        while previous != text:  # what dropping joins may be a sequence again
            previous = text
            text = _DROP.sub("", _ESCAPES.sub("", text))
    return text if len(text) <= limit else text[: limit - 1] + "…"


def clean_bytes(data: bytes, limit: int = LIMIT) -> str:
    """``data`` decoded as UTF-8 (invalid bytes become U+FFFD) and cleaned."""
    return clean(data[: limit * 4].decode("utf-8", "replace"), limit)


def one_line(text: str, limit: int = 200) -> str:
    """Cleaned text on one line: newlines and tabs become spaces, runs of white space one."""
    return clean(" ".join(clean(text, limit * 4).split()), limit)
