"""What was seen is there after a restart; a disk that is full, a file that is locked, damaged or of another version loses nothing."""

import asyncio
import sqlite3
import stat

import msgspec
import pytest

from tui.model.level import Level
from tui.model.message import msg
from tui.room import database, pending
from tui.room.history import History
from tui.room.packing import pack, unpack
from tui.room.tables import SCHEMA
from tui.wire.messages import Event

NOW = 1_795_300_000.0


class Clock:
    def __init__(self, now=NOW):
        self.now = now

    def __call__(self):
        return self.now


@pytest.fixture
async def opened(tmp_path):
    """``await opened(clock)``: a history at tmp_path that is closed at the end; ``opened.path``, ``opened.notices``."""

    class Opener:
        path = tmp_path / "state" / "history.db"
        notices = []
        all = []

        async def __call__(self, clock=None):
            history = History(self.path, clock or Clock())
            history.tell(self.notices.append)
            self.all.append(history)
            await history.open()
            return history

    opener = Opener()
    opener.notices, opener.all = [], []
    yield opener
    for history in opener.all:
        await history.close()


def rows(path, query):
    with sqlite3.connect(path) as connection:
        return connection.execute(query).fetchall()


async def test_the_last_readings_come_back_with_their_cursors(opened, make):
    history = await opened()
    carry = {"inode": 12, "seen": b"\x00\xff", "per": [1, 2]}
    odd = make.reading(at=NOW, carry=carry, rows=({"key": "caf\udce9", "title": "caf?"},), values={"ms": 12.5, "up": True, "name": "x"})
    history.add(make.reading(at=NOW - 10, values={"ms": 99.0}))
    history.add(odd)
    history.add(make.reading(Level.CRIT, probe="tls", at=NOW))
    await history.close()
    again = await opened()
    found = {reading.probe: reading for reading in await again.latest()}
    assert found["uptime"] == odd
    assert found["tls"].level is Level.CRIT
    assert await again.series("eu", "uptime", "ms", NOW - 60, NOW + 1) == ((NOW - 10, 99.0), (NOW, 12.5))
    assert await again.series("eu", "uptime", "", NOW - 60, NOW + 1) == ((NOW - 10, 0.0), (NOW, 0.0))
    assert await again.series("eu", "uptime", "name", NOW - 60, NOW + 1) == ()
    assert opened.notices == []


async def test_the_file_is_the_users_alone_and_in_wal(opened, make):
    history = await opened()
    history.add(make.reading(at=NOW))
    await history.flush()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in opened.path.parent.iterdir()}
    assert modes == dict.fromkeys(("history.db", "history.db-wal", "history.db-shm"), 0o600)
    assert rows(opened.path, "PRAGMA journal_mode") == [("wal",)]


async def test_it_is_written_by_itself_within_about_a_second(opened, make):
    history = await opened()
    history.add(make.reading(at=NOW, values={"ms": 1.0}))
    async with asyncio.timeout(5):
        while not await history.series("eu", "uptime", "ms", NOW - 1, NOW + 1):
            await asyncio.sleep(0.02)


async def test_minutes_hold_least_mean_most_and_go_on_over_a_flush(opened, make):
    clock = Clock(NOW - NOW % 60)
    history = await opened(clock)
    for value in (1.0, 5.0):
        history.add(make.reading(at=clock.now + value, values={"ms": value}))
    await history.flush()
    history.add(make.reading(at=clock.now + 10, values={"ms": 9.0}))
    history.add(make.reading(at=clock.now + 70, values={"ms": 3.0}))
    await history.flush()
    query = "SELECT low, high, total, count FROM minutes JOIN series ON series.id = series WHERE key = 'ms' ORDER BY at"
    assert rows(opened.path, query) == [(1.0, 9.0, 15.0, 3), (3.0, 3.0, 3.0, 1)]
    start = clock.now
    assert await history.series("eu", "uptime", "ms", start - 7 * 3600, start + 200) == ((start + 30, 5.0), (start + 90, 3.0))


