"""What logs say: one file per format, one line here."""

from __future__ import annotations

from tui.logs import nginx_error, php_error
from tui.model.log import LogFormat

FORMATS: tuple[LogFormat, ...] = (nginx_error.FORMAT, php_error.FORMAT)
