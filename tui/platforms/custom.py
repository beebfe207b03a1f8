"""A shop whose software has no adapter of its own: it is watched, and what needs to know its software is not offered."""

from __future__ import annotations

from tui.model.shop import Platform

PLATFORM = Platform(
    id="custom",
    title="custom",
    fatal_marks=(
        (b"<b>Fatal error</b>:", "PHP fatal error"),
        (b"<b>Parse error</b>:", "PHP parse error"),
        (b"PHP Fatal error:", "PHP fatal error"),
    ),
)
