"""The three keys a viewer needs before there is a room, read without the schema."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import NamedTuple

from tui.config.source import decode, local_path, read_bytes


class RoomPeek(NamedTuple):
    """``[room]`` as a viewer needs it. ``socket`` (expanded) and ``group`` are set for a team's room; ``state`` is the state folder."""

    socket: str | None = None
    group: str | None = None
    state: str | None = None


def peek_room(path: Path) -> RoomPeek:
    """``[room] socket, group, state`` of the file at ``path``; all None when the file is broken there: the room itself tells why.

    Raises ConfigError when the file cannot be read at all.
    """
    try:
        room = tomllib.loads(decode(path, read_bytes(path))).get("room", {})
    except (ValueError, RecursionError):
        return RoomPeek()
    if not isinstance(room, dict):
        return RoomPeek()
    socket, group, state = (value if isinstance(value := room.get(key), str) and value else None for key in ("socket", "group", "state"))
    return RoomPeek(socket and local_path(path, socket), group, state and local_path(path, state))
