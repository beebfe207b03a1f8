"""Files of ours that are not as we left them, and versions that do not meet: the room says what, where and what next, and goes on."""

import asyncio
import sqlite3
import sys

import pytest

from tui.commands.room import _reason
from tui.config.watch import Watcher
from tui.model.level import Level
from tui.room.audit import verify
from tui.room.server import Server
from tui.wire import messages as m
from tui.wire.client import Client, WrongVersion


async def test_a_history_of_another_version_is_kept_and_a_new_one_begun(house):
    await house.start()
    await house.well()
    assert (await house.act("rollback", "20261120100000")).state == "done"
    await house.stop()
    with sqlite3.connect(house.paths.history) as connection:
        connection.execute("UPDATE version SET number = 99")
    connection.close()
    await house.start()
    (notice,) = house.client.welcome.notices
    kept = house.paths.history.with_name(f"{house.paths.history.name}.v99.bak")
    assert str(kept) in notice.message.say() and notice.remedy is not None and notice.level is Level.WARN
    assert (await house.well()).level is Level.OK, "looking goes on"
    assert (await house.act("rollback", "20261121100000")).state == "done", "acting too"
    assert verify(house.paths.audit) is None
    audit = await house.client.request(m.GetAudit())
    assert (len(audit.lines), audit.broken) == (4, None)
    await house.room.history.flush()
    old = sqlite3.connect(kept)
    assert old.execute("SELECT count(*) FROM latest").fetchone()[0] > 0, "nothing of the old one is lost"
    old.close()


async def test_a_viewer_of_another_version_hears_both_and_harms_nobody(house, monkeypatch):
    await house.start()
    server = Server(house.room)
    await server.listen(house.paths.socket)
    monkeypatch.setattr("tui.wire.client.VERSION", m.VERSION + 1)
    with pytest.raises(WrongVersion) as caught:
        await Client.connect(house.paths.socket)
    monkeypatch.undo()
    said = caught.value.message.say()
    assert str(m.VERSION) in said and str(m.VERSION + 1) in said and caught.value.remedy is not None
    async with await Client.connect(house.paths.socket) as viewer:
        assert viewer.welcome.version == m.VERSION, "others are served"
    await server.close()


BROKEN = {
    "toml": ("[sites.eu\n", "sites.toml:1"),
    "unknown": ('[sites.eu]\nurl = "http://127.0.0.1:9/"\nplatfrom = "x"\n', 'did you mean "platform"'),
    "twice": ('[sites.eu]\nurl = "http://127.0.0.1:9/"\n[sites.eu]\nurl = "http://127.0.0.1:9/"\n', "sites.toml:3"),
}


@pytest.mark.parametrize("fault", BROKEN)
async def test_a_sites_toml_that_breaks_while_the_room_runs(house, fault):
    """The old fleet stays in force and is looked at; what is wrong is told with file, line and what to do; a mended file is taken up."""
    await house.start()
    await house.well()
    watcher = Watcher(
        house.toml, house.room.replace, lambda error: house.room.keep(_reason(error)), interval=0.05, digest=house.room.fleet.digest
    )
    watcher.start()
    text, said = BROKEN[fault]
    good = house.toml.read_text()
    house.toml.write_text(text)
    notice = await house.until(lambda: next(iter(house.room.notices.current()), None), "the notice")
    assert said in notice.message.say() and "old fleet" in notice.remedy.say(), notice
    assert (await house.again("uptime")).level is Level.OK
    house.toml.write_text(good + "# mended\n")
    await house.until(lambda: not house.room.notices.current(), "the end of the notice")
    await watcher.stop()


@pytest.mark.parametrize("fault", BROKEN)
async def test_each_command_says_what_is_wrong_with_sites_toml(house, fault):
    text, said = BROKEN[fault]
    house.toml.write_text(text)
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tui", "status", "--sites", str(house.toml), "--state", str(house.state)),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(child.communicate(), 30)
    assert (child.returncode, out) == (2, b"") and said in err.decode() and b"Traceback" not in err, err


async def test_one_id_in_two_files_names_both(house):
    house.write()
    (house.folder / "sites.d").mkdir()
    (house.folder / "sites.d" / "eu.toml").write_text('[sites.eu]\nurl = "http://127.0.0.1:9/"\n')
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tui", "check", "--offline", "--sites", str(house.toml)),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, err = await asyncio.wait_for(child.communicate(), 30)
    assert child.returncode == 2 and b"sites.toml" in err and b"sites.d/eu.toml" in err, err
