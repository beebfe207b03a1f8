"""A room of memory that speaks the real messages, and a viewer in front of it."""

import asyncio
import time
from contextlib import asynccontextmanager

import pytest

from tui.model.catalogue import ActionInfo, Catalogue, Column, Option, ProbeInfo
from tui.model.failure import Failure
from tui.model.level import Level
from tui.model.log import LogRecord
from tui.model.message import msg
from tui.model.plan import Plan, Step, Verdict
from tui.model.reading import Reading
from tui.view.app import Options, StorewatchApp
from tui.view.link import LinkError
from tui.wire import messages as m

CATALOGUE = Catalogue(
    probes=(
        ProbeInfo(
            "uptime", "Uptime", "U",
            fleet=(Column("status", "http", "", 4), Column("total", "time", "ms", 7)),
            facts=(Column("status", "status"), Column("total", "total", "ms"), Column("dns", "dns", "ms")),
            help="Is the shop up, as a shopper sees it.",
        ),
        ProbeInfo(
            "errors", "Errors", "E",
            fleet=(Column("rate", "errors", "/min", 7),),
            columns=(Column("text", "error", "text", 30), Column("count", "count", "", 6), Column("culprit", "culprit", "text", 16)),
            empty="no errors in the last hour",
        ),
        ProbeInfo(
            "backups", "Backups", "B",
            fleet=(Column("newest", "backup", "age", 7),),
            columns=(
                Column("name", "file", "text", 24), Column("size", "size", "B", 9), Column("at", "when", "at", 12),
                Column("state", "state", "", 10),
            ),
            empty="no backup was ever found",
        ),
        ProbeInfo(
            "deploys", "Deploys", "D",
            fleet=(Column("at", "deploy", "age", 7),),
            columns=(
                Column("id", "release", "text", 16), Column("commit", "commit", "text", 8), Column("who", "who", "text", 8),
                Column("state", "state"),
            ),
        ),
        ProbeInfo(
            "plugins", "Plugins", "P",
            fleet=(Column("updates", "upd", "", 4),),
            facts=(Column("active", "active"), Column("updates", "updates")),
            columns=(Column("name", "plugin", "text", 24), Column("version", "version", "text", 8), Column("state", "state", "", 9)),
            empty="no plugin is installed",
        ),
        ProbeInfo(
            "host", "Host", "H",
            fleet=(Column("load", "load", "", 5), Column("disk", "disk", "%", 5)),
            facts=(Column("load", "load"), Column("disk", "disk", "%")),
        ),
    ),
    actions=(
        ActionInfo("tail", "logs", "l", "streams the logs of the marked stores", changes=False, streams=True, many=True),
        ActionInfo("plugin-off", "plugin off", "x", "switches the selected plugin off", pane="plugins", chooses=True, then=("uptime",)),
        ActionInfo("plugin-on", "plugin on", "X", "switches the selected plugin on", pane="plugins", chooses=True),
        ActionInfo("rollback", "roll back", "ctrl+l", "makes an earlier release live", pane="deploys", chooses=True),
        ActionInfo("reload-php", "reload php", "f", "reloads php-fpm"),
    ),
)  # fmt: skip


def plugins(active):
    return tuple(Option(f"p{i}", f"plugin-{i}", refused=None if (i % 2 == 0) == active else msg("it is that already")) for i in range(12))


def releases():
    return tuple(Option(f"r{i}", f"2026112{i}", refused=msg("it is live") if i == 0 else None, preferred=i == 1) for i in range(4))


