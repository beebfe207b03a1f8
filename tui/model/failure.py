"""What went wrong on the way to a store, as a value."""

from __future__ import annotations

import msgspec

from tui.model.message import Message


class Failure(msgspec.Struct, frozen=True):
    """A look that did not succeed.

    ``step`` names where it stopped: ``dns connect jump login hostkey session command parse http tls config``.
    ``kind`` is the machine-readable reason within the step (``refused timeout changed-key unknown-key denied
    no-such-user limit lost sudo missing-tool garbled …``). ``remedy`` says what to do next. ``cause`` is equal for all
    failures that share one root (``jump:user@host:22``, ``host:web1:22``, ``room-network``), so that one outage is told once.
    """

    step: str
    kind: str
    message: Message
    remedy: Message | None = None
    cause: str = ""


class ReachError(Exception):
    """Raised by ``reach`` when it could not look or act; carries the Failure that becomes a Reading or a verdict."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message.say())
        self.failure = failure
