"""A link or a room that dies at any moment: the store is old or new, and the room says which after it has looked."""

import asyncio
import shlex
import sys
from pathlib import Path

import msgspec
import pytest

from tui.model.level import Level
from tui.model.site import Fleet
from tui.room.audit import verify
from tui.room.runbook import Record, Runbook
from tui.wire.messages import No, Started


def waits(store, name="go"):
    """A first step that says that it runs, then waits to be told to go on."""
    begun, go = store.folder / "begun", store.folder / name
    there = f"[ ! -e {shlex.quote(str(go))} ] && [ $n -lt 2000 ]"  # ends by itself when nobody tells it to go on
    store.script = f"touch {shlex.quote(str(begun))}; n=0; while {there}; do sleep 0.02; n=$((n + 1)); done"
    return begun, go


async def started(room, choice="new"):
    planned = await room.gate.plan(room.me, "eu", "set", choice)
    answer = await room.gate.confirm(room.me, planned.hash)
    assert isinstance(answer, Started)
    return answer.run.id


@pytest.mark.parametrize("delay", [0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3])
async def test_a_link_that_dies_at_any_moment_leaves_old_or_new(house, store, delay):
    room = house()
    store.script = f"echo ran >> {shlex.quote(str(store.folder / 'count'))}"
    run = await started(room)
    await asyncio.sleep(delay)  # the moment is what is varied; what is waited for comes below
    store.server.drop()
    ended = await room.ended(run)
    assert (ended.state, ended.verdict.message.say()) == ("done", "the store is new")
    assert store.state.read_text() == "new"
    assert (store.folder / "count").read_text() == "ran\n"
    assert verify(room.audit.path) is None


async def test_a_link_that_dies_in_the_middle_of_a_step(house, store, until):
    room = house()
    begun, go = waits(store)
    run = await started(room)
    await until(begun.exists)
    store.server.drop()
    assert store.state.read_text() == "old"
    go.touch()
    assert (await room.ended(run)).state == "done"
    assert store.state.read_text() == "new"


async def test_a_host_that_stays_away_is_unknown_not_done(house, store, until):
    room = house(patience=0.2)
    begun, go = waits(store)
    run = await started(room)
    await until(begun.exists)
    room = await room.again()
    store.server.acceptor.close()
    store.server.drop()
    await room.gate.recover()
    ended = await room.ended(run)
    assert (ended.state, ended.steps[0].state, ended.steps[1].state) == ("unknown", "unknown", "waiting")
    assert ended.verdict.level is Level.UNKNOWN
    assert (await room.lines())[-1].detail.startswith("outcome unknown, looked: could not look at the store")
    await store.server.start()
    room = await room.again()  # a reach that has not backed off yet
    await room.gate.recover()
    no = await room.gate.plan(room.me, "eu", "set", "newer")
    assert isinstance(no, No) and "still runs on the host" in no.message.say()
    go.touch()
    async with asyncio.timeout(10):
        while isinstance(await room.gate.plan(room.me, "eu", "set", "newer"), No):
            await asyncio.sleep(0.05)
    await room.close()


async def test_a_room_killed_between_steps_looks_back_and_says_old(house, store, until):
    room = house()
    begun, go = waits(store)
    run = await started(room)
    await until(begun.exists)
    room = await room.again()
    await room.gate.recover()
    assert room.gate.busy
    no = await room.gate.plan(room.me, "eu", "set", "newer")
    assert isinstance(no, No) and "alice is at it" in no.message.say()
    go.touch()
    ended = await room.ended(run)
    assert [step.state for step in ended.steps] == ["done", "waiting", "waiting"]
    assert (ended.state, ended.verdict.message.say()) == ("failed", "the store is old")
    assert store.state.read_text() == "old"
    lines = await room.lines()
    assert [(line.what, line.run) for line in lines] == [("intent", run), ("refused", ""), ("outcome", run)]
    assert lines[-1].detail == "failed: the store is old; steps: 1 done (0), 2 waiting, 3 waiting"
    assert verify(room.audit.path, room.heads.kept["audit"]) is None
    await room.close()


