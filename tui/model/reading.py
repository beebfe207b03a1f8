"""What a probe saw."""

from __future__ import annotations

from typing import Any

import msgspec

from tui.model.failure import Failure
from tui.model.level import Level
from tui.model.message import Message

Value = str | int | float | bool | None
Row = dict[str, Value]


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """One look of one probe at one site.

    ``at``: when it was taken, Unix seconds of the room's clock. ``took``: seconds. ``every``: seconds to the next look (0: on
    demand); a reading older than ``2 * every + 5`` s is stale. ``values``: single figures by key, named in the probe's
    catalogue entry. ``rows``: the pane's table; the row key ``key`` is the raw name to hand back to an action and is
    not shown. ``evidence``: cleaned lines that prove the level. ``failure``: set when we could not look (level UNKNOWN) or, for
    checks over HTTP, why the shop does not answer. ``carry``: what the probe wants to see next time (log cursors,
    counters); it stays in the room and is kept over a restart.
    """

    probe: str
    site: str
    level: Level
    summary: Message
    at: float
    took: float = 0.0
    every: float = 0.0
    values: dict[str, Value] = {}
    rows: tuple[Row, ...] = ()
    evidence: tuple[str, ...] = ()
    failure: Failure | None = None
    carry: dict[str, Any] = {}

    def is_stale(self, now: float) -> bool:
        """Whether the reading is older than two intervals and five seconds at ``now`` (Unix seconds)."""
        return self.every > 0 and now - self.at > 2 * self.every + 5


def unknown(probe: str, site: str, at: float, failure: Failure, **more: Any) -> Reading:
    """The reading of a look that failed: UNKNOWN, with the failure's own words as summary."""
    return Reading(probe=probe, site=site, level=Level.UNKNOWN, summary=failure.message, at=at, failure=failure, **more)
