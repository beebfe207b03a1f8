"""Who is looked at when, and what becomes of a look that fails."""

import asyncio
import logging

import pytest

from tui.model.level import Level
from tui.model.message import msg
from tui.model.sweep import Answer, Ask
from tui.room import causes, lines, watch, webs
from tui.wire.messages import Event, Notice

UNKNOWN = Level.UNKNOWN


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(lines, "BACKOFF", (0.2, 0.2))
    monkeypatch.setattr(causes, "SETTLE", 0.01)
    monkeypatch.setattr(watch, "AGAIN", 0.01)
    monkeypatch.setattr(webs, "AT_ONCE", 40)


def latest(watching, site, probe):
    return watching.memory.get(site, probe)


# --- over HTTP ------------------------------------------------------------------------------------------------------


async def test_each_site_is_looked_at_again_and_again_and_kept(watching, make):
    sites = [make.site(name) for name in ("eu", "cn", "us")]
    watching.start(make.fleet(*sites), [make.web(lambda site, last: make.reading(values={"ms": 3.0}))])
    await watching.until(lambda: all(len(watching.readings(site=site.id)) >= 3 for site in sites))
    reading = latest(watching, "cn", "uptime")
    assert (reading.site, reading.probe, reading.every, reading.values) == ("cn", "uptime", 0.05, {"ms": 3.0})
    assert reading.at > 1_700_000_000
    assert reading.took > 0
    await watching.history.flush()
    assert {found.site for found in await watching.history.latest()} == {"eu", "cn", "us"}


async def test_first_looks_of_a_small_fleet_come_within_two_seconds_the_next_are_spread(watching, make):
    loop = asyncio.get_running_loop()
    began, looks = loop.time(), {}

    def look(site, last):
        looks.setdefault(site.id, []).append(loop.time() - began)
        return make.reading()

    watching.start(make.fleet(*(make.site(f"s{number}") for number in range(20))), [make.web(look, every=1.0)])
    await watching.until(lambda: len(looks) == 20 and all(len(times) > 1 for times in looks.values()))
    assert max(times[0] for times in looks.values()) < 2
    second = sorted(times[1] for times in looks.values())
    assert all(count <= 5 for count in (sum(1 for at in second if slot / 10 <= at < (slot + 1) / 10) for slot in range(30)))


async def test_no_more_looks_at_a_time_than_there_are_slots(watching, make):
    gate, now, most = asyncio.Event(), 0, 0

    async def slow(site, last):
        nonlocal now, most
        now += 1
        most = max(most, now)
        await gate.wait()
        now -= 1
        return make.reading()

    watching.start(make.fleet(*(make.site(f"s{number}", host=None) for number in range(webs.AT_ONCE + 16))), [make.web(slow, every=30)])
    async with asyncio.timeout(5):
        while len(watching.schedule.lateness) < webs.AT_ONCE or now < webs.AT_ONCE:
            await asyncio.sleep(0.01)
        while any(found[0].due > asyncio.get_running_loop().time() for found in watching.schedule._watches.values()):
            await asyncio.sleep(0.01)  # until all are due, so that some must wait
    gate.set()
    await watching.until(lambda: len(watching.memory.all()) == webs.AT_ONCE + 16)
    assert most == webs.AT_ONCE


async def test_a_probe_that_raises_becomes_a_reading_and_its_traceback_goes_to_the_log(watching, make, caplog):
    def broken(site, last):
        password = "hunter2"
        raise KeyError(f"oops {len(password)}")

    watching.start(make.fleet(make.site()), [make.web(broken), make.web(lambda site, last: make.reading(), name="tls")])
    await watching.until(lambda: len(watching.readings("uptime")) > 1 and watching.readings("tls"))
    reading = latest(watching, "eu", "uptime")
    assert (reading.level, reading.failure.step, reading.failure.kind) == (UNKNOWN, "probe", "bug")
    assert "KeyError" in reading.summary.say()
    assert "in broken" in caplog.text
    assert "hunter2" not in caplog.text.replace('password = "hunter2"', "")
    caplog.clear()