class FakeRoom:
    """Answers as a room would; ``push`` says something to every viewer, ``die`` cuts them off."""

    def __init__(self, sites=12, now=None, demo=True):
        self.now = time.time() if now is None else now
        self.card = m.RoomCard("shops", 1, self.now, "/etc/sites.toml", "0.1.0", demo=demo)
        self.sites = tuple(self.site(number) for number in range(sites))
        self.readings = tuple(reading for number in range(sites) for reading in self.readings_of(number))
        self.notices, self.runs, self.host_keys = (), (), ()
        self.asked, self.answers, self.links = [], {}, []
        self.catalogue = CATALOGUE

    def site(self, number):
        return m.SiteCard(
            f"s{number}", f"Shop {number:02d}", f"https://s{number}.example.com/", "woocommerce", "capistrano", f"web{number % 3}",
            production=number % 4 != 3, tags=("eu",) if number % 2 else ("us",), logs=("nginx",),
            absent={"backups": msg("sites.toml names no backup for this site")} if number == 5 else {},
        )  # fmt: skip

    def reading(self, number, probe, level=Level.OK, text="", **more):
        more.setdefault("at", self.now)
        more.setdefault("every", 30.0)
        return Reading(probe=probe, site=f"s{number}", level=level, summary=msg("{text}", text=text), **more)

    def readings_of(self, number):
        uptime = self.reading(number, "uptime", text="200 in 123 ms", values={"status": 200, "total": 123.0 + number, "dns": 2.0})
        if number == 2:
            failure = Failure("http", "status", msg("HTTP 500 from /"), msg("look at Errors; ctrl+l rolls back the release of 14:02"))
            evidence = ("HTTP/1.1 500 Internal Server Error", "PHP Fatal error: Uncaught Error in cart.php:12")
            uptime = self.reading(
                number, "uptime", Level.CRIT, "HTTP 500 from /", values={"status": 500, "total": 80.0}, failure=failure, evidence=evidence
            )
        yield uptime
        if number == 7:
            failure = Failure("jump", "refused", msg("jump host refuses"), msg("check `ssh jump`"), cause="jump:x")
            for probe in ("errors", "backups", "deploys", "plugins", "host"):
                yield Reading(
                    probe=probe, site="s7", level=Level.UNKNOWN, summary=failure.message, at=self.now, every=60.0, failure=failure
                )
            return
        if number == 9:
            return
        rows = ({"key": "e1", "text": "PHP Fatal error: Uncaught Error", "count": 42, "culprit": "plugin:cart"},) if number == 2 else ()
        yield self.reading(
            number,
            "errors",
            Level.WARN if number == 2 else Level.OK,
            f"{number} errors a minute",
            values={"rate": float(number)},
            rows=rows,
        )
        if number != 5:
            rows = tuple(
                {
                    "key": f"b{i}",
                    "name": f"shop-{i}.sql.gz",
                    "size": 4_200_000 + i,
                    "at": self.now - 3600 * i,
                    "state": "FRESH" if i else "CORRUPT",
                }
                for i in range(7)
            )
            yield self.reading(
                number,
                "backups",
                text="newest 2 h old",
                values={"newest": self.now - 7300},
                rows=rows,
                at=self.now - (9000 if number == 4 else 0),
            )
        rows = tuple(
            {"key": f"r{i}", "id": f"2026112{i}", "commit": "abc123d", "who": "li", "state": "current" if i == 0 else ""} for i in range(4)
        )
        yield self.reading(number, "deploys", text="release of 14:02 by li", values={"at": self.now - 4000}, rows=rows)
        rows = tuple(
            {"key": f"p{i}", "name": f"plugin-{i}", "version": "1.2", "state": "active" if i % 2 == 0 else "inactive"} for i in range(12)
        )
        yield self.reading(
            number,
            "plugins",
            Level.WARN if number == 1 else Level.OK,
            "12 plugins, 1 update",
            values={"active": 6, "updates": 1},
            rows=rows,
        )
        yield self.reading(number, "host", text="load 0.4", values={"load": 0.4, "disk": 61})

    def welcome(self):
        return m.Welcome(m.VERSION, self.card, self.catalogue, self.sites, self.readings, self.notices, self.runs, self.host_keys)

    async def dial(self):
        link = FakeLink(self)
        self.links.append(link)
        return link

    def push(self, message):
        for link in self.links:
            link.queue.put_nowait(message)

    def die(self):
        self.push(None)
        self.links = []

    def plan(self, action="rollback", site="s3", **more):
        steps = (Step(("ln", "-sfn", "/srv/x/releases/1", "/srv/x/current"), msg("make the release live"), ("ln", "-sfn", "old", "cur")),)
        return Plan(action=action, site=site, title=msg("roll back to {r}", r="20261121"), steps=steps, subject="20261121", **more)

    def started(self, plan, state="running"):
        step = m.RunStep(plan.steps[0].text, "running")
        return m.Run(id="run1", plan=plan, who="li", state=state, steps=(step,), decided=self.now, detected=self.now - 60)

    def answer(self, body):
        self.asked.append(body)
        given = self.answers.get(type(body))
        if given is not None:
            return given(body) if callable(given) else given
        return self.default(body)

    def default(self, body):
        if isinstance(body, m.GetChoices):
            return m.Choices(plugins(body.action == "plugin-off") if body.action.startswith("plugin") else releases())
        if isinstance(body, m.GetPlan | m.Undo):
            card = next(site for site in self.sites if site.id == body.site)
            plan = self.plan(getattr(body, "action", "undo"), body.site)
            return m.Planned(plan, plan.hash, card.name if card.production else "", msg("took 3 s last time"))
        if isinstance(body, m.Confirm):
            planned = next(asked for asked in reversed(self.asked) if isinstance(asked, m.GetPlan | m.Undo))
            return m.Started(self.started(self.plan(getattr(planned, "action", "undo"), planned.site)))
        if isinstance(body, m.StartTail):
            return m.Tailing(7)
        if isinstance(body, m.GetAudit):
            line = m.AuditLine(
                at="2026-11-22T20:00:00Z",
                seq=1,
                who="li",
                uid=1000,
                what="intent",
                action="rollback",
                site="s3",
                commands=("ln -sfn a b",),
                hash="h",
            )
            return m.Audit((line,))
        if isinstance(body, m.GetTimeline):
            return m.Timeline((m.Event(at=self.now, kind="level", site="s2", level=Level.CRIT, message=msg("HTTP 500 from /")),))
        return m.Done()


