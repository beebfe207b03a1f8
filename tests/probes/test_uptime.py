"""Is the shop up: real servers, the probe, and the reading it must give."""

import asyncio
import contextlib
from types import SimpleNamespace

import pytest

from tests.support.web import Authority, Server, response
from tui.model.level import Level
from tui.model.site import HttpTarget, Site
from tui.probes.uptime import PROBE, UptimeSettings
from tui.reach.resolver import Resolver
from tui.reach.web import FreshWeb

PAGE = b"<html><title>Shop</title><body>Boots</body></html>"


@contextlib.asynccontextmanager
async def reach(resolver=None):
    web = FreshWeb(resolver)
    yield SimpleNamespace(web=web)
    await web.close()


async def read(url, *, settings=None, resolver=None, **http):
    site = Site("s", "Shop", url=url, interval=30.0, http=HttpTarget(**http), settings={"probe.uptime": settings} if settings else {})
    async with reach(resolver) as looking:
        return await PROBE.probe(site, looking, None)


async def served(answer, **more):
    async with Server(answer if callable(answer) else lambda head: answer) as server:
        return await read(server.url, **more)


async def test_a_shop_that_is_up():
    reading = await served(response(PAGE))
    assert (reading.level, reading.failure, reading.every) == (Level.OK, None, 30.0)
    assert reading.values["status"] == 200
    assert reading.values["tls"] is None
    assert reading.values["total"] >= reading.values["connect"] > 0
    assert {column.key for column in (*PROBE.info.fleet, *PROBE.info.facts)} <= set(reading.values)


@pytest.mark.parametrize(
    ("answer", "level", "word"),
    [
        (response(b"", "500 Internal Server Error"), Level.CRIT, "500"),
        (response(b"Bad gateway", "502 Bad Gateway"), Level.CRIT, "502"),
        (response(b"no", "503 Service Unavailable"), Level.CRIT, "503"),
        (response(b"Briefly unavailable for scheduled maintenance.", "503 Service Unavailable"), Level.WARN, "maintenance"),
        (response("网站维护中".encode(), "503 Service Unavailable"), Level.WARN, "maintenance"),
        (response(b""), Level.CRIT, "blank"),
        (response(b" \r\n\t\n"), Level.CRIT, "blank"),
        (response(b"<p>There has been a critical error on this website.</p>"), Level.CRIT, "critical error"),
        (response(b"<p>There has been a critical error on this website.</p>", "500 Internal Server Error"), Level.CRIT, "critical error"),
        (response(b"<h1>Error establishing a database connection</h1>"), Level.CRIT, "database"),
        (response(b"<h1>Error establishing a database connection</h1>", "503 Service Unavailable"), Level.CRIT, "database"),
        (response(b"<br />\n<b>Fatal error</b>:  Uncaught Error in /x.php on line <b>1</b>"), Level.CRIT, "PHP"),
        (response(b"denied", "403 Forbidden"), Level.WARN, "refuses"),
        (response(b"slow down", "429 Too Many Requests"), Level.WARN, "refuses"),
        (response(b"nothing", "404 Not Found"), Level.CRIT, "404"),
        (response(b"", "204 No Content"), Level.OK, "204"),
        (response(b"", "302 Found"), Level.WARN, "302"),
    ],
)
async def test_what_came_is_judged(answer, level, word):
    reading = await served(answer)
    assert reading.level is level
    assert word in reading.summary.say()


async def test_what_the_page_says_is_evidence_and_harmless():
    page = b"<script>alert(1)</script><h1>Oops</h1>\x1b[2J\xff [red] boots"
    reading = await served(response(page, "500 Internal Server Error"))
    text = reading.evidence[-1]
    assert "Oops" in text
    assert "alert" not in text
    assert "\x1b" not in text


async def test_settings_decide_what_is_well():
    slow = UptimeSettings(slow_ms=0.001)
    assert (await served(response(PAGE), settings=slow)).level is Level.WARN
    assert (await served(response(b"", "401 Unauthorized"), settings=UptimeSettings(statuses=(401,)))).level is Level.OK
    assert (await served(response(PAGE), settings=UptimeSettings(expect="Boots"))).level is Level.OK
    lacking = await served(response(PAGE), settings=UptimeSettings(expect="购物车"))
    assert (lacking.level, "购物车" in lacking.summary.say()) == (Level.CRIT, True)
    assert (await served(response(PAGE), expect="Shoes")).level is Level.CRIT


async def test_the_platforms_own_marks_come_first(monkeypatch):
    from tui.model.shop import Platform
    from tui.probes import uptime

    monkeypatch.setattr(
        uptime.platforms, "PLATFORMS", (Platform(id="custom", title="Custom", fatal_marks=((b"Boots", "the boots are out"),)),)
    )
    reading = await served(response(PAGE))
    assert (reading.level, "the boots are out" in reading.summary.say()) == (Level.CRIT, True)


async def test_a_home_page_that_leads_on_is_up():
    def answer(head):
        return response(b"", "302 Found", "Location: /en/") if head.startswith(b"GET / ") else response(PAGE)

    reading = await served(answer)
    assert reading.level is Level.OK
    assert reading.evidence[0].endswith("/en/")


async def test_a_redirect_loop_is_down():
    reading = await served(response(b"", "302 Found", "Location: /"))
    assert (reading.level, reading.failure.kind) == (Level.CRIT, "redirect-loop")


async def test_a_redirect_to_another_host_is_said():
    async with Server(lambda head: response(PAGE), host="127.0.0.2") as parked:
        reading = await served(response(b"", "301 Moved", f"Location: {parked.url}"))
    assert (reading.level, "127.0.0.2" in reading.summary.say()) == (Level.WARN, True)


async def test_down_is_down_and_not_looked_is_unknown():
    import socket

    refused = await read("http://127.0.0.1:1/")
    assert (refused.level, refused.failure.kind) == (Level.CRIT, "refused")
    assert refused.failure.remedy.say() in refused.evidence

    def unanswered(host):
        raise socket.gaierror(socket.EAI_AGAIN, "temporary failure")

    lost = await read("http://shop.example/", resolver=Resolver(unanswered))
    assert (lost.level, lost.failure.cause) == (Level.UNKNOWN, "resolver")

    def absent(host):
        raise socket.gaierror(socket.EAI_NONAME, "not known")

    assert (await read("http://shop.example/", resolver=Resolver(absent))).level is Level.CRIT
    assert (await read("https://127.0.0.1:1/", ca="/no/such.pem")).level is Level.UNKNOWN


async def test_a_shop_that_hangs_is_down():
    async def talk(reader, writer):
        await asyncio.Event().wait()

    async with Server(talk=talk) as server:
        reading = await read(server.url, timeout=0.2)
    assert (reading.level, reading.failure.kind) == (Level.CRIT, "timeout")
    assert reading.values["connect"] is not None


async def test_a_certificate_that_ended_takes_the_shop_down(tmp_path):
    authority = Authority(tmp_path)
    async with Server(lambda head: response(PAGE), context=authority.context("shop.example", ends=-1)) as server:
        reading = await read("https://shop.example/", connect=f"127.0.0.1:{server.port}", ca=str(authority.pem))
    assert (reading.level, reading.failure.kind) == (Level.CRIT, "expired")


def test_a_site_without_a_url_has_no_uptime():
    assert PROBE.absent(Site("s", "Shop")) is not None
    assert PROBE.absent(Site("s", "Shop", url="https://x/")) is None
    assert PROBE.every(Site("s", "Shop", interval=10)) == 10
    assert PROBE.info.confirm == 2
