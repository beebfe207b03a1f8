"""The lab, once for all tests of this folder, and a room that watches it."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.real.lab import Lab, missing
from tui.commands.viewer import ClientLink
from tui.config import load
from tui.model.level import Level
from tui.model.reading import Reading
from tui.room.room import Room
from tui.room.server import connect_in_process
from tui.view.app import Options, StorewatchApp
from tui.view.widgets.table import VirtualTable
from tui.wire.messages import Run
from tui.wire.paths import RoomPaths
from tui.wiring import build


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One lab, so one worker; without its servers these tests are skipped and say so, except in CI."""
    lacking = missing()
    for item in items:
        if Path(__file__).parent not in Path(item.path).parents:
            continue
        item.add_marker(pytest.mark.real)
        item.add_marker(pytest.mark.xdist_group("lab"))
        if lacking and os.environ.get("CI") != "true":
            item.add_marker(pytest.mark.skip(reason=f"needs {lacking}; see tests/real/install.sh"))


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    lab = Lab()
    try:
        lab.start()
        yield lab
    finally:
        lab.stop()


class Control:
    """A room over the lab, and a viewer at it. ``until`` waits for something the room publishes."""

    def __init__(self, room: Room, lab: Lab) -> None:
        self.room = room
        self.lab = lab

    async def until(self, found: Callable[[], bool], what: str, seconds: float = 40) -> None:
        """Return when ``found()`` is true; it is asked after each change the room tells."""
        news = asyncio.Event()
        stop = self.room.hub.subscribe(lambda _: news.set())
        try:
            async with asyncio.timeout(seconds):
                while not found():
                    news.clear()
                    await news.wait()
        except TimeoutError:
            raise AssertionError(f"{what}: not within {seconds} s; the room saw\n{self.seen()}") from None
        finally:
            stop()

    def reading(self, site: str, probe: str) -> Reading | None:
        return self.room.memory.latest(site).get(probe)

    def level(self, site: str, probe: str) -> Level | None:
        reading = self.reading(site, probe)
        return reading.level if reading else None

    async def until_level(self, site: str, probe: str, level: Level, seconds: float = 40) -> Reading:
        await self.until(lambda: self.level(site, probe) is level, f"{probe} of {site} {level.value}", seconds)
        reading = self.reading(site, probe)
        assert reading is not None
        return reading

    def seen(self) -> str:
        return "\n".join(f"{r.site} {r.probe} {r.level.value} {r.summary.say()}" for r in self.room.memory.all())

    def app(self) -> StorewatchApp:
        """A viewer of this room, through the server and the wire, over memory instead of a socket."""

        async def dial() -> ClientLink:
            return ClientLink(await connect_in_process(self.room))

        return StorewatchApp(dial, Options(quiet=False, guard=0.0))

    @asynccontextmanager
    async def operator(self) -> AsyncIterator[Operator]:
        """A person at a viewer of 120x40; the guard against held keys is off, they mean what they press.

        A context of the test's own, not a fixture: Textual finds its app by a context variable of the running task.
        """
        app = self.app()
        async with app.run_test(size=(120, 40)) as pilot:
            hands = Operator(self, app, pilot)
            await hands.until(lambda: app.board.linked, "the link")
            yield hands

    def curl(self, store: str, path: str = "/") -> tuple[int, str]:
        url = f"https://{store}.test:{self.lab.shop_port}{path}"
        where = f"::{self.lab.shop_address}:{self.lab.shop_port}"
        words = ["curl", "-s", "-w", "\n%{http_code}", "--cacert", f"{self.lab.root}/tls/ca.pem", "--connect-to", where, url]
        body, _, status = subprocess.run(words, capture_output=True, text=True, check=True, timeout=30).stdout.rpartition("\n")
        return int(status), body


@pytest.fixture
async def control(lab: Lab, tmp_path: Path) -> AsyncIterator[Control]:
    sites = lab.sites(tmp_path / "sites.toml")
    room = build(load(sites), RoomPaths.of(sites))
    (tmp_path / "state").mkdir(mode=0o700)
    await room.start()
    try:
        yield Control(room, lab)
    finally:
        await room.stop()


class Operator:
    """Hands at a viewer: presses keys and waits for what they bring."""

    def __init__(self, control: Control, app: StorewatchApp, pilot: Pilot[int]) -> None:
        self.control, self.app, self.pilot = control, app, pilot

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def until(self, found: Callable[[], bool], what: str, seconds: float = 30) -> None:
        try:
            async with asyncio.timeout(seconds):
                while not found():
                    await self.pilot.pause(0.05)
        except TimeoutError:
            told = [notification.message for notification in self.app._notifications]
            raise AssertionError(f"{what}: not within {seconds} s; {self.app.screen!r} says {told}\n{self.control.seen()}") from None

    def showing(self, name: str) -> bool:
        return type(self.app.screen).__name__ == name

    async def select(self, key: str) -> None:
        """Move the cursor of the screen's table down to the row ``key``."""
        table = self.app.screen.query_one("#table", VirtualTable)
        await self.until(lambda: key in table.rows, f"row {key}")
        for _ in range(5):  # rows move while a person moves
            await self.press("g")
            for _ in range(len(table.rows)):
                if table.cursor_key == key:
                    return
                await self.press("j")
        raise AssertionError(f"the cursor does not reach {key}: it is on {table.cursor_key} of {table.rows}")

    async def run_it(self) -> Run:
        """Say yes to the plan on the screen and wait for the verdict."""
        await self.until(lambda: self.showing("PlanDialog"), "the plan")
        await self.press("y")
        await self.until(lambda: self.showing("RunScreen"), "the run")
        name = self.app.screen.view.run
        ended = ("done", "failed", "unknown", "undone")
        await self.until(lambda: self.app.board.runs[name].state in ended, "the run's end", 60)
        return self.app.board.runs[name]
