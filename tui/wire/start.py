"""Finds the room of a sites.toml and starts one where none runs, as tmux starts its server."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import tui
from tui.model.message import Message, msg
from tui.wire.client import Client, RoomGone, WrongVersion
from tui.wire.framing import FrameError, pack, read_body, unpack_to_viewer
from tui.wire.messages import Hello, No, Reply, Request, StopRoom
from tui.wire.paths import RoomPaths, holder, private_folder

START_SECONDS = 30.0
"""How long a room may take from its start to its first answer."""

ALREADY = 75
"""Exit code of a room that found the lock held (EX_TEMPFAIL of sysexits.h): somebody else was first, which is as good."""

_PAUSE = 0.03
_AGAIN = 2.0
"""Seconds until the room that held the lock is taken to be one that was leaving, and another is started."""
_TAIL = 4000
_children: list[subprocess.Popen[bytes]] = []
"""Rooms this process started: kept so that one that ends is reaped, and none is waited for."""


class NoRoom(Exception):
    """There is no room to talk to. ``exit`` is the exit code of a command that wanted one (design's table): 2 when sites.toml is at
    fault, else 3."""

    def __init__(self, message: Message, remedy: Message | None = None, exit: int = 3) -> None:  # noqa: A002 - the table's word
        super().__init__(message.say())
        self.message = message
        self.remedy = remedy
        self.exit = exit


async def find_room(paths: RoomPaths, *, read_only: bool = False, name: str = "viewer") -> Client | None:
    """A connection to the room that runs, None when none does. Raises WrongVersion; NoRoom when a socket is there and we may not use
    it; RoomGone when something there does not answer as a room."""
    places = [paths.socket]
    if not paths.team and (held := holder(paths.lock)) is not None and held.socket != str(paths.socket):
        places.append(Path(held.socket))  # a service started with --socket
    for socket in places:
        try:
            if not paths.team:
                _refuse_strangers(socket)
            return await Client.connect(socket, read_only=read_only, name=name)
        except PermissionError as error:
            raise NoRoom(
                msg("{socket} may not be used by you: {error}", socket=str(socket), error=error.strerror or ""),
                msg("ask to be added to the group of the room, then log in again")
                if paths.team
                else msg("name a state folder of your own with --state"),
            ) from error
        except OSError:
            continue  # nobody listens: a room that died left it, or there was none
    return None


def _refuse_strangers(socket: Path) -> None:
    """A personal room is our own: in a shared temporary folder somebody else could have put a socket where ours would be. Raises
    PermissionError, FileNotFoundError."""
    if socket.lstat().st_uid != os.getuid():
        raise PermissionError(1, "it belongs to another user", str(socket))


async def ensure_room(
    sites: Path,
    state: Path | None = None,
    *,
    read_only: bool = False,
    name: str = "viewer",
    timeout: float = START_SECONDS,
    extra: tuple[str, ...] = (),
) -> Client:
    """A connection to the room of ``sites``, which is started when there is none. ``extra`` words go to ``storewatch room``.

    Raises NoRoom with the reason (the last words of a room that could not start; how to start a team's), WrongVersion, RoomGone.
    """
    paths = RoomPaths.of(sites, state)
    deadline = time.monotonic() + timeout
    child: _Child | None = None
    while True:
        try:
            client = await find_room(paths, read_only=read_only, name=name)
        except RoomGone as error:
            if isinstance(error, WrongVersion) or time.monotonic() > deadline:
                raise
            client = None  # it was just leaving
        if client is not None:
            return client
        if paths.team:
            raise _no_team_room(paths)
        if child is None or child.gave_way_long_ago():
            child = _Child(paths, extra)
        if time.monotonic() > deadline:
            raise NoRoom(msg("the room did not answer within {seconds} s", seconds=round(timeout)), msg("see {log}", log=str(paths.log)))
        await asyncio.sleep(_PAUSE)


async def restart_room(sites: Path, state: Path | None, error: WrongVersion, *, read_only: bool = False) -> Client:
    """End the room of another version and connect to a new one. Raises NoRoom when it is busy or a team's; else as
    :func:`ensure_room`."""
    paths = RoomPaths.of(sites, state)
    if paths.team:
        raise NoRoom(error.message, msg("restart the room's service, or use the program of its version"))
    await _stop(paths, error.version)
    return await ensure_room(sites, state, read_only=read_only)


async def _stop(paths: RoomPaths, version: int) -> None:
    """Say stop in the room's own version: hello, request and reply are those parts of the wire that stay as they are."""
    try:
        reader, writer = await asyncio.open_unix_connection(str(paths.socket))
    except OSError:
        return  # it has gone by itself
    try:
        async with asyncio.timeout(15.0):
            writer.write(pack(Hello(version, client="restart")) + pack(Request(1, StopRoom())))
            while (body := await read_body(reader)) is not None:
                try:
                    message = unpack_to_viewer(body)
                except FrameError:
                    continue  # its welcome need not be ours
                if isinstance(message, Reply) and isinstance(message.result, No):
                    raise NoRoom(message.result.message, message.result.remedy)
    except (TimeoutError, OSError, FrameError) as error:
        raise NoRoom(msg("the room of the other version does not end"), msg("end its process, then try again")) from error
    finally:
        writer.close()


class _Child:
    """A room we started, detached: our end, our terminal and our signals are not its own."""

    def __init__(self, paths: RoomPaths, extra: tuple[str, ...]) -> None:
        self._log = paths.log
        command = [
            sys.executable,
            "-P",
            "-m",
            "tui",
            "room",
            "--personal",
            *extra,
            "--sites",
            str(paths.sites),
            "--state",
            str(paths.state),
        ]
        place = os.pathsep.join(filter(None, (str(Path(tui.__file__).parents[1]), os.environ.get("PYTHONPATH"))))
        try:
            private_folder(paths.folder)
            descriptor = os.open(paths.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                self._from = os.fstat(descriptor).st_size
                self._process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=descriptor, stderr=descriptor, start_new_session=True, cwd="/",
                    env={**os.environ, "PYTHONPATH": place},
                )  # fmt: skip
            finally:
                os.close(descriptor)
        except OSError as error:
            where = str(error.filename or paths.folder)
            raise NoRoom(
                msg("no room can be started: {where}: {error}", where=where, error=error.strerror or str(error)),
                msg("name a state folder of your own with --state"),
            ) from error
        self._gave_way = 0.0
        _children[:] = [child for child in _children if child.poll() is None] + [self._process]

    def gave_way_long_ago(self) -> bool:
        """Whether it ended because another room held the lock, and that one has not answered since. Raises NoRoom with its last
        words when it ended otherwise."""
        code = self._process.poll()
        if code is None:
            return False
        if code == ALREADY:
            self._gave_way = self._gave_way or time.monotonic()
            return time.monotonic() - self._gave_way > _AGAIN
        words = self._last_words()
        raise NoRoom(
            msg("{words}", words=words) if words else msg("the room ended at once with exit code {code}", code=code),
            None if words else msg("see {log}", log=str(self._log)),
            exit=2 if code == 2 else 3,
        )

    def _last_words(self) -> str:
        try:
            with self._log.open("rb") as file:
                file.seek(max(self._from, file.seek(0, os.SEEK_END) - _TAIL))
                return file.read().decode("utf-8", "replace").strip().removeprefix("storewatch: ")
        except OSError:
            return ""


def _no_team_room(paths: RoomPaths) -> NoRoom:
    return NoRoom(
        msg("the team's room is not running: nobody listens at {socket}", socket=str(paths.socket)),
        msg("its service must run `storewatch room --sites {sites}` under its own account", sites=str(paths.sites)),
    )
