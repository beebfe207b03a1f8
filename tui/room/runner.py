"""Does what the gate let through: one step after the other by a host's hands, then looks at the store and writes down what is."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import msgspec

from tui.model.action import Action
from tui.model.failure import ReachError
from tui.model.level import Level
from tui.model.message import Message, msg
from tui.model.plan import Plan, Verdict
from tui.model.reach import Hands, Reach, StepState
from tui.model.site import Site
from tui.model.text import clean_bytes
from tui.room.plans import origin
from tui.room.runbook import Record, Runbook
from tui.room.scribe import Notes, Scribe
from tui.wire.messages import Event, Run, RunStep

log = logging.getLogger(__name__)

PATIENCE = 600.0
"""Seconds for which a host that went away during a step is tried again before the outcome is called unknown."""

_PROOF = 60.0  # seconds for which a look at the store is tried again when the link dies under it
_OUT = 2000  # characters kept of what a step printed
_PAUSE = 1.0  # between two tries; the hands themselves have tried for a minute each time


class Doors(Reach, Protocol):
    """Looking, and the hands that only the runner uses."""

    def hands(self, site: Site) -> Hands: ...


class Prober(Protocol):
    def probe_now(self, site: str = "", probe: str = "") -> None: ...


Ask = Callable[[Hands, Run, int], Awaitable[StepState]]
"""How a step's state is got: by running it, or by looking back."""


Over = Callable[[], None]


def nothing() -> None:
    pass


