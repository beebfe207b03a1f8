"""The server over a real socket, with a real room behind it."""

import asyncio
import gc
import grp
import os
import pwd
import shutil
import stat
import struct
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

import pytest

from tui.config import load
from tui.model.log import LogRecord
from tui.room import visit
from tui.room.peer import person
from tui.room.server import Server, SocketTrouble, connect_in_process
from tui.wire.client import Client, RoomGone, WrongVersion
from tui.wire.framing import pack, read_body, unpack_to_viewer
from tui.wire.messages import (
    VERSION,
    AcceptHostKey,
    Audit,
    Bye,
    Delta,
    Done,
    FleetChanged,
    GetAudit,
    GetPlan,
    GetRuns,
    GetTimeline,
    Hello,
    LogBatch,
    No,
    ProbeNow,
    Request,
    Runs,
    StartTail,
    StopRoom,
    StopTail,
    Timeline,
    Welcome,
)


async def next_change(client):
    async with asyncio.timeout(10):
        return await anext(client.events())


async def until_reading(client, at):
    """Readings as they come, to the one taken at ``at``; returns how many deltas it took."""
    deltas = 0
    async with asyncio.timeout(20):
        async for change in client.events():
            deltas += 1
            if any(reading.at == at for reading in change.readings):
                return deltas
    raise AssertionError("the client closed")


async def test_a_viewer_is_welcomed_with_everything_there_is(quiet_room, viewers, make_reading):
    quiet_room.memory.put(make_reading("eu", at=5.0, carry={"cursor": "secret of the room"}))
    welcome = (await viewers()).welcome
    assert [site.id for site in welcome.sites] == ["eu", "us"]
    assert [(reading.site, reading.at, reading.carry) for reading in welcome.readings] == [("eu", 5.0, {})]
    assert (welcome.room.pid, welcome.room.viewers) == (os.getpid(), 1)
    assert welcome.catalogue == quiet_room.catalogue()


async def test_changes_are_coalesced_to_ten_deltas_a_second(quiet_room, viewers, make_reading):
    client = await viewers()
    begin = time.monotonic()
    last = 2000
    for at in range(1, last + 1):
        quiet_room.memory.put(make_reading("eu", at=float(at)))
        if at % 50 == 0:
            await asyncio.sleep(0.01)
    deltas = await until_reading(client, float(last))
    assert 1 <= deltas <= (time.monotonic() - begin) * 10 + 2


async def test_nothing_is_said_when_nothing_changed(server, paths, quiet_room, make_reading):
    reader, writer = await asyncio.open_unix_connection(str(paths.socket))
    writer.write(pack(Hello(VERSION, client="test")))
    assert isinstance(unpack_to_viewer(await read_body(reader)), Welcome)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.4):
            await read_body(reader)
    writer.close()


async def test_presence_is_told_and_scripts_do_not_count(viewers):
    first = await viewers()
    await viewers(name="status")
    second = await viewers()
    assert second.welcome.room.viewers == 2
    assert (await next_change(first)).viewers == 2
    await second.close()
    assert (await next_change(first)).viewers == 1


async def test_the_kernel_says_who_is_asking(server, viewers, monkeypatch):
    seen = []
    real = server.desk.handle

    async def handle(who, body, emit):
        seen.append(who)
        return await real(who, body, emit)

    monkeypatch.setattr(server.desk, "handle", handle)
    await (await viewers(read_only=True)).request(GetRuns())
    me = pwd.getpwuid(os.getuid())
    assert (seen[0].uid, seen[0].name, seen[0].read_only) == (me.pw_uid, me.pw_name, True)
    assert grp.getgrgid(me.pw_gid).gr_name in seen[0].groups


