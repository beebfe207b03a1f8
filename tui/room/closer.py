"""A store that goes down is looked at whole, at once: the reason is in another pane, and its next look may be minutes away."""

from __future__ import annotations

from collections.abc import Callable

from tui.model.level import Level
from tui.model.reading import Reading
from tui.room.hub import Change, Hub

TRIGGER = "uptime"
PAUSE = 60.0
"""Seconds before the same store is looked at whole again: a flapping store must not start WP-CLI with each flap."""


class CloserLook:
    """Listens for uptime that turns CRIT, or that recovers, and asks for all probes of that site."""

    def __init__(self, hub: Hub, look: Callable[[str], None]) -> None:
        self._look = look
        self._was: dict[str, Level] = {}
        self._asked: dict[str, float] = {}
        hub.subscribe(self._hear)

    def _hear(self, change: Change) -> None:
        if not isinstance(change, Reading) or change.probe != TRIGGER:
            return
        was, self._was[change.site] = self._was.get(change.site), change.level
        turned = was is not None and was is not change.level and Level.CRIT in (was, change.level)
        if turned and change.at - self._asked.get(change.site, 0.0) >= PAUSE:
            self._asked[change.site] = change.at
            self._look(change.site)
