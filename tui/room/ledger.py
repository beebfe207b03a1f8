"""The history's reads and writes, each within a connection that is handed in."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from itertools import islice
from sys import intern
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tui.model.reading import Reading
from tui.room import tables
from tui.room.packing import pack, unpack
from tui.room.pending import MICRO, MINUTE, Batch, Key
from tui.wire.messages import Event

log = logging.getLogger(__name__)
CHUNK = 200
"""Rows made and bound in one go: that happens on the loop, between two checks."""


class Ledger:
    """Knows the number of each series. ``dialect``: SQLAlchemy's name."""

    def __init__(self, dialect: str) -> None:
        self.ids: dict[Key, int] = {}
        self._write_raw = tables.upsert(tables.raw, dialect, ignore=True)
        self._write_series = tables.upsert(tables.series, dialect, ignore=True)
        self._write_minutes = tables.upsert(tables.minutes, dialect, add=("total", "count"))
        self._write_latest = tables.upsert(tables.latest, dialect)
        self._write_heads = tables.upsert(tables.heads, dialect)

    async def load(self, connection: AsyncConnection, after: int = 0) -> None:
        """Learn the numbers of all series, or of those that came ``after`` a number. Equal words are kept once: there are tens of
        thousands of series and a few dozen words."""
        table = tables.series
        found = await connection.execute(sa.select(table.c.site, table.c.probe, table.c.key, table.c.id).where(table.c.id > after))
        ids = {(intern(site), intern(probe), intern(key)): number for site, probe, key, number in found}
        self.ids = {**self.ids, **ids} if after else ids

    async def write(self, connection: AsyncConnection, batch: Batch) -> None:
        """The whole batch. On an error nothing of it counts; call ``load`` before the next."""
        missing = batch.keys - self.ids.keys()
        if missing:
            await _many(
                connection, self._write_series, [{"site": site, "probe": probe, "key": key} for site, probe, key in sorted(missing)]
            )
            await self.load(connection, after=max(self.ids.values(), default=0))
            if not missing <= self.ids.keys():  # another room made one before we did
                await self.load(connection)
        ids = self.ids
        await _many(connection, self._write_raw, ({"series": ids[key], "at": at, "value": value} for key, at, value in batch.values))
        minutes = (
            {"series": ids[key], "at": one.at, "low": one.low, "high": one.high, "total": one.total, "count": one.count}
            for key, one in batch.minutes
        )
        await _many(connection, self._write_minutes, minutes)
        await _many(connection, self._write_latest, (row for reading in batch.latest.values() if (row := _latest_row(reading))))
        events = ({"at": round(event.at * MICRO), "site": event.site, "body": pack(event)} for event in batch.events)
        await _many(connection, tables.events.insert(), events)
        await _many(connection, self._write_heads, ({"name": name, "value": value} for name, value in batch.heads.items()))


async def latest(connection: AsyncConnection) -> list[Reading]:
    """The last reading of each site and probe. One that cannot be read any more is left out and logged."""
    readings = []
    for site, probe, body in await connection.execute(sa.select(tables.latest.c.site, tables.latest.c.probe, tables.latest.c.body)):
        try:
            readings.append(unpack(body, Reading))
        except msgspec.MsgspecError as error:
            log.warning("the last reading of %s %s cannot be read: %s", site, probe, error)
    return readings


async def series(connection: AsyncConnection, number: int, start: int, end: int) -> list[tuple[float, float]]:
    """Every value of a series between two times (microseconds)."""
    table = tables.raw
    query = sa.select(table.c.at, table.c.value).where(table.c.series == number, table.c.at.between(start, end)).order_by(table.c.at)
    return [(at / MICRO, value) for at, value in await connection.execute(query)]


async def minutes(connection: AsyncConnection, number: int, start: int, end: int) -> list[tuple[float, float]]:
    """The mean of each minute between two times (microseconds), at the minute's middle."""
    table = tables.minutes
    query = (
        sa.select(table.c.at, table.c.total, table.c.count)
        .where(table.c.series == number, table.c.at.between(start, end))
        .order_by(table.c.at)
    )
    return [((at + MINUTE // 2) / MICRO, total / count) for at, total, count in await connection.execute(query)]


async def events(connection: AsyncConnection, since: int, site: str, limit: int) -> list[Event]:
    """The newest ``limit`` events from ``since`` (microseconds) on, oldest first."""
    table = tables.events
    query = sa.select(table.c.body).where(table.c.at >= since).order_by(table.c.at.desc(), table.c.id.desc()).limit(limit)
    if site:
        query = query.where(table.c.site == site)
    found = [unpack(body, Event) for (body,) in await connection.execute(query)]
    return found[::-1]


async def head(connection: AsyncConnection, name: str) -> str | None:
    """The value kept under ``name``."""
    value: str | None = await connection.scalar(sa.select(tables.heads.c.value).where(tables.heads.c.name == name))
    return value


async def prune(connection: AsyncConnection, table: sa.Table, numbers: Iterable[int], before: int) -> None:
    """Delete what is older than ``before`` (microseconds) of these series: a seek for each, never a scan."""
    statement = table.delete().where(table.c.series == sa.bindparam("number"), table.c.at < before)
    await _many(connection, statement, ({"number": number} for number in numbers))


async def found_version(connection: AsyncConnection) -> int | None:
    """The version of the tables that are there; None when there are none, 0 when they are not ours."""
    names = await connection.run_sync(lambda sync: sa.inspect(sync).get_table_names())
    if "version" in names:
        number: int | None = await connection.scalar(sa.select(tables.version.c.number))
        return number or 0
    return 0 if set(names) & set(tables.metadata.tables) else None


async def create(connection: AsyncConnection) -> None:
    """Make the tables."""
    await connection.run_sync(tables.metadata.create_all)
    await connection.execute(tables.version.insert().values(id=1, number=tables.SCHEMA))


def _latest_row(reading: Reading) -> Mapping[str, Any] | None:
    try:
        body = pack(reading)
    except (TypeError, OverflowError) as error:  # plain data only, integers of at most 64 bits
        log.error("the reading of %s %s cannot be kept: %s", reading.site, reading.probe, error)
        return None
    return {"site": reading.site, "probe": reading.probe, "at": round(reading.at * MICRO), "body": body}


async def _many(connection: AsyncConnection, statement: sa.Executable, rows: Iterable[Mapping[str, Any]]) -> None:
    waiting = iter(rows)
    while chunk := list(islice(waiting, CHUNK)):
        await connection.execute(statement, chunk)
        await asyncio.sleep(0)
