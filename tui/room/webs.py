"""Looks over HTTP: many at a time, but not all."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from tui.room.watch import Watch

AT_ONCE = 400
"""Looks under way at most. A hundred shops that never answer hold a slot each for all of their time limit, and must not make the others
late; a process may have 1,024 files open by default."""


class WebLooks:
    """Runs ``look(watch)`` for each watch that is due, then ``plan(watch, due)``. ``lateness``: seconds between due and begun."""

    def __init__(self, look: Callable[[Watch], Awaitable[None]], plan: Callable[[Watch, float], None], lateness: deque[float]) -> None:
        self._look = look
        self._plan = plan
        self._lateness = lateness
        self._at_once = AT_ONCE
        self._waiting: deque[Watch] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    def fire(self, watch: Watch) -> None:
        """``watch`` is due. While a look is under way nothing happens: its end plans the next."""
        if not watch.running:
            watch.running = True
            self._waiting.append(watch)
            self._pump()

    async def stop(self) -> None:
        """End all looks."""
        self._waiting.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _pump(self) -> None:
        while self._waiting and len(self._tasks) < self._at_once:
            watch = self._waiting.popleft()
            if watch.dead:
                continue
            task = asyncio.create_task(self._run(watch))
            self._tasks.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._pump()

    async def _run(self, watch: Watch) -> None:
        loop = asyncio.get_running_loop()
        base, first = watch.due, not watch.looked
        self._lateness.append(loop.time() - base)
        watch.again = False
        await self._look(watch)
        watch.running, watch.looked = False, True
        if watch.dead:
            return
        if first:  # all first looks come quickly; from the second on, half to one and a half intervals later, they spread
            base += (watch.phase - (watch.phase > 0.5)) * watch.every
        self._plan(watch, watch.next_due(base, loop.time()))
