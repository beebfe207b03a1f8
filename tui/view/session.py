"""Keeps the viewer linked to a room: dials, feeds the board, says at once when the room is gone, dials again."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from tui.model.message import Message, msg
from tui.view.link import Dial, Link, LinkError, OtherVersion
from tui.wire.messages import Bye, Delta, FleetChanged, LogBatch

if TYPE_CHECKING:
    from tui.view.board import Board, Change
    from tui.view.link import Push
    from tui.wire.messages import Body, Result

PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds before each next try; the last one again and again. The first is short: a room that died is restarted at once."""
ORPHANS = 64
"""Batches kept of a tail whose answer has not arrived yet."""


class Session:
    """``changed(change)`` after each message, ``state()`` when the link comes or goes. ``lost``: why there is none (None when linked),
    ``lost_at`` Unix seconds, ``other``: set while the room speaks another version."""

    def __init__(self, board: Board, dial: Dial, changed: Callable[[Change], None], state: Callable[[], None]) -> None:
        self.board = board
        self.link: Link | None = None
        self.lost: Message | None = None
        self.remedy: Message | None = None
        self.lost_at: float | None = None
        self.other: OtherVersion | None = None
        self.dropped = 0
        self._dial = dial
        self._changed = changed
        self._state = state
        self._again = asyncio.Event()
        self._tails: dict[int, Callable[[LogBatch], None]] = {}
        self._orphans: deque[LogBatch] = deque(maxlen=ORPHANS)

    async def run(self) -> None:
        """Dial and listen until cancelled."""
        tries = 0
        while True:
            try:
                link = await self._dial()
            except LinkError as error:
                self._gone(error)
            else:
                tries = 0
                await self._listen(link)
            await self._pause(PAUSES[min(tries, len(PAUSES) - 1)])
            tries += 1

    def again(self) -> None:
        """Dial now instead of after the pause."""
        self._again.set()

    async def request(self, body: Body) -> Result:
        """The room's answer. Raises LinkError when there is no room."""
        if self.link is None:
            raise LinkError(msg("the room does not answer"), msg("wait: the viewer dials again by itself"))
        return await self.link.request(body)

    def hear(self, tail: int, callback: Callable[[LogBatch], None]) -> None:
        """Give the batches of ``tail`` to ``callback``, first those that came before its answer."""
        self._tails[tail] = callback
        for batch in [batch for batch in self._orphans if batch.tail == tail]:
            self._orphans.remove(batch)
            callback(batch)

    def unhear(self, tail: int) -> None:
        self._tails.pop(tail, None)

    async def close(self) -> None:
        if self.link is not None:
            link, self.link = self.link, None
            await link.close()

    async def _pause(self, seconds: float) -> None:
        self._again.clear()
        if self.other is not None:  # only a person or a restart changes that
            await self._again.wait()
            return
        try:
            async with asyncio.timeout(seconds):
                await self._again.wait()
        except TimeoutError:
            return

    async def _listen(self, link: Link) -> None:
        self.link, self.lost, self.remedy, self.lost_at, self.other = link, None, None, None, None
        self._tails.clear()
        self._orphans.clear()
        change = self.board.welcome(link.welcome)
        self._state()
        self._changed(change)
        bye: Bye | None = None
        try:
            async for push in link.pushes():
                if isinstance(push, Bye):
                    bye = push
                else:
                    self._take(push)
        except LinkError as error:
            self._gone(error)
            return
        finally:
            self.link = None
            await link.close()
        if bye is not None:
            self._gone(LinkError(bye.message, bye.remedy))
        else:
            self._gone(LinkError(msg("the room is gone")))

    def _take(self, push: Push) -> None:
        if isinstance(push, Delta):
            self.dropped += push.dropped
            self._changed(self.board.delta(push))
        elif isinstance(push, FleetChanged):
            self._changed(self.board.fleet(push))
        elif isinstance(push, LogBatch):
            callback = self._tails.get(push.tail)
            if callback is None:
                self._orphans.append(push)
            else:
                callback(push)

    def _gone(self, error: LinkError) -> None:
        self.board.linked = False
        self.lost, self.remedy = error.message, error.remedy
        self.other = error if isinstance(error, OtherVersion) else None
        if self.lost_at is None:
            self.lost_at = time.time()
        self._state()
