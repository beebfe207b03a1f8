"""When the certificate ends: real handshakes, real certificates."""

import contextlib
from types import SimpleNamespace

import pytest

from tests.support.web import Authority, Server, response
from tui.model.level import Level
from tui.model.reach import Certificate
from tui.model.site import HttpTarget, Site
from tui.probes.tls import DAY, PROBE, TlsSettings, judge
from tui.reach.web import FreshWeb


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


@contextlib.asynccontextmanager
async def reach():
    web = FreshWeb()
    yield SimpleNamespace(web=web)
    await web.close()


async def read(authority, context, settings=None, ca=""):
    async with Server(lambda head: response(b"x" * 5000), context=context) as server, reach() as looking:
        target = HttpTarget(connect=f"127.0.0.1:{server.port}", ca=str(authority.pem) if ca == "" else ca, timeout=5)
        site = Site("s", "Shop", url="https://shop.example/", http=target, settings={"probe.tls": settings} if settings else {})
        return await PROBE.probe(site, looking, None)


@pytest.mark.parametrize(("ends", "level"), [(60.5, Level.OK), (20.5, Level.WARN), (6.5, Level.CRIT)])
async def test_the_end_comes_near(authority, ends, level):
    reading = await read(authority, authority.context("shop.example", ends=ends))
    assert (reading.level, reading.values["days"]) == (level, int(ends))
    assert str(int(ends)) in reading.summary.say()
    assert {column.key for column in (*PROBE.info.fleet, *PROBE.info.facts)} <= set(reading.values)


async def test_settings_move_the_goals(authority):
    context = authority.context("shop.example", ends=60.5)
    assert (await read(authority, context, TlsSettings(warn_days=70))).level is Level.WARN
    assert (await read(authority, context, TlsSettings(warn_days=90, crit_days=80))).level is Level.CRIT


@pytest.mark.parametrize(
    ("fault", "names", "more"),
    [
        ("expired", ["shop.example"], {"ends": -3.5}),
        ("not-yet", ["shop.example"], {"starts": 2}),
        ("name", ["other.example"], {}),
        ("self-signed", ["shop.example"], {"self_signed": True}),
    ],
)
async def test_faults_are_told_apart(authority, fault, names, more):
    reading = await read(authority, authority.context(*names, **more))
    assert (reading.level, reading.values["fault"], reading.failure.kind) == (Level.CRIT, fault, fault)
    said = {"expired": "3 days ago", "not-yet": "not valid before", "name": "other.example", "self-signed": "itself"}
    assert said[fault] in reading.summary.say()
    assert reading.failure.remedy.say() in reading.evidence


async def test_an_unknown_issuer(authority):
    reading = await read(authority, authority.context("shop.example"), ca=None)
    assert (reading.level, reading.values["fault"]) == (Level.CRIT, "untrusted")
    assert "test authority" in reading.summary.say()


async def test_no_answer_is_unknown_here():
    async with reach() as looking:
        reading = await PROBE.probe(Site("s", "Shop", url="https://127.0.0.1:1/"), looking, None)
    assert (reading.level, reading.failure.kind) == (Level.UNKNOWN, "refused")


def test_a_certificate_made_for_six_days_does_not_warn_all_its_life():
    now = 1_000_000.0
    short = Certificate("s", "i", now - DAY, now + 5 * DAY)
    assert judge(TlsSettings(), short, now)[0] is Level.OK
    assert judge(TlsSettings(), short, now + 3.5 * DAY)[0] is Level.WARN
    assert judge(TlsSettings(), short, now + 4.5 * DAY)[0] is Level.CRIT
    assert judge(TlsSettings(), short, now + 6 * DAY)[0] is Level.CRIT


def test_only_https_sites_have_one():
    assert PROBE.absent(Site("s", "Shop", url="https://x/")) is None
    assert "http" in PROBE.absent(Site("s", "Shop", url="http://x/")).say()
    assert PROBE.absent(Site("s", "Shop")) is not None
