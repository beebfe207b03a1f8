"""PHP's own error log, WordPress' debug.log among them (grammar checked with PHP 8.2).

``[22-Nov-2026 20:17:32 Europe/Paris] PHP Warning:  message in /path/x.php on line 1``; an uncaught exception goes on over several lines.
"""

from __future__ import annotations

import re

from tui.logs._records import Clock, Records, php_record, record
from tui.model.log import LogFormat, LogRecord
from tui.model.site import LogSource

_STAMP = rb"\[(\d\d-(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)-\d{4} \d\d:\d\d:\d\d)(?: ([\w/+:-]{1,40}))?\] ?"
_HEADER = re.compile(rb"(?m)^" + _STAMP)
_HEAD = re.compile(_STAMP)


class PhpErrors:
    """A ``LogParser``: bytes of one error log, in order, to records."""

    def __init__(self, source: LogSource, offset: int) -> None:
        self._source = source
        self._clock = Clock(source, offset)
        self._records = Records(_HEADER)

    def feed(self, data: bytes) -> list[LogRecord]:
        return [self._parse(piece) for piece in self._records.feed(data) if piece.strip()]

    def flush(self) -> list[LogRecord]:
        return [self._parse(piece) for piece in self._records.flush() if piece.strip()]

    def _parse(self, piece: bytes) -> LogRecord:
        head = _HEAD.match(piece)
        if head is None:
            return record(self._source, "info", piece, None, piece, {})
        at = self._clock.at(head.group(1), "%d-%b-%Y %H:%M:%S", (head.group(2) or b"").decode("ascii"))
        return php_record(piece[head.end() :].rstrip(), self._source, at, piece, {})


FORMAT = LogFormat(id="php-error", title="PHP error log (WordPress debug.log)", parser=PhpErrors)
