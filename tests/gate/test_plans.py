"""Plans that wait for a yes, and the plan that takes a run back. No host needed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.model.command import HostFacts
from tui.model.level import Level
from tui.model.message import msg
from tui.model.plan import Plan, Refused, Step
from tui.model.reading import Reading
from tui.model.site import Site
from tui.room.plans import LIFETIME, Plans, moved_on, undo_plan, undoable
from tui.wire.messages import Run, RunStep

HOST = HostFacts("deploy", 1000)
SITE = Site(id="eu", name="EU store")
words = st.lists(st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=5), min_size=1, max_size=3).map(tuple)
steps = st.lists(st.builds(Step, words, st.just(msg("why")), words), min_size=1, max_size=5).map(tuple)


def plan_of(steps, **notes):
    return Plan(action="rollback", site="eu", title=msg("roll back"), steps=steps, notes={"want": "b", "was": "a", **notes})


def run_of(plan, states, state="done"):
    return Run(id="r", plan=plan, who="alice", state=state, steps=tuple(RunStep("x", word) for word in states), decided=1.0, acted=2.0)


@given(steps, st.data())
def test_undo_takes_back_what_began_in_reverse(steps, data):
    ran = data.draw(st.integers(1, len(steps)))
    run = run_of(plan_of(steps), ["done"] * ran + ["waiting"] * (len(steps) - ran), "done" if ran == len(steps) else "failed")
    undo = undo_plan(run)
    assert [step.argv for step in undo.steps] == [step.undo for step in reversed(steps[:ran])]
    assert (undo.notes["want"], undo.notes["was"], undo.notes["of"]) == ("a", "b", "rollback")
    assert undo.hash != run.plan.hash
    redo = undo_plan(run_of(undo, ["done"] * ran))
    assert [step.argv for step in redo.steps] == [step.argv for step in steps[:ran]]
    assert redo.notes["of"] == "rollback"


@given(steps, st.data())
def test_every_change_of_what_runs_changes_the_hash(steps, data):
    plan = plan_of(steps)
    at = data.draw(st.integers(0, len(steps) - 1))
    other = data.draw(words.filter(lambda found: found != steps[at].argv))
    changed = [*steps[:at], Step(other, steps[at].why, steps[at].undo), *steps[at + 1 :]]
    assert plan_of(tuple(changed)).hash != plan.hash


def test_what_has_no_way_back_is_not_undoable():
    one_way = (Step(("a",), msg("x"), ("b",)), Step(("c",), msg("y")))
    assert not undoable(run_of(plan_of(one_way), ["done", "done"]))
    assert undoable(run_of(plan_of(one_way), ["failed", "waiting"], "failed"))
    for run in (run_of(plan_of(one_way), ["waiting", "waiting"], "failed"), run_of(plan_of(one_way), ["done", "waiting"], "running")):
        with pytest.raises(Refused):
            undo_plan(run)


def test_a_plan_waits_ten_minutes_and_is_used_once():
    now = [0.0]
    plans = Plans(lambda: now[0])
    key = plans.put(plan_of((Step(("a",), msg("x")),)), SITE, HOST)
    now[0] = LIFETIME
    assert not plans.expired(plans.get(key))
    now[0] += 1
    assert plans.expired(plans.get(key))
    plans.take(key)
    plans.take(key)
    assert plans.get(key) is None


def test_words_that_no_message_can_carry_are_refused():
    with pytest.raises(Refused, match="UTF-8"):
        Plans().put(plan_of((Step(("caf\udce9",), msg("x")),)), SITE, HOST)


@pytest.mark.parametrize(("live", "at", "moved"), [("b", 3.0, False), ("c", 3.0, True), ("c", 1.5, False), (None, 3.0, False)])
def test_a_store_that_somebody_changed_since_is_seen(live, at, moved):
    rows = tuple({"key": name, "live": "live" if name == live else ""} for name in "abc")
    reading = Reading(probe="deploys", site="eu", level=Level.OK, summary=msg("x"), at=at, rows=rows)
    run = run_of(plan_of((Step(("a",), msg("x"), ("b",)),), probe="deploys", column="live"), ["done"])
    assert (moved_on(run, {"deploys": reading}) is not None) == moved
    assert moved_on(run, {}) is None
