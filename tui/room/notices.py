"""What the room wants everyone to know until it says otherwise."""

from __future__ import annotations

import msgspec

from tui.model.level import Level
from tui.room.hub import Hub
from tui.wire.messages import Notice


class Notices:
    """The standing notices, by id. Saying the same again is not published again."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._standing: dict[str, Notice] = {}

    def post(self, notice: Notice) -> None:
        """Publish ``notice``; it replaces the one with its id. Level OK takes that one back."""
        if notice.level is Level.OK:
            self.clear(notice.id)
        elif self._standing.get(notice.id) != notice:
            self._standing[notice.id] = notice
            self._hub.publish(notice)

    def clear(self, notice_id: str) -> None:
        """Take a notice back: published once more with level OK. Unknown ids are fine."""
        gone = self._standing.pop(notice_id, None)
        if gone is not None:
            self._hub.publish(msgspec.structs.replace(gone, level=Level.OK, remedy=None))

    def current(self) -> tuple[Notice, ...]:
        """The standing notices, oldest id first."""
        return tuple(self._standing.values())
