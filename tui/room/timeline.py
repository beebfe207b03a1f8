"""Everything the room saw and everyone did, in order."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from tui.model.level import Level
from tui.model.message import msg
from tui.model.reading import Reading
from tui.room.hub import Change, Hub
from tui.wire.messages import Event


class Shelf(Protocol):
    """Where events are kept: the history."""

    def put_event(self, event: Event) -> None: ...

    async def events(self, since: float, site: str, limit: int) -> tuple[Event, ...]: ...


class Timeline:
    """Publishes and keeps events, and notes by itself each change of a probe's level."""

    def __init__(self, hub: Hub, history: Shelf, clock: Callable[[], float] = time.time) -> None:
        self._hub = hub
        self._history = history
        self._began = clock()
        self._levels: dict[tuple[str, str], Level] = {}
        hub.subscribe(self._heard)

    def note(self, event: Event) -> None:
        """Tell all listeners and keep it. Returns at once: it is written with the next batch."""
        self._history.put_event(event)
        self._hub.publish(event)

    async def since(self, at: float, site: str = "", limit: int = 200) -> tuple[Event, ...]:
        """The newest ``limit`` events from ``at`` (Unix seconds) on, oldest first; of one site when ``site`` is given."""
        return await self._history.events(at, site, limit)

    def _heard(self, change: Change) -> None:
        if isinstance(change, Reading):
            self._compare(change)

    def _compare(self, reading: Reading) -> None:
        key = (reading.site, reading.probe)
        old = self._levels.get(key)
        self._levels[key] = reading.level
        # A first OK is no news; a first reading older than we are was noted by the room that took it.
        if old is reading.level or (old is None and (reading.level is Level.OK or reading.at < self._began)):
            return
        message = msg(
            "{probe} {old} -> {new}: {summary}",
            probe=reading.probe,
            old=old.value if old else "-",
            new=reading.level.value,
            summary=reading.summary.say(),
        )
        self.note(Event(at=reading.at, kind="level", site=reading.site, level=reading.level, message=message))
