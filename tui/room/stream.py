"""One log of one site for one viewer: where we are in it, and the records read since."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from tui.logs import FORMATS
from tui.logs._cursor import Cursor, CursorRead
from tui.model.log import LogParser, LogRecord
from tui.model.message import Message, msg
from tui.model.site import LogSource, Site

LIMIT = 262_144
"""Bytes read of one file in one look; also how far back ``since`` reaches."""

_ALL_LINES = 999_999  # of the last LIMIT bytes

Place = tuple[str, Cursor | None, int, int]
"""Arguments of ``tui.logs._cursor.fragment``: path, cursor, limit, lines."""


class Got(NamedTuple):
    """What a look brought to a stream: something, more to read at once, and whether it ends here."""

    some: bool = False
    more: bool = False
    end: bool = False


class Stream:
    """Pure but for what it remembers: :meth:`feed` it what a look brought, take the records with :meth:`taken`."""

    def __init__(self, site: Site, source: LogSource, lines: int, since: float | None, follow: bool) -> None:
        self.site = site
        self.source = source
        self.follow = follow
        self._since = since
        self._lines = max(0, lines) if since is None else _ALL_LINES
        self._cursor: Cursor | None = None
        self._parser: LogParser | None = None
        self._held = False
        self._fresh = True
        self._at = 0.0
        self._before = False
        self._records: list[tuple[float, LogRecord]] = []
        self._notes: list[Message] = []
        self._trouble = ""

    @property
    def place(self) -> Place:
        """Where to read on. Equal for streams that have read equally far."""
        return (self.source.path, self._cursor, LIMIT, self._lines if self._cursor is None else 0)

    def feed(self, found: CursorRead | ValueError, offset: int) -> Got:
        """Take what a look brought. ``offset``: the host's local time minus UTC, in seconds."""
        if isinstance(found, ValueError):
            self._tell("garbled", msg("{log} of {site} cannot be read: {error}", **self._names, error=str(found)))
            return Got(end=not self.follow)
        self._mention(found)
        if found.cursor is not None:
            self._cursor = found.cursor
        parser = self._parsing(offset)
        if found.data:
            records = parser.feed(found.data)
            if self._fresh and found.cursor is not None and found.cursor.offset > len(found.data):
                records = _whole(records)
            self._fresh = False
            self._take(records)
            self._held = True
        end = not self.follow and not found.more
        if self._held and (end or not found.data):  # quiet for a look: what was held back for a continuation is whole
            self._take(parser.flush())
            self._held = False
        return Got(some=bool(found.data), more=found.more, end=end)

    def taken(self) -> list[tuple[float, LogRecord]]:
        """The records since the last call, each with the time to sort it by (a record without one goes with the one before)."""
        records, self._records = self._records, []
        return records

    def told(self) -> list[Message]:
        """What happened to the log since the last call."""
        notes, self._notes = self._notes, []
        return notes

    def lost(self, why: Message) -> None:
        """The host could not be reached; nothing is lost, we read on from where we are."""
        self._tell("lost", msg("{log} of {site}: {why}; trying again", **self._names, why=why.say()))

    def back(self) -> None:
        """The host answers."""
        if self._trouble == "lost":
            self._tell("", msg("{log} of {site}: back again", **self._names))

    def fault(self, what: str) -> None:
        """We ended it by a mistake of our own."""
        self._tell("fault", msg("{log} of {site}: a fault of storewatch itself ({what})", **self._names, what=what))

    @property
    def _names(self) -> dict[str, str]:
        return {"log": self.source.name, "site": self.site.name}

    def _parsing(self, offset: int) -> LogParser:
        if self._parser is None:
            kind = next(kind for kind in FORMATS if kind.id == self.source.format)
            self._parser = kind.parser(self.source, offset)
        return self._parser

    def _take(self, records: list[LogRecord]) -> None:
        for record in records:
            if record.at is not None:
                self._at = record.at
                self._before = self._since is not None and record.at < self._since
            if not self._before:
                self._records.append((self._at, msgspec.structs.replace(record, site=self.site.id, source=self.source.name)))

    def _mention(self, found: CursorRead) -> None:
        if found.missing:
            self._tell(found.missing, _missing(found, self._names))
        elif self._trouble and self._trouble != "lost":
            self._tell("", msg("{log} of {site}: there again", **self._names))
        if found.rotated:
            self._notes.append(msg("{log} of {site} was rotated", **self._names))
        if found.skipped:
            self._notes.append(msg("{log} of {site}: {bytes} bytes were left out", **self._names, bytes=found.skipped))
        elif found.gap:
            self._notes.append(msg("{log} of {site}: lines may have been lost on the host", **self._names))

    def _tell(self, trouble: str, note: Message) -> None:
        """Each trouble once, until it is another."""
        if trouble != self._trouble or not trouble:
            self._trouble = trouble
            self._notes.append(note)


def _whole(records: list[LogRecord]) -> list[LogRecord]:
    """Without the end of a record whose beginning lies before the first line that we read."""
    first = next((number for number, record in enumerate(records) if record.at is not None), 0)
    return records[first:]


def _missing(found: CursorRead, names: dict[str, str]) -> Message:
    words = {
        "absent": "{log} of {site} is not there",
        "denied": "{log} of {site} may not be read: {detail}",
        "folder": "{log} of {site} is a folder",
        "tools": "{log} of {site}: the host lacks {detail}",
    }
    return msg(words.get(found.missing, "{log} of {site} cannot be read: {detail}"), **names, detail=found.detail)