class Runner:
    """``execute`` a run from its first step, or ``resume`` one that a dead room left. Neither raises but for cancellation."""

    def __init__(
        self,
        reach: Doors,
        actions: Mapping[str, Action],
        scribe: Scribe,
        runbook: Runbook,
        timeline: Notes,
        prober: Prober,
        *,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._reach = reach
        self._actions = actions
        self._scribe = scribe
        self._runbook = runbook
        self._timeline = timeline
        self._prober = prober
        self._patience = patience
        self._clock = clock

    async def execute(self, record: Record, site: Site, over: Over = nothing) -> Run:
        """All steps in order; stops at the first that fails. Gives the run as it ended; ``over`` is called once its outcome is on
        record and before anybody hears of it, so that the next action may follow at once."""

        async def ask(hands: Hands, run: Run, step: int) -> StepState:
            return await hands.run_step(run.plan, run.id, step, run.plan.steps[step].argv)

        return await self._finish(record, site, lambda run: self._steps(run, site, ask, unbegun="failed"), over)

    async def resume(self, record: Record, site: Site | None, over: Over = nothing) -> Run:
        """Look back at what the host's journal says of each step, wait for one that still runs, start none."""
        if site is None:
            lost = tuple(msgspec.structs.replace(step, state="unknown") for step in record.run.steps)
            run = msgspec.structs.replace(record.run, steps=lost)
            return await self._close(record, self._ended(run, _not_here(run)), None, over)

        async def ask(hands: Hands, run: Run, step: int) -> StepState:
            return await hands.look_back(run.id, step)

        return await self._finish(record, site, lambda run: self._steps(run, site, ask, unbegun="waiting"), over)

    async def left_running(self, site: Site) -> Run | None:
        """A run on this site that was given up as unknown and still goes on at its host. Raises ReachError."""
        for run in self._runbook.runs():
            for number, step in enumerate(run.steps):
                if run.plan.site == site.id and run.state == "unknown" and step.state == "unknown":
                    state = await self._reach.hands(site).look_back(run.id, number)
                    if state.running:
                        return run
        return None

    async def _finish(self, record: Record, site: Site, act: Callable[[Run], Awaitable[Run]], over: Over) -> Run:
        run = record.run
        try:
            run = await act(run)
            run = msgspec.structs.replace(run, state="proving", acted=self._clock())
            self._runbook.update(run)
            verdict = await self._prove(run.plan, site)
        except Exception as error:  # a fault of ours must not leave the outcome unwritten
            log.exception("run %s", run.id)
            run = self._runbook.get(run.id) or run
            verdict = Verdict(Level.UNKNOWN, msg("a fault of storewatch itself: {fault}", fault=f"{type(error).__name__}: {error}"[:200]))
        return await self._close(record, self._ended(run, verdict), site, over)

    async def _steps(self, run: Run, site: Site, ask: Ask, unbegun: str) -> Run:
        for number in range(len(run.steps)):
            run = self._with_step(run, number, state="running")
            state = await self._persist(run, site, number, ask)
            if state is None:
                return self._with_step(run, number, state="unknown", out=self._shown(run.id, number).out)
            out = clean_bytes((state.out + state.err)[-_OUT:], _OUT).strip()
            if not state.began:
                return self._with_step(run, number, state=unbegun, out=out)
            good = state.exit in run.plan.steps[number].expect
            run = self._with_step(run, number, state="done" if good else "failed", exit=state.exit, out=out)
            if not good:
                return run
        return run

    async def _persist(self, run: Run, site: Site, number: int, ask: Callable[[Hands, Run, int], Awaitable[StepState]]) -> StepState | None:
        """Keep asking until the step is over; None when the host stayed away for longer than our patience."""
        deadline = self._clock() + self._patience
        while True:
            try:
                state = await ask(self._reach.hands(site), run, number)
                if not state.running:
                    return state
            except ReachError as error:
                if error.failure.step == "command":  # the host answered: the step could not begin
                    return StepState(number, err=error.failure.message.say().encode())
                run = self._with_step(run, number, state="running", out=error.failure.message.say())
                if self._clock() >= deadline:
                    return None
            await asyncio.sleep(min(_PAUSE, self._patience))

    async def _prove(self, plan: Plan, site: Site) -> Verdict:
        action = self._actions.get(origin(plan))
        if action is None or action.prove is None:
            return Verdict(Level.UNKNOWN, msg("nobody knows how to look whether this worked"))
        deadline = self._clock() + min(_PROOF, self._patience)
        while True:
            try:
                return await action.prove(site, self._reach, plan)
            except ReachError as error:
                if self._clock() >= deadline:
                    return Verdict(Level.UNKNOWN, msg("could not look at the store: {why}", why=error.failure.message.say()))
            await asyncio.sleep(min(_PAUSE, self._patience))

    def _ended(self, run: Run, verdict: Verdict) -> Run:
        now = self._clock()
        return msgspec.structs.replace(run, state=_state(run, verdict), verdict=verdict, verified=now, acted=run.acted or now)

    async def _close(self, record: Record, run: Run, site: Site | None, over: Over) -> Run:
        """Outcome on record, the book settled, journal on the host forgotten, the store looked at again."""
        audited = await self._scribe.outcome(run, record.uid)
        over()
        try:
            self._runbook.settle(run, audited=audited)
        except OSError as error:
            log.warning("run %s could not be kept: %s", run.id, error)
        verdict = run.verdict or Verdict(Level.UNKNOWN, msg("not looked at"))
        self._timeline.note(
            Event(at=self._clock(), kind="action", site=run.plan.site, who=run.who, level=verdict.level, message=_line(run))
        )
        if run.undo_of and run.state == "done" and (undone := self._runbook.get(run.undo_of)) is not None:
            self._settle_undone(msgspec.structs.replace(undone, state="undone"))
        if site is not None:
            self._probe(run, site)
            await self._forget(run, site, audited)
        return run

    def _settle_undone(self, run: Run) -> None:
        try:
            self._runbook.settle(run, audited=True)
        except OSError as error:
            log.warning("run %s could not be kept: %s", run.id, error)

    def _probe(self, run: Run, site: Site) -> None:
        action = self._actions.get(origin(run.plan))
        for probe in dict.fromkeys(("uptime", *(action.info.then if action else ()))):
            self._prober.probe_now(site.id, probe)

    async def _forget(self, run: Run, site: Site, audited: bool) -> None:
        """The journal on the host goes only when nothing may still be read from it."""
        if not audited or any(step.state in ("unknown", "running") for step in run.steps):
            return
        try:
            await self._reach.hands(site).forget(run.id)
        except ReachError as error:
            log.info("journal of %s left on %s: %s", run.id, site.id, error)

    def _with_step(self, run: Run, number: int, **changes: str | int | None) -> Run:
        steps = list(run.steps)
        steps[number] = msgspec.structs.replace(steps[number], **changes)
        run = msgspec.structs.replace(run, steps=tuple(steps))
        self._runbook.update(run)
        return run

    def _shown(self, run: str, number: int) -> RunStep:
        known = self._runbook.get(run)
        return RunStep("") if known is None else known.steps[number]


def _state(run: Run, verdict: Verdict) -> str:
    """How a run ended. Exit codes can only make it worse: a run is done when the store shows it."""
    states = {step.state for step in run.steps}
    if "unknown" in states or "running" in states:
        return "unknown"
    if "failed" in states or "waiting" in states or verdict.level is Level.CRIT:
        return "failed"
    return "unknown" if verdict.level is Level.UNKNOWN else "done"


def _line(run: Run) -> Message:
    verdict = "" if run.verdict is None else run.verdict.message.say()
    return msg("{what}: {state}. {verdict}", what=run.plan.title.say(), state=run.state, verdict=verdict)


def _not_here(run: Run) -> Verdict:
    return Verdict(Level.UNKNOWN, msg("{site} is no longer in sites.toml, so nobody looked", site=run.plan.site))
