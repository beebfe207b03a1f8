"""What the viewer needs of its connection, so that it depends on no transport: tests speak the same messages through memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # the first frame is painted before msgspec is needed
    from tui.model.message import Message
    from tui.wire.messages import Body, Bye, Delta, FleetChanged, LogBatch, Result, Welcome

    Push = Delta | FleetChanged | LogBatch | Bye


class Link(Protocol):
    """An open connection to a room that has said :class:`Welcome`."""

    @property
    def welcome(self) -> Welcome: ...

    async def request(self, body: Body) -> Result:
        """The room's answer. Raises LinkError when the room is gone."""
        ...

    def pushes(self) -> AsyncIterator[Push]:
        """Everything the room says by itself, in order; ends when the room is gone."""
        ...

    async def close(self) -> None: ...


Dial = Callable[[], Awaitable[Link]]
"""Opens a link, starting a room where the viewer may. Raises LinkError."""


class LinkError(Exception):
    """There is no room to talk to. ``remedy`` says what to do."""

    def __init__(self, message: Message, remedy: Message | None = None) -> None:
        super().__init__(message.say())
        self.message = message
        self.remedy = remedy


class OtherVersion(LinkError):
    """The room speaks another version than this viewer. ``idle``: it could be restarted now."""

    def __init__(self, message: Message, remedy: Message | None, theirs: int, idle: bool) -> None:
        super().__init__(message, remedy)
        self.theirs = theirs
        self.idle = idle