async def test_a_long_window_ends_with_what_is_not_a_whole_minute_yet(opened, make):
    clock = Clock(NOW - NOW % 60)
    history = await opened(clock)
    history.add(make.reading(at=clock.now + 1, values={"ms": 4.0}))
    await history.add_event(Event(at=clock.now, kind="room", message=msg("written without closing the minute")))
    assert await history.series("eu", "uptime", "ms", clock.now - 7 * 3600, clock.now + 100) == ((clock.now + 1, 4.0),)


async def test_old_rows_go_and_young_ones_stay(opened, make):
    clock = Clock()
    history = await opened(clock)
    for age in (49 * 3600, 3600):
        history.add(make.reading(at=NOW - age, values={"ms": 1.0}))
    history.add(make.reading(at=NOW - 91 * 86400, site="cn", values={"ms": 1.0}))
    for age in (366 * 86400, 10):
        await history.add_event(Event(at=NOW - age, kind="room", message=msg("opened")))
    await history.flush()
    await history.prune()
    assert rows(opened.path, "SELECT count(*) FROM raw") == [(2,)]  # level and ms of the young one
    assert rows(opened.path, "SELECT count(*) FROM minutes") == [(4,)]
    assert [event.at for event in await history.events(0.0)] == [NOW - 10]


async def test_events_and_heads(opened):
    history = await opened()
    for at, site in ((1.0, "eu"), (2.0, ""), (3.0, "cn"), (4.0, "eu")):
        history.put_event(Event(at=at, kind="level", site=site, level=Level.WARN, message=msg("x {n}", n=at)))
        if at == 2.0:
            await history.flush()
    assert [event.at for event in await history.events(0.0)] == [1.0, 2.0, 3.0, 4.0]  # written and waiting ones
    assert [event.at for event in await history.events(2.0, limit=2)] == [3.0, 4.0]
    assert [event.at for event in await history.events(0.0, "eu")] == [1.0, 4.0]
    assert await history.head("audit") is None
    await history.put_head("audit", "abc")
    await history.put_head("audit", "def")
    await history.close()
    again = await opened()
    assert await again.head("audit") == "def"
    assert [event.message.say() for event in await again.events(4.0)] == ["x 4.0"]


async def test_a_file_of_another_version_is_set_aside_whole(opened, make):
    history = await opened()
    history.add(make.reading(at=NOW))
    await history.close()
    with sqlite3.connect(opened.path) as connection:
        connection.execute("UPDATE version SET number = 7")
    again = await opened()
    assert await again.latest() == []
    kept = opened.path.with_name("history.db.v7.bak")
    assert rows(kept, "SELECT site FROM latest") == [("eu",)]
    assert rows(opened.path, "SELECT number FROM version") == [(SCHEMA,)]
    (notice,) = opened.notices
    assert (notice.level, str(kept) in notice.message.say()) == (Level.WARN, True)


async def test_a_damaged_file_is_set_aside_and_the_second_one_does_not_overwrite_the_first(opened, make):
    for text in (b"not a database at all" * 100, b"neither is this one." * 100):
        opened.path.parent.mkdir(exist_ok=True)
        opened.path.write_bytes(text)
        history = await opened()
        history.add(make.reading(at=NOW))
        await history.close()
    names = sorted(path.name for path in opened.path.parent.iterdir())
    assert names == ["history.db", "history.db.damaged.2.bak", "history.db.damaged.bak"]
    assert (opened.path.parent / "history.db.damaged.bak").read_bytes().startswith(b"not a database")
    assert rows(opened.path, "SELECT count(*) FROM latest") == [(1,)]


