"""What is not written yet. Bounded: a full disk must not eat the memory too."""

from __future__ import annotations

import sys
from collections import deque
from dataclasses import dataclass, field

from tui.model.reading import Reading
from tui.room.readings import LAST_GOOD
from tui.wire.messages import Event

MICRO = 1_000_000
MINUTE = 60 * MICRO
LEVEL = ""
"""The key under which the level's rank (0 OK to 3 CRIT) of each look is kept."""
MOST_VALUES = 100_000
MOST_EVENTS = 5_000
MOST_MINUTES = 2_000
"""Minutes of one batch: all series end theirs at once, and that many rows would hold the loop."""

_LARGEST = sys.float_info.max

Key = tuple[str, str, str]
"""Site, probe, key."""


@dataclass(slots=True)
class Minute:
    """What a figure was within one minute that began at ``at`` (microseconds)."""

    at: int
    low: float
    high: float
    total: float
    count: int = 1

    def take(self, value: float) -> None:
        self.low, self.high = min(self.low, value), max(self.high, value)
        self.total += value
        self.count += 1


@dataclass
class Batch:
    """One transaction. ``values``: (key, microseconds, value)."""

    values: list[tuple[Key, int, float]] = field(default_factory=list)
    minutes: list[tuple[Key, Minute]] = field(default_factory=list)
    latest: dict[tuple[str, str], Reading] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    heads: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.values or self.minutes or self.latest or self.events or self.heads)

    @property
    def keys(self) -> set[Key]:
        return {value[0] for value in self.values} | {minute[0] for minute in self.minutes}


class Pending:
    """Gathers until ``take``; ``give_back`` returns a batch that could not be written. ``dropped``: figures lost to the bound."""

    def __init__(self) -> None:
        self.values: deque[tuple[Key, int, float]] = deque(maxlen=MOST_VALUES)
        self.closed: deque[tuple[Key, Minute]] = deque(maxlen=MOST_VALUES)
        self.open: dict[Key, Minute] = {}
        self.latest: dict[tuple[str, str], Reading] = {}
        self.events: deque[Event] = deque(maxlen=MOST_EVENTS)
        self.heads: dict[str, str] = {}
        self.dropped = 0

    def add(self, reading: Reading) -> None:
        """Every finite number in ``reading.values`` and its level."""
        at = round(reading.at * MICRO)
        self.latest[reading.site, reading.probe] = reading
        self._value((reading.site, reading.probe, LEVEL), at, float(reading.level.rank))
        for name, value in reading.values.items():
            if isinstance(value, int | float) and not isinstance(value, bool) and name != LAST_GOOD and abs(value) < _LARGEST:
                self._value((reading.site, reading.probe, name), at, float(value))

    def take(self, at: int, *, latest: bool, everything: bool) -> Batch:
        """What is to be written at ``at`` (microseconds): minutes that are over, or with ``everything`` the one under way too."""
        over = [key for key, minute in self.open.items() if everything or minute.at + MINUTE <= at]
        if not everything:
            del over[MOST_MINUTES:]
        minutes = list(self.closed) + [(key, self.open.pop(key)) for key in over]
        batch = Batch(list(self.values), minutes, self.latest if latest or everything else {}, list(self.events), self.heads)
        self.values.clear()
        self.closed.clear()
        self.events.clear()
        self.heads = {}
        if latest or everything:
            self.latest = {}
        return batch

    def give_back(self, batch: Batch) -> None:
        """Put ``batch`` before what came since; the oldest goes when it is too much."""
        newer, self.values = self.values, deque(batch.values, MOST_VALUES)
        self.dropped += max(0, len(newer) + len(self.values) - MOST_VALUES)
        self.values.extend(newer)
        self.closed.extendleft(reversed(batch.minutes))
        events = [*batch.events, *self.events]
        self.events = deque(events, MOST_EVENTS)
        self.latest = {**batch.latest, **self.latest}
        self.heads = {**batch.heads, **self.heads}

    def _value(self, key: Key, at: int, value: float) -> None:
        if len(self.values) == MOST_VALUES:
            self.dropped += 1
        self.values.append((key, at, value))
        minute = self.open.get(key)
        if minute is not None and minute.at <= at < minute.at + MINUTE:
            minute.take(value)
            return
        if minute is not None:
            self.closed.append((key, minute))
        self.open[key] = Minute(at - at % MINUTE, value, value, value)
