"""Each screen in each of its states, as a person sees it."""

import asyncio
import dataclasses

import msgspec
import pytest

from tui.model.failure import Failure
from tui.model.level import Level
from tui.model.message import msg
from tui.view.session import Session
from tui.wire import messages as m

SIZES = [(60, 20), (80, 24), (200, 50), (300, 80)]


@pytest.mark.parametrize("size", SIZES)
async def test_the_fleet_says_in_one_glance_who_is_hurt_and_why(stage, room, size):
    async with stage(room, size) as here:
        await here.sees("✖ 1 CRIT", "? 1 UNKNOWN", "✖ CRIT    Shop 02", "HTTP 500 from /", "→ look at Errors", "DEMO")
        lines = here.lines()
        assert len(lines) == size[1]
        rows = [line for line in lines if "Shop" in line and ("http" not in line) and line[2:3] in "✖?▲✔"]
        assert "Shop 02" in rows[0] and "Shop 07" in rows[1] and "Shop 01" in rows[2]


@pytest.mark.parametrize("keys", [(), ("w",), ("enter",), ("P",), ("l",), ("question_mark",), ("ctrl+l",), ("at",), ("q",)])
async def test_a_terminal_that_is_too_small_says_so(stage, room, keys):
    async with stage(room, (80, 24)) as here:
        await here.press(*keys)
        await here.pilot.resize_terminal(20, 5)
        await here.sees("too small:", "need 60x20")
        await here.pilot.resize_terminal(80, 24)
        await here.until(lambda: "too small" not in here.text())


async def test_a_first_look_is_not_ok_and_not_down(stage, room):
    room.readings = ()
    async with stage(room) as here:
        await here.sees("· 12 FIRST LOOK", "first look…", "0 OK")
        await here.press("enter")
        await here.sees("· first look…")
        await here.press("1")
        await here.sees("Shop 00 › Uptime", "first look…")


async def test_no_store_at_all_says_what_to_do(stage, fake_room):
    async with stage(fake_room(0)) as here:
        await here.sees("sites.toml names no store")
        await here.press("enter")
        await here.told("no store to open")


async def test_a_stale_reading_looks_stale(stage, room):
    async with stage(room) as here:
        here.room.push(m.Delta((room.reading(2, "uptime", Level.CRIT, "HTTP 500", at=room.now - 9000),)))
        await here.sees("STALE")
        await here.press("enter")
        await here.sees("STALE: from 2 h ago")


async def test_a_failure_says_where_why_and_what_next(stage, room):
    async with stage(room) as here:
        await here.press("j", "E")
        await here.sees("Shop 07 › Errors", "? UNKNOWN", "failed at jump: jump host refuses", "→ check `ssh jump`")


async def test_an_empty_pane_says_so_and_an_absent_one_says_why(stage, room):
    async with stage(room) as here:
        await here.press("slash", *"05", "enter", "E")
        await here.sees("no errors in the last hour")
        await here.press("escape", "B")
        await here.sees("not watched here: sites.toml names no backup")


@pytest.mark.parametrize("size", SIZES)
async def test_the_site_shows_every_pane_of_the_catalogue(stage, room, size):
    async with stage(room, size) as here:
        await here.press("enter")
        await here.sees(*(f"{number} {probe.title}" for number, probe in enumerate(room.catalogue.probes, start=1)))
        assert max(len(line) for line in here.lines()) <= size[0]


async def test_panes_are_walked_and_filled(stage, room):
    async with stage(room) as here:
        await here.press("enter", "tab", "tab", "tab", "tab", "j", "j")
        assert here.app.screen.chosen("plugins") == "p2"
        await here.press("enter")
        await here.sees("Shop 02 › Plugins", "12 plugins, 1 update", "❯ plugin-0")
        await here.press("d")
        await here.sees("version", "1.2")
        await here.press("escape", "escape", "B")
        await here.sees("Shop 02 › Backups", "CORRUPT", "4.0 MiB")
        await here.press("slash", *"shop-3")
        await here.until(lambda: "shop-2" not in here.text())
        await here.press("escape")
        await here.sees("shop-2")


