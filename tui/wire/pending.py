"""What changed and has not been told yet, in bounded memory: the newest of each thing wins."""

from __future__ import annotations

from collections import deque

from tui.model.reach import HostKey
from tui.model.reading import Reading
from tui.wire.messages import Delta, Event, FleetChanged, LogBatch, Notice, Run

EVENTS = 500
"""Events kept for someone who does not listen; the rest is counted as dropped and stays in the timeline."""

RECORDS, CHARACTERS = 10_000, 4_000_000
"""Log records, and characters in them, kept for someone who does not listen; the oldest go first and are counted."""


Change = Reading | Notice | Run | Event | HostKey | FleetChanged


class Changes:
    """Coalesces what a :class:`Delta` carries. Bounded by the number of things that exist, however long nobody takes it."""

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self.fleet: FleetChanged | None = None
        self._readings: dict[tuple[str, str], Reading] = {}
        self._notices: dict[str, Notice] = {}
        self._runs: dict[str, Run] = {}
        self._host_keys: dict[tuple[str, int], HostKey] = {}
        self._events: deque[Event] = deque(maxlen=EVENTS)
        self._viewers: int | None = None
        self.dropped = 0

    def put(self, change: Change) -> None:
        if isinstance(change, Reading):
            self._readings[change.site, change.probe] = change
        elif isinstance(change, Run):
            self._runs[change.id] = change
        elif isinstance(change, Event):
            self.dropped += len(self._events) == EVENTS
            self._events.append(change)
        elif isinstance(change, Notice):
            self._notices[change.id] = change
        elif isinstance(change, HostKey):
            self._host_keys[change.host, change.port] = change
        else:
            self._put_fleet(change)

    def put_delta(self, delta: Delta) -> None:
        changes: tuple[Change, ...] = (*delta.readings, *delta.notices, *delta.runs, *delta.events, *delta.host_keys)
        for change in changes:
            self.put(change)
        self.dropped += delta.dropped
        self._viewers = delta.viewers

    def put_viewers(self, viewers: int) -> None:
        self._viewers = viewers

    def _put_fleet(self, change: FleetChanged) -> None:
        """The fleet is told before the readings, so those of sites that are gone must not follow it."""
        self.fleet = change
        ids = {site.id for site in change.sites}
        self._readings = {key: reading for key, reading in self._readings.items() if key[0] in ids}

    def __bool__(self) -> bool:
        return bool(
            self._readings or self._notices or self._runs or self._events or self._host_keys or self.fleet
            or self.dropped or self._viewers is not None
        )  # fmt: skip

    def take(self, viewers: int = 0) -> tuple[FleetChanged | Delta, ...]:
        """Everything since the last take, in the order in which it must be told; empty when nothing changed. ``viewers`` is said
        where no newer number was put."""
        fleet, self.fleet = self.fleet, None
        told: tuple[FleetChanged | Delta, ...] = () if fleet is None else (fleet,)
        if not self:
            return told
        delta = Delta(
            readings=tuple(self._readings.values()),
            notices=tuple(self._notices.values()),
            runs=tuple(self._runs.values()),
            events=tuple(self._events),
            host_keys=tuple(self._host_keys.values()),
            viewers=viewers if self._viewers is None else self._viewers,
            dropped=self.dropped,
        )
        self._clear()
        return (*told, delta)


class Batches:
    """Log batches of one tail or of several that wait, bounded by ``RECORDS`` and ``CHARACTERS`` together."""

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self._waiting: deque[LogBatch] = deque()
        self._skipped: dict[int, int] = {}
        self._records = 0
        self._characters = 0

    def put(self, batch: LogBatch) -> int:
        """Keep a batch; returns how many records had to go for it."""
        self._waiting.append(batch)
        self._records += len(batch.records)
        self._characters += _characters(batch)
        dropped = 0
        while self._records > RECORDS or self._characters > CHARACTERS or len(self._waiting) > RECORDS:
            dropped += self._drop_oldest()
        return dropped

    def _drop_oldest(self) -> int:
        batch = self._waiting.popleft()
        self._records -= len(batch.records)
        self._characters -= _characters(batch)
        self._skipped[batch.tail] = self._skipped.get(batch.tail, 0) + len(batch.records) + batch.skipped
        if batch.done:  # the newest word on its tail: it outlives its records
            self._waiting.append(LogBatch(batch.tail, done=True))
        return len(batch.records)

    def forget(self, tail: int) -> None:
        """Nobody wants this tail any more."""
        self._waiting = deque(batch for batch in self._waiting if batch.tail != tail)
        self._records = sum(len(batch.records) for batch in self._waiting)
        self._characters = sum(map(_characters, self._waiting))
        self._skipped.pop(tail, None)

    def __bool__(self) -> bool:
        return bool(self._waiting or self._skipped)

    def take(self) -> list[LogBatch]:
        """All that waits, one batch a tail, each in order; what was dropped is told in ``skipped``."""
        gathered: dict[int, list[LogBatch]] = {tail: [LogBatch(tail, skipped=count)] for tail, count in self._skipped.items()}
        for batch in self._waiting:
            gathered.setdefault(batch.tail, []).append(batch)
        self._clear()
        return [_merge(tail, batches) for tail, batches in gathered.items()]


def _merge(tail: int, batches: list[LogBatch]) -> LogBatch:
    return LogBatch(
        tail,
        records=tuple(record for batch in batches for record in batch.records),
        skipped=sum(batch.skipped for batch in batches),
        notes=tuple(note for batch in batches for note in batch.notes),
        done=any(batch.done for batch in batches),
    )


def _characters(batch: LogBatch) -> int:
    return sum(len(record.text) + len(record.raw) for record in batch.records)
