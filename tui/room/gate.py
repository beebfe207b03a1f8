"""The one door: every action passes it, and what it lets through is what was shown."""

from __future__ import annotations

import asyncio
import datetime
import logging
import secrets
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

from tui.model.action import Action
from tui.model.catalogue import Option
from tui.model.command import HostFacts
from tui.model.failure import ReachError
from tui.model.message import Message, msg
from tui.model.plan import Plan, Refused
from tui.model.reading import Reading
from tui.model.site import Fleet, Site
from tui.model.text import one_line
from tui.room.audit import Audit, AuditError
from tui.room.hub import Change, Hub
from tui.room.person import Person
from tui.room.plans import UNDO, Pending, Plans, moved_on, origin, undo_plan, undoable
from tui.room.rules import Rules, misspelt, no_site, stranger, unfit
from tui.room.runbook import OPEN, Record, Runbook
from tui.room.runner import PATIENCE, Doors, Over, Prober, Runner
from tui.room.scribe import Notes, Scribe
from tui.room.trouble import Trouble
from tui.wire.messages import Choices, Event, No, Planned, Run, RunStep, Started

TIDY = 2.0
"""Seconds a closing room gives to runs that are over to remove their journal on the host."""

log = logging.getLogger(__name__)

LOOK = 20.0
"""Seconds to wait for a pane's reading when an action is planned from it."""

FRESH = 30.0
"""Seconds a reading may be old when a plan is made from it; an older one is taken again first."""


class Latest(Protocol):
    def latest(self, site_id: str) -> Mapping[str, Reading]: ...


