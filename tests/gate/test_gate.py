"""The one door, from the yes to the file on the host, over a real SSH server."""

import asyncio
import json
import os
import shlex

import msgspec
import pytest

from tui.model.level import Level
from tui.model.message import msg
from tui.model.reading import Reading
from tui.model.site import Fleet
from tui.room.audit import verify
from tui.room.person import Person
from tui.wire.messages import Choices, No, Planned, Started


async def test_a_confirmed_plan_changes_the_store_and_is_on_record(house, store):
    room = house()
    run = await room.do("new", reason="promised\x1b[31m to bob")
    assert store.state.read_text() == "new"
    assert (run.state, run.verdict.level, run.verdict.message.say()) == ("done", Level.OK, "the store is new")
    assert [step.state for step in run.steps] == ["done", "done"]
    assert run.decided <= run.acted <= run.verified
    intent, outcome = await room.lines()
    assert (intent.what, intent.who, intent.uid, intent.reason) == ("intent", "alice", 1000, "promised to bob")
    assert intent.commands == tuple(step.text for step in run.plan.steps)
    assert (outcome.what, outcome.run, outcome.plan) == ("outcome", run.id, run.plan.hash)
    assert outcome.detail.startswith("done: the store is new")
    assert verify(room.audit.path, room.heads.kept["audit"]) is None
    assert room.probed == [("eu", "uptime"), ("eu", "plugins")]
    assert [event.message.say() for event in room.events] == ["set new", "set new: done. the store is new"]
    assert not (store.server.home / ".storewatch" / "runs" / run.id).exists()


async def test_the_intent_is_on_disk_before_the_first_command(house, store):
    """The command itself reads the audit file and the room's own note of the run."""
    room = house()
    seen = store.folder / "seen"
    store.script = (
        f"cat {shlex.quote(str(room.audit.path))} > {shlex.quote(str(seen))}; ls {shlex.quote(str(room.folder / 'runs'))} >> {seen}"
    )
    run = await room.do("new")
    first, note = seen.read_text().splitlines()
    assert json.loads(first)["what"] == "intent"
    assert json.loads(first)["run"] == run.id
    assert note == f"{run.id}.msgpack"


@pytest.mark.parametrize("name", ["x; rm -rf /", "-rf\nb\x1b[31m'\"$(reboot)"])
async def test_a_hostile_choice_stays_one_word(house, store, name):
    room = house()
    assert (await room.do(name)).state == "done"
    assert store.state.read_text() == name


async def test_confirming_twice_runs_once(house, store):
    room = house()
    store.script = f"echo ran >> {shlex.quote(str(store.folder / 'count'))}"
    planned = await room.gate.plan(room.me, "eu", "set", "new")
    answers = await asyncio.gather(*(room.gate.confirm(room.me, planned.hash) for _ in range(5)))
    started = [answer for answer in answers if isinstance(answer, Started)]
    assert len(started) == 1
    await room.ended(started[0].run.id)
    late = await room.gate.confirm(room.me, planned.hash)
    assert isinstance(late, No)
    assert "alice confirmed this plan already; it is done" in late.message.say()
    assert (store.folder / "count").read_text() == "ran\n"


async def test_only_one_action_at_a_time_on_a_site(house, store):
    room = house()
    gate_file = store.folder / "go"
    store.script = f"while [ ! -e {shlex.quote(str(gate_file))} ]; do sleep 0.05; done"
    first = await room.gate.plan(room.me, "eu", "set", "new")
    second = await room.gate.plan(room.me, "eu", "set", "newer")
    started = await room.gate.confirm(room.me, first.hash)
    assert room.gate.busy
    bob = Person(1001, "bob")
    for no in (await room.gate.confirm(bob, second.hash), await room.gate.plan(bob, "eu", "set", "new")):
        assert isinstance(no, No) and no.gate
        assert no.message.say() == "alice is at it on EU store: set new"
    gate_file.touch()
    assert (await room.ended(started.run.id)).state == "done"
    assert store.state.read_text() == "new"
    refused = [line for line in await room.lines() if line.what == "refused"]
    assert [line.who for line in refused] == ["bob", "bob"]