async def test_a_room_killed_after_the_last_step_says_new(house, store, until):
    room = house()
    begun, go = waits(store)
    store.script, store.between = ":", store.script
    run = await started(room)
    await until(begun.exists)
    room = await room.again()
    go.touch()
    await room.gate.recover()
    ended = await room.ended(run)
    assert (ended.state, ended.verdict.message.say()) == ("done", "the store is new")
    await room.close()
    third = await room.again()
    await third.gate.recover()
    assert not third.gate.busy
    assert [line.what for line in await third.lines()] == ["intent", "outcome"]
    await third.close()


ROOM = """
import asyncio, sys
from pathlib import Path
import msgspec
from tests.gate.conftest import House, Store
from tui.model.site import SshTarget

class Server:
    def __init__(self, target):
        self.target = lambda: target

async def main(folder, target, script):
    store = Store(folder, Server(target))
    store.script = script
    room = House(folder / "room", store)
    planned = await room.gate.plan(room.me, "eu", "set", "new")
    started = await room.gate.confirm(room.me, planned.hash)
    print(started.run.id, flush=True)
    await asyncio.sleep(60)

asyncio.run(main(Path(sys.argv[1]), msgspec.json.decode(sys.argv[2], type=SshTarget), sys.argv[3]))
"""


async def test_a_room_that_is_killed_as_a_process_is_finished_for(house, store, until):
    """kill -9 while the first step runs: intent and run are on disk, the next room writes the outcome."""
    begun, go = waits(store)
    words = (str(store.folder), msgspec.json.encode(store.server.target()).decode(), store.script)
    root = Path(__file__).parents[2]
    dead = await asyncio.create_subprocess_exec(sys.executable, "-c", ROOM, *words, cwd=root, stdout=asyncio.subprocess.PIPE)
    run = (await dead.stdout.readline()).decode().strip()
    await until(begun.exists)
    dead.kill()
    await dead.wait()
    store.state.write_text("old")
    room = house()
    await room.gate.recover()
    go.touch()
    ended = await room.ended(run)
    assert [step.state for step in ended.steps] == ["done", "waiting", "waiting"]
    assert (ended.state, ended.verdict.message.say()) == ("failed", "the store is old")
    assert [line.what for line in await room.lines()] == ["intent", "outcome"]
    assert verify(room.audit.path) is None


async def test_an_intent_that_nothing_came_of_is_closed(house, store):
    room = house()
    await room.audit.append(who="alice", uid=1000, what="intent", action="set", site="eu", run="run-1")
    await room.gate.recover()
    assert [(line.what, line.run) for line in await room.lines()] == [("intent", "run-1"), ("outcome", "run-1")]
    assert "nothing was run" in (await room.lines())[-1].detail
    await room.gate.recover()
    assert len(await room.lines()) == 2


async def test_a_site_that_left_the_fleet_is_not_looked_at(house, store, until):
    room = house()
    begun, go = waits(store)
    run = await started(room)
    await until(begun.exists)
    room = await room.again()
    room.fleet = Fleet("sites.toml", {})
    await room.gate.recover()
    ended = await room.ended(run)
    assert ended.state == "unknown"
    assert ended.verdict.message.say() == "eu is no longer in sites.toml, so nobody looked"
    go.touch()
    await room.close()


async def test_a_note_of_a_run_that_cannot_be_read_is_set_aside(house):
    room = house()
    (room.folder / "runs").mkdir(parents=True)
    (room.folder / "runs" / "x.msgpack").write_bytes(b"\xc1garbage")
    await room.gate.recover()
    assert [path.name for path in (room.folder / "runs").iterdir()] == ["x.bad"]
    assert (await room.do("new")).state == "done"


async def test_a_host_whose_journal_cannot_be_written_runs_nothing(house, store):
    room = house()
    (store.server.home / ".storewatch").write_text("in the way")
    run = await room.do("new")
    assert (run.state, [step.state for step in run.steps]) == ("failed", ["failed", "waiting"])
    assert run.steps[0].out
    assert store.state.read_text() == "old"


async def test_only_the_last_twenty_runs_are_kept(house, tmp_path):
    room = house()
    first = await room.do("new")
    book = Runbook(tmp_path / "book", room.hub)
    for number in range(25):
        run = msgspec.structs.replace(first, id=f"run-{number}", decided=float(number))
        book.begin(Record(run, 1000))
        book.settle(run, audited=True)
    kept = [f"run-{number}" for number in range(5, 25)]
    assert [run.id for run in book.runs()] == kept
    again = Runbook(tmp_path / "book", room.hub)
    assert again.load() == []
    assert [run.id for run in again.runs()] == kept
