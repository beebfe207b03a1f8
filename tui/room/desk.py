"""Answers what a viewer asks: each body of the wire to the part of the room that knows."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from typing import Any

from tui.model.failure import ReachError
from tui.model.message import Message, msg
from tui.model.plan import Refused
from tui.model.text import one_line
from tui.room.audit import HEAD
from tui.room.person import Person
from tui.room.room import Room
from tui.wire.messages import (
    AcceptHostKey,
    Audit,
    Body,
    Confirm,
    Done,
    Event,
    GetAudit,
    GetChoices,
    GetPlan,
    GetRuns,
    GetSeries,
    GetTimeline,
    LogBatch,
    No,
    ProbeNow,
    Result,
    Runs,
    Series,
    StartTail,
    StopRoom,
    StopTail,
    Tailing,
    Timeline,
    Undo,
)

Emit = Callable[[LogBatch], None]
MOST = 10_000
"""Events, audit lines or points that one answer holds at most."""


class Desk:
    """One for all viewers. ``on_stop`` is called when somebody may end the room and asks for it."""

    def __init__(self, room: Room, on_stop: Callable[[], None]) -> None:
        self._room = room
        self._on_stop = on_stop
        self._answers: dict[type[Any], Callable[[Person, Any, Emit], Awaitable[Result]]] = {
            GetChoices: self._choices, GetPlan: self._plan, Confirm: self._confirm, Undo: self._undo, ProbeNow: self._probe_now,
            StartTail: self._start_tail, StopTail: self._stop_tail, GetSeries: self._series, GetTimeline: self._timeline,
            GetAudit: self._audit, GetRuns: self._runs, AcceptHostKey: self._accept, StopRoom: self._stop,
        }  # fmt: skip

    async def handle(self, person: Person, body: Body, emit: Emit) -> Result:
        """The answer; what cannot be done is a No that says why. ``emit`` gets the batches of a tail that this starts."""
        try:
            return await self._answers[type(body)](person, body, emit)
        except Refused as refused:
            return No(refused.message, refused.remedy, gate=False)
        except ReachError as error:
            return No(error.failure.message, error.failure.remedy, gate=False)
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            return No(msg("the room could not: {error}", error=where + (error.strerror or type(error).__name__)), gate=False)

    async def _choices(self, person: Person, body: GetChoices, _emit: Emit) -> Result:
        return await self._room.gate.choices(person, body.site, body.action)

    async def _plan(self, person: Person, body: GetPlan, _emit: Emit) -> Result:
        return await self._room.gate.plan(person, body.site, body.action, body.choice)

    async def _confirm(self, person: Person, body: Confirm, _emit: Emit) -> Result:
        return await self._room.gate.confirm(person, body.hash, body.site_name, body.reason)

    async def _undo(self, person: Person, body: Undo, _emit: Emit) -> Result:
        return await self._room.gate.undo(person, body.site, body.run)

    async def _probe_now(self, _person: Person, body: ProbeNow, _emit: Emit) -> Result:
        if body.site and (no := self._unknown_site(body.site)):
            return no
        self._room.schedule.probe_now(body.site, body.probe)
        return Done()

    async def _start_tail(self, _person: Person, body: StartTail, emit: Emit) -> Result:
        for site in body.sites:
            if no := self._unknown_site(site):
                return no
        return Tailing(self._room.tails.start(body.sites, body.sources, body.lines, body.since, body.follow, emit))

    async def _stop_tail(self, _person: Person, body: StopTail, _emit: Emit) -> Result:
        self._room.tails.stop(body.tail)
        return Done()

    async def _series(self, _person: Person, body: GetSeries, _emit: Emit) -> Result:
        points = max(1, min(body.points, MOST))
        return Series(await self._room.history.series(body.site, body.probe, body.key, body.start, body.end, points))

    async def _timeline(self, _person: Person, body: GetTimeline, _emit: Emit) -> Result:
        return Timeline(await self._room.timeline.since(body.since, body.site, max(0, min(body.limit, MOST))))

    async def _audit(self, _person: Person, body: GetAudit, _emit: Emit) -> Result:
        audit = self._room.audit
        lines = await audit.tail(max(0, min(body.limit, MOST)))
        head = await self._room.history.head(HEAD)
        return Audit(lines, await asyncio.to_thread(audit.verify, audit.path, head or None))

    async def _runs(self, _person: Person, _body: GetRuns, _emit: Emit) -> Result:
        return Runs(self._room.gate.runs())

    async def _accept(self, person: Person, body: AcceptHostKey, _emit: Emit) -> Result:
        if no := self._may_not_write(person):
            return no
        await self._room.accept_host_key(body.host, body.port, body.fingerprint)
        accepted = msg(
            "accepted the host key {key} of {host}:{port}", key=one_line(body.fingerprint), host=one_line(body.host), port=body.port
        )
        self._room.timeline.note(Event(at=time.time(), kind="host", who=person.name, message=accepted))
        return Done()

    async def _stop(self, person: Person, _body: StopRoom, _emit: Emit) -> Result:
        if person.uid not in (os.getuid(), 0):
            return No(msg("this room runs under another account"), msg("ask whoever looks after its service"))
        if self._room.gate.busy:
            return No(msg("an action is running"), msg("wait until it is over"))
        self._on_stop()
        return Done()

    def _may_not_write(self, person: Person) -> No | None:
        why: Message | None = self._room.read_only
        if person.read_only:
            why = msg("this viewer is read-only")
        return None if why is None else No(why, msg("open one without --read-only"))

    def _unknown_site(self, site: str) -> No | None:
        if site in self._room.fleet.sites:
            return None
        return No(msg("there is no site {site}", site=one_line(site)), msg("see `storewatch status` for the names"), gate=False)