async def test_a_pane_follows_what_the_room_says(stage, room):
    async with stage(room) as here:
        await here.press("P")
        rows = ({"key": "new", "name": "brand-new", "version": "9", "state": "active"},)
        room.push(m.Delta((room.reading(2, "plugins", text="1 plugin", rows=rows),)))
        await here.sees("brand-new", "1 plugin")
        assert "plugin-1" not in here.text()


async def test_the_wall_has_the_same_order_and_its_arrows_move_by_card(stage, room):
    async with stage(room) as here:
        await here.press("w")
        await here.sees("❯✖ CRIT  Shop 02", "? UNKNOWN  Shop 07", "Uptime: HTTP 500")
        await here.press("right")
        await here.sees("❯? UNKNOWN  Shop 07")
        await here.press("down")
        assert here.app.screen.table.cursor == 1 + here.app.screen.table.across
        await here.press("enter")
        await here.until(lambda: here.app.screen.view.name == "site")
        await here.press("escape", "w")
        await here.until(lambda: here.app.screen.view.name == "fleet")


async def test_sort_filter_faults_and_marks(stage, room):
    async with stage(room) as here:
        await here.press("exclamation_mark")
        await here.until(lambda: "Shop 03" not in here.text())
        await here.sees("[3 of 12 shown: faults only]")
        await here.press("escape", "slash", *"tag:us", "enter")
        await here.sees("shown: /tag:us]")
        assert "Shop 01" not in here.text()
        await here.press("escape", "o", *["down"] * 3, "enter")
        await here.until(lambda: here.app.screen.sort == "uptime.total")
        assert here.app.screen.table.rows[0] == "s11"
        await here.press("g", "space", "space")
        assert here.app.screen.targets() == ("s11", "s10")
        await here.press("backslash")
        assert here.app.screen.targets() == ("s9",)


async def test_the_cursor_stays_on_its_store_while_rows_move(stage, room):
    async with stage(room) as here:
        await here.press("j")
        assert here.app.screen.table.cursor_key == "s7"
        room.push(m.Delta(tuple(room.reading(number, "uptime", Level.CRIT, "down") for number in (0, 3, 4))))
        await here.until(lambda: here.app.screen.table.rows[0] == "s0")
        assert here.app.screen.table.cursor_key == "s7"
        await here.sees("✖ 4 CRIT")


async def test_a_changed_fleet_is_shown_at_once(stage, room):
    async with stage(room) as here:
        await here.press("enter")
        room.push(m.FleetChanged(room.card, room.sites[:2]))
        await here.sees("no longer in sites.toml")
        await here.press("q")
        await here.sees("2 stores")


async def test_notices_stand_in_the_banner_until_they_are_taken_back(stage, room):
    async with stage(room) as here:
        room.push(m.Delta(notices=(m.Notice("jump", Level.UNKNOWN, msg("jump host is down"), msg("check the tunnel")),)))
        await here.sees("jump host is down → check the tunnel")
        room.push(m.Delta(notices=(m.Notice("jump", Level.OK, msg("back")),)))
        await here.until(lambda: "jump host is down" not in here.text())


async def test_logs_stream_pause_filter_and_jump_to_errors(stage, room, record):
    async with stage(room) as here:
        await here.press("l")
        await here.until(lambda: any(isinstance(body, m.StartTail) for body in room.asked))
        room.push(m.LogBatch(7, tuple(record(number) for number in range(30)), skipped=4, notes=(msg("error.log was rotated"),)))
        await here.sees("GET / 29", "following", "4 skipped", "error.log was rotated")
        await here.press("p")
        room.push(m.LogBatch(7, (record(30, "error", "boom", fields={"pid": "42"}, culprit="plugin:cart"),)))
        await here.sees("PAUSED", "1 new wait")
        assert "boom" not in here.text()
        await here.press("p")
        await here.sees("boom 30")
        await here.press("g", "e")
        assert here.app.screen.table.cursor == 30
        await here.press("d")
        await here.sees("pid", "42", "plugin:cart")
        await here.press("escape", "slash", *"level:error", "enter")
        await here.until(lambda: len(here.app.screen.table.rows) == 1)
        await here.press("E")
        await here.told("no error above")
        await here.press("escape", "escape")
        await here.until(lambda: m.StopTail(7) in room.asked)


