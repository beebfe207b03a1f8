"""Plans that were shown and wait for a yes, and the plan that takes a run back."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import msgspec

from tui.model.command import HostFacts
from tui.model.message import Message, msg
from tui.model.plan import Plan, Refused, Step
from tui.model.reading import Reading
from tui.model.site import Site
from tui.model.text import one_line
from tui.wire.messages import Run

LIFETIME = 600.0
"""Seconds a plan may wait: what it was computed from grows old."""

UNDO = "undo"

_BEGAN = frozenset({"done", "failed", "unknown"})


class Pending(msgspec.Struct, frozen=True):
    """A plan as it was shown, with all it was computed from. ``undo_of``: the run it takes back, ""."""

    plan: Plan
    site: Site
    host: HostFacts
    at: float
    undo_of: str = ""


class Plans:
    """Pending plans by hash."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._pending: dict[str, Pending] = {}

    def put(self, plan: Plan, site: Site, host: HostFacts, undo_of: str = "") -> str:
        """Remember a plan and give its hash. Raises Refused for words that no message can carry (bytes that are not UTF-8)."""
        now = self._clock()
        self._pending = {key: old for key, old in self._pending.items() if now - old.at <= 2 * LIFETIME}
        try:
            key = plan.hash
        except UnicodeEncodeError:
            raise Refused(
                msg("the name holds bytes that are not UTF-8, so the exact commands cannot be shown"), msg("rename it on the host first")
            ) from None
        self._pending[key] = Pending(plan, site, host, now, undo_of)
        return key

    def get(self, key: str) -> Pending | None:
        return self._pending.get(key)

    def expired(self, pending: Pending) -> bool:
        return self._clock() - pending.at > LIFETIME

    def take(self, key: str) -> None:
        """It is used up: a second yes finds nothing."""
        self._pending.pop(key, None)


def origin(plan: Plan) -> str:
    """The id of the action a plan belongs to, also when it takes one back."""
    return plan.notes.get("of", plan.action) if plan.action == UNDO else plan.action


def began(run: Run) -> list[int]:
    """The steps of a run that began, in order."""
    return [number for number, step in enumerate(run.steps) if step.state in _BEGAN]


def undoable(run: Run) -> bool:
    """Whether a run is over, did something, and every step that began can be taken back."""
    steps = began(run)
    return run.state in ("done", "failed", "unknown") and bool(steps) and all(run.plan.steps[number].undo for number in steps)


def undo_plan(run: Run) -> Plan:
    """The steps of ``run`` that began, taken back in reverse. ``notes`` hold ``of`` (the action) and have ``want`` and ``was``
    exchanged, so that the action's own proof looks for the state before. Raises Refused when it cannot be taken back."""
    if not undoable(run):
        raise Refused(msg("{what} cannot be taken back", what=run.plan.title.say()))
    steps = []
    for number in reversed(began(run)):
        step = run.plan.steps[number]
        if step.undo is not None:
            steps.append(Step(argv=step.undo, why=msg("take back: {what}", what=step.why.say()), undo=step.argv))
    notes = dict(run.plan.notes)
    notes["want"], notes["was"] = notes.get("was", ""), notes.get("want", "")
    notes["of"] = origin(run.plan)
    return msgspec.structs.replace(
        run.plan, action=UNDO, title=msg("take back: {what}", what=run.plan.title.say()), steps=tuple(steps), notes=notes
    )


def moved_on(run: Run, readings: Mapping[str, Reading]) -> Message | None:
    """Why ``run`` must not be taken back: the store was changed by somebody else since. A plan whose notes name a ``probe`` and a
    ``column`` says thereby that the row with something in that column must be the one it ``want``ed."""
    notes = run.plan.notes
    reading = readings.get(notes.get("probe", ""))
    if reading is None or reading.at < (run.acted or run.decided):
        return None
    seen = next((str(row.get("key")) for row in reading.rows if row.get(notes.get("column", ""))), None)
    if seen is None or seen == notes.get("want"):
        return None
    return msg("the store was changed since: {seen} is live, not {want}", seen=one_line(seen), want=one_line(notes.get("want", "")))
