"""The history's tables and how its database is opened. Times are integer microseconds since 1970 UTC."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.dialects.mysql import insert as mysql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

SCHEMA = 1
"""The version of these tables. Another one in a file is set aside, not read."""

metadata = sa.MetaData()


def _name(length: int) -> sa.types.TypeEngine[str]:
    # MySQL compares 'a' and 'A' as equal unless told otherwise; SQLite does not
    return sa.String(length).with_variant(mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_bin"), "mysql", "mariadb")


_BLOB = sa.LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql", "mariadb")
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # only INTEGER PRIMARY KEY is SQLite's own row number

version = sa.Table("version", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("number", sa.Integer, nullable=False))
series = sa.Table(
    "series",
    metadata,
    sa.Column("id", _ID, primary_key=True, autoincrement=True),
    sa.Column("site", _name(190), nullable=False),
    sa.Column("probe", _name(64), nullable=False),
    sa.Column("key", _name(64), nullable=False),
    sa.UniqueConstraint("site", "probe", "key"),
)
raw = sa.Table(
    "raw",
    metadata,
    sa.Column("series", sa.BigInteger, primary_key=True),
    sa.Column("at", sa.BigInteger, primary_key=True),
    sa.Column("value", sa.Double, nullable=False),
    sqlite_with_rowid=False,
)
minutes = sa.Table(
    "minutes",
    metadata,
    sa.Column("series", sa.BigInteger, primary_key=True),
    sa.Column("at", sa.BigInteger, primary_key=True),
    sa.Column("low", sa.Double, nullable=False),
    sa.Column("high", sa.Double, nullable=False),
    sa.Column("total", sa.Double, nullable=False),
    sa.Column("count", sa.Integer, nullable=False),
    sqlite_with_rowid=False,
)
latest = sa.Table(
    "latest",
    metadata,
    sa.Column("site", _name(190), primary_key=True),
    sa.Column("probe", _name(64), primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("body", _BLOB, nullable=False),
)
events = sa.Table(
    "events",
    metadata,
    sa.Column("id", _ID, primary_key=True, autoincrement=True),
    sa.Column("at", sa.BigInteger, nullable=False, index=True),
    sa.Column("site", _name(190), nullable=False),
    sa.Column("body", _BLOB, nullable=False),
)
heads = sa.Table("heads", metadata, sa.Column("name", _name(190), primary_key=True), sa.Column("value", sa.Text, nullable=False))


def upsert(table: sa.Table, dialect: str, *, add: tuple[str, ...] = (), ignore: bool = False) -> sa.Executable:
    """``INSERT``; a row that is there is overwritten, its ``add`` columns summed up, ``low``/``high`` widened; or with ``ignore`` kept."""
    keys = [column.name for column in table.primary_key]
    others = [column.name for column in table.columns if column.name not in keys]
    if dialect == "sqlite":
        lite = sqlite_insert(table)
        if ignore:
            return lite.on_conflict_do_nothing()
        return lite.on_conflict_do_update(index_elements=keys, set_=_merge(table, lite.excluded, others, add, sa.func.min, sa.func.max))
    my = mysql_insert(table)
    if ignore:
        return my.prefix_with("IGNORE")
    return my.on_duplicate_key_update(_merge(table, my.inserted, others, add, sa.func.least, sa.func.greatest))


def _merge(table: sa.Table, new: Any, others: list[str], add: tuple[str, ...], least: Any, greatest: Any) -> dict[str, Any]:
    how: dict[str, Any] = {name: new[name] for name in others}
    how.update({name: table.c[name] + new[name] for name in add})
    if "low" in how:
        how.update(low=least(table.c.low, new.low), high=greatest(table.c.high, new.high))
    return how


def address(url_or_path: str) -> tuple[sa.URL, Path | None]:
    """The async SQLAlchemy URL, and the file where it is SQLite's. Raises sqlalchemy.exc.ArgumentError for a URL nobody understands."""
    if "://" not in url_or_path:
        return sa.URL.create("sqlite+aiosqlite", database=url_or_path), Path(url_or_path)
    url = sa.make_url(url_or_path)
    backend = url.get_backend_name()
    driver = {"sqlite": "sqlite+aiosqlite", "mysql": "mysql+aiomysql", "mariadb": "mariadb+aiomysql"}.get(backend)
    if driver is None:
        raise sa.exc.ArgumentError(f"history wants sqlite, mysql or mariadb, not {backend}")
    return url.set(drivername=driver), Path(url.database) if backend == "sqlite" and url.database else None


def make_engine(url: sa.URL, file: Path | None) -> AsyncEngine:
    """An engine for ``url``. A SQLite file is made beforehand with mode 0600, which its -wal and -shm inherit. Raises OSError."""
    if file is None:
        return create_async_engine(url, pool_size=3, max_overflow=0, pool_recycle=600, pool_pre_ping=True, isolation_level="READ COMMITTED")
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
    engine = create_async_engine(url, pool_size=3, max_overflow=0, connect_args={"timeout": 2.0})
    sa.event.listen(engine.sync_engine, "connect", _prepare)
    sa.event.listen(engine.sync_engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "temp_store=MEMORY", "cache_size=-4096"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: sa.Connection) -> None:
    # A deferred transaction that turns into a writing one fails at once, without waiting, when somebody else wrote meanwhile.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")
