"""What logs say, once read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from tui.model.site import LogSource


class LogRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One record of a log, all text cleaned. ``at``: Unix seconds, None when the line names no time. ``level``: one of
    ``debug info notice warn error crit``. ``fingerprint``: equal for records that differ only in numbers, ids, paths of releases and quoted
    values. ``culprit``: ``plugin:NAME``, ``theme:NAME`` or a file, "" when none is named. ``raw``: the whole record, may hold newlines."""

    source: str
    text: str
    level: str = "info"
    at: float | None = None
    fingerprint: str = ""
    culprit: str = ""
    raw: str = ""
    fields: dict[str, str] = {}
    site: str = ""


class LogParser(Protocol):
    """Turns the bytes of one file, in order, into records. A record that goes on in the next bytes is held back until ``flush``."""

    def feed(self, data: bytes) -> list[LogRecord]: ...

    def flush(self) -> list[LogRecord]: ...


class LogFormat(msgspec.Struct, frozen=True):
    """A log format. ``parser(source, offset)`` starts a parser; ``offset`` is the host's local time minus UTC in seconds."""

    id: str
    title: str
    parser: Callable[[LogSource, int], LogParser]
