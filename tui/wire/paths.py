"""Where the room of a sites.toml lives. Light: the viewer needs it before there is anything to show."""

from __future__ import annotations

import hashlib
import os
import tomllib
from pathlib import Path
from typing import Any

import msgspec

VARIABLE = "STOREWATCH_STATE"
SOCKET_BYTES = 100
"""Longest socket path used as it is; the kernel's limit is 104 (macOS) or 108 (Linux)."""


class RoomPaths(msgspec.Struct, frozen=True):
    """``sites``: real path of sites.toml. ``state``: the state folder, ``folder`` the part of this sites.toml in it, mode 0700.
    ``group``: set for a team's room, whose ``socket`` is named in sites.toml and which viewers never start."""

    sites: Path
    state: Path
    folder: Path
    socket: Path
    lock: Path
    history: Path
    audit: Path
    known_hosts: Path
    log: Path
    team: bool = False
    group: str | None = None

    @classmethod
    def of(cls, sites_path: Path, state: Path | None = None) -> RoomPaths:
        """Paths for the file at ``sites_path``; nothing is made. The state folder is ``state``, else ``[room] state`` of the file, else
        ``$STOREWATCH_STATE``, else the user's. A broken file has no ``[room]``: the room that fails on it says why."""
        sites = Path(os.path.realpath(sites_path))
        room = _room_table(sites)
        top = _state_folder(state, room.get("state"), sites)
        key = hashlib.sha256(os.fsencode(sites)).hexdigest()[:16]
        folder = top / "rooms" / key
        socket = room.get("socket")
        return cls(
            sites=sites,
            state=top,
            folder=folder,
            socket=_local(sites, socket) if socket else _personal_socket(folder, key),
            lock=folder / "room.lock",
            history=folder / "history.sqlite",
            audit=folder / "audit.jsonl",
            known_hosts=folder / "known_hosts",
            log=folder / "room.log",
            team=bool(socket),
            group=room.get("group"),
        )


class Holder(msgspec.Struct, frozen=True):
    """What the room that holds a lock wrote into it."""

    pid: int
    version: str
    socket: str


def holder(lock: Path) -> Holder | None:
    """Who wrote the lock file last; None when nobody did or it is unreadable. Whether it still lives is for the socket to tell."""
    try:
        return msgspec.json.decode(lock.read_bytes(), type=Holder)
    except (OSError, msgspec.MsgspecError, UnicodeError):
        return None


def private_folder(path: Path) -> None:
    """Make ``path`` and what is missing above it, readable by its owner alone. Raises OSError, PermissionError when it is there and
    belongs to somebody else: in a shared temporary folder that would be a trap."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)
    info = path.lstat()
    if info.st_uid != os.getuid() or not path.is_dir() or path.is_symlink():
        raise PermissionError(1, "belongs to somebody else", str(path))
    if info.st_mode & 0o077:
        path.chmod(0o700)


def _room_table(sites: Path) -> dict[str, str]:
    try:
        with sites.open("rb") as file:
            room: Any = tomllib.load(file).get("room")
    except (OSError, ValueError, RecursionError):
        return {}
    wanted = ("socket", "group", "state")
    return {key: room[key] for key in wanted if isinstance(room.get(key), str) and room[key]} if isinstance(room, dict) else {}


def _state_folder(explicit: Path | None, of_file: str | None, sites: Path) -> Path:
    if explicit is not None:
        return Path(os.path.realpath(explicit.expanduser()))
    if of_file:
        return Path(os.path.realpath(_local(sites, of_file)))
    if from_environment := os.environ.get(VARIABLE):
        return Path(os.path.realpath(Path(from_environment).expanduser()))
    import platformdirs  # only where nothing else is said

    return platformdirs.user_state_path("storewatch")


def _local(sites: Path, text: str) -> Path:
    """A path as sites.toml names it: ``~`` expanded, relative to its folder."""
    return sites.parent / os.path.expanduser(text)  # noqa: PTH111 - Path.expanduser raises where there is no home


def _personal_socket(folder: Path, key: str) -> Path:
    socket = folder / "socket"
    if len(os.fsencode(socket)) <= SOCKET_BYTES:
        return socket
    import tempfile  # only here: it brings random and shutil with it

    return Path(tempfile.gettempdir()) / f"storewatch-{os.getuid()}" / f"{key}.sock"
