"""The demo serves this machine alone and leaves nothing behind, however it ends."""

import os
import signal
import socket
import stat
import struct
from pathlib import Path

import pytest


def listening(pid):
    """Addresses of the TCP sockets that this process listens on."""
    inodes = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        target = os.readlink(descriptor)
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    found = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                address = bytes.fromhex(fields[1].partition(":")[0])
                found.append(socket.inet_ntoa(struct.pack("<I", int.from_bytes(address, "big"))) if table == "tcp" else address.hex())
    return found


def test_it_is_private_and_on_loopback_and_sigterm_ends_all_of_it(demo, desk, until):
    one = demo("--stores", "3", "--calm")
    assert stat.S_IMODE(one.sites.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE((one.sites.parent / "id_ed25519").stat().st_mode) == 0o600
    pids = desk.processes()
    assert len([words for words in pids.values() if " room " in words]) == 1, pids
    addresses = [address for pid in pids for address in listening(pid)]
    assert len(addresses) == 4, "three stores and the host they share"
    assert set(addresses) == {"127.0.0.1"}
    assert one.end() == 0
    assert not desk.folders()
    until(lambda: not desk.processes(), "all of it ended", 10)


def test_after_kill_9_the_room_leaves_and_the_next_demo_sweeps(demo, desk, until):
    first = demo("--stores", "2", "--calm")
    other = demo("--stores", "1", "--calm")
    assert len(desk.folders()) == 2, "a demo sweeps no living one"
    first.end(signal.SIGKILL)
    assert first.sites.parent in desk.folders()
    assert [words for words in desk.processes().values() if " room " in words and str(first.sites) in words]
    third = demo("--stores", "1", "--calm")
    assert set(desk.folders()) == {other.sites.parent, third.sites.parent}
    until(lambda: not [words for words in desk.processes().values() if str(first.sites) in words], "the orphaned room ends", 20)
    assert first.sites.parent not in desk.folders()
    assert other.end() == third.end() == 0
    assert not desk.folders()
    until(lambda: not desk.processes(), "all of it ended", 10)


def test_an_orphaned_room_leaves_by_itself(demo, desk, until):
    one = demo("--stores", "1", "--calm")
    one.end(signal.SIGKILL)
    until(lambda: not desk.processes(), "the room leaves", 30)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGHUP])
def test_the_fleet_ends_with_whoever_watches_it(desk, until, number):
    """The viewer holds the other end of the fleet's stdin: the kernel closes it, whatever happens to the viewer."""
    watcher = desk.start("demo", "--headless", "--follow-stdin", "--stores", "1", "--calm", stdin=-1)
    assert watcher.stdout.readline()
    assert len(desk.folders()) == 1
    if number is signal.SIGHUP:
        watcher.send_signal(number)
    else:
        watcher.stdin.close()
    assert watcher.wait(60) == 0
    assert not desk.folders()
    until(lambda: not desk.processes(), "all of it ended")


def test_what_is_not_ours_is_never_swept(desk, tmp_path, monkeypatch):
    from tui.demo import leftovers

    monkeypatch.setattr(leftovers.tempfile, "gettempdir", lambda: str(tmp_path))
    living = tmp_path / f"{leftovers.PREFIX}{os.getpid()}-young"
    dead = tmp_path / f"{leftovers.PREFIX}999999999-old"
    target = tmp_path / "elsewhere"
    link = tmp_path / f"{leftovers.PREFIX}999999999-link"
    for folder in (living, dead, target):
        folder.mkdir()
    link.symlink_to(target)
    assert leftovers.sweep() == 1
    assert (living.exists(), dead.exists(), target.exists(), link.is_symlink()) == (True, False, True, True)
