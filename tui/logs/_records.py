"""What parsers of line logs share: cutting bytes into records, times without a zone, PHP's words."""

from __future__ import annotations

import itertools
import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tui.logs._fingerprint import culprit, fingerprint
from tui.model.log import LogRecord
from tui.model.site import LogSource
from tui.model.text import clean, clean_bytes, one_line

CAP = 65_536
"""Bytes kept of one record and of one line; the rest of a longer one is dropped."""

_TEXT = 1000
_RAW = 16_384


class Records:
    """Cuts a stream of bytes into records. ``header`` matches (``(?m)^``) where a record begins; lines before the first
    header come one by one."""

    def __init__(self, header: re.Pattern[bytes]) -> None:
        self._header = header
        self._held = b""  # a begun record, then a begun line
        self._scanned = 0  # of it, known to hold no further header
        self._dropping = False  # inside a line that was too long

    def feed(self, data: bytes) -> list[bytes]:
        """Whole records; the last one is held back, because its next line may be on its way."""
        if self._dropping:
            newline = data.find(b"\n")
            if newline < 0:
                return []
            data, self._dropping = data[newline:], False
        data = self._held + data
        whole = data.rfind(b"\n") + 1
        starts = [match.start() for match in self._header.finditer(data, self._scanned, whole)]
        begun = self._scanned > 0
        found: list[bytes] = []
        cuts = ([0] if begun else []) + starts
        if not cuts:
            found, keep = data[:whole].splitlines(), whole
        else:
            if cuts[0]:
                found = data[: cuts[0]].splitlines()
            found.extend(data[a:b] for a, b in itertools.pairwise(cuts))
            keep = cuts[-1]
        self._hold(data[keep:], whole - keep)
        return found

    def flush(self) -> list[bytes]:
        """What was held back."""
        held, self._held, self._scanned, self._dropping = self._held, b"", 0, False
        return [held] if held.strip() else []

    def _hold(self, rest: bytes, whole: int) -> None:
        record, line = rest[:whole], rest[whole:]
        if len(record) > CAP:
            record = record[: CAP - 1] + b"\n"
        if len(line) > CAP:
            line, self._dropping = line[:CAP], True
        self._held, self._scanned = record + line, len(record)


class Clock:
    """Local times of a log to Unix seconds: by the source's ``timezone``, else by the host's ``offset`` to UTC in seconds."""

    def __init__(self, source: LogSource, offset: int) -> None:
        self._fixed: tzinfo = timezone(timedelta(seconds=max(-86_340, min(86_340, offset))))
        self._zones: dict[str, tzinfo] = {"UTC": UTC, "": self._fixed}
        if source.timezone:
            self._zones[""] = self._fixed = self.zone(source.timezone)
        self._last: tuple[bytes, float | None] = (b"", None)

    def zone(self, name: str) -> tzinfo:
        """An IANA name or ``+HH:MM``; the log's own zone when the name is unknown."""
        found = self._zones.get(name)
        if found is None:
            if len(self._zones) > 50:  # names come from the log
                return self._fixed
            found = self._zones[name] = self._look_up(name)
        return found

    def _look_up(self, name: str) -> tzinfo:
        shift = re.fullmatch(r"([+-])(\d\d):?(\d\d)", name)
        if shift:
            minutes = (int(shift[2]) * 60 + int(shift[3])) % 1440
            return timezone(timedelta(minutes=-minutes if shift[1] == "-" else minutes))
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return self._fixed

    def at(self, stamp: bytes, layout: str, zone: str = "") -> float | None:
        """Unix seconds of ``stamp`` as ``strptime`` reads it by ``layout``; None for a time that does not exist."""
        key = stamp + zone.encode()
        if self._last[0] != key:
            self._last = (key, self._read(stamp, layout, zone))
        return self._last[1]

    def _read(self, stamp: bytes, layout: str, zone: str) -> float | None:
        try:
            return datetime.strptime(stamp.decode("ascii"), layout).replace(tzinfo=self.zone(zone)).timestamp()
        except (ValueError, OverflowError):
            return None


def shown(data: bytes, limit: int) -> str:
    """``data`` cleaned, on one line, at most ``limit`` characters."""
    text = data[: limit * 4].decode("utf-8", "replace")
    if len(text) <= limit and text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()  # as nearly all are, and a log storm has many
    return one_line(text, limit)


_PHP_LEVELS = {
    b"Fatal error": "crit",
    b"Parse error": "crit",
    b"Compile error": "crit",
    b"Core error": "crit",
    b"Recoverable fatal error": "crit",
    b"Catchable fatal error": "crit",
    b"Warning": "warn",
    b"Startup Warning": "warn",
}
_PHP_KIND = re.compile(rb"PHP ([A-Z][\w ]{2,30}?):\s+")
_TRACE = re.compile(rb"\n(?:Stack trace:|#\d+ |  thrown in )")


def php_record(message: bytes, source: LogSource, at: float | None, whole: bytes, fields: dict[str, str]) -> LogRecord:
    """A message of PHP, with or without its ``PHP Kind:``. Unlabelled ones (``error_log("…")``) are notices, but for WordPress' own
    words for a failed query."""
    kind = _PHP_KIND.match(message)
    if kind is not None:
        level = _PHP_LEVELS.get(kind.group(1), "notice")
    else:
        level = "error" if message.startswith(b"WordPress database error") else "notice"
    trace = _TRACE.search(message)
    return record(source, level, message[: trace.start()] if trace else message, at, whole, fields, blame=message)


def record(
    source: LogSource, level: str, message: bytes, at: float | None, whole: bytes, fields: dict[str, str], blame: bytes = b""
) -> LogRecord:
    """A cleaned record with its fingerprint and culprit (looked for in ``blame``)."""
    return LogRecord(
        source=source.name,
        text=shown(message, _TEXT),
        level=level,
        at=at,
        fingerprint=fingerprint(level, message),
        culprit=shown(culprit(blame), 200) if blame else "",
        raw=clean(clean_bytes(whole.rstrip(b"\n"), _RAW), _RAW),
        fields=fields,
    )