class FakeLink:
    def __init__(self, room):
        self.room, self.queue, self.closed = room, asyncio.Queue(), False
        self.welcome = room.welcome()

    async def request(self, body):
        if self.closed:
            raise LinkError(msg("the room is gone"))
        return self.room.answer(body)

    async def pushes(self):
        while (message := await self.queue.get()) is not None:
            yield message

    async def close(self):
        self.closed = True


class Stage:
    """A running viewer in front of a room."""

    def __init__(self, room, app, pilot):
        self.room, self.app, self.pilot = room, app, pilot

    async def press(self, *keys):
        for key in keys:
            await self.pilot.press(key)
            await self.pilot.pause()

    async def until(self, test, what="it happened"):
        """Wait for an event of the app by polling its state; fails after five seconds."""
        end = time.monotonic() + 5
        while not test():
            assert time.monotonic() < end, f"timed out before {what}; screen:\n{self.text()}"
            await self.pilot.pause(0.02)

    async def sees(self, *texts):
        for text in texts:
            await self.until(lambda text=text: text in self.text(), repr(text))

    def lines(self):
        return [strip.text.rstrip() for strip in self.app.screen._compositor.render_strips()]

    def text(self):
        return "\n".join(self.lines())

    def toasts(self):
        return [note.message for note in self.app._notifications]

    async def told(self, text):
        await self.until(lambda: any(text in toast for toast in self.toasts()), f"a toast with {text!r}, toasts: {self.toasts()}")


@pytest.fixture
def room():
    return FakeRoom()


@pytest.fixture
def fake_room():
    """The class, for a room of another size."""
    return FakeRoom


@pytest.fixture
def record():
    def make(number, level="info", text="GET /", **more):
        return LogRecord(
            source="nginx", text=f"{text} {number}", level=level, at=1_700_000_000.0 + number, site="s2", raw=f"{text} {number}", **more
        )

    return make


@pytest.fixture
def verdict():
    return Verdict(Level.OK, msg("200 in 120 ms"), ("HTTP/1.1 200 OK",), "reload-php")


@pytest.fixture
def stage():
    @asynccontextmanager
    async def run(room, size=(80, 24), ready=True, **options):
        options = {"quiet": False, "guard": 0.0, **options}
        app = StorewatchApp(room.dial, Options(**options))
        async with app.run_test(size=size) as pilot:
            here = Stage(room, app, pilot)
            if ready:
                await here.until(lambda: app.board.linked, "the link")
                await pilot.pause(0.05)
            yield here

    return run
