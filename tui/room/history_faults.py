"""What is said when the history cannot be kept, and how a file nobody can read is put out of the way."""

from __future__ import annotations

import errno
import logging
from pathlib import Path

from tui.model.level import Level
from tui.model.message import Message, msg
from tui.model.text import one_line
from tui.wire.messages import Notice

log = logging.getLogger(__name__)
TROUBLE, ASIDE = "history", "history-aside"
"""Ids of the notices."""


def is_damage(error: BaseException) -> bool:
    """Whether the file is no database (any more), rather than busy, full or out of reach."""
    words = str(error)
    return "file is not a database" in words or "malformed" in words


def trouble(name: str, error: BaseException, dropped: int) -> Notice:
    """The notice of a database that does not take or give. ``dropped``: figures lost so far because too many waited."""
    message, remedy = _said(name, error)
    if dropped:
        message = Message(message.id + "; {dropped} figures are lost", {**message.args, "dropped": dropped})
    return Notice(TROUBLE, Level.WARN, message, remedy)


def well(name: str) -> Notice:
    """Takes the notice of trouble back."""
    return Notice(TROUBLE, Level.OK, msg("the history is written again: {name}", name=name))


def put_aside(name: str, reason: str, where: Path) -> Notice:
    """``reason``: ``damaged`` or ``vN``."""
    message = msg(
        "the history at {name} was not readable ({reason}); it lies at {where} now, a new one was begun",
        name=name,
        reason=reason,
        where=str(where),
    )
    return Notice(ASIDE, Level.WARN, message, msg("nothing was deleted; to go back, stop the room and rename it"))


def refused(name: str, number: int) -> Notice:
    """A server's tables of another version: we neither use nor rename what others may be using."""
    message = msg("the history at {name} has version {number}, which this program does not know; nothing is kept", name=name, number=number)
    return Notice(TROUBLE, Level.WARN, message, msg("run the same version in all rooms, or name another database in [room] history"))


def set_aside(file: Path, mark: str) -> Path:
    """Rename ``file`` with its -wal and -shm to ``file.MARK.bak`` (numbered if that is taken). Raises OSError."""
    where = file.with_name(f"{file.name}.{mark}.bak")
    number = 1
    while where.exists():
        number += 1
        where = file.with_name(f"{file.name}.{mark}.{number}.bak")
    for tail in ("-wal", "-shm"):
        side = file.with_name(file.name + tail)
        if side.exists():
            side.rename(where.with_name(where.name + tail))
    file.rename(where)
    log.warning("%s was renamed to %s", file, where)
    return where


def _said(name: str, error: BaseException) -> tuple[Message, Message]:
    words = str(getattr(error, "orig", None) or error)
    if "disk is full" in words or getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
        return msg("the history cannot be written, the disk is full: {name}", name=name), msg(
            "free some space; what is seen waits in memory"
        )
    if "locked" in words:
        return msg("the history is locked by another program: {name}", name=name), msg(
            "end what holds it open; what is seen waits in memory"
        )
    if is_damage(error):
        return msg("the history is damaged: {name}", name=name), msg(
            "stop the room and start it again: it puts the file aside and begins a new one"
        )
    if "readonly" in words or "unable to open" in words or isinstance(error, OSError):
        return msg("the history cannot be opened for writing: {name}", name=name), msg(
            "make the file and its folder writable for the room's user"
        )
    remedy = msg("see the room's log; what is seen waits in memory and is written when the database answers again")
    return msg("the history does not work: {name}: {error}", name=name, error=one_line(words, 160)), remedy
