"""Records of a tail, bounded: what falls out is counted, what is filtered out stays. No Textual here."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from tui.model.log import LogRecord
from tui.view.query import Test

KEPT = 20_000
ERRORS = frozenset({"error", "crit", "alert", "emerg"})


class LogBuffer:
    """Records are known by their number since the start. While paused the rows stay as they are and new records wait; ``lost`` counts
    those that were dropped before anyone could see them."""

    def __init__(self, kept: int = KEPT) -> None:
        self._records: deque[LogRecord] = deque()
        self._first = 0
        self._kept = kept
        self._end: int | None = None
        self._rows: deque[int] = deque()
        self._test: Test | None = None
        self.skipped = 0
        self.lost = 0

    @property
    def total(self) -> int:
        """Number of the next record."""
        return self._first + len(self._records)

    @property
    def paused(self) -> bool:
        return self._end is not None

    @property
    def waiting(self) -> int:
        """Records that came since the pause and are still kept."""
        return 0 if self._end is None else self.total - max(self._end, self._first)

    def add(self, records: Sequence[LogRecord], skipped: int = 0) -> None:
        """Take a batch; ``skipped`` records were never sent to us."""
        self.skipped += skipped
        for record in records:
            if self._end is None and self._passes(record):
                self._rows.append(self.total)
            self._records.append(record)
        self._trim()

    def _trim(self) -> None:
        while len(self._records) > self._kept:
            self._records.popleft()
            if self._end is not None and self._first >= self._end:
                self.lost += 1
            self._first += 1
        while self._rows and self._rows[0] < self._first:
            self._rows.popleft()

    def pause(self) -> None:
        self._end = self.total

    def resume(self) -> None:
        self._end = None
        self._again()

    def filter(self, test: Test | None) -> None:
        """Show only what passes; nothing is thrown away."""
        self._test = test
        self._again()

    def _again(self) -> None:
        end = self.total if self._end is None else self._end
        self._rows = deque(number for number in range(self._first, end) if self._passes(self._records[number - self._first]))

    def _passes(self, record: LogRecord) -> bool:
        return self._test is None or self._test(fields(record))

    def rows(self) -> list[str]:
        return [str(number) for number in self._rows]

    def record(self, row: str) -> LogRecord | None:
        index = int(row) - self._first
        return self._records[index] if 0 <= index < len(self._records) else None

    def next_error(self, rows: Sequence[str], at: int, step: int) -> int | None:
        """Index in ``rows`` of the next error (``step`` 1) or the one before (-1); None when there is none."""
        index = at + step
        while 0 <= index < len(rows):
            record = self.record(rows[index])
            if record is not None and record.level in ERRORS:
                return index
            index += step
        return None


def fields(record: LogRecord) -> dict[str, str]:
    """What a filter may ask of a record, in lower case."""
    found = {name: value.lower() for name, value in record.fields.items()}
    found.update(level=record.level, source=record.source.lower(), site=record.site.lower(), culprit=record.culprit.lower())
    found[""] = f"{record.text} {record.raw} {record.source} {record.site} {record.culprit} {record.level}".lower()
    return found