@pytest.mark.parametrize(
    ("choice", "words"), [("bad", "it is bad"), ("", "choose one first"), ("nothing", "EU store has no nothing"), ("never", "never")]
)
async def test_what_cannot_be_chosen_is_no_rule(house, choice, words):
    room = house()
    no = await room.gate.plan(room.me, "eu", "set", choice)
    assert isinstance(no, No)
    assert (no.message.say(), no.gate) == (words, False)
    assert await room.lines() == ()


async def test_unknown_words_are_named(house):
    room = house()
    assert (await room.gate.plan(room.me, "us", "set", "new")).message.say() == "there is no site us"
    assert (await room.gate.plan(room.me, "eu", "jump", "new")).remedy.say() == "there are: set"
    assert isinstance(await room.gate.choices(room.me, "eu", "set"), Choices)
    assert (await room.gate.undo(room.me, "eu")).message.say() == "nothing on EU store can be taken back"
    assert (await room.gate.undo(room.me, "us")).message.say() == "there is no site us"


async def test_read_only_rooms_and_viewers_change_nothing(house, store):
    room = house(read_only=msg("this room is read-only"))
    assert (await room.gate.plan(room.me, "eu", "set", "new")).message.say() == "this room is read-only"
    room = house()
    planned = await room.gate.plan(room.me, "eu", "set", "new")
    eve = Person(1002, "eve", read_only=True)
    no = await room.gate.confirm(eve, planned.hash)
    assert (no.message.say(), no.gate) == ("this viewer is read-only", True)
    assert store.state.read_text() == "old"
    assert [(line.what, line.who, line.plan) for line in await room.lines()][-1] == ("refused", "eve", planned.hash)


async def test_what_wants_approval_is_refused(house, store):
    room = house()
    site = msgspec.structs.replace(store.site, approve=("set",))
    room.fleet = Fleet("sites.toml", {"eu": site})
    no = await room.gate.plan(room.me, "eu", "set", "new")
    assert "needs a second person's approval, which comes with" in no.message.say()
    assert no.gate


async def test_a_production_store_wants_its_name(house, store):
    store.site = msgspec.structs.replace(store.site, production=True)
    room = house()
    planned = await room.gate.plan(room.me, "eu", "set", "new")
    assert planned.confirm == "EU store"
    for wrong in ("", "eu store", "EU store ", "EU"):
        assert isinstance(await room.gate.confirm(room.me, planned.hash, wrong), No)
    assert store.state.read_text() == "old"
    started = await room.gate.confirm(room.me, planned.hash, "EU store")
    assert (await room.ended(started.run.id)).state == "done"
    planned = await room.gate.plan(room.me, "eu", "set", "newer")
    started = await room.gate.confirm(room.me, planned.hash, "eu")
    assert planned.last.say().endswith("s and ended: done")
    await room.ended(started.run.id)


async def test_what_was_shown_is_what_runs(house, store):
    """Another hash, an old plan, another plan from what is known now, another sites.toml: none of them runs."""
    clock = [1000.0]
    room = house(clock=lambda: clock[0])
    no = await room.gate.confirm(room.me, "0" * 64)
    assert "not known here" in no.message.say()
    planned = await room.gate.plan(room.me, "eu", "set", "new")
    store.script = "echo another plan"
    assert "the store has changed" in (await room.gate.confirm(room.me, planned.hash)).message.say()
    store.script = ":"
    clock[0] += 601
    assert "older than ten minutes" in (await room.gate.confirm(room.me, planned.hash)).message.say()
    planned = await room.gate.plan(room.me, "eu", "set", "new")
    room.fleet = Fleet("sites.toml", {"eu": msgspec.structs.replace(store.site, owner="www-data")})
    assert "sites.toml was changed" in (await room.gate.confirm(room.me, planned.hash)).message.say()
    room.fleet = Fleet("sites.toml", {})
    assert "sites.toml was changed" in (await room.gate.confirm(room.me, planned.hash)).message.say()
    assert store.state.read_text() == "old"
    assert {line.what for line in await room.lines()} == {"refused"}


