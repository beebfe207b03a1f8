"""The disk under the state folder is full: looking goes on, nothing runs without a record, nothing is lost when there is room again."""

import asyncio
import contextlib
import os
import subprocess
import sys

import pytest

from tui.model.level import Level
from tui.room.audit import verify
from tui.room.server import Server, SocketTrouble
from tui.wire import messages as m
from tui.wire.client import Client


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own of 1 MB, mounted; ``fill`` leaves no byte, ``empty`` gives them back."""
    if os.getuid() != 0:
        pytest.skip("only root may mount a small file system")
    place = tmp_path / "small"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs", str(place)], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"no small file system can be mounted here: {done.stderr.decode().strip()}")
    yield Disk(place)
    subprocess.run(["umount", "-l", str(place)], check=True)


class Disk:
    def __init__(self, place) -> None:
        self.place, self.stuff = place, place / "stuff"

    def fill(self) -> None:
        with self.stuff.open("ab", buffering=0) as file:
            for size in (65_536, 4096, 1):
                with contextlib.suppress(OSError):
                    while file.write(b"x" * size):
                        pass

    def empty(self) -> None:
        self.stuff.unlink()


async def test_history_and_audit_on_a_disk_that_fills_up(house, small_disk, monkeypatch):
    monkeypatch.setattr("tui.room.database.RETRY", 0.2)
    house.state = small_disk.place / "state"
    await house.start()
    await house.well()
    assert (await house.act("rollback", "20261120100000")).state == "done"
    small_disk.fill()
    for name in ("uptime", "deploys"):
        await house.again(name)
    notice = await house.until(lambda: next((n for n in house.room.notices.current() if "disk" in n.message.say()), None), "the notice")
    assert str(house.paths.history) in notice.message.say() and notice.remedy is not None
    planned = await house.client.request(m.GetPlan("rollback", "eu", "20261121100000"))
    assert isinstance(planned, m.Planned), planned
    no = await house.client.request(m.Confirm(planned.hash))
    assert isinstance(no, m.No), "nothing runs without a record"
    said = f"{no.message.say()} {no.remedy.say() if no.remedy else ''}"
    assert str(house.paths.folder) in said and "No space left" in said and no.remedy is not None, said
    assert house.current == "20261120100000" and verify(house.paths.audit) is None
    assert (await house.again("deploys")).level is Level.OK, "looking goes on"
    small_disk.empty()
    await house.until(lambda: not [n for n in house.room.notices.current() if n.id == notice.id], "the notice to be taken back")
    planned = await house.client.request(m.GetPlan("rollback", "eu", "20261121100000"))
    assert isinstance(await house.client.request(m.Confirm(planned.hash)), m.Started)
    await house.until(lambda: not house.room.gate.busy, "the end of the run")
    assert house.current == "20261121100000" and verify(house.paths.audit) is None
    await house.room.history.flush()
    kept = {(reading.site, reading.probe) for reading in await house.room.history.latest()}
    assert {("eu", "uptime"), ("eu", "deploys")} <= kept, "what was seen meanwhile was written later"


async def test_a_disk_that_is_full_from_the_start(house, small_disk):
    """The room opens and looks; viewers are served; what waits is said."""
    house.state = small_disk.place / "state"
    house.write()
    house.paths.folder.mkdir(parents=True, mode=0o700)
    small_disk.fill()
    await house.start()
    assert (await house.well()).level is Level.OK
    notice = await house.until(lambda: next(iter(house.room.notices.current()), None), "the notice")
    assert notice.remedy is not None and str(house.paths.history) in notice.message.say()
    server = Server(house.room)
    try:
        await server.listen(house.paths.socket)
        async with await Client.connect(house.paths.socket) as viewer:
            assert notice.id in {one.id for one in viewer.welcome.notices}
    except SocketTrouble as trouble:
        assert "No space left" in str(trouble) and str(house.paths.socket) in str(trouble)  # a socket wants an inode, and some have none
    finally:
        await server.close()


async def test_a_room_that_cannot_make_its_folder_says_so(house, small_disk):
    """`storewatch status` on such a disk: one sentence with the path, no traceback; or an answer, where a folder costs nothing."""
    house.write()
    small_disk.fill()
    state = small_disk.place / "state" / "deep"
    words = ("status", "--wait", "20", "--sites", str(house.toml), "--state", str(state))
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tui", *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await asyncio.wait_for(child.communicate(), 60)
    assert b"Traceback" not in err
    assert b"deploys" in out or (str(small_disk.place).encode() in err and b"No space left" in err), (out, err)
    if b"deploys" in out:
        assert b"disk is full" in err, err