@pytest.fixture
def as_nobody():
    """``await as_nobody(socket, data)``: the first two frames that a process of the user nobody hears when it says ``data``."""
    if os.getuid() != 0:
        pytest.skip("only root can connect as somebody else")
    user = pwd.getpwnam("nobody")
    code = (
        "import os, socket, sys\n"
        f"os.setgroups([{user.pw_gid}]); os.setgid({user.pw_gid}); os.setuid({user.pw_uid})\n"
        "s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.sendall(bytes.fromhex(sys.argv[2]))\n"
        "f = s.makefile('rb')\n"
        "for _ in range(2):\n"
        "    size = f.read(4); sys.stdout.buffer.write(size + f.read(int.from_bytes(size, 'big')))\n"
    )

    async def ask(path, data):
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, str(path), data.hex(), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(20):
            return await child.communicate()

    return ask


async def test_another_user_of_the_group_is_another_person(quiet_room, as_nobody, monkeypatch):
    """A process of another uid comes through a team's socket: it is known as itself and may not end the room."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    folder.chmod(0o755)
    stopped = asyncio.Event()
    server = Server(quiet_room, stopped.set)
    seen = []
    real = server.desk.handle

    async def handle(who, body, emit):
        seen.append(who)
        return await real(who, body, emit)

    monkeypatch.setattr(server.desk, "handle", handle)
    gid = pwd.getpwnam("nobody").pw_gid
    try:
        await server.listen(folder / "run" / "room.sock", group=grp.getgrgid(gid).gr_name, team=True)
        hello = pack(Hello(VERSION)) + pack(Request(1, StopRoom()))
        out, err = await as_nobody(folder / "run" / "room.sock", hello)
    finally:
        await server.close()
        shutil.rmtree(folder)
    assert err == b""
    reader = asyncio.StreamReader()
    reader.feed_data(out)
    reader.feed_eof()
    answers = []
    while (body := await read_body(reader)) is not None:
        answers.append(unpack_to_viewer(body))
    assert isinstance(answers[0], Welcome)
    assert "another account" in answers[1].result.message.say()
    assert (seen[0].uid, seen[0].name) == (pwd.getpwnam("nobody").pw_uid, "nobody")
    assert not stopped.is_set()


async def test_nobody_else_comes_through_a_personal_socket(server, paths, as_nobody):
    out, err = await as_nobody(paths.socket, pack(Hello(VERSION)))
    assert out == b""
    assert b"PermissionError" in err


def test_a_user_without_a_name_has_no_groups():
    who = person(3_999_999_999, 3_999_999_999)
    assert (who.name, who.groups) == ("3999999999", ())


async def test_a_personal_socket_is_its_owners_alone(server, paths):
    assert stat.S_IMODE(paths.socket.stat().st_mode) == 0o600
    assert stat.S_IMODE(paths.socket.parent.stat().st_mode) == 0o700


async def test_a_teams_socket_is_its_groups(quiet_room, tmp_path):
    group = grp.getgrgid(os.getgroups()[0] if os.getgroups() else os.getgid())
    path = tmp_path / "run" / "room.sock"
    server = Server(quiet_room)
    await server.listen(path, group=group.gr_name, team=True)
    socket_info, folder_info = path.stat(), path.parent.stat()
    await server.close()
    assert (stat.S_IMODE(socket_info.st_mode), socket_info.st_gid) == (0o660, group.gr_gid)
    assert (stat.S_IMODE(folder_info.st_mode), folder_info.st_gid) == (0o750, group.gr_gid)
    assert not path.exists()


async def test_a_folder_where_others_may_write_is_no_place_for_a_teams_socket(quiet_room, tmp_path):
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "something else").touch()
    (tmp_path / "open").chmod(0o777)
    server = Server(quiet_room)
    with pytest.raises(SocketTrouble, match="others may write"):
        await server.listen(tmp_path / "open" / "room.sock", team=True)
    with pytest.raises(SocketTrouble, match="no group"):
        await server.listen(tmp_path / "new" / "room.sock", group="no-such-group-here", team=True)
    await server.close()


async def test_a_viewer_of_another_version_is_told_both_numbers(server, paths, monkeypatch):
    monkeypatch.setattr("tui.wire.client.VERSION", VERSION + 41)
    reader, writer = await asyncio.open_unix_connection(str(paths.socket))
    with pytest.raises(WrongVersion) as caught:
        await Client(reader, writer).hello()
    assert caught.value.version == VERSION
    assert caught.value.idle
    assert str(VERSION) in str(caught.value) and str(VERSION + 41) in str(caught.value)


@pytest.mark.parametrize("said", [b"\x00\x00\x00\x04junk", b"\xff\xff\xff\xff", b"GET / HTTP/1.1\r\n\r\n", pack(Request(1, GetRuns()))])
async def test_who_does_not_say_hello_is_shown_out(server, paths, said):
    reader, writer = await asyncio.open_unix_connection(str(paths.socket))
    writer.write(said)
    writer.write_eof()
    async with asyncio.timeout(10):
        bye = unpack_to_viewer(await read_body(reader))
        assert isinstance(bye, Bye)
        assert bye.message.say()
        assert await reader.read() == b""
    writer.close()


async def test_who_says_nothing_is_shown_out(server, paths, monkeypatch):
    monkeypatch.setattr(visit, "HELLO_SECONDS", 0.1)
    reader, writer = await asyncio.open_unix_connection(str(paths.socket))
    async with asyncio.timeout(10):
        assert isinstance(unpack_to_viewer(await read_body(reader)), Bye)
    writer.close()


async def test_garbage_after_hello_ends_that_viewer_alone(server, paths, viewers, quiet_room, make_reading):
    other = await viewers()
    reader, writer = await asyncio.open_unix_connection(str(paths.socket))
    writer.write(pack(Hello(VERSION, client="test")))
    assert isinstance(unpack_to_viewer(await read_body(reader)), Welcome)
    writer.write(struct.pack(">I", 3) + b"\xc1\xc1\xc1")
    async with asyncio.timeout(10):
        while not isinstance(message := unpack_to_viewer(await read_body(reader)), Bye):
            pass
    assert "not a message" in message.message.say()
    writer.close()
    quiet_room.memory.put(make_reading("eu", at=9.0))
    assert await until_reading(other, 9.0)


async def test_a_viewer_that_never_reads_costs_the_others_nothing(server, paths, viewers, quiet_room, make_reading, eventually):
    """Ten thousand readings of 20 KB each: 200 MB, if anything kept them."""
    other = await viewers()
    _reader, writer = await asyncio.open_unix_connection(str(paths.socket), limit=1024)
    writer.write(pack(Hello(VERSION)))
    await eventually(lambda: quiet_room.viewers == 2)
    emits = [visiting._emit for visiting in server._visits]
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for at in range(1, 10_001):
            quiet_room.memory.put(make_reading("eu", probe=f"p{at % 7}", at=float(at), evidence=(f"{at}" + "x" * 20_000,)))
            for emit in emits:
                emit(LogBatch(1, (LogRecord(source="s", text=f"{at}" + "y" * 1000),)))
            if at % 100 == 0:
                await asyncio.sleep(0)
        assert await until_reading(other, 10_000.0) >= 1
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < 40_000_000
    writer.close()


async def test_requests_without_end_from_a_viewer_that_never_reads_are_not_all_taken(server, paths, quiet_room, viewers, eventually):
    other = await viewers()
    _reader, writer = await asyncio.open_unix_connection(str(paths.socket), limit=1024)
    writer.write(pack(Hello(VERSION)))
    for number in range(20_000):
        writer.write(pack(Request(number, GetPlan("x" * 500, "nowhere"))))
    await eventually(lambda: quiet_room.viewers == 2)
    async with asyncio.timeout(10):
        assert isinstance(await other.request(GetRuns()), Runs)
    slow = next(visiting for visiting in server._visits if len(visiting._replies) + len(visiting._tasks) > 1 or visiting._slots.locked())
    assert len(slow._replies) + len(slow._tasks) <= visit.AT_ONCE
    writer.transport.abort()


async def test_every_request_has_an_answer(viewers, quiet_room):
    client = await viewers()
    assert isinstance(await client.request(GetRuns()), Runs)
    assert isinstance(await client.request(GetTimeline()), Timeline)
    assert await client.request(GetAudit()) == Audit((), None)
    assert isinstance(await client.request(ProbeNow("eu")), Done)
    no = await client.request(ProbeNow("nope"))
    assert isinstance(no, No) and "nope" in no.message.say() and not no.gate
    no = await client.request(GetPlan("nope", "eu"))
    assert isinstance(no, No) and "nope" in no.message.say()
    no = await client.request(StartTail(("eu",)))
    assert isinstance(no, No) and "log" in no.message.say()
    assert isinstance(await client.request(StopTail(99)), Done)


async def test_who_promised_to_change_nothing_accepts_no_key(viewers):
    no = await (await viewers(read_only=True)).request(AcceptHostKey("h", 22, "SHA256:x"))
    assert isinstance(no, No) and no.gate and "read-only" in no.message.say()


async def test_a_fault_of_the_room_is_answered_and_logged(viewers, quiet_room, monkeypatch, caplog):
    client = await viewers()
    monkeypatch.setattr(quiet_room.gate, "runs", lambda: 1 / 0)
    no = await client.request(GetRuns())
    assert isinstance(no, No) and "ZeroDivisionError" in no.message.say()
    assert "ZeroDivisionError" in caplog.text
    monkeypatch.undo()
    assert isinstance(await client.request(GetRuns()), Runs)


async def test_a_tail_is_its_viewers_alone_and_ends_with_it(server, viewers, quiet_room, monkeypatch, eventually):
    emits, stopped = {}, []
    monkeypatch.setattr(quiet_room.tails, "start", lambda *args: emits.setdefault(5, args[-1]) and 5)
    monkeypatch.setattr(quiet_room.tails, "stop", stopped.append)
    owner, other = await viewers(), await viewers()
    tail = (await owner.request(StartTail(("eu",)))).tail
    emits[5](LogBatch(tail, (LogRecord(source="s", text="one"),)))
    assert isinstance(await other.request(StopTail(tail)), Done)
    assert stopped == []
    async with asyncio.timeout(10):
        batch = await anext(owner.tail(tail))
    assert [record.text for record in batch.records] == ["one"]
    await owner.close()
    await eventually(lambda: stopped == [5])


async def test_a_changed_fleet_is_told(viewers, quiet_room, sites_file):
    client = await viewers()
    sites_file.write_text(sites_file.read_text().split("[sites.us]")[0])
    quiet_room.replace(load(sites_file))
    change = await next_change(client)
    assert isinstance(change, FleetChanged)
    assert [site.id for site in change.sites] == ["eu"]
    assert change.room.viewers == 1


async def test_the_room_is_ended_by_its_owner_but_not_while_something_runs(server, viewers, quiet_room, monkeypatch):
    client = await viewers()
    monkeypatch.setattr(type(quiet_room.gate), "busy", property(lambda self: True))
    no = await client.request(StopRoom())
    assert isinstance(no, No) and "running" in no.message.say()
    assert not server.stopped.is_set()
    monkeypatch.undo()
    assert isinstance(await client.request(StopRoom()), Done)
    assert server.stopped.is_set()


async def test_viewers_hear_that_the_room_ends_and_the_socket_goes(server, paths, viewers):
    client = await viewers()
    gone = []
    client.on_gone = gone.append
    waiting = asyncio.create_task(anext(client.events()))
    await server.close()
    with pytest.raises(RoomGone, match="ended"):
        await waiting
    assert len(gone) == 1
    with pytest.raises(RoomGone):
        await client.request(GetRuns())
    assert not paths.socket.exists()


async def test_a_client_within_the_process_is_served_the_same_way(quiet_room, make_reading):
    async with await connect_in_process(quiet_room) as client:
        assert [site.id for site in client.welcome.sites] == ["eu", "us"]
        quiet_room.memory.put(make_reading("us", at=3.0))
        change = await next_change(client)
        while not (isinstance(change, Delta) and change.readings):
            change = await next_change(client)
        assert change.readings[0].at == 3.0