async def test_logs_of_marked_stores_are_merged(stage, room):
    async with stage(room) as here:
        await here.press("space", "space", "l")
        await here.until(lambda: any(isinstance(body, m.StartTail) and body.sites == ("s2", "s7") for body in room.asked))
        await here.sees("Shop 02, Shop 07", "store")


async def test_a_tail_that_is_refused_says_why(stage, room):
    room.answers[m.StartTail] = m.No(msg("no log is named"), msg("name one under [[sites.s2.log]]"))
    async with stage(room) as here:
        await here.press("l")
        await here.sees("no log is named → name one under")


async def test_a_batch_that_overtakes_its_answer_is_not_lost(room, record):
    async def never():
        await asyncio.Event().wait()

    session, seen = Session(None, never, lambda _change: None, lambda: None), []
    session._take(m.LogBatch(7, (record(1),)))
    session.hear(7, seen.append)
    session._take(m.LogBatch(7, (record(2),)))
    assert [batch.records[0].text for batch in seen] == ["GET / 1", "GET / 2"]


async def test_audit_and_timeline(stage, room):
    async with stage(room) as here:
        await here.press("at")
        await here.sees("rollback", "li", "the chain of hashes is whole")
        await here.press("d")
        await here.sees("$ ln -sfn a b")
        await here.press("escape", "escape", "t")
        await here.sees("✖ CRIT HTTP 500 from /")
        room.push(m.Delta(events=(m.Event(at=room.now + 1, kind="action", who="wang", message=msg("rolled back")),)))
        await here.sees("wang", "rolled back")
        room.answers[m.GetAudit] = m.Audit((), 3)
        await here.press("escape", "at")
        await here.sees("CHAIN BROKEN at line 3")


async def test_the_run_tells_steps_verdict_offer_and_clocks(stage, room, verdict):
    plan = room.plan()
    run = room.started(plan)
    room.runs = (run,)
    async with stage(room) as here:
        from tui.view.views import View

        here.app.go(View("run", ("s3",), run="run1"))
        await here.sees("roll back to 20261121", "running", "$ ln -sfn /srv/x/releases/1", "detected")
        steps = (m.RunStep(plan.steps[0].text, "done", 0, "done it"),)
        done = msgspec.structs.replace(run, state="done", steps=steps, verdict=verdict, acted=room.now + 2, verified=room.now + 3)
        room.push(m.Delta(runs=(done,)))
        await here.sees("exit 0", "│ done it", "✔ OK 200 in 120 ms", "→ press f reload php", "verified", "1 min 03 s")
        await here.press("z")
        await here.until(lambda: m.Undo("s3", "run1") in room.asked)


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
@pytest.mark.parametrize("keys", [(), ("w",), ("enter",), ("P",), ("at",)])
async def test_hostile_text_is_only_text(stage, room, size, keys):
    evil = "[/nope][link=file:///]\x1b[2J\x1b]52;c;eA==\x07\x9b31m\u202eevil 宽字符 {x}"
    room.sites = tuple(msgspec.structs.replace(site, name=evil, host=evil, url=evil, tags=(evil,)) for site in room.sites)
    failure = Failure("http", evil, msg("{t}", t=evil), msg("{t}", t=evil))
    rows = ({"key": evil, "name": evil, "version": evil, "state": evil},)
    room.readings = tuple(
        room.reading(2, probe, Level.CRIT, evil, rows=rows, evidence=(evil,), failure=failure, values={"status": evil, "total": evil})
        for probe in ("uptime", "plugins", "errors")
    )
    room.notices = (m.Notice("n", Level.CRIT, msg("{t}", t=evil)),)
    room.card = msgspec.structs.replace(room.card, name=evil)
    room.answers[m.GetAudit] = m.Audit(
        (m.AuditLine(at=evil, seq=1, who=evil, uid=1, what=evil, action=evil, site="s2", commands=(evil,), detail=evil),)
    )
    async with stage(room, size) as here:
        await here.press(*keys)
        await here.sees("[/nope]")
        text = here.text()
        assert not {"\x1b", "\x9b", "\u202e", "\x07"} & set(text)
        await here.press("question_mark", "escape", "d", "escape", "r")
        assert here.app.is_running


def test_options_are_frozen():
    from tui.view.app import Options

    with pytest.raises(dataclasses.FrozenInstanceError):
        Options().ascii = True  # type: ignore[misc]
