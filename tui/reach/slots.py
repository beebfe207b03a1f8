"""Who may open a session on a connection: OpenSSH allows ten, we use eight, and keep two of them for acting."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum


class Use(Enum):
    LOOK = "look"
    STREAM = "stream"
    HANDS = "hands"


class Slots:
    """At most ``total`` sessions; looking leaves ``kept`` of them to the hands, and streams, which go on for hours, leave two to looks.
    Waiting is first come, first served; the hands go before everybody."""

    def __init__(self, total: int = 8, kept: int = 2) -> None:
        self._most = {Use.HANDS: total, Use.LOOK: total - kept, Use.STREAM: total - kept - 2}
        self._used = dict.fromkeys(Use, 0)
        self._waiting: dict[Use, deque[asyncio.Future[None]]] = {use: deque() for use in (Use.HANDS, Use.LOOK)}

    def used(self, use: Use) -> int:
        """Sessions held for ``use`` now."""
        return self._used[use]

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
        if use is Use.HANDS:
            return looking + self._used[use] < self._most[use]
        if use is Use.STREAM and self._used[use] >= self._most[use]:
            return False
        return looking < self._most[Use.LOOK] and looking + self._used[Use.HANDS] < self._most[Use.HANDS]

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
