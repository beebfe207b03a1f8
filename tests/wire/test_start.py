"""Rooms as processes of their own: found, started, raced for, killed, left alone."""

import asyncio
import os
import signal
import stat
import subprocess
import sys

import pytest

from tui.room import process
from tui.room.lock import LockHeld, RoomLock
from tui.wire import start
from tui.wire.client import RoomGone, WrongVersion
from tui.wire.messages import VERSION, Bye, FleetChanged, GetRuns, Runs
from tui.wire.paths import SOCKET_BYTES, RoomPaths, holder, private_folder
from tui.wire.start import NoRoom, ensure_room, find_room, restart_room


def alive(pid: int) -> bool:
    for child in start._children:
        child.poll()  # reap it, if it was ours
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def state(tmp_path):
    return tmp_path / "state"


@pytest.fixture
async def open_room(sites_file, state, end_process):
    """``await open_room()``: a client of the room, which is started when none runs and ended with the test."""
    clients = []

    async def open_(**more):
        client = await ensure_room(sites_file, state, **more)
        clients.append(client)
        end_process(client.welcome.room.pid)
        return client

    yield open_
    for client in clients:
        await client.close()


# --- paths --------------------------------------------------------------------------------------------------------------


def test_a_room_is_keyed_by_the_real_path(tmp_path, state):
    (tmp_path / "a.toml").write_text("")
    (tmp_path / "b.toml").symlink_to("a.toml")
    assert RoomPaths.of(tmp_path / "a.toml", state) == RoomPaths.of(tmp_path / "b.toml", state)
    assert RoomPaths.of(tmp_path / "a.toml", state).folder != RoomPaths.of(tmp_path / "c.toml", state).folder


def test_the_state_folder_is_the_flag_then_the_file_then_the_environment(tmp_path, monkeypatch):
    sites = tmp_path / "sites.toml"
    sites.write_text('[room]\nstate = "here"\n')
    monkeypatch.setenv("STOREWATCH_STATE", str(tmp_path / "environment"))
    assert RoomPaths.of(sites, tmp_path / "flag").state == tmp_path / "flag"
    assert RoomPaths.of(sites).state == tmp_path / "here"
    sites.write_text("")
    assert RoomPaths.of(sites).state == tmp_path / "environment"
    monkeypatch.delenv("STOREWATCH_STATE")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert RoomPaths.of(sites).state.is_relative_to(tmp_path)


