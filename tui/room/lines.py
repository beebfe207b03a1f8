"""Looks over SSH: what is due for all sites of one host goes there in one round trip."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from tui.model.failure import Failure
from tui.model.sweep import Answer, Ask
from tui.room.watch import Watch

JOIN = 0.1
"""What is due within this part of its interval joins a sweep that goes anyway."""
BATCH = 64
"""Fragments in one sweep at most: nothing of a sweep is seen before all of it is."""
BACKOFF = (5.0, 60.0)
"""Seconds a host that cannot be reached is left alone: the first time, doubling, and at most."""
BREATH = 0.005
"""Seconds of reading answers after which others get their turn."""


class Looks(Protocol):
    """The guarded calls of the schedule; none raises."""

    def ask(self, watch: Watch) -> Ask | None:
        """What to ask, None when that failed (the reading is put)."""
        ...

    async def sweep(self, watch: Watch, asks: Sequence[Ask]) -> list[Answer] | Failure:
        """One round trip to the host of ``watch``."""
        ...

    def read(self, watch: Watch, ask: Ask, answer: Answer) -> None:
        """Put the reading of an answer."""
        ...

    def lost(self, watch: Watch, failure: Failure, every: float) -> None:
        """Put the reading of an answer that did not come; the next look comes in about ``every`` seconds."""
        ...


class HostLine:
    """All watches of one host. Two lanes, each one sweep at a time: the light one bundles, the heavy one takes one ask after the other,
    so that a slow command delays no figure but its own. ``due`` and ``dead`` as the clockwork wants them."""

    def __init__(self, looks: Looks, plan: Callable[[HostLine, float], None], lateness: deque[float], turn: asyncio.Lock) -> None:
        self.watches: list[Watch] = []
        self.due = math.inf
        self.dead = False
        self._looks = looks
        self._plan = plan
        self._lateness = lateness
        self._turn = turn
        self._lanes: dict[bool, asyncio.Task[None]] = {}
        self._failures = 0
        self._not_before = 0.0

    def fire(self, now: float) -> None:
        """Send what is due and plan the next time."""
        if now + 0.001 >= self._not_before:
            for heavy in (False, True):
                if heavy not in self._lanes:
                    batch = self._take(now, heavy)
                    if batch:
                        self._send(batch, heavy)
        self._plan_next()

    def hurry(self, now: float) -> None:
        """Forget the back-off: a person asked. What is due is sent at once."""
        self._not_before = 0.0
        self._plan(self, now)

    async def stop(self) -> None:
        """End all sweeps."""
        self.dead = True
        tasks = tuple(self._lanes.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _take(self, now: float, heavy: bool) -> list[Watch]:
        lane = [watch for watch in self.watches if not watch.running and bool(watch.heavy) is heavy]
        if not any(watch.due <= now + 0.001 for watch in lane):
            return []
        ready = [watch for watch in lane if watch.due <= now + 0.001 + JOIN * watch.every]
        ready.sort(key=lambda watch: watch.due)
        return ready[:1] if heavy else ready[:BATCH]

    def _send(self, batch: list[Watch], heavy: bool) -> None:
        for watch in batch:
            watch.running, watch.again = True, False
        task = asyncio.create_task(self._round(batch, heavy))
        self._lanes[heavy] = task
        task.add_done_callback(lambda _: self._sent(heavy))

    def _sent(self, heavy: bool) -> None:
        self._lanes.pop(heavy, None)
        if not self.dead:
            self.fire(asyncio.get_running_loop().time())

    def _plan_next(self) -> None:
        free = [watch.due for watch in self.watches if not watch.running and bool(watch.heavy) not in self._lanes]
        if free:
            self._plan(self, max(min(free), self._not_before))

    async def _round(self, batch: list[Watch], heavy: bool) -> None:
        loop = asyncio.get_running_loop()
        base = min(watch.due for watch in batch)
        self._lateness.append(loop.time() - base)
        asked: list[tuple[Watch, Ask]] = []
        for watch in batch:
            ask = self._looks.ask(watch)
            if ask is None:
                self._ended(watch, base, base)
            elif ask.heavy and not heavy:  # it shows what it is on the first ask: it goes by the other lane, at once
                watch.heavy, watch.running = True, False
            else:
                watch.heavy = ask.heavy
                asked.append((watch, ask))
        if asked:
            self.fire(loop.time())  # what turned out heavy need not wait for us
            await self._exchange(asked, base)

    async def _exchange(self, asked: list[tuple[Watch, Ask]], base: float) -> None:
        answers = await self._looks.sweep(asked[0][0], [ask for _, ask in asked])
        if isinstance(answers, Failure):
            self._unreached([watch for watch, _ in asked], answers)
            return
        self._reached()
        async with self._turn:  # one host's answers at a time: fifty, each with its own breath, would hold the loop together
            await self._read_all(asked, answers, base)

    async def _read_all(self, asked: list[tuple[Watch, Ask]], answers: list[Answer], base: float) -> None:
        loop = asyncio.get_running_loop()
        shift = max((watch.phase for watch, _ in asked if not watch.looked), default=0.0) * min(watch.every for watch, _ in asked)
        breath = loop.time()
        for (watch, ask), answer in zip(asked, answers, strict=True):
            if not watch.dead:
                self._looks.read(watch, ask, answer)
            watch.unreached = False
            self._ended(watch, base, base if watch.looked else base + shift)
            if loop.time() - breath > BREATH:
                await asyncio.sleep(0)
                breath = loop.time()

    def _ended(self, watch: Watch, base: float, onward: float) -> None:
        now = asyncio.get_running_loop().time()
        watch.due = watch.next_due(onward if onward + watch.every > now else base, now)
        watch.running, watch.looked = False, True

    def _reached(self) -> None:
        """The host is back: what was lost meanwhile is looked at now, however rarely it is looked at otherwise."""
        if self._failures:
            self._failures, self._not_before = 0, 0.0
            now = asyncio.get_running_loop().time()
            for watch in self.watches:
                if watch.unreached and not watch.running:
                    watch.due = now

    def _unreached(self, watches: list[Watch], failure: Failure) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._not_before:
            self._failures += 1
            self._not_before = now + min(BACKOFF[1], BACKOFF[0] * 2 ** min(self._failures - 1, 10))
        for watch in watches:
            wait = max(self._not_before - now, min(watch.every, BACKOFF[1]))
            if not watch.dead:
                self._looks.lost(watch, failure, wait)
            watch.unreached, watch.running, watch.looked = True, False, True
            watch.due = now if watch.again else now + wait
