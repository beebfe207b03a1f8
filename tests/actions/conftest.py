"""A shop on this machine: a page over real HTTP, releases, plugins behind a stand-in wp, a real SSH server and the whole gate before it."""

import asyncio
import json
import shlex
import sys
from pathlib import Path

import pytest

from tests.support.ssh_server import serve
from tui.actions import ACTIONS, _after
from tui.layouts.capistrano import CapistranoSettings
from tui.layouts.git import GitSettings
from tui.model.site import Fleet, HttpTarget, Site
from tui.platforms.wordpress import WordpressSettings
from tui.probes import PROBES
from tui.reach.live import LiveReach
from tui.room.audit import Audit
from tui.room.gate import Gate
from tui.room.hub import Hub
from tui.room.memory import Memory
from tui.room.person import Person

WP = Path(__file__).parents[2] / "tui" / "demo" / "wp.py"
GUILTY = "<?php\n/*\nPlugin Name: Promo\nVersion: 1.2\n*/\npromo_banner_render_legacy();\n"
GOOD = "<?php\n/*\nPlugin Name: Good\nVersion: 2.0\n*/\n"


class Shop:
    """``stubborn``: the page serves the release it resolved first until ``reloaded`` is touched, as PHP does with $document_root."""

    def __init__(self, folder: Path):
        self.root = folder / "srv"
        self.stubborn = False
        self.reloaded = folder / "reloaded"
        self._resolved = None
        self.content = self.root / "shared" / "wp-content"
        (self.content / "plugins").mkdir(parents=True)
        self.database = self.root / "shared" / "database.json"
        self.database.write_text(json.dumps({"active_plugins": []}))
        for name in ("20261120100000", "20261121100000", "20261122100000"):
            self.release(name)
        self.live("20261122100000")

    def release(self, name, broken=False):
        release = self.root / "releases" / name
        release.mkdir(parents=True)
        (release / "wp-content").symlink_to(self.content)
        (release / "index.html").write_text("broken" if broken else f"welcome to {name}")
        return release

    def live(self, name):
        (self.root / "current").unlink(missing_ok=True)
        (self.root / "current").symlink_to(f"releases/{name}")

    @property
    def current(self):
        return (self.root / "current").readlink().name

    def plugin(self, name, source=GOOD, active=True):
        folder = self.content / "plugins" / name
        folder.mkdir()
        (folder / f"{name}.php").write_text(source)
        if active:
            self.database.write_text(json.dumps({"active_plugins": [*self.active, name]}))

    @property
    def active(self):
        return json.loads(self.database.read_text())["active_plugins"]

    def page(self):
        if self.reloaded.exists() or self._resolved is None or not self.stubborn:
            self._resolved = (self.root / "current").resolve()
        body = (self._resolved / "index.html").read_text()
        for name in self.active:
            source = self.content / "plugins" / name / f"{name}.php"
            if source.exists() and "render_legacy" in source.read_text():
                return 500, f"There has been a critical error on this website: {name}"
        return (500, "HTTP 500") if body == "broken" else (200, body)

    async def answer(self, reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        status, body = self.page()
        head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body.encode())
        await writer.drain()
        writer.close()


class Room:
    """The gate with the real actions; ``probe_now`` looks with the real probes."""

    def __init__(self, folder: Path, server, port: int, **site):
        self.shop = Shop(folder)
        fields = {
            "platform": "wordpress",
            "layout": "capistrano",
            "root": str(self.shop.root / "current"),
            "settings": {
                "layout": CapistranoSettings(path=str(self.shop.root)),
                "platform": WordpressSettings(wp=(sys.executable, str(WP))),
            },
            "php_reload": ("touch", str(self.shop.reloaded)),
        }
        self.site = Site(
            id="eu", name="EU store", url="http://shop.test/", http=HttpTarget(connect=f"127.0.0.1:{port}"),
            production=False, ssh=server.target(), **fields | site,
        )  # fmt: skip
        self.folder = folder
        self.hub = Hub()
        self.reach = LiveReach(folder / "room")
        self.memory = Memory(self.hub)
        self.audit = Audit(folder / "room" / "audit.jsonl")
        self.tasks = set()
        self.me = Person(1000, "alice")
        self.gate = Gate(
            lambda: Fleet("sites.toml", {"eu": self.site}), ACTIONS, self.reach, self.memory, self.audit, self.hub, self, self
        )  # fmt: skip

    def note(self, event):
        pass

    def probe_now(self, site="", probe=""):
        task = asyncio.get_running_loop().create_task(self.look(probe))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def look(self, name):
        probe = next(probe for probe in PROBES if probe.info.id == name)
        if hasattr(probe, "ask"):
            answer = (await self.reach.shell(self.site).sweep([probe.ask(self.site, None)]))[0]
            self.memory.put(probe.read(self.site, answer, None))
        else:
            self.memory.put(await probe.probe(self.site, self.reach, None))

    async def options(self, action):
        return (await self.gate.choices(self.me, "eu", action)).options

    async def plan(self, action, choice=""):
        return await self.gate.plan(self.me, "eu", action, choice)

    async def run(self, planned):
        started = await self.gate.confirm(self.me, planned.hash)
        async with asyncio.timeout(30):
            while self.gate.busy:
                await asyncio.sleep(0.01)
        return next(run for run in self.gate.runs() if run.id == started.run.id)

    async def do(self, action, choice=""):
        return await self.run(await self.plan(action, choice))

    async def undo(self):
        return await self.run(await self.gate.undo(self.me, "eu"))

    async def close(self):
        await self.gate.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.reach.close()


@pytest.fixture
def quick(monkeypatch):
    """A page that fails is looked at again sooner than on a real host."""
    monkeypatch.setattr(_after, "PAUSES", [0.05, 0.05])


@pytest.fixture
async def room(tmp_path, quick):
    """Build it with the fields of the site that differ."""
    made = []
    server = await serve(tmp_path / "host")

    async def build(**site):
        async def answer(reader, writer):
            await made[0].shop.answer(reader, writer)

        web = await asyncio.start_server(answer, "127.0.0.1", 0)
        built = Room(tmp_path, server, web.sockets[0].getsockname()[1], **site)
        made.extend((built, web))
        return built

    yield build
    if made:
        await made[0].close()
        made[1].close()
        await made[1].wait_closed()
    await server.close()


@pytest.fixture
def git(tmp_path):
    """Run git on a checkout; its settings as a site's."""
    folder = tmp_path / "checkout"
    folder.mkdir()

    async def run(*words):
        line = shlex.join(("git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b", *words))
        process = await asyncio.create_subprocess_shell(line, stdout=asyncio.subprocess.PIPE)
        out, _ = await process.communicate()
        assert process.returncode == 0, line
        return out.decode().strip()

    run.folder = folder
    run.settings = GitSettings(path=str(folder))
    return run
