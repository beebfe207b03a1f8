"""Who may open a session on a connection: OpenSSH allows ten, we use eight, and keep two of them for acting."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum


class Use(Enum):
    LOOK = "look"
    STREAM = "stream"
    HANDS = "hands"


RECOVERS = 60.0
"""Seconds after which a host that refused a session is asked for as many as before."""


class Slots:
    """At most ``total`` sessions; looking leaves two of them to the hands, and streams, which go on for hours, leave some to looks.
    Waiting is first come, first served; the hands go before everybody. A host that refuses sooner gets fewer for a while."""

    def __init__(self, total: int = 8) -> None:
        self._total = total
        self._lowered: tuple[int, float] | None = None
        self._used = dict.fromkeys(Use, 0)
        self._waiting: dict[Use, deque[asyncio.Future[None]]] = {use: deque() for use in (Use.HANDS, Use.LOOK)}

    def used(self, use: Use) -> int:
        """Sessions held for ``use`` now."""
        return self._used[use]

    def refused(self) -> None:
        """The host took one session less than we hold: stay below that, instead of asking again and again."""
        fewer = max(1, sum(self._used.values()) - 1)
        if fewer < self._total:
            self._lowered = (fewer, time.monotonic() + RECOVERS)

    def most(self, use: Use) -> int:
        """How many ``use`` may hold at present, those for others included."""
        total = self._total if self._lowered is None or time.monotonic() > self._lowered[1] else self._lowered[0]
        looks = total - min(2, (total - 1) // 2)
        return {Use.HANDS: total, Use.LOOK: looks, Use.STREAM: looks - min(2, (looks + 1) // 2)}[use]

    @asynccontextmanager
    async def hold(self, use: Use) -> AsyncIterator[bool]:
        """Hold one session. Looks and hands wait for theirs; a stream that has no room gets False at once."""
        if use is Use.STREAM and not self._free(use):
            yield False
            return
        if use is not Use.STREAM and (self._waiting[use] or not self._free(use)):
            await self._wait(use)  # whoever lets us in has counted us
        else:
            self._used[use] += 1
        try:
            yield True
        finally:
            self._used[use] -= 1
            self._next()

    def _free(self, use: Use) -> bool:
        looking = self._used[Use.LOOK] + self._used[Use.STREAM]
        if looking + self._used[Use.HANDS] >= self.most(Use.HANDS):
            return False
        if use is Use.STREAM and self._used[use] >= self.most(use):
            return False
        return use is Use.HANDS or looking < self.most(Use.LOOK)

    async def _wait(self, use: Use) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiting[use].append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # let in and cancelled in one breath: pass it on
                self._used[use] -= 1
                self._next()
            else:
                self._waiting[use].remove(turn)
            raise

    def _next(self) -> None:
        for use, queue in self._waiting.items():
            while queue and self._free(use):
                turn = queue.popleft()
                if not turn.done():
                    self._used[use] += 1
                    turn.set_result(None)
