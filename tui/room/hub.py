"""What changed in the room, told to whoever listens: the server's viewers, the timeline, tests."""

from __future__ import annotations

from collections.abc import Callable

from tui.model.reach import HostKey
from tui.model.reading import Reading
from tui.wire.messages import Event, FleetChanged, Notice, Run

Change = Reading | Notice | Run | Event | HostKey | FleetChanged
Listener = Callable[[Change], None]


class Hub:
    """Synchronous fan-out within the room's loop. A listener must return at once and must not raise."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Hear every change from now on; call the result to stop."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def publish(self, change: Change) -> None:
        """Tell all listeners, in the order in which they came."""
        for listener in tuple(self._listeners):
            listener(change)
