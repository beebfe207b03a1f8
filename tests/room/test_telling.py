"""Notices are told once and taken back; the timeline notes each change of level."""

from tui.model.level import Level
from tui.model.message import msg
from tui.room.hub import Hub
from tui.room.memory import Memory
from tui.room.notices import Notices
from tui.room.timeline import Timeline
from tui.wire.messages import Event, Notice


class Shelf:
    def __init__(self):
        self.kept = []

    def put_event(self, event):
        self.kept.append(event)

    async def events(self, since, site, limit):
        return tuple(self.kept)


def notice(level=Level.WARN, text="disk full"):
    return Notice("history", level, msg(text), msg("free some"))


def listened(hub):
    heard = []
    hub.subscribe(heard.append)
    return heard


def test_a_notice_is_published_when_it_is_new_or_changed_and_when_it_is_taken_back():
    hub = Hub()
    heard, notices = listened(hub), Notices(hub)
    for one in (notice(), notice(), notice(text="disk still full")):
        notices.post(one)
    assert notices.current() == (notice(text="disk still full"),)
    notices.post(notice(Level.OK))
    notices.clear("history")
    notices.clear("nothing")
    assert notices.current() == ()
    assert [(one.level, one.message.say()) for one in heard] == [
        (Level.WARN, "disk full"),
        (Level.WARN, "disk still full"),
        (Level.OK, "disk still full"),
    ]


def test_memory_keeps_the_latest_and_forgets(make):
    hub = Hub()
    heard, memory = listened(hub), Memory(hub)
    for reading in (make.reading(at=1.0), make.reading(at=2.0), make.reading(probe="tls"), make.reading(site="cn")):
        memory.put(reading)
    assert len(heard) == 4
    assert {probe: reading.at for probe, reading in memory.latest("eu").items()} == {"uptime": 2.0, "tls": 0.0}
    memory.latest("eu").clear()
    assert len(memory.all()) == 3
    memory.drop("eu", "tls")
    memory.drop("nobody", "tls")
    memory.forget(["cn", "nobody"])
    assert [(reading.site, reading.probe) for reading in memory.all()] == [("eu", "uptime")]
    assert memory.latest("cn") == {}
    assert memory.get("cn", "uptime") is None


async def test_the_timeline_notes_changes_not_looks(make):
    hub, shelf = Hub(), Shelf()
    timeline = Timeline(hub, shelf, clock=lambda: 100.0)
    heard = [event for event in listened(hub) if isinstance(event, Event)]
    memory = Memory(hub)
    memory.put(make.reading(Level.CRIT, "down since yesterday", probe="tls", at=50.0))
    for at, level in ((101.0, Level.OK), (102.0, Level.OK), (103.0, Level.CRIT), (104.0, Level.CRIT), (105.0, Level.OK)):
        memory.put(make.reading(level, f"at {at:g} {{braces}}", at=at))
    memory.put(make.reading(Level.WARN, "soon", probe="backups", at=106.0))
    memory.put(make.reading(Level.OK, "renewed", probe="tls", at=107.0))
    events = await timeline.since(0.0)
    assert [event.message.say() for event in events] == [
        "uptime OK -> CRIT: at 103 {braces}",
        "uptime CRIT -> OK: at 105 {braces}",
        "backups - -> WARN: soon",
        "tls CRIT -> OK: renewed",
    ]
    first = events[0]
    assert (first.kind, first.site, first.level, first.at) == ("level", "eu", Level.CRIT, 103.0)
    assert heard == []
    timeline.note(Event(at=108.0, kind="room", message=msg("the room opened")))
    assert shelf.kept[-1].kind == "room"
