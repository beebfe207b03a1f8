"""The history's database, whose troubles are told and never raised."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from tui.room import history_faults as faults
from tui.room import ledger, tables
from tui.wire.messages import Notice

log = logging.getLogger(__name__)
T = TypeVar("T")

EVERY, RETRY = 1.0, 30.0
"""Seconds between two batches while all is well, and at most while the database does not take anything."""


class Database:
    """Opens itself on use and again after a failure. ``wait``: seconds to the next try. ``dropped`` tells how much was lost so far."""

    def __init__(self, url: sa.URL, file: Path | None, dropped: Callable[[], int]) -> None:
        self.ledger = ledger.Ledger(url.get_backend_name())
        self.wait = EVERY
        self._url = url
        self._file = file
        self._dropped = dropped
        self._engine: AsyncEngine | None = None
        self._troubled = False
        self._refused = False
        self._standing: list[Notice] = []
        self._tell: Callable[[Notice], None] = self._standing.append

    @property
    def name(self) -> str:
        """What people know it by; never with a password."""
        return str(self._file) if self._file is not None else f"{self._url.host}/{self._url.database}"

    def told_to(self, tell: Callable[[Notice], None]) -> None:
        """Who hears of troubles from now on, and of those that stand."""
        self._tell = tell
        for notice in self._standing:
            tell(notice)
        self._standing.clear()

    async def opened(self) -> bool:
        """Whether the database is open; opens or makes it if it can."""
        for _ in range(2):  # the second time on a fresh file, when the old one was put aside
            if self._engine is not None or self._refused:
                break
            try:
                self._engine = tables.make_engine(self._url, self._file)
                await self._check()
            except (SQLAlchemyError, OSError) as error:
                await self.dispose()
                if not (faults.is_damage(error) and self._aside("damaged")):
                    self._failed(error)
                    break
        return self._engine is not None

    async def transact(self, call: Callable[[AsyncConnection], Awaitable[object]]) -> bool:
        """Run ``call`` in a writing transaction; False when the database did not take it (told already)."""
        if self._engine is None:
            return False
        try:
            async with self._engine.execution_options(writes=True).begin() as connection:
                await call(connection)
        except (SQLAlchemyError, OSError) as error:
            self._failed(error)
            await self._relearn()
            return False
        if self._troubled:
            self._troubled, self.wait = False, EVERY
            self._tell(faults.well(self.name))
        return True

    async def read(self, call: Callable[[AsyncConnection], Awaitable[T]], empty: T) -> T:
        """What ``call`` reads; ``empty`` when the database does not give it (told already)."""
        if self._engine is None:
            return empty
        try:
            async with self._engine.connect() as connection:
                return await call(connection)
        except (SQLAlchemyError, OSError) as error:
            self._failed(error)
            return empty

    async def dispose(self) -> None:
        """Close every connection."""
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.dispose()

    async def _check(self) -> None:
        assert self._engine is not None  # noqa: S101 - made by the caller
        async with self._engine.execution_options(writes=True).begin() as connection:
            found = await ledger.found_version(connection)
            if found is None:
                await ledger.create(connection)
        if found not in (None, tables.SCHEMA):
            await self.dispose()
            if not self._aside(f"v{found}"):
                self._refused = True
                self._tell(faults.refused(self.name, found or 0))
            return
        async with self._engine.connect() as connection:
            await self.ledger.load(connection)

    async def _relearn(self) -> None:
        """Numbers of series that were given in a transaction that failed are not to be trusted."""
        self.ledger.ids = {}
        if self._engine is not None:
            with contextlib.suppress(SQLAlchemyError, OSError):
                async with self._engine.connect() as connection:
                    await self.ledger.load(connection)

    def _aside(self, mark: str) -> bool:
        if self._file is None:
            return False
        self._tell(faults.put_aside(self.name, mark, faults.set_aside(self._file, mark)))
        return True

    def _failed(self, error: SQLAlchemyError | OSError) -> None:
        log.warning("history: %s", getattr(error, "orig", None) or error)
        self._troubled = True
        self.wait = min(RETRY, self.wait * 2)
        self._tell(faults.trouble(self.name, error, self._dropped()))