async def test_a_probe_that_returns_no_reading_or_cannot_say_when_is_a_bug_too(watching, make, caplog):
    watching.start(make.fleet(make.site()), [make.web(lambda site, last: None), make.web(None, every=None, name="tls")])
    await watching.until(lambda: watching.readings("uptime") and watching.readings("tls"))
    assert {reading.failure.kind for reading in watching.memory.all()} == {"bug"}
    caplog.clear()


async def test_a_look_that_hangs_is_ended(watching, make):
    async def hang(site, last):
        await asyncio.Event().wait()

    watching.start(make.fleet(make.site()), [make.web(hang, timeout=0.05)])
    await watching.until(lambda: watching.readings())
    assert (watching.readings()[0].level, watching.readings()[0].failure.kind) == (UNKNOWN, "timeout")


async def test_a_crit_is_confirmed_by_a_second_look_at_once(watching, make):
    watching.start(make.fleet(make.site()), [make.web(lambda site, last: make.reading(Level.CRIT, "500"), every=30, confirm=2)])
    await watching.until(lambda: len(watching.readings()) == 2)
    first, second = watching.readings()
    assert (first.level, first.summary.say()) == (Level.WARN, "(1 of 2) 500")
    assert (second.level, second.summary.say()) == (Level.CRIT, "500")
    levels = [event.message.say() for event in watching.of(Event)]
    assert levels == ["uptime - -> WARN: (1 of 2) 500", "uptime WARN -> CRIT: 500"]


async def test_probe_now_looks_at_once_also_when_a_look_is_under_way(watching, make):
    gate, begun = asyncio.Event(), asyncio.Event()

    async def look(site, last):
        begun.set()
        await gate.wait()
        return make.reading()

    watching.start(make.fleet(make.site()), [make.web(look, every=3600), make.sweep(every=3600)])
    await begun.wait()
    watching.schedule.probe_now("eu", "uptime")
    gate.set()
    await watching.until(lambda: len(watching.readings("uptime")) == 2 and watching.readings("host"))
    watching.schedule.probe_now()
    await watching.until(lambda: len(watching.readings("uptime")) == 3 and len(watching.readings("host")) == 2)
    watching.schedule.probe_now("nobody", "nothing")


# --- over SSH -------------------------------------------------------------------------------------------------------


async def test_what_is_due_on_a_host_goes_in_one_sweep(watching, make):
    fleet = make.fleet(make.site("eu"), make.site("cn"), make.site("us", host="web2"))
    watching.start(fleet, [make.sweep("host"), make.sweep("errors", every=0.1)])
    await watching.until(lambda: len(watching.readings("errors", "us")) >= 2 and len(watching.readings("errors", "cn")) >= 2)
    shells = watching.reach.shells
    assert sorted(shells["web1"].sweeps[0]) == ["errors cn", "errors eu", "host cn", "host eu"]
    assert sorted(shells["web2"].sweeps[0]) == ["errors us", "host us"]
    assert all(shell.most == 1 for shell in shells.values())
    together = [sweep for sweep in shells["web1"].sweeps[1:] if {"errors cn", "host cn"} <= set(sweep)]
    assert together  # equal grids meet again
    reading = latest(watching, "cn", "host")
    assert (reading.took, reading.values, reading.carry) == (0.01, {"n": 7}, {"offset": 7})


async def test_heavy_asks_slow_only_themselves(watching, make):
    gate = asyncio.Event()
    shell = watching.reach.shell(make.site())
    shell.hold = gate
    watching.start(make.fleet(make.site("eu"), make.site("cn")), [make.sweep("host"), make.sweep("plugins", heavy=True)])
    await watching.until(lambda: len(watching.readings("host", "eu")) >= 4)
    assert watching.readings("plugins") == []
    assert all(len(sweep) == 1 for sweep in shell.sweeps if any(script.startswith("plugins") for script in sweep))
    gate.set()
    await watching.until(lambda: watching.readings("plugins", "eu") and watching.readings("plugins", "cn"))
    assert shell.most == 2


