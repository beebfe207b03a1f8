"""Log records counted by fault over the last hour."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from tui.model.level import Level
from tui.model.log import LogRecord
from tui.model.reading import Row

MOST = 200
"""Groups kept; the rarest go first."""

KEPT = 3600.0
"""Seconds after which a fault that is not seen again is forgotten."""

WINDOW = 300.0
"""Seconds over which a rate is taken."""

_TEXT = 300
COUNTED = {"warn": Level.WARN, "error": Level.WARN, "crit": Level.CRIT}
"""Levels of records that count, and how bad one of them looks in the pane."""


class Group(msgspec.Struct, array_like=True):
    """Records of one fault. ``first`` and ``last``: Unix seconds of the room's clock. ``minutes``: (minute since the epoch, records) of the
    last few minutes."""

    level: str
    count: int
    first: float
    last: float
    culprit: str
    source: str
    text: str
    minutes: list[tuple[int, int]] = []

    def rate(self, now: float) -> float:
        """Records per minute over the last five minutes."""
        return recent(self.minutes, now) / (WINDOW / 60)


def recent(minutes: list[tuple[int, int]], now: float) -> float:
    """Records within ``WINDOW`` before ``now``; the minute in which it begins counts by the part that lies within."""
    begin = now - WINDOW
    total = 0.0
    for minute, count in minutes:
        inside = min(1.0, max(0.0, ((minute + 1) * 60 - begin) / 60))
        total += count * inside
    return total


def restore(carried: Any) -> dict[str, Group]:
    """Groups as :func:`store` left them; what does not fit is forgotten (another version wrote it)."""
    try:
        return msgspec.convert(carried or {}, dict[str, Group])
    except msgspec.ValidationError:
        return {}


def store(groups: dict[str, Group]) -> dict[str, Any]:
    """Groups as plain values for ``Reading.carry``."""
    found = msgspec.to_builtins(groups)
    return found if isinstance(found, dict) else {}


def add(groups: dict[str, Group], records: Iterable[LogRecord], now: float, skew: float) -> None:
    """Count ``records`` into ``groups``. ``now``: the room's clock; ``skew``: the host's clock minus it. What is older than an
    hour, or below a warning, does not count."""
    for record in records:
        if record.level not in COUNTED:
            continue
        at = now if record.at is None else min(now, record.at - skew)
        if now - at > KEPT:
            continue
        group = groups.get(record.fingerprint)
        if group is None:
            text = record.text[:_TEXT]
            group = groups[record.fingerprint] = Group(record.level, 0, at, at, record.culprit, record.source, text)
        group.count += 1
        group.first, group.last = min(group.first, at), max(group.last, at)
        group.culprit = group.culprit or record.culprit
        _count(group.minutes, int(at // 60))


def _count(minutes: list[tuple[int, int]], minute: int) -> None:
    for at in range(len(minutes) - 1, -1, -1):
        if minutes[at][0] == minute:
            minutes[at] = (minute, minutes[at][1] + 1)
            return
    minutes.append((minute, 1))


def forget(groups: dict[str, Group], now: float) -> dict[str, Group]:
    """``groups`` without what is over: faults of more than an hour ago, minutes out of the window, all above ``MOST``."""
    alive = {key: group for key, group in groups.items() if now - group.last <= KEPT}
    for group in alive.values():
        group.minutes = sorted((minute, count) for minute, count in group.minutes if (minute + 1) * 60 > now - WINDOW)
    if len(alive) > MOST:
        best = sorted(alive, key=lambda key: (alive[key].level == "crit", alive[key].rate(now), alive[key].last), reverse=True)[:MOST]
        alive = {key: alive[key] for key in best}
    return alive


def rows(groups: dict[str, Group], now: float) -> list[Row]:
    """The pane's rows: fatal ones first, then by rate."""
    order = sorted(groups.items(), key=lambda item: (item[1].level != "crit", -item[1].rate(now), -item[1].count, -item[1].last))
    return [
        {
            "key": key,
            "level": COUNTED.get(group.level, Level.WARN).value,
            "count": group.count,
            "rate": round(group.rate(now), 1),
            "first": group.first,
            "last": group.last,
            "culprit": group.culprit,
            "source": group.source,
            "text": group.text,
        }
        for key, group in order
    ]
