"""One timer heap for everything that is due."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar


class Due(Protocol):
    """Something that waits for its time. ``due``: seconds of the loop's clock. ``dead``: no longer wanted."""

    due: float
    dead: bool


ItemT = TypeVar("ItemT", bound=Due)
_GRAIN = 0.001  # epoll wakes up to a millisecond early or late


class Clockwork(Generic[ItemT]):
    """Calls ``fire(item, now)`` once when an item's time has come. One loop timer for all; an item that was moved leaves its old place
    in the heap, which is skipped there, since searching it would cost more."""

    def __init__(self, fire: Callable[[ItemT, float], None]) -> None:
        self._fire = fire
        self._heap: list[tuple[float, int, ItemT]] = []
        self._count = itertools.count()
        self._handle: asyncio.TimerHandle | None = None

    def at(self, item: ItemT, due: float) -> None:
        """Fire ``item`` at ``due``; a later call moves it."""
        item.due = due
        heapq.heappush(self._heap, (due, next(self._count), item))
        self._arm()

    def stop(self) -> None:
        """Fire nothing more."""
        self._heap.clear()
        self._arm()

    def _arm(self) -> None:
        due = self._heap[0][0] if self._heap else None
        if self._handle is not None:
            if self._handle.when() == due:
                return
            self._handle.cancel()
            self._handle = None
        if due is not None:
            self._handle = asyncio.get_running_loop().call_at(due, self._tick)

    def _tick(self) -> None:
        self._handle = None
        now = asyncio.get_running_loop().time()
        while self._heap and self._heap[0][0] <= now + _GRAIN:
            due, _, item = heapq.heappop(self._heap)
            if item.due == due and not item.dead:
                self._fire(item, now)
        self._arm()