async def test_a_host_that_cannot_be_reached_is_unknown_keeps_its_cursors_and_is_left_alone_for_a_while(watching, make):
    fleet = make.fleet(make.site("eu"), make.site("cn"))
    watching.start(fleet, [make.sweep("host"), make.sweep("errors", every=30)])
    await watching.until(lambda: latest(watching, "cn", "errors") and latest(watching, "cn", "host"))
    good = latest(watching, "cn", "host")
    shell = watching.reach.shells["web1"]
    shell.fault = make.lost("connect", "refused", cause="host:web1:22")
    await watching.until(lambda: latest(watching, "cn", "host").level is UNKNOWN)
    lost = latest(watching, "cn", "host")
    assert (lost.summary.say(), lost.failure.cause, lost.rows, lost.carry) == ("no way there", "host:web1:22", (), {"offset": 7})
    assert lost.values["last_good_at"] >= good.at
    assert lost.every > 0.19
    assert latest(watching, "cn", "errors").level is Level.OK  # was not asked: keeps its own level and age
    (notice,) = await watching.until(lambda: [n for n in watching.notices.current() if "2 sites" in n.message.say()])
    assert notice.id == "host:web1:22"
    before = len(shell.sweeps)
    await watching.until(lambda: latest(watching, "cn", "host").at > lost.at)
    assert len(shell.sweeps) - before <= 2
    assert latest(watching, "cn", "host").values["last_good_at"] == lost.values["last_good_at"]
    shell.fault = None
    await watching.until(lambda: watching.notices.current() == () and latest(watching, "eu", "host").level is Level.OK)
    assert [n.level for n in watching.of(Notice)][-1] is Level.OK


async def test_a_rare_look_that_was_lost_is_made_up_for_when_the_host_is_back(watching, make):
    shell = watching.reach.shell(make.site())
    shell.fault = make.lost(cause="host:web1:22")
    watching.start(make.fleet(make.site()), [make.sweep("host", every=0.05), make.sweep("backups", every=3600)])
    await watching.until(lambda: watching.readings("backups") and watching.readings("host"))
    shell.fault = None
    await watching.until(lambda: latest(watching, "eu", "backups").level is Level.OK)


async def test_probe_now_does_not_wait_for_the_back_off(watching, make, monkeypatch):
    monkeypatch.setattr(lines, "BACKOFF", (3600, 3600))
    shell = watching.reach.shell(make.site())
    shell.fault = make.lost(cause="host:web1:22")
    watching.start(make.fleet(make.site()), [make.sweep()])
    await watching.until(lambda: watching.readings())
    shell.fault = None
    watching.schedule.probe_now("eu")
    await watching.until(lambda: latest(watching, "eu", "host").level is Level.OK)


async def test_a_jump_host_that_is_down_is_one_notice_for_all_sites_and_uptime_keeps_its_level(watching, make):
    sites = [make.site(f"s{number}", host=f"web{number}") for number in range(5)]
    for site in sites:
        watching.reach.shell(site).fault = make.lost("jump", "timeout", cause="jump:ops@jump:22")
    watching.start(make.fleet(*sites), [make.web(lambda site, last: make.reading()), make.sweep()])
    await watching.until(lambda: any("5 sites" in notice.message.say() for notice in watching.notices.current()))
    assert [notice.id for notice in watching.notices.current()] == ["jump:ops@jump:22"]
    assert "ops@jump:22" in watching.notices.current()[0].message.say()
    assert {latest(watching, site.id, "host").failure.cause for site in sites} == {"jump:ops@jump:22"}
    assert {latest(watching, site.id, "uptime").level for site in sites} == {Level.OK}
    for site in sites:
        watching.reach.shell(site).fault = None
    await watching.until(lambda: watching.notices.current() == ())


async def test_an_answer_that_is_cut_is_never_read(watching, make):
    def never(site, answer, last):
        raise AssertionError("a cut answer was read")

    watching.reach.shell(make.site()).answer = lambda script: Answer(b"half", None, 0.0, complete=False)
    watching.start(make.fleet(make.site()), [make.sweep(read=never)])
    await watching.until(lambda: watching.readings())
    reading = watching.readings()[0]
    assert (reading.level, reading.failure.step, reading.failure.kind) == (UNKNOWN, "command", "cut")