class Gate:
    """``plan`` shows, ``confirm`` acts. Every answer that is not a yes is a :class:`~tui.wire.messages.No` that says why and what would
    change it; those by a rule (``gate`` True) are on record too."""

    def __init__(
        self,
        fleet: Callable[[], Fleet],
        actions: Sequence[Action],
        reach: Doors,
        memory: Latest,
        audit: Audit,
        hub: Hub,
        schedule: Prober,
        timeline: Notes,
        read_only: Message | None = None,
        *,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._actions = {action.info.id: action for action in actions}
        self._reach = reach
        self._memory = memory
        self._hub = hub
        self._schedule = schedule
        self._timeline = timeline
        self._clock = clock
        self._rules = Rules(fleet, self._actions, read_only)
        self._scribe = Scribe(audit, timeline, clock)
        self._plans = Plans(clock)
        self._trouble = Trouble(hub)
        self._runbook = Runbook(audit.path.parent / "runs", hub)
        self._runner = Runner(reach, self._actions, self._scribe, self._runbook, timeline, schedule, patience=patience, clock=clock)
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def busy(self) -> bool:
        """Whether an action, its proof or the tidying after it is under way."""
        return bool(self._rules.held or self._tasks)

    def runs(self) -> tuple[Run, ...]:
        """Those under way and the last 20, oldest first."""
        return self._runbook.runs()

    async def choices(self, _person: Person, site: str, action: str) -> Choices | No:
        """What the action may be done to. Only looks, so everybody may ask."""
        found = self._rules.known(site, action)
        if isinstance(found, No):
            return found
        return Choices(tuple(await self._options(*found)))

    async def plan(self, person: Person, site: str, action: str, choice: str) -> Planned | No:
        """The exact steps, computed and remembered for ten minutes. Nothing runs."""
        found = self._rules.known(site, action)
        if isinstance(found, No):
            return found
        where, what = found
        if (no := self._rules.objection(person, where, action)) is not None:
            return await self._scribe.refused(person, no, None, where.id, action)
        if what.info.chooses and (no := unfit(await self._options(where, what, FRESH), choice, where)) is not None:
            return no
        return await self._show(where, lambda host: self._compute(what, where, choice, host))

    async def undo(self, person: Person, site: str, run: str = "") -> Planned | No:
        """Plan what takes a run back: the one named, or the last of the site that can be and is no undo itself."""
        where = self._rules.site(site)
        if where is None:
            return no_site(site)
        target = self._to_undo(site, run)
        if target is None:
            return No(msg("nothing on {site} can be taken back", site=where.name), gate=False)
        if (no := self._rules.objection(person, where, UNDO, origin(target.plan))) is not None:
            return await self._scribe.refused(person, no, None, site, UNDO)
        if (why := moved_on(target, self._memory.latest(site))) is not None:
            return No(why, msg("roll back to the release you want instead"), gate=False)
        return await self._show(where, lambda _host: undo_plan(target), target.id)

    async def confirm(self, person: Person, hash: str, site_name: str = "", reason: str = "") -> Started | No:  # noqa: A002 - the wire's word
        """Yes to the plan with this hash. When this answers Started, the intent is on disk and the run is under way."""
        pending = self._plans.get(hash)
        if pending is None:
            return await self._scribe.refused(person, stranger(hash, self.runs()), None, "", "")
        if (no := self._objection(person, pending, site_name)) is not None:
            return await self._scribe.refused(person, no, pending.plan, pending.site.id, pending.plan.action)
        self._plans.take(hash)  # before the first await: a second yes finds it taken
        self._rules.hold(pending.site.id, person.name, pending.plan.title)
        return await asyncio.shield(self._spawn(self._begin(person, pending, one_line(reason, 500))))

    async def recover(self) -> None:
        """Finish for a room that died: look back at each run that it left open and write down how it ended. Returns at once;
        a host that cannot be reached is waited for in the background."""
        for record in self._runbook.load():
            site = self._rules.site(record.run.plan.site)
            self._rules.hold(record.run.plan.site, record.run.who, record.run.plan.title)
            self._spawn(self._hold(record, partial(self._runner.resume, record, site)))
        await self._scribe.settle({run.id for run in self.runs()})

    async def close(self) -> None:
        """Stop waiting for what runs. Steps go on on their hosts; the next room looks back. Runs that have their verdict may tidy up."""
        if self._tasks and not any(run.state in OPEN for run in self.runs()):
            await asyncio.wait(self._tasks, timeout=TIDY)
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _objection(self, person: Person, pending: Pending, site_name: str) -> No | None:
        """Why the plan may not run now, None when it may."""
        again = msg("look at the new plan, then confirm")
        if self._rules.site(pending.site.id) != pending.site:
            return No(msg("sites.toml was changed since this plan was made"), again)
        if (no := self._rules.objection(person, pending.site, pending.plan.action, origin(pending.plan))) is not None:
            return no
        if self._plans.expired(pending):
            return No(msg("this plan is older than ten minutes"), again)
        if not self._still(pending):
            return No(msg("the store has changed since this plan was made"), again)
        return misspelt(pending.site, site_name)

    def _still(self, pending: Pending) -> bool:
        """Whether the same plan would be made from what is known of the store now."""
        if pending.undo_of:
            run = self._runbook.get(pending.undo_of)
            return run is not None and undoable(run) and moved_on(run, self._memory.latest(pending.site.id)) is None
        action = self._actions[pending.plan.action]
        try:
            return self._compute(action, pending.site, pending.plan.choice, pending.host).hash == pending.plan.hash
        except Refused:
            return False

    def _compute(self, action: Action, site: Site, choice: str, host: HostFacts) -> Plan:
        if action.plan is None:
            raise Refused(msg("{action} only looks: there is nothing to plan", action=action.info.id))
        return action.plan(site, self._memory.latest(site.id), choice, host)

    async def _show(self, site: Site, compute: Callable[[HostFacts], Plan], undo_of: str = "") -> Planned | No:
        try:
            host = await self._reach.shell(site).facts()
            if (old := await self._runner.left_running(site)) is not None:
                still = msg("{what}, given up as unknown, still runs on the host of {site}", what=old.plan.title.say(), site=site.name)
                return No(still, msg("wait until that is over"))
            plan = compute(host)
            key = self._plans.put(plan, site, host, undo_of)
        except Refused as refused:
            return No(refused.message, refused.remedy, gate=False)
        except ReachError as error:
            return No(error.failure.message, error.failure.remedy, gate=False)
        return Planned(plan, key, confirm=site.name if site.production else "", last=_last_time(self.runs(), plan))

    async def _options(self, site: Site, action: Action, fresh: float = 0.0) -> list[Option]:
        """The choices from a reading that is there, and no older than ``fresh`` seconds (0: however old)."""
        pane = action.info.pane
        reading = self._memory.latest(site.id).get(pane)
        if pane and (reading is None or (fresh and self._clock() - reading.at > fresh)):
            await self._look(site, pane)
        return action.choices(site, self._memory.latest(site.id))

    async def _look(self, site: Site, probe: str) -> None:
        """Have the probe look now, and wait for it a little."""
        seen = asyncio.Event()

        def hear(change: Change) -> None:
            if isinstance(change, Reading) and (change.site, change.probe) == (site.id, probe):
                seen.set()

        stop = self._hub.subscribe(hear)
        self._schedule.probe_now(site.id, probe)
        try:
            async with asyncio.timeout(LOOK):
                await seen.wait()
        except TimeoutError:
            log.info("%s of %s did not answer in time; planning on what is known", probe, site.id)
        finally:
            stop()

    def _to_undo(self, site: str, run: str) -> Run | None:
        for known in reversed(self.runs()):
            fits = known.id == run if run else not known.undo_of
            if fits and known.plan.site == site and undoable(known):
                return known
        return None

    async def _begin(self, person: Person, pending: Pending, reason: str) -> Started | No:
        plan, site = pending.plan, pending.site
        now = self._clock()
        run = Run(
            id=_run_id(now),
            plan=plan,
            who=person.name,
            state="running",
            steps=tuple(RunStep(step.text) for step in plan.steps),
            decided=now,
            detected=self._trouble.since(site.id),
            undo_of=pending.undo_of,
        )
        if (error := await self._put_on_record(person, run, reason)) is not None:
            self._rules.release(site.id)
            nothing = msg("the record of this action cannot be written ({error}), so nothing was run", error=error)
            return No(nothing, msg("make room on the disk of the room"))
        record = Record(run, person.uid)
        self._runbook.begin(record)
        self._timeline.note(Event(at=now, kind="action", site=site.id, who=person.name, message=plan.title))
        self._spawn(self._hold(record, partial(self._runner.execute, record, site)))
        return Started(run)

    async def _put_on_record(self, person: Person, run: Run, reason: str) -> str | None:
        """Intent and run on disk; else what went wrong."""
        try:
            await self._scribe.intent(person, run, reason)
        except AuditError as error:
            self._scribe.unwritten(error, run.plan.site)
            return str(error)
        try:
            await asyncio.to_thread(self._runbook.save, Record(run, person.uid))
        except OSError as error:
            await self._scribe.not_begun(run, person.uid, "the run could not be kept")
            return f"{error.filename}: {error.strerror}"
        return None

    async def _hold(self, record: Record, work: Callable[[Over], Coroutine[Any, Any, Run]]) -> None:
        """The site is taken until the outcome is written; not while the journal on the host is tidied up."""
        held = [record.run.plan.site]

        def over() -> None:
            while held:
                self._rules.release(held.pop())

        try:
            await work(over)
        finally:
            over()

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _run_id(now: float) -> str:
    stamp = datetime.datetime.fromtimestamp(now, datetime.UTC).strftime("%Y%m%dT%H%M%S")
    return f"{stamp}-{secrets.token_hex(4)}"


def _last_time(runs: Sequence[Run], plan: Plan) -> Message | None:
    for run in reversed(runs):
        if run.plan.action == plan.action and run.plan.site == plan.site and run.state not in OPEN and run.verified is not None:
            seconds = round(run.verified - run.decided, 1)
            return msg("last time it took {seconds} s and ended: {state}", seconds=seconds, state=run.state)
    return None
