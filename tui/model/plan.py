"""What an action is going to do, computed before anything runs."""

from __future__ import annotations

import hashlib
import shlex

import msgspec

from tui.model.level import Level
from tui.model.message import Message


class Step(msgspec.Struct, frozen=True):
    """One exact command. ``argv`` is what runs, already with sudo or runuser. ``undo`` is the exact command that takes it back, None if
    nothing does. ``expect``: exit codes that are not a failure."""

    argv: tuple[str, ...]
    why: Message
    undo: tuple[str, ...] | None = None
    expect: tuple[int, ...] = (0,)

    @property
    def text(self) -> str:
        return shlex.join(self.argv)

    @property
    def undo_text(self) -> str | None:
        return None if self.undo is None else shlex.join(self.undo)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Steps of one action on one site. ``choice`` is the raw choice, ``subject`` its cleaned form for people. ``warnings`` are read
    before confirming. ``atomic`` False: a half-way state can be seen, and a warning says so. ``notes``: free data for ``prove``."""

    action: str
    site: str
    title: Message
    steps: tuple[Step, ...]
    choice: str = ""
    subject: str = ""
    warnings: tuple[Message, ...] = ()
    atomic: bool = True
    notes: dict[str, str] = {}

    @property
    def reversible(self) -> bool:
        return bool(self.steps) and all(step.undo is not None for step in self.steps)

    @property
    def hash(self) -> str:
        """SHA-256 over every field that matters to what runs; what is approved is what runs."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()


class Verdict(msgspec.Struct, frozen=True):
    """What the store looks like after the steps: read back, not hoped. ``offer``: an action id that would cure what is left."""

    level: Level
    message: Message
    evidence: tuple[str, ...] = ()
    offer: str = ""


class Refused(Exception):
    """An action that cannot be planned or may not run. ``message`` says why, ``remedy`` what would allow it."""

    def __init__(self, message: Message, remedy: Message | None = None) -> None:
        super().__init__(message.say())
        self.message = message
        self.remedy = remedy