async def test_a_locked_file_is_told_and_nothing_is_lost(opened, make, monkeypatch):
    monkeypatch.setattr(database, "RETRY", 0.05)
    history = await opened()
    other = sqlite3.connect(opened.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    history.add(make.reading(at=NOW, values={"ms": 5.0}))
    await history.flush()
    assert "locked" in opened.notices[-1].message.say()
    assert opened.notices[-1].remedy is not None
    assert await history.events(0.0) == ()
    other.execute("ROLLBACK")
    other.close()
    async with asyncio.timeout(10):
        while opened.notices[-1].level is not Level.OK:
            await asyncio.sleep(0.02)
    assert await history.series("eu", "uptime", "ms", NOW - 1, NOW + 1) == ((NOW, 5.0),)


async def test_a_full_disk_is_told_bounded_and_written_later(opened, make, monkeypatch):
    monkeypatch.setattr(pending, "MOST_VALUES", 50)
    history = await opened()
    await history.flush()
    engine = history._database._engine
    async with engine.connect() as connection:
        pages = (await connection.exec_driver_sql("PRAGMA page_count")).scalar()
    limit = f"PRAGMA max_page_count={pages}"  # per connection, as a full disk would show
    await engine.dispose()
    from sqlalchemy import event

    def full(dbapi, _record):
        dbapi.cursor().execute(limit)

    event.listen(engine.sync_engine, "connect", full)
    for number in range(400):
        history.add(make.reading(at=NOW + number, site=f"s{number}", rows=({"text": "x" * 500},)))
    await history.flush()
    assert "disk is full" in opened.notices[-1].message.say()
    assert len(history._pending.values) <= 50
    assert history._pending.dropped > 0
    limit = "PRAGMA max_page_count=1000000"
    await engine.dispose()
    await history.flush()
    assert opened.notices[-1].level is Level.OK
    assert len(await history.latest()) == 400


async def test_a_folder_that_cannot_be_written_does_not_stop_the_room(tmp_path, make):
    (tmp_path / "file").write_text("in the way")
    notices = []
    history = History(tmp_path / "file" / "history.db", Clock())
    history.tell(notices.append)
    await history.open()
    history.add(make.reading(at=NOW))
    history.put_event(Event(at=NOW, kind="room", message=msg("opened")))
    assert await history.latest() == []
    assert [event.at for event in await history.events(0.0)] == [NOW]
    await history.close()
    assert "cannot be opened" in notices[0].message.say()


async def test_a_kill_loses_at_most_what_was_not_written_yet(opened, make):
    history = await opened()
    history.add(make.reading(at=NOW, values={"ms": 5.0}))
    await history.flush()
    copy = opened.path.parent / "copy.db"  # as the disk is at the moment of a kill
    for tail in ("", "-wal"):
        copy.with_name(copy.name + tail).write_bytes(opened.path.with_name(opened.path.name + tail).read_bytes())
    killed = History(copy, Clock())
    await killed.open()
    assert [reading.values for reading in await killed.latest()] == [{"ms": 5.0}]
    await killed.close()


def test_what_cannot_be_unpacked_says_so(make):
    reading = make.reading(carry={"name": "\udcff", "\udc80": [1]})
    assert unpack(pack(reading), type(reading)) == reading
    with pytest.raises(msgspec.MsgspecError):
        unpack(b"\x93", type(reading))


async def test_figures_that_are_no_figures_are_left_out(opened, make):
    history = await opened()
    history.add(make.reading(at=NOW, values={"inf": float("inf"), "nan": float("nan"), "big": 10**400, "up": True, "none": None, "ms": 7}))
    await history.flush()
    assert rows(opened.path, "SELECT key FROM series ORDER BY key") == [("",), ("ms",)]
    assert rows(opened.path, "SELECT count(*) FROM latest") == [(0,)]  # no MessagePack holds such an integer; the log says so
    assert opened.notices == []


async def test_a_fault_of_our_own_in_one_batch_does_not_end_the_writing(opened, make, monkeypatch):
    history = await opened()
    monkeypatch.setattr("tui.room.history.AFTER_FAULT", 0.0)
    broken = asyncio.Event()

    def fault(*_args, **_more):
        broken.set()
        monkeypatch.undo()
        raise RuntimeError("a bug")

    monkeypatch.setattr(history._pending, "take", fault)
    history.add(make.reading(at=NOW, values={"ms": 7}))
    async with asyncio.timeout(10):
        await broken.wait()
        while not await history.series("eu", "uptime", "ms", NOW - 60, NOW + 60):
            await asyncio.sleep(0.02)
