"""A real room on a sites.toml whose shops refuse to answer: its server, its clients, and rooms as processes of their own."""

import asyncio
import contextlib
import os
import socket
import time

import pytest

from tui.config import load
from tui.model.level import Level
from tui.model.message import msg
from tui.model.reading import Reading
from tui.room.server import Server
from tui.wire.client import Client
from tui.wire.paths import RoomPaths
from tui.wiring import build


async def eventually(condition, timeout: float = 10.0, what: str = "it"):
    """The first true value of ``condition``, looked at often."""
    end = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < end, f"{what} did not happen within {timeout} s"
        await asyncio.sleep(0.01)
    return value


@pytest.fixture(name="eventually")
def eventually_fixture():
    return eventually


@pytest.fixture
def make_reading():
    def make(site: str, probe: str = "uptime", at: float = 1.0, **more) -> Reading:
        return Reading(probe=probe, site=site, level=Level.OK, summary=msg("well"), at=at, **more)

    return make


@pytest.fixture
def sites_file(tmp_path):
    """Two shops at a loopback port where nobody listens."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    path = tmp_path / "sites.toml"
    path.write_text(
        f'[sites.eu]\nname = "EU store"\nurl = "http://127.0.0.1:{port}/"\n'
        f'[sites.us]\nname = "US store"\nurl = "http://127.0.0.1:{port}/"\nproduction = false\n'
    )
    return path


@pytest.fixture
def paths(sites_file, tmp_path):
    return RoomPaths.of(sites_file, tmp_path / "state")


@pytest.fixture
async def quiet_room(sites_file, paths):
    """A room whose parts are real but which does not look at anything: what changes is what a test publishes."""
    paths.folder.mkdir(parents=True, mode=0o700)
    room = build(load(sites_file), paths)
    await room.history.open()
    yield room
    await room.stop()


@pytest.fixture
async def server(quiet_room, paths):
    stopped = asyncio.Event()
    server = Server(quiet_room, stopped.set)
    server.stopped = stopped
    await server.listen(paths.socket)
    yield server
    await server.close()


@pytest.fixture
async def viewers(server, paths):
    """``await viewers()`` connects one more; all are closed at the end."""
    async with contextlib.AsyncExitStack() as stack:

        async def connect(**more) -> Client:
            client = await Client.connect(paths.socket, **more)
            stack.push_async_callback(client.close)
            return client

        yield connect


@pytest.fixture
def end_process():
    """Ends a process that a test started, by its id, and waits for it to be gone."""
    mine: list[int] = []
    yield mine.append
    for pid in mine:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, 9)
