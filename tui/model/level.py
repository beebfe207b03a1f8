"""How bad a reading is, and which of several is the worst."""

from __future__ import annotations

import enum
from collections.abc import Iterable


class Level(enum.Enum):
    """One of four answers. UNKNOWN means "we could not look": never OK, never down."""

    OK = "OK"
    WARN = "WARN"
    UNKNOWN = "UNKNOWN"
    CRIT = "CRIT"

    @property
    def rank(self) -> int:
        """0 (OK) to 3 (CRIT): CRIT before UNKNOWN before WARN before OK."""
        return _RANK[self]

    @staticmethod
    def worst(levels: Iterable[Level]) -> Level | None:
        """The highest ranked of ``levels``; None when there are none (nothing was looked at yet)."""
        return max(levels, key=lambda level: level.rank, default=None)


_RANK = {Level.OK: 0, Level.WARN: 1, Level.UNKNOWN: 2, Level.CRIT: 3}
