"""Serves viewers over a Unix socket: none of them can hold up the room or each other."""

from __future__ import annotations

import asyncio
import contextlib
import grp
import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import msgspec

from tui.model.message import msg
from tui.room.desk import Desk
from tui.room.hub import Change
from tui.room.peer import peer_ids, person
from tui.room.person import Person
from tui.room.room import Room
from tui.room.visit import Visit
from tui.wire.client import Client
from tui.wire.messages import VERSION, Bye, Welcome
from tui.wire.paths import private_folder


class SocketTrouble(Exception):
    """The socket cannot be made where it should lie; the text says why and what to do."""


class Server:
    """Viewers of one room. ``on_stop`` is called when one of them ends it. ``alone`` is set while nobody is connected."""

    def __init__(self, room: Room, on_stop: Callable[[], None] = lambda: None) -> None:
        self.room = room
        self.desk = Desk(room, on_stop)
        self.alone = asyncio.Event()
        self.alone.set()
        self.company = asyncio.Event()
        self._visits: set[Visit] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server | None = None
        self._path: Path | None = None
        self._identity: tuple[int, int] | None = None
        self._unsubscribe = room.hub.subscribe(self._hear)
        self._closed = False
        room.viewers = 0

    async def listen(self, path: Path, *, group: str | None = None, team: bool = False) -> None:
        """Take viewers at ``path``: mode 0600 in a folder 0700, for a ``team`` 0660 of ``group`` in a folder 0750. A socket that a
        dead room left is replaced: the caller holds the room's lock. Raises SocketTrouble."""
        try:
            gid = _prepare_folder(path.parent, group, team)
            if path.is_socket():
                path.unlink()
            self._listener = await asyncio.start_unix_server(self._welcome, sock=_bound(path, team, gid), backlog=128)
        except OSError as error:
            where, why = error.filename or path, error.strerror or str(error)
            raise SocketTrouble(f"no viewer can be served at {where}: {why}; name another place in [room] socket") from error
        info = path.stat()
        self._path, self._identity = path, (info.st_dev, info.st_ino)

    async def attach(self, connection: socket.socket) -> None:
        """Serve one more connected Unix socket."""
        reader, writer = await asyncio.open_connection(sock=connection)
        task = asyncio.create_task(self._welcome(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Say good-bye to everyone and take the socket away, if it is still ours. May be called twice."""
        if self._closed:
            return
        self._closed = True
        self._unsubscribe()
        if self._path is not None:
            with contextlib.suppress(OSError):
                info = self._path.stat()
                if (info.st_dev, info.st_ino) == self._identity:
                    self._path.unlink()
        if self._listener is not None:
            self._listener.close()
        bye = Bye(msg("the room was ended"), idle=True)
        await asyncio.gather(*(visit.end(bye) for visit in tuple(self._visits)))
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- within ---------------------------------------------------------------------------------------------------

    def _hear(self, change: Change) -> None:
        for visit in self._visits:
            visit.tell(change)

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visit = Visit(reader, writer, self.desk)
        try:
            connection = writer.get_extra_info("socket")
            uid, gid = peer_ids(connection)
            hello = await visit.hello()
            if hello is None:
                return
            if hello.version != VERSION:
                await visit.end(self._other_version(hello.version))
                return
            who = await asyncio.to_thread(person, uid, gid, read_only=hello.read_only)
            await self._entertain(visit, who, counts=hello.client == "viewer")
        except OSError:
            return  # it went before it came
        finally:
            await visit.close(self.room.tails.stop)

    async def _entertain(self, visit: Visit, who: Person, *, counts: bool) -> None:
        """From here on every change is kept for this viewer; the welcome is made in the same breath, so none falls between."""
        visit.counts = counts
        self._visits.add(visit)
        self._count(newcomer=visit)
        try:
            await visit.run(who, self._greeting())
        finally:
            self._visits.discard(visit)
            self._count()

    def _count(self, newcomer: Visit | None = None) -> None:
        """How many there are, told to all but the newcomer, who reads it in the welcome."""
        if self._visits:
            self.alone.clear()
            self.company.set()
        else:
            self.company.clear()
            self.alone.set()
        viewers = sum(visit.counts for visit in self._visits)
        for visit in self._visits:
            visit.tell_viewers(viewers, news=viewers != self.room.viewers and visit is not newcomer)
        self.room.viewers = viewers

    def _greeting(self) -> Welcome:
        room = self.room
        return Welcome(
            version=VERSION,
            room=room.card(),
            catalogue=room.catalogue(),
            sites=room.cards(),
            readings=tuple(msgspec.structs.replace(reading, carry={}) for reading in room.memory.all()),
            notices=room.notices.current(),
            runs=room.gate.runs(),
            host_keys=tuple(room.host_keys.values()),
        )

    def _other_version(self, theirs: int) -> Bye:
        return Bye(
            msg("the room speaks version {room}, this viewer version {viewer}", room=VERSION, viewer=theirs),
            msg("restart the room, or use the viewer of its version"),
            idle=not self.room.gate.busy,
        )


def _prepare_folder(folder: Path, group: str | None, team: bool) -> int:
    """Make the folder of the socket safe; returns the gid of a team's group, -1 for none."""
    if not team:
        private_folder(folder)
        return -1
    gid = -1
    if group is not None:
        try:
            gid = grp.getgrnam(group).gr_gid
        except KeyError:
            raise OSError(0, f"there is no group {group} on this machine", str(folder)) from None
    if not folder.exists():
        folder.mkdir(parents=True, mode=0o750)
    info = folder.stat()
    if info.st_uid == os.getuid() and all(name.is_socket() for name in folder.iterdir()):  # it is the room's alone
        os.chown(folder, -1, gid)
        folder.chmod(0o750)
    elif info.st_mode & (stat.S_IWOTH | stat.S_IWGRP):
        raise OSError(0, "others may write there and could put their own socket in its place", str(folder))
    return gid


def _bound(path: Path, team: bool, gid: int) -> socket.socket:
    """A bound socket that nobody else could open for even a moment: its mode is right before it listens."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
        os.chown(path, -1, gid)
        path.chmod(0o660 if team else 0o600)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


async def connect_in_process(room: Room, *, read_only: bool = False, name: str = "viewer") -> Client:
    """A client of ``room`` in this very process, over a real socket pair. The room must be started; whoever calls holds its lock."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    server = Server(room)
    await server.attach(theirs)
    reader, writer = await asyncio.open_connection(sock=ours)
    return await Client(reader, writer).hello(read_only=read_only, name=name)
