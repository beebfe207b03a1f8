"""A whole watching half of a room over a reach that the test plays."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from tui.model.catalogue import ProbeInfo
from tui.model.failure import Failure, ReachError
from tui.model.level import Level
from tui.model.message import msg
from tui.model.probe import SweepProbe, WebProbe
from tui.model.reading import Reading
from tui.model.site import Fleet, RoomSettings, Site, SshTarget
from tui.model.sweep import Answer, Ask
from tui.room.history import History
from tui.room.hub import Hub
from tui.room.memory import Memory
from tui.room.notices import Notices
from tui.room.schedule import Schedule
from tui.room.selftest import SelfTest
from tui.room.timeline import Timeline
from tui.wire.messages import Event, Notice


@dataclass
class PlayedShell:
    """Answers each fragment with what ``answer(script)`` says; a ``fault`` is raised instead. ``sweeps``: the scripts of each sweep."""

    answer: Callable[[str], Answer] = lambda script: Answer(script.encode(), 0, 0.0, took=0.01)
    fault: Exception | None = None
    sweeps: list[list[str]] = field(default_factory=list)
    hold: asyncio.Event | None = None
    under_way: int = 0
    most: int = 0

    async def sweep(self, asks):
        self.sweeps.append([ask.script for ask in asks])
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await asyncio.sleep(0)
            if self.hold is not None and any(ask.heavy for ask in asks):
                await self.hold.wait()
            if self.fault is not None:
                raise self.fault
            return [self.answer(ask.script) for ask in asks]
        finally:
            self.under_way -= 1


class PlayedReach:
    web = None

    def __init__(self):
        self.shells = {}

    def shell(self, site):
        return self.shells.setdefault(site.ssh.host, PlayedShell())


class Watching:
    """Schedule, memory, notices, timeline and history together. ``until(what)`` waits for a change that makes ``what()`` true."""

    def __init__(self, path):
        self.hub = Hub()
        self.memory = Memory(self.hub)
        self.notices = Notices(self.hub)
        self.history = History(path)
        self.timeline = Timeline(self.hub, self.history)
        self.reach = PlayedReach()
        self.answers = True
        self.selftest = SelfTest(self.notices, self._answers, lambda: True)
        self.schedule = None
        self.seen = []
        self._changed = asyncio.Event()
        self.hub.subscribe(self._heard)

    async def _answers(self, host, port):
        return self.answers

    def _heard(self, change):
        self.seen.append(change)
        self._changed.set()

    def start(self, fleet, probes):
        self.schedule = Schedule(fleet, probes, self.reach, self.memory, self.notices, self.history, self_test=self.selftest)
        self.schedule.start()

    async def until(self, what, timeout=10.0):
        async with asyncio.timeout(timeout):
            while not (found := what()):
                self._changed.clear()
                await self._changed.wait()
        return found

    def readings(self, probe="", site=""):
        return [r for r in self.seen if isinstance(r, Reading) and probe in ("", r.probe) and site in ("", r.site)]

    def of(self, kind):
        return [change for change in self.seen if isinstance(change, kind)]


@pytest.fixture
async def watching(tmp_path):
    room = Watching(tmp_path / "history.db")
    await room.history.open()
    yield room
    if room.schedule is not None:
        await room.schedule.stop()
    await room.history.close()


def _site(name="eu", host="web1", **more):
    return Site(id=name, name=name, url=f"https://{name}.example/", ssh=SshTarget(host) if host else None, **more)


def _fleet(*sites, **settings):
    return Fleet(path="/sites.toml", sites={site.id: site for site in sites}, room=RoomSettings(**settings))


def _reading(level=Level.OK, text="fine", **more):
    return Reading(**{"probe": "uptime", "site": "eu", "level": level, "summary": msg(text), "at": 0.0, **more})


def _web(look, every=0.05, confirm=1, name="uptime", **more):
    async def probe(site, reach, last):
        found = look(site, last)
        return await found if asyncio.iscoroutine(found) else found

    return WebProbe(info=ProbeInfo(name, name, confirm=confirm), every=lambda site: every, probe=probe, **more)


def _sweep(name="host", every=0.05, read=None, ask=None, confirm=1, **more):
    def plain(site, answer, last):
        return _reading(text="read", values={"n": len(answer.out)}, rows=({"a": 1},), carry={"offset": len(answer.out)})

    def asks(site, last):
        return Ask(f"{name} {site.id}", every=every, heavy=more.get("heavy", False))

    rest = {key: value for key, value in more.items() if key != "heavy"}
    return SweepProbe(info=ProbeInfo(name, name, confirm=confirm), ask=ask or asks, read=read or plain, **rest)


@pytest.fixture
def make():
    """Builders: ``site fleet reading web sweep failure lost``."""

    def failure(step="connect", kind="refused", cause=""):
        return Failure(step, kind, msg("no way there"), msg("look at the cable"), cause)

    return SimpleNamespace(
        site=_site, fleet=_fleet, reading=_reading, web=_web, sweep=_sweep, failure=failure,
        lost=lambda *args, **more: ReachError(failure(*args, **more)), Notice=Notice, Event=Event,
    )  # fmt: skip
