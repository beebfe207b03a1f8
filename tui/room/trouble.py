"""Since when a store is in trouble: the start of the stopwatch of an action."""

from __future__ import annotations

from tui.model.level import Level
from tui.model.reading import Reading
from tui.room.hub import Change, Hub

PROBE = "uptime"


class Trouble:
    """Remembers, for each site, the first bad look of the uptime probe since it was last OK. A look that failed on our side (UNKNOWN)
    neither begins nor ends it."""

    def __init__(self, hub: Hub) -> None:
        self._since: dict[str, float] = {}
        hub.subscribe(self._hear)

    def since(self, site: str) -> float | None:
        """Unix seconds; None when the site is well or was never looked at."""
        return self._since.get(site)

    def _hear(self, change: Change) -> None:
        if not isinstance(change, Reading) or change.probe != PROBE:
            return
        if change.level is Level.OK:
            self._since.pop(change.site, None)
        elif change.level is not Level.UNKNOWN:
            self._since.setdefault(change.site, change.at)