@pytest.mark.parametrize("fault", ["ask", "read", "sweep", "short"])
async def test_nothing_that_raises_gets_past(watching, make, fault, caplog):
    caplog.set_level(logging.CRITICAL)

    def boom(*_):
        raise ZeroDivisionError

    broken = make.sweep("errors", ask=boom if fault == "ask" else None, read=boom if fault == "read" else None)
    shell = watching.reach.shell(make.site())
    if fault == "sweep":
        shell.fault = RuntimeError("reach has a bug")
    if fault == "short":

        async def short(asks):
            return []

        shell.sweep = short
    watching.start(make.fleet(make.site()), [broken, make.sweep("host")])
    await watching.until(lambda: watching.readings("errors") and watching.readings("host"))
    assert latest(watching, "eu", "errors").failure.kind == "bug"
    assert latest(watching, "eu", "host").level is (Level.OK if fault in ("ask", "read") else UNKNOWN)


async def test_last_is_what_was_remembered_from_before_the_restart(watching, make):
    seen = []

    def ask(site, last):
        seen.append(last)
        return Ask("x", every=30)

    watching.memory.put(make.reading(probe="host", carry={"offset": 77}, at=5.0))
    watching.start(make.fleet(make.site()), [make.sweep(ask=ask)])
    await watching.until(lambda: len(watching.readings("host")) > 1)
    assert seen[0].carry == {"offset": 77}
    assert watching.of(Event) == []  # an old reading and a first OK are no news


# --- which probes a site has, and a changed fleet -------------------------------------------------------------------


async def test_absent_probes_are_skipped_and_say_why(watching, make):
    site = make.site("shop", host=None)
    no_backup = make.sweep("backups", absent=lambda site: msg("no backup in sites.toml"))
    watching.memory.put(make.reading(site="shop", probe="backups"))
    watching.start(make.fleet(site, make.site("eu")), [make.web(lambda site, last: make.reading()), make.sweep(), no_backup])
    assert {probe: reason.say() for probe, reason in watching.schedule.absent(site).items()} == {
        "host": "no ssh in sites.toml",
        "backups": "no ssh in sites.toml",
    }
    assert watching.schedule.absent(make.site("eu"))["backups"].say() == "no backup in sites.toml"
    await watching.until(lambda: latest(watching, "eu", "host") and latest(watching, "shop", "uptime"))
    assert set(watching.memory.latest("shop")) == {"uptime"}


async def test_a_changed_fleet_leaves_sites_that_are_the_same_alone(watching, make):
    looks = []

    def look(site, last):
        looks.append((site.id, site.name))
        return make.reading()

    same, old, gone = make.site("eu"), make.site("cn"), make.site("us", host="web2")
    watching.start(make.fleet(same, old, gone), [make.web(look, every=3600), make.sweep(every=3600)])
    await watching.until(lambda: len(watching.memory.all()) == 6)
    kept = latest(watching, "eu", "uptime")
    new = make.site("cn", host="web3", tags=("moved",))
    watching.memory.forget(["us"])
    watching.schedule.replace(make.fleet(same, new, make.site("jp", host="web1")))
    await watching.until(lambda: latest(watching, "jp", "host") and len(watching.readings("host", "cn")) == 2)
    await watching.until(lambda: len(watching.readings("uptime", "cn")) == 2)
    assert latest(watching, "eu", "uptime") is kept
    assert [site for site, _ in looks].count("eu") == 1
    assert watching.memory.latest("us") == {}
    assert watching.reach.shells["web3"].sweeps == [["host cn"]]
    assert watching.reach.shells["web1"].sweeps[-1] == ["host jp"]


async def test_a_look_under_way_of_a_site_that_is_gone_says_nothing_any_more(watching, make):
    gate, begun, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def look(site, last):
        begun.set()
        await gate.wait()
        asyncio.get_running_loop().call_soon(ended.set)
        return make.reading()

    watching.start(make.fleet(make.site("eu", host=None)), [make.web(look)])
    await begun.wait()
    watching.schedule.replace(make.fleet())
    gate.set()
    await asyncio.wait_for(ended.wait(), 5)
    assert watching.readings() == []
