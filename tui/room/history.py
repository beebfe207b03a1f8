"""What was seen, kept: raw for two days, by minutes for ninety, and the last of each for the next start."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from tui.model.reading import Reading
from tui.model.secret import Secret
from tui.room import ledger, tables
from tui.room.database import Database
from tui.room.pending import LEVEL, MICRO, MINUTE, Pending
from tui.room.thinning import Point, thin
from tui.wire.messages import Event, Notice

log = logging.getLogger(__name__)

RAW, MINUTES, EVENTS = 48 * 3600, 90 * 86400, 365 * 86400
"""Seconds for which raw values, minutes and events are kept."""
FINE = 6 * 3600
"""A window shorter than this is drawn from raw values."""
LATEST_EVERY, PRUNE_EVERY = 5.0, 600.0
"""Seconds between two writings of the latest readings, between two prunings."""
SLICE = 200
"""Series pruned in one transaction."""

AFTER_FAULT = 1.0
"""Seconds until the writing begins again after a fault of our own."""


class History:
    """The history at a path (SQLite) or a SQLAlchemy URL of SQLite, MySQL or MariaDB.

    Nothing here raises for a database in trouble: ``on_notice`` is told, what is to be written waits (bounded) and is tried again,
    what is to be read is empty. ``add`` and ``put_event`` return at once. After a kill at most a second of raw values, five of latest
    readings and the minute under way in the means of minutes are missing.
    """

    def __init__(self, url_or_path: str | Path, clock: Callable[[], float] = time.time, password: Secret | None = None) -> None:
        url, file = tables.address(str(url_or_path))
        self._clock = clock
        self._pending = Pending()
        self._database = Database(url if password is None else url.set(password=password.reveal()), file, lambda: self._pending.dropped)
        self._lock = asyncio.Lock()
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._latest_at = 0.0

    def tell(self, on_notice: Callable[[Notice], None]) -> None:
        """Who hears of troubles from now on, and of those that stand."""
        self._database.told_to(on_notice)

    async def open(self) -> None:
        """Open or make the database and begin to write in the background. A file of another version is set aside, a new one begun."""
        async with self._lock:
            await self._database.opened()
        self._begin()

    async def close(self) -> None:
        """Write what is left and close. What cannot be written now is lost, and the log says so."""
        self._closing.set()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        await self.flush()
        if self._pending.values or self._pending.events:
            log.error(
                "the history lost %d figures and %d events: it could not be written", len(self._pending.values), len(self._pending.events)
            )
        await self._database.dispose()

    def add(self, reading: Reading) -> None:
        """Keep a reading; written with the next batch."""
        self._pending.add(reading)

    def put_event(self, event: Event) -> None:
        """Keep an event; written with the next batch."""
        self._pending.events.append(event)

    async def add_event(self, event: Event) -> None:
        """Keep an event and write it now, if the database takes it."""
        self.put_event(event)
        await self._write(everything=False)

    async def put_head(self, name: str, value: str) -> None:
        """Keep ``value`` under ``name`` and write it now, if the database takes it."""
        self._pending.heads[name] = value
        await self._write(everything=False)

    async def head(self, name: str) -> str | None:
        """What was kept under ``name``, None when nothing was."""
        if name in self._pending.heads:
            return self._pending.heads[name]
        return await self._database.read(lambda connection: ledger.head(connection, name), None)

    async def flush(self) -> None:
        """Write everything now."""
        await self._write(everything=True)

    async def latest(self) -> list[Reading]:
        """The last reading of every site and probe, with ``carry``: for the start."""
        return await self._database.read(ledger.latest, [])

    async def series(self, site: str, probe: str, key: str, start: float, end: float, points: int = 240) -> tuple[Point, ...]:
        """A figure from ``start`` to ``end`` (Unix seconds) as at most ``points`` (time, value), None for unknown time. Key "" is the
        level's rank. Windows under six hours come from raw values, others from the means of minutes."""
        number = self._database.ledger.ids.get((site, probe, key or LEVEL))
        if number is None:
            return ()
        read = partial(self._fine if end - start < FINE else self._coarse, number, round(start * MICRO), round(end * MICRO))
        return thin(await self._database.read(read, []), start, end, points)

    async def events(self, since: float, site: str = "", limit: int = 200) -> tuple[Event, ...]:
        """The newest ``limit`` events from ``since`` (Unix seconds) on, oldest first; of one site when ``site`` is given."""
        async with self._lock:  # an event on its way into the database is in neither place
            read = partial(ledger.events, since=round(since * MICRO), site=site, limit=limit)
            written = await self._database.read(read, list[Event]())
            waiting = [event for event in self._pending.events if event.at >= since and site in ("", event.site)]
        return tuple(sorted([*written, *waiting], key=lambda event: event.at)[-limit:] if limit > 0 else ())

    async def prune(self) -> None:
        """Delete what is too old, a slice at a time, letting others write in between."""
        now = self._clock()
        numbers = sorted(self._database.ledger.ids.values())
        for table, keep in ((tables.raw, RAW), (tables.minutes, MINUTES)):
            for begin in range(0, len(numbers), SLICE):
                part = numbers[begin : begin + SLICE]
                async with self._lock:
                    await self._database.transact(partial(ledger.prune, table=table, numbers=part, before=round((now - keep) * MICRO)))
                await asyncio.sleep(0.01)
        old = tables.events.delete().where(tables.events.c.at < round((now - EVENTS) * MICRO))
        async with self._lock:
            await self._database.transact(lambda connection: connection.execute(old))

    def _begin(self) -> None:
        if not self._closing.is_set():
            self._task = asyncio.create_task(self._run())
            self._task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A fault of ours in one batch must not end the writing of all that follow."""
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("writing the history failed; what was in that batch is lost", exc_info=error)
            asyncio.get_running_loop().call_later(AFTER_FAULT, self._begin)

    async def _run(self) -> None:
        pruned = self._clock() - PRUNE_EVERY + 60
        while not self._closing.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), self._database.wait)
            await self._write(everything=False)
            if self._clock() - pruned >= PRUNE_EVERY and not self._closing.is_set():
                pruned = self._clock()
                await self.prune()

    async def _write(self, *, everything: bool) -> None:
        async with self._lock:
            if not await self._database.opened():
                return
            now = self._clock()
            with_latest = everything or abs(now - self._latest_at) >= LATEST_EVERY
            batch = self._pending.take(round(now * MICRO), latest=with_latest, everything=everything)
            if batch:
                if not await self._database.transact(lambda connection: self._database.ledger.write(connection, batch)):
                    self._pending.give_back(batch)
                elif with_latest:
                    self._latest_at = now

    @staticmethod
    async def _fine(number: int, first: int, last: int, connection: AsyncConnection) -> list[tuple[float, float]]:
        return await ledger.series(connection, number, first, last)

    @staticmethod
    async def _coarse(number: int, first: int, last: int, connection: AsyncConnection) -> list[tuple[float, float]]:
        """Minutes, and raw values where no minute is over yet."""
        found = await ledger.minutes(connection, number, first, last)
        since = round(found[-1][0] * MICRO) + MINUTE // 2 if found else first
        return found + await ledger.series(connection, number, since, last)
