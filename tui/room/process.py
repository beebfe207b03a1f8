"""The life of a room: lock, socket, signals, and leaving when nobody needs it any more."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from tui.room.lock import RoomLock
from tui.room.room import Room
from tui.room.server import Server
from tui.wire.paths import RoomPaths

LINGER = 60.0
"""Seconds a personal room stays after its last viewer."""

_BUSY_LOOK = 0.5


async def serve(
    room: Room,
    paths: RoomPaths,
    *,
    personal: bool,
    socket: Path | None = None,
    linger: float = LINGER,
    stop: asyncio.Event | None = None,
    ready: Callable[[], None] = lambda: None,
    signals: bool = True,
) -> None:
    """Run ``room`` until SIGTERM, SIGINT, ``stop``, a viewer's word, or, when ``personal``, until ``linger`` seconds after its last viewer;
    never of its own accord while an action runs. ``socket`` instead of ``paths.socket``; ``ready`` is called when viewers can come.

    Raises LockHeld when another room serves this sites.toml, SocketTrouble, and what ``Room.start`` raises.
    """
    stop = stop or asyncio.Event()
    where = socket or paths.socket
    with RoomLock(paths.lock, where):
        async with AsyncExitStack() as stack:
            if signals:
                await stack.enter_async_context(_heeding(stop))
            stack.push_async_callback(room.stop)
            await room.start()
            server = Server(room, stop.set)
            stack.push_async_callback(server.close)
            await server.listen(where, group=paths.group, team=paths.team)
            ready()
            await _until(stop, room, server, linger if personal else None)


async def _until(stop: asyncio.Event, room: Room, server: Server, linger: float | None) -> None:
    waits: set[asyncio.Task[bool]] = {asyncio.create_task(stop.wait())}
    if linger is not None:
        waits.add(asyncio.create_task(_alone_for(linger, room, server)))
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)


async def _alone_for(linger: float, room: Room, server: Server) -> bool:
    """Returns when nobody was connected for ``linger`` seconds and nothing runs."""
    while True:
        await server.alone.wait()
        if await _company_within(linger, server):
            continue
        while room.gate.busy and not await _company_within(_BUSY_LOOK, server):
            pass
        if server.alone.is_set():
            return True


async def _company_within(seconds: float, server: Server) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await server.company.wait()
    except TimeoutError:
        return False


@asynccontextmanager
async def _heeding(stop: asyncio.Event) -> AsyncIterator[None]:
    """SIGTERM and SIGINT end the room in good order; a terminal that closes does not end it."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, lambda: None)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.remove_signal_handler(number)
