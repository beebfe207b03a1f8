"""Writes what people do into the audit log; what cannot be written is told on the timeline."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Protocol

from tui.model.level import Level
from tui.model.message import msg
from tui.model.plan import Plan
from tui.room.audit import Audit, AuditError
from tui.room.person import Person
from tui.room.plans import UNDO
from tui.wire.messages import Event, No, Run


class Notes(Protocol):
    def note(self, event: Event) -> None: ...


class Scribe:
    """One method for each kind of line."""

    def __init__(self, audit: Audit, timeline: Notes, clock: Callable[[], float] = time.time) -> None:
        self._audit = audit
        self._timeline = timeline
        self._clock = clock

    async def intent(self, person: Person, run: Run, reason: str) -> None:
        """On disk when this returns. Raises AuditError: the run must not start."""
        plan = run.plan
        await self._audit.append(
            who=person.name,
            uid=person.uid,
            what=UNDO if run.undo_of else "intent",
            action=plan.action,
            site=plan.site,
            plan=plan.hash,
            commands=tuple(step.text for step in plan.steps),
            detail=plan.title.say(),
            run=run.id,
            reason=reason,
        )

    async def outcome(self, run: Run, uid: int) -> bool:
        """How a run ended. False when it could not be written (and then the timeline says so)."""
        exits = ", ".join(
            f"{number} {step.state}" + ("" if step.exit is None else f" ({step.exit})") for number, step in enumerate(run.steps, 1)
        )
        said = "" if run.verdict is None else run.verdict.message.say()
        ended = f"outcome unknown, looked: {said}" if run.state == "unknown" else f"{run.state}: {said}"
        return await self._outcome(run.plan, run.who, uid, run.id, f"{ended}; steps: {exits}")

    async def not_begun(self, run: Run, uid: int, why: str) -> bool:
        """An intent that nothing came of."""
        return await self._outcome(run.plan, run.who, uid, run.id, f"failed: {why}; nothing was run")

    async def refused(self, person: Person, no: No, plan: Plan | None, site: str, action: str) -> No:
        """Put a refusal by a rule on record and give it back."""
        if not no.gate:
            return no
        try:
            await self._audit.append(
                who=person.name,
                uid=person.uid,
                what="refused",
                action=action,
                site=site,
                plan="" if plan is None else plan.hash,
                detail=no.message.say(),
            )
        except AuditError as error:
            self.unwritten(error, site)
        return no

    async def settle(self, known: Collection[str]) -> None:
        """An intent without outcome that belongs to no run in ``known``: the room died between the two, so nothing was run."""
        lines = await self._audit.tail(1000)
        ended = {line.run for line in lines if line.what == "outcome"}.union(known)
        for line in lines:
            if line.what not in ("intent", UNDO) or line.run in ended:
                continue
            try:
                await self._audit.append(
                    who=line.who,
                    uid=line.uid,
                    what="outcome",
                    action=line.action,
                    site=line.site,
                    plan=line.plan,
                    run=line.run,
                    detail="failed: the room ended before the first step; nothing was run",
                )
            except AuditError as error:
                self.unwritten(error, line.site)

    def unwritten(self, error: Exception, site: str) -> None:
        """Tell everyone that the record cannot be written."""
        message = msg("the audit log cannot be written: {error}", error=str(error))
        self._timeline.note(Event(at=self._clock(), kind="room", site=site, level=Level.CRIT, message=message))

    async def _outcome(self, plan: Plan, who: str, uid: int, run: str, detail: str) -> bool:
        try:
            await self._audit.append(
                who=who, uid=uid, what="outcome", action=plan.action, site=plan.site, plan=plan.hash, detail=detail, run=run
            )
        except AuditError as error:
            self.unwritten(error, plan.site)
            return False
        return True
