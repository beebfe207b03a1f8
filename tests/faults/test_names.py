"""Names that were chosen to hurt: from the key to the host, through audit, history and wire, they stay what they are."""

import json
import os
import shlex
import sys

from tests.faults.conftest import WP
from tui.model.level import Level
from tui.wire import messages as m
from tui.wire.framing import HEADER, pack, unpack_to_viewer

EVIL = "x; rm -rf /"
WORD = "x; rm -rf $PWD `touch pwned` '*"
NEWLINE = "20261119\n100000"
NOT_UTF8 = b"2026\xff\xfe"


async def test_a_plugin_called_rm_is_one_word_everywhere(house):
    """Switched off and on again by its own name, which no shell on the way takes for more than a word."""
    house.plugin(WORD)
    house.plugin("good")
    before = sorted(path for path in house.folder.rglob("*") if path.is_dir() and house.state not in (path, *path.parents))
    await house.start()
    rows = (await house.reading("plugins", fits=lambda reading: reading.rows)).rows
    assert WORD in {row["key"] for row in rows}
    planned = await house.client.request(m.GetPlan("plugin-off", "eu", WORD))
    assert isinstance(planned, m.Planned), planned
    assert any(shlex.quote(WORD) in step.text for step in planned.plan.steps), "shown as the one word it is"
    run = await house.act("plugin-off", WORD)
    assert (run.state, run.verdict.level, house.active) == ("done", Level.OK, ["good"]), run
    await house.reading("plugins", fits=lambda reading: any((row["key"], row["state"]) == (WORD, "inactive") for row in reading.rows))
    run = await house.act("plugin-on", WORD)
    assert (run.state, sorted(house.active)) == ("done", ["good", WORD])
    lines = [json.loads(line) for line in house.paths.audit.read_text().splitlines()]
    assert [line["what"] for line in lines] == ["intent", "outcome"] * 2
    assert shlex.quote(WORD) in lines[0]["commands"][0]
    assert set(before) <= set(house.folder.rglob("*")) and not list(house.folder.rglob("pwned*"))


async def test_a_plugin_that_no_folder_can_be_called_is_shown_and_refused(house, tmp_path):
    """WP-CLI may claim anything. What cannot be a plugin's name goes to no host."""
    wp = tmp_path / "wp"
    wp.write_text(f"#!/bin/sh\nprintf '%s' '{json.dumps([{'name': EVIL, 'status': 'active', 'version': '1'}])}'\n")
    wp.chmod(0o755)
    house.sites["eu"] = house.whole().replace(f'wp = ["{sys.executable}", "{WP}"]', f'wp = ["{wp}"]')
    await house.start()
    (row,) = (await house.reading("plugins", fits=lambda reading: reading.rows)).rows
    assert row["key"] == EVIL
    answer = await house.client.request(m.GetPlan("plugin-off", "eu", EVIL))
    assert isinstance(answer, m.No) and "x; rm -rf / cannot be the name of a plugin" in answer.message.say(), answer
    assert not any("deactivate" in command for command in house.server.commands)


async def test_a_release_with_a_newline_is_rolled_back_to(house):
    house.release(NEWLINE)
    await house.start()
    rows = (await house.well()).rows
    row = next(row for row in rows if row["key"] == NEWLINE)
    assert "\n" not in row["id"], "shown on one line"
    run = await house.act("rollback", NEWLINE)
    assert (run.state, house.current) == ("done", NEWLINE), run
    assert "\n" not in run.plan.subject
    assert len(house.paths.audit.read_text().splitlines()) == 2, "one line of the record stays one line"
    audit = await house.client.request(m.GetAudit())
    assert audit.broken is None
    undo = await house.client.request(m.Undo("eu", run.id))
    assert isinstance(undo, m.Planned), undo
    await house.client.request(m.Confirm(undo.hash))
    await house.until(lambda: house.current == "20261121100000", "the undo")


async def test_a_release_that_is_not_utf8_breaks_neither_wire_nor_history_nor_record(house):
    """It is shown with ``\\xNN``; a plan is text and cannot name it, so it ends without a change and the live release stays."""
    os.makedirs(os.fsencode(house.root / "releases") + b"/" + NOT_UTF8 + b"/public")
    await house.start()
    reading = await house.well()
    row = next(row for row in reading.rows if "\\xff" in row["key"])
    assert unpack_to_viewer(pack(m.Delta((reading,)))[HEADER:]).readings[0].rows == reading.rows
    answer = await house.client.request(m.GetPlan("rollback", "eu", row["key"]))
    assert isinstance(answer, m.No) and "UTF-8" in answer.message.say(), answer
    assert house.current == "20261121100000"
    run = await house.act("rollback", "20261120100000")
    assert run.state == "done", "the others go on"
    await house.stop()
    await house.start()
    kept = house.room.memory.latest("eu")["deploys"]
    assert row["key"] in {found["key"] for found in kept.rows}, "history gave it back"


async def test_a_plugin_folder_that_is_not_utf8_is_listed_and_the_others_work(house):
    house.plugin("good")
    os.mkdir(os.fsencode(house.plugins) + b"/bad\xff")
    await house.start()
    reading = await house.reading("plugins", fits=lambda reading: reading.rows)
    assert "good" in {row["key"] for row in reading.rows}
    assert unpack_to_viewer(pack(m.Delta((reading,)))[HEADER:]).readings[0].rows == reading.rows
    assert (await house.act("plugin-off", "good")).state == "done"
    assert house.active == []


async def test_nothing_leads_back_to_a_live_release_that_is_not_utf8(house):
    """It may be left; an undo that could not name it is not offered."""
    os.makedirs(os.fsencode(house.root / "releases") + b"/" + NOT_UTF8 + b"/public")
    (house.root / "current").unlink()
    os.symlink(b"releases/" + NOT_UTF8, os.fsencode(house.root / "current"))
    await house.start()
    await house.well()
    run = await house.act("rollback", "20261120100000")
    assert (run.state, house.current, run.plan.reversible) == ("done", "20261120100000", False), run
    assert isinstance(await house.client.request(m.Undo("eu", run.id)), m.No)