def test_a_long_path_has_a_short_socket_of_this_user(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", "/tmp")
    deep = tmp_path / ("d" * SOCKET_BYTES)
    socket = RoomPaths.of(tmp_path / "sites.toml", deep).socket
    assert len(os.fsencode(socket)) <= SOCKET_BYTES
    assert socket.parent.name == f"storewatch-{os.getuid()}"


def test_a_teams_socket_is_the_one_sites_toml_names(tmp_path, state):
    sites = tmp_path / "sites.toml"
    sites.write_text('[room]\nsocket = "run/room.sock"\ngroup = "ops"\n')
    paths = RoomPaths.of(sites, state)
    assert (paths.socket, paths.team, paths.group) == (tmp_path / "run" / "room.sock", True, "ops")
    sites.write_text("[room\n")
    assert not RoomPaths.of(sites, state).team


def test_a_folder_of_somebody_else_is_not_used(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "trap").symlink_to("real")
    with pytest.raises(PermissionError):
        private_folder(tmp_path / "trap")
    (tmp_path / "real").chmod(0o755)
    private_folder(tmp_path / "real")
    assert stat.S_IMODE((tmp_path / "real").stat().st_mode) == 0o700


# --- lock ---------------------------------------------------------------------------------------------------------------


def test_one_holder_at_a_time_and_a_dead_one_holds_nothing(tmp_path):
    path = tmp_path / "room" / "room.lock"
    code = (
        "import sys, pathlib; from tui.room.lock import RoomLock; "
        f"RoomLock(pathlib.Path({str(path)!r}), pathlib.Path('/x')).__enter__(); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout.readline() == b"held\n"
        with pytest.raises(LockHeld) as caught, RoomLock(path, tmp_path / "s"):
            pass
        assert caught.value.by.pid == child.pid
        child.kill()
        child.wait()
    with RoomLock(path, tmp_path / "s"):
        assert holder(path).pid == os.getpid()


# --- processes ----------------------------------------------------------------------------------------------------------


async def test_two_viewers_at_once_end_with_one_room(open_room, paths):
    clients = await asyncio.gather(*(open_room() for _ in range(3)))
    assert len({client.welcome.room.pid for client in clients}) == 1
    assert holder(paths.lock).pid == clients[0].welcome.room.pid
    assert stat.S_IMODE(paths.socket.stat().st_mode) == 0o600


async def test_two_rooms_started_at_once_end_with_one(sites_file, state, paths, eventually, end_process):
    """Without viewers to be polite: two bare processes race for the lock."""
    command = [sys.executable, "-m", "tui", "room", "--personal", "--sites", str(sites_file), "--state", str(state)]
    children = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for _ in range(2)]
    for child in children:
        end_process(child.pid)
    await eventually(lambda: any(child.poll() is not None for child in children), 30)
    ended = next(child for child in children if child.poll() is not None)
    stays = next(child for child in children if child is not ended)
    assert ended.returncode == start.ALREADY
    await eventually(paths.socket.is_socket, 30)
    async with await find_room(paths) as client:
        assert client.welcome.room.pid == stays.pid
    stays.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(stays.wait, 20) == 0
    assert not paths.socket.exists()


async def test_a_killed_room_is_noticed_at_once_and_the_next_takes_its_place(open_room):
    client = await open_room()
    pid = client.welcome.room.pid
    listening = asyncio.create_task(_drain(client))
    os.kill(pid, signal.SIGKILL)
    async with asyncio.timeout(3):
        with pytest.raises(RoomGone):
            await listening
    again = await open_room()
    assert again.welcome.room.pid != pid
    assert isinstance(await again.request(GetRuns()), Runs)


async def _drain(client):
    async for _ in client.events():
        pass


async def test_a_suspended_viewer_holds_up_nobody(open_room, sites_file, state, end_process, eventually):
    """A real process that says hello and is stopped by SIGSTOP, as ctrl+z in a terminal does."""
    client = await open_room()
    code = (
        "import asyncio, sys, pathlib\nfrom tui.wire.start import ensure_room\n"
        f"async def main():\n    c = await ensure_room(pathlib.Path({str(sites_file)!r}), pathlib.Path({str(state)!r}))\n"
        "    print('in', flush=True)\n    await asyncio.Event().wait()\nasyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as child:
        end_process(child.pid)
        assert await asyncio.to_thread(child.stdout.readline) == b"in\n"
        child.send_signal(signal.SIGSTOP)
        for _ in range(200):
            assert isinstance(await client.request(GetRuns()), Runs)
        assert (await open_room()).welcome.room.viewers == 3
        child.kill()


async def test_a_personal_room_leaves_after_its_last_viewer(open_room, paths, eventually):
    client = await open_room(extra=("--linger", "0.3"))
    pid = client.welcome.room.pid
    await client.close()
    await eventually(lambda: not alive(pid), 20)
    assert not paths.socket.exists()
    assert paths.log.read_text() == ""


async def test_a_broken_sites_toml_is_the_reason_given(open_room, sites_file):
    sites_file.write_text('[sites.eu]\nurl = "http://127.0.0.1/"\nplatfrom = "wordpress"\n')
    with pytest.raises(NoRoom, match="platform") as caught:
        await open_room()
    assert caught.value.exit == 2


async def test_a_state_folder_that_cannot_be_made_is_told(sites_file, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(NoRoom, match="file"):
        await ensure_room(sites_file, tmp_path / "file")


async def test_a_socket_that_another_user_put_there_is_not_ours(sites_file, state, paths):
    if os.getuid() != 0:
        pytest.skip("only root can make a file of somebody else")
    private_folder(paths.folder)
    async with await asyncio.start_unix_server(lambda reader, writer: writer.close(), str(paths.socket)):
        os.chown(paths.socket, 65534, -1)
        with pytest.raises(NoRoom, match="another user"):
            await ensure_room(sites_file, state)


async def test_a_teams_room_is_never_started(sites_file, state, tmp_path):
    sites_file.write_text(f'[room]\nsocket = "{tmp_path}/run/room.sock"\n\n' + sites_file.read_text())
    with pytest.raises(NoRoom) as caught:
        await ensure_room(sites_file, state)
    assert "storewatch room" in caught.value.remedy.say()
    assert not state.exists()


async def test_a_service_at_another_socket_is_found_by_its_lock(sites_file, state, tmp_path, paths, eventually, end_process):
    socket = tmp_path / "elsewhere" / "s"
    command = [sys.executable, "-m", "tui", "room", "--socket", str(socket), "--sites", str(sites_file), "--state", str(state)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as child:
        end_process(child.pid)
        said = await asyncio.to_thread(child.stderr.readline)
        assert str(socket) in said.decode()
        async with await ensure_room(sites_file, state) as client:
            assert client.welcome.room.pid == child.pid
        child.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(child.wait, 20) == 0
        assert child.stderr.read() == b""


async def test_a_changed_sites_toml_is_taken_up_and_a_broken_one_is_told(open_room, sites_file):
    client = await open_room()
    good = sites_file.read_text()
    sites_file.write_text(good + "\n[sites.broken\n")
    async with asyncio.timeout(20):
        async for change in client.events():
            if any(notice.id == "config" and "broken" in notice.message.say() for notice in getattr(change, "notices", ())):
                break
    sites_file.write_text(good + '\n[sites.new]\nurl = "http://127.0.0.1:9/"\n')
    async with asyncio.timeout(20):
        async for change in client.events():
            if isinstance(change, FleetChanged):
                break
    assert [site.id for site in change.sites] == ["eu", "us", "new"]


async def test_a_room_of_another_version_is_restarted_on_request(open_room, sites_file, state, monkeypatch, eventually, end_process):
    old = await open_room()
    monkeypatch.setattr("tui.wire.client.VERSION", VERSION + 1)
    with pytest.raises(WrongVersion) as caught:
        await ensure_room(sites_file, state)
    monkeypatch.setattr("tui.wire.client.VERSION", VERSION)  # what is started now is of the viewer's version
    async with await restart_room(sites_file, state, caught.value) as new:
        end_process(new.welcome.room.pid)
        assert new.welcome.room.pid != old.welcome.room.pid
    await eventually(lambda: not alive(old.welcome.room.pid))


async def test_serve_in_this_process_leaves_only_when_nothing_runs(quiet_room, paths, monkeypatch, eventually):
    """The same life, with an action under way when the last viewer goes."""
    busy = True
    monkeypatch.setattr(type(quiet_room.gate), "busy", property(lambda self: busy))
    monkeypatch.setattr(process, "_BUSY_LOOK", 0.02)
    monkeypatch.setattr(quiet_room, "start", _nothing)
    monkeypatch.setattr(quiet_room, "stop", _nothing)
    ready = asyncio.Event()
    serving = asyncio.create_task(process.serve(quiet_room, paths, personal=True, linger=0.05, ready=ready.set, signals=False))
    await ready.wait()
    async with await find_room(paths):
        pass
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.4):
            await asyncio.shield(serving)
    busy = False
    async with asyncio.timeout(5):
        await serving


async def _nothing():
    return None


def test_bye_and_hello_never_change_their_shape():
    """They are what two versions still understand of each other."""
    assert list(Bye.__struct_fields__) == ["message", "remedy", "version", "idle"]
