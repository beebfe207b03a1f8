"""One shop behind a real SSH server and a real page, one room over its sites.toml, one viewer's end of the wire."""

import asyncio
import contextlib
import json
import sys
import time
from pathlib import Path

import pytest

from tests.support.ssh_server import serve
from tests.support.web import Server, response
from tui.config import load
from tui.model.level import Level
from tui.reach.dial import Limits
from tui.room.server import connect_in_process
from tui.wire import messages as m
from tui.wire.paths import RoomPaths
from tui.wiring import build

WP = Path(__file__).parents[2] / "tui" / "demo" / "wp.py"
GOOD = "<?php\n/*\nPlugin Name: Good\nVersion: 2.0\n*/\n"
RELEASES = ("20261120100000", "20261121100000")


class House:
    """The shop ``eu``: releases with a live one, plugins behind a stand-in ``wp``, a log, a page. ``sites[id]`` are more lines of
    sites.toml; ``start`` opens the room and connects; ``client`` is the viewer's end."""

    def __init__(self, folder, server, page) -> None:
        self.folder, self.server, self.page = folder, server, page
        self.root = folder / "srv"
        self.content = self.root / "shared" / "wp-content"
        self.plugins = self.content / "plugins"
        self.database = self.root / "shared" / "database.json"
        self.log = folder / "eu.error.log"
        self.state = folder / "state"
        self.toml = folder / "sites.toml"
        self.room = self.client = None
        self.plugins.mkdir(parents=True)
        self.database.write_text(json.dumps({"active_plugins": []}))
        for name in RELEASES:
            self.release(name)
        (self.root / "current").symlink_to(f"releases/{RELEASES[-1]}")
        self.log.touch()
        self.sites = {"eu": self.whole()}

    def release(self, name: str) -> None:
        release = self.root / "releases" / name
        release.mkdir(parents=True)
        (release / "wp-content").symlink_to(self.content)
        (release / "index.html").write_text("welcome")

    def plugin(self, name: str) -> None:
        (self.plugins / name).mkdir()
        (self.plugins / name / f"{name}.php").write_text(GOOD)
        self.database.write_text(json.dumps({"active_plugins": [*self.active, name]}))

    @property
    def active(self) -> list[str]:
        return json.loads(self.database.read_text())["active_plugins"]

    @property
    def current(self) -> str:
        return (self.root / "current").readlink().name

    def ssh(self, **changes) -> str:
        words = {
            "host": "127.0.0.1", "port": self.server.port, "user": self.server.user, "key": str(self.server.key),
            "known_hosts": str(self.server.known_hosts), "config": "none", **changes,
        }  # fmt: skip
        return "{ " + ", ".join(f"{key} = {json.dumps(word)}" for key, word in words.items()) + " }"

    def whole(self, **ssh) -> str:
        return (
            f'name = "EU store"\nurl = "{self.page.url}"\nproduction = false\nplatform = "wordpress"\nroot = "{self.root}/current"\n'
            f'ssh = {self.ssh(**ssh)}\nwp = ["{sys.executable}", "{WP}"]\n'
            f'deploy = {{ layout = "capistrano", path = "{self.root}" }}\n'
            f'log = [{{ format = "nginx-error", path = "{self.log}", name = "errors" }}]\n'
        )

    def write(self) -> None:
        self.toml.write_text("".join(f"[sites.{key}]\n{lines}\n" for key, lines in self.sites.items()))

    @property
    def paths(self) -> RoomPaths:
        return RoomPaths.of(self.toml, self.state)

    async def start(self) -> None:
        self.write()
        self.paths.folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        self.room = build(load(self.toml), self.paths)
        await self.room.start()
        self.client = await connect_in_process(self.room)

    async def stop(self) -> None:
        if self.client is not None:
            await self.client.close()
        if self.room is not None:
            await self.room.stop()

    async def until(self, test, what: str = "it", timeout: float = 20.0):
        end = time.monotonic() + timeout
        while not (found := test()):
            assert time.monotonic() < end, f"{what} did not happen; notices: {[str(n.message) for n in self.room.notices.current()]}"
            await asyncio.sleep(0.02)
        return found

    async def reading(self, probe: str, site: str = "eu", fits=lambda _reading: True):
        def look():
            found = self.room.memory.latest(site).get(probe)
            return found if found is not None and fits(found) else None

        return await self.until(look, f"the reading {probe} of {site}")

    async def again(self, probe: str, site: str = "eu"):
        """The reading of a look that begins now."""
        before = await self.reading(probe, site)
        await self.client.request(m.ProbeNow(site, probe))
        return await self.reading(probe, site, lambda reading: reading.at > before.at)

    async def well(self, probe: str = "deploys", site: str = "eu"):
        return await self.reading(probe, site, lambda reading: reading.level is Level.OK)

    async def act(self, action: str, choice: str) -> m.Run:
        """Choose, plan, confirm over the wire, and wait for the end of the run."""
        planned = await self.client.request(m.GetPlan(action, "eu", choice))
        assert isinstance(planned, m.Planned), planned
        started = await self.client.request(m.Confirm(planned.hash))
        assert isinstance(started, m.Started), started
        await self.until(lambda: not self.room.gate.busy, "the end of the run")
        return next(run for run in self.room.gate.runs() if run.id == started.run.id)

    async def tail(self, lines: int = 100) -> list:
        """The records of a look that does not follow, and what was said beside them."""
        tailing = await self.client.request(m.StartTail(("eu",), lines=lines, follow=False))
        records, notes = [], []
        async with asyncio.timeout(20):
            async for batch in self.client.tail(tailing.tail):
                records += batch.records
                notes += [note.say() for note in batch.notes]
        return [records, notes]


@pytest.fixture
async def house(tmp_path, monkeypatch):
    """``await house.start()`` opens the room; logins that hang are given up soon."""
    quick = Limits(connect=1.0, login=1.5)
    monkeypatch.setattr("tui.reach.live.Limits", lambda: quick)
    server = await serve(tmp_path / "host")
    async with Server(lambda _head: response(b"<html>welcome</html>" * 30)) as page:
        house = House(tmp_path, server, page)
        yield house
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(20):
                await house.stop()
    await server.close()
