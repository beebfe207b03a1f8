"""What logs say: one file per format, one line here."""

from __future__ import annotations

from tui.model.log import LogFormat
from tui.model.registry import load

FORMATS: tuple[LogFormat, ...] = load(
    __name__, "FORMAT", (
        "nginx_error",
        "php_error",
    ),
)  # fmt: skip
"""Every log format."""
