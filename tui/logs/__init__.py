"""What logs say: one file per format, one line here."""

from __future__ import annotations

from tui.model.log import LogFormat

FORMATS: tuple[LogFormat, ...] = ()
