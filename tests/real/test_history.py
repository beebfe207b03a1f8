"""The history on a real MariaDB: the same words as on SQLite."""

import time

from tui.model.level import Level
from tui.model.message import msg
from tui.model.reading import Reading
from tui.room.history import History
from tui.wire.messages import Event


async def test_readings_events_and_heads_come_back_from_mariadb(lab):
    lab.sql("create database if not exists room character set utf8mb4 collate utf8mb4_bin")
    lab.sql("create or replace user room@localhost identified by 'pw'; grant all on room.* to room@localhost")
    url = f"mysql+aiomysql://room:pw@localhost/room?unix_socket={lab.socket}"
    now = time.time()
    history = History(url)
    await history.open()
    try:
        for age in reversed(range(60)):
            history.add(
                Reading(probe="uptime", site="eu", level=Level.OK, summary=msg("up"), at=now - age, values={"total": age}, carry={"n": age})
            )
        await history.add_event(Event(at=now, kind="room", message=msg("胡同 opened")))
        await history.put_head("audit", "abc")
        await history.flush()
    finally:
        await history.close()

    again = History(url)
    await again.open()
    try:
        assert [(reading.site, reading.carry) for reading in await again.latest()] == [("eu", {"n": 0})]
        assert await again.head("audit") == "abc"
        assert [event.message.say() for event in await again.events(0)] == ["胡同 opened"]
        points = await again.series("eu", "uptime", "total", now - 70, now + 1)
        assert {value for _, value in points if value is not None} >= {0.0, 30.0, 59.0}
    finally:
        await again.close()
