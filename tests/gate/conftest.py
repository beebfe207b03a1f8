"""A gate before a real SSH server whose commands run in a temporary folder, with an action that sets words in a file."""

import asyncio
import contextlib
import time
from pathlib import Path

import pytest

from tests.support.ssh_server import serve
from tui.model.action import Action
from tui.model.catalogue import ActionInfo, Option
from tui.model.level import Level
from tui.model.message import msg
from tui.model.plan import Plan, Refused, Step, Verdict
from tui.model.site import Fleet, Site
from tui.model.sweep import Ask, words
from tui.reach.live import LiveReach
from tui.room.audit import Audit
from tui.room.gate import Gate
from tui.room.hub import Hub
from tui.room.memory import Memory
from tui.room.person import Person
from tui.wire.messages import Run

SET = 'printf %s "$1" > "$2.new" && mv "$2.new" "$2"'


class Heads:
    """What history keeps of the audit."""

    def __init__(self):
        self.kept = {}

    async def put_head(self, name, value):
        self.kept[name] = value

    async def head(self, name):
        return self.kept.get(name)


class Store:
    """One site on one host: ``state`` is the file that the action sets. ``script`` runs in the first step, before it is set."""

    def __init__(self, folder: Path, server):
        self.server = server
        self.folder = folder
        self.state = folder / "state"
        self.state.write_text("old")
        self.script = ":"
        self.between = ":"
        self.site = Site(id="eu", name="EU store", production=False, ssh=server.target())

    def plan(self, site, readings, choice, host):
        if choice == "never":
            raise Refused(msg("never"), msg("not even then"))
        return Plan(
            action="set",
            site=site.id,
            title=msg("set {word}", word=choice),
            choice=choice,
            steps=(
                Step(("sh", "-c", self.script), msg("before")),
                Step(("sh", "-c", SET, "sh", choice, str(self.state)), msg("set it"), undo=("sh", "-c", SET, "sh", "old", str(self.state))),
                Step(("sh", "-c", self.between), msg("after"), undo=("true",)),
            )[0 if self.script != ":" else 1 :],
            notes={"want": choice, "was": "old"},
        )

    async def prove(self, site, reach, plan):
        answer = (await reach.shell(site).sweep([Ask(words("cat", str(self.state)), every=0)]))[0]
        found = answer.out.decode()
        return Verdict(Level.OK if found == plan.notes["want"] else Level.CRIT, msg("the store is {found}", found=found))

    @property
    def action(self):
        info = ActionInfo("set", "Set", "s", "sets a word", chooses=True, then=("plugins",))
        return Action(info=info, choices=lambda site, readings: OPTIONS, plan=self.plan, prove=self.prove)


OPTIONS = [
    Option("new", "new"),
    Option("newer", "newer"),
    Option("never", "never"),
    Option("bad", "bad", refused=msg("it is bad")),
    Option("x; rm -rf /", "x"),
    Option("-rf\nb\x1b[31m'\"$(reboot)", "y"),
]


class House:
    """A gate and all that it is given. ``again()`` is the next room over the same state folder."""

    def __init__(self, folder: Path, store: Store, **settings):
        self.folder = folder
        self.store = store
        self.settings = settings
        self.heads = settings.pop("heads", None) or Heads()
        self.fleet = Fleet("sites.toml", {store.site.id: store.site})
        self.probed, self.events, self.runs = [], [], {}
        self.hub = Hub()
        self.changed = asyncio.Event()
        self.hub.subscribe(self._hear)
        self.reach = LiveReach(folder)
        self.memory = Memory(self.hub)
        self.audit = Audit(folder / "audit.jsonl", self.heads)
        self.gate = Gate(lambda: self.fleet, [store.action], self.reach, self.memory, self.audit, self.hub, self, self, **settings)
        self.me = Person(1000, "alice")

    def _hear(self, change):
        if isinstance(change, Run):
            self.runs[change.id] = change
            self.changed.set()

    def note(self, event):
        self.events.append(event)

    def probe_now(self, site="", probe=""):
        self.probed.append((site, probe))

    async def until(self, fits, timeout=20.0):
        """The first run that fits, as soon as there is one."""
        async with asyncio.timeout(timeout):
            while True:
                for run in self.runs.values():
                    if fits(run):
                        return run
                self.changed.clear()
                await self.changed.wait()

    async def ended(self, run):
        """The run with this id once it is over and its site is free."""
        found = await self.until(lambda known: known.id == run and known.verdict is not None)
        async with asyncio.timeout(20):
            while self.gate.busy:
                await asyncio.sleep(0.01)
        return found

    async def do(self, choice, **confirm):
        planned = await self.gate.plan(self.me, "eu", "set", choice)
        started = await self.gate.confirm(self.me, planned.hash, **confirm)
        return await self.ended(started.run.id)

    async def lines(self):
        return await self.audit.tail(100)

    async def close(self):
        await self.gate.close()
        await self.reach.close()

    async def again(self):
        """This room dies as by kill -9: nothing is finished; then the next one."""
        await self.close()
        return House(self.folder, self.store, heads=self.heads, **self.settings)


@pytest.fixture
async def server(tmp_path):
    server = await serve(tmp_path / "host")
    yield server
    await server.close()


@pytest.fixture
async def store(tmp_path, server):
    return Store(tmp_path, server)


@pytest.fixture
async def house(tmp_path, store):
    async with contextlib.AsyncExitStack() as stack:

        def build(**settings):
            made = House(tmp_path / "room", store, **settings)
            stack.push_async_callback(made.close)
            return made

        yield build


@pytest.fixture
def until():
    """Wait for a condition that no event tells of."""

    async def wait(fits, timeout=10.0):
        end = time.monotonic() + timeout
        while not fits():
            assert time.monotonic() < end, "it did not happen in time"
            await asyncio.sleep(0.02)

    return wait