async def test_a_failing_step_stops_the_rest_and_the_store_is_looked_at(house, store):
    room = house()
    store.script = "echo no room left >&2; exit 3"
    run = await room.do("new")
    assert (run.state, [step.state for step in run.steps]) == ("failed", ["failed", "waiting", "waiting"])
    assert (run.steps[0].exit, run.steps[0].out) == (3, "no room left")
    assert run.verdict.message.say() == "the store is old"
    assert (await room.lines())[-1].detail == "failed: the store is old; steps: 1 failed (3), 2 waiting, 3 waiting"


async def test_an_exit_code_of_zero_proves_nothing(house, store):
    room = house()
    store.between = f"echo other > {shlex.quote(str(store.state))}"
    run = await room.do("new")
    assert {step.state for step in run.steps} == {"done"}
    assert (run.state, run.verdict.level) == ("failed", Level.CRIT)


async def test_undo_takes_back_and_can_be_taken_back(house, store):
    room = house()
    done = await room.do("new")
    planned = await room.gate.undo(room.me, "eu")
    assert isinstance(planned, Planned)
    assert planned.plan.action == "undo"
    assert [step.argv for step in planned.plan.steps] == [step.undo for step in reversed(done.plan.steps)]
    started = await room.gate.confirm(room.me, planned.hash)
    undo = await room.ended(started.run.id)
    assert (undo.state, undo.undo_of, undo.verdict.message.say()) == ("done", done.id, "the store is old")
    assert store.state.read_text() == "old"
    assert room.runs[done.id].state == "undone"
    assert [line.what for line in await room.lines()] == ["intent", "outcome", "undo", "outcome"]
    assert isinstance(await room.gate.undo(room.me, "eu"), No)
    again = await room.gate.undo(room.me, "eu", undo.id)
    started = await room.gate.confirm(room.me, again.hash)
    assert (await room.ended(started.run.id)).state == "done"
    assert store.state.read_text() == "new"


async def test_a_run_can_be_undone_after_a_restart(house, store):
    room = house()
    done = await room.do("new")
    room = await room.again()
    await room.gate.recover()
    assert [run.id for run in room.gate.runs()] == [done.id]
    planned = await room.gate.undo(room.me, "eu", done.id)
    started = await room.gate.confirm(room.me, planned.hash)
    await room.ended(started.run.id)
    assert store.state.read_text() == "old"
    await room.close()


async def test_the_stopwatch_starts_at_the_first_bad_look(house):
    room = house()

    def look(level, at):
        room.memory.put(Reading(probe="uptime", site="eu", level=level, summary=msg("x"), at=at))

    for level, at in ((Level.WARN, 5.0), (Level.OK, 10.0), (Level.WARN, 20.0), (Level.UNKNOWN, 25.0), (Level.CRIT, 30.0)):
        look(level, at)
    assert (await room.do("new")).detected == 20.0
    look(Level.OK, 40.0)
    assert (await room.do("newer")).detected is None


async def test_nothing_runs_when_the_intent_cannot_be_written(house, store):
    """A full disk (here a record that is no file) and a folder that cannot be made."""
    room = house()
    planned = await room.gate.plan(room.me, "eu", "set", "new")
    room.folder.mkdir()
    os.mkfifo(room.audit.path)
    no = await room.gate.confirm(room.me, planned.hash)
    assert isinstance(no, No) and no.gate
    assert "so nothing was run" in no.message.say()
    room.audit.path.unlink()
    (room.folder / "runs").write_text("in the way")
    planned = await room.gate.plan(room.me, "eu", "set", "new")
    no = await room.gate.confirm(room.me, planned.hash)
    assert "so nothing was run" in no.message.say()
    assert not room.gate.busy
    assert store.state.read_text() == "old"
    assert [line.what for line in await room.lines()] == ["intent", "outcome"]
    assert room.events[0].level is Level.CRIT
    (room.folder / "runs").unlink()
    assert (await room.do("new")).state == "done"
