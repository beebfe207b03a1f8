"""The same against OpenSSH, whose limits and deaths no test server imitates."""

import asyncio
import contextlib
import getpass
import os
import signal
import time
from pathlib import Path

import pytest

from tui.model.command import Command
from tui.model.failure import ReachError
from tui.model.sweep import Ask
from tui.reach.dial import Limits

LONG = 10_000 + os.getpid() * 4
"""Seconds of a sleep that nobody else on this machine asks for: it is looked for among all processes."""

pytestmark = pytest.mark.real
QUICK = Limits(connect=2, login=3, keepalive=0.3, keepalive_count=2, longest_wait=0.3, session_wait=5.0, hands_patience=15)


async def again(call, seconds=10.0):
    """Over reconnects."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return await call()
        except ReachError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.05)


@pytest.fixture
def run_id():
    """A run whose journal, which lies in the real home of the login user, is removed afterwards."""
    name = f"test-{os.getpid()}-{time.monotonic_ns()}"
    yield name
    import pwd
    import shutil

    shutil.rmtree(Path(pwd.getpwuid(os.getuid()).pw_dir) / ".storewatch" / "runs" / name, ignore_errors=True)


async def test_through_a_real_jump_host(sshd, make_reach, tools):
    jump, host = sshd("127.77.9.1"), sshd("127.77.9.2")
    with open(jump.folder / "authorized_keys", "a") as keys:
        keys.write((host.folder / "authorized_keys").read_text())
    host.known_hosts.write_text(host.known_hosts.read_text() + jump.known_hosts.read_text())
    reach = make_reach(QUICK)
    hop = f"{getpass.getuser()}@127.77.9.1:{jump.port}"
    shells = [reach.shell(tools.site(host.target(jump=(hop,)), name)) for name in ("eu", "us")]
    facts = await asyncio.gather(*(shell.facts() for shell in shells))
    assert facts[0].user == getpass.getuser()
    assert facts[0].uid == os.getuid()
    assert [log.count("Accepted publickey") for log in (jump.log, host.log)] == [1, 1]
    assert reach.hosts() == sorted([hop, f"{getpass.getuser()}@127.77.9.2:{host.port}"])
    jump.stop()
    with pytest.raises(ReachError):  # the first only learns that the link is gone
        await shells[0].sweep([Ask("sleep 300", 300)])
    for shell in shells:
        with pytest.raises(ReachError) as caught:
            await shell.sweep([Ask("echo", 1)])
        assert caught.value.failure.cause == f"jump:{hop}"


async def test_unknown_and_changed_keys_of_a_real_host(sshd, make_reach, tools, tmp_path):
    host, empty = sshd(), tmp_path / "empty"
    empty.write_text("")
    reach = make_reach(QUICK)
    site = tools.site(host.target(known_hosts=str(empty)))
    with pytest.raises(ReachError) as caught:
        await reach.shell(site).facts()
    assert caught.value.failure.kind == "unknown-key"
    assert host.fingerprint in caught.value.failure.message.say()
    await reach.accept(host.address, host.port, host.fingerprint)
    await reach.shell(site).facts()
    host.stop()
    host.new_host_key()
    host.start()
    with pytest.raises(ReachError) as caught:
        await again_changed(reach.shell(site).facts)
    assert caught.value.failure.kind == "changed-key"
    assert [asked.changed for asked in make_reach.asked] == [False, True]


async def again_changed(call):
    while True:
        try:
            await call()
        except ReachError as error:
            if error.failure.step == "hostkey":
                raise
        await asyncio.sleep(0.05)


async def test_twenty_sweeps_and_a_real_limit_of_sessions(sshd, make_reach, tools):
    host = sshd(more="MaxSessions 3")
    shell = make_reach(QUICK).shell(tools.site(host.target()))
    rounds = await asyncio.gather(*(shell.sweep([Ask(f"echo {n}", 5)]) for n in range(20)))
    assert [answers[0].out for answers in rounds] == [b"%d\n" % n for n in range(20)]
    assert host.log.count("Accepted publickey") == 1


async def test_a_frozen_sshd_is_noticed_and_reached_again(sshd, make_reach, tools):
    host = sshd()
    shell = make_reach(QUICK).shell(tools.site(host.target()))
    await shell.facts()
    frozen = host.sessions()
    host.signal_sessions(signal.SIGSTOP)
    started = time.monotonic()
    try:
        with pytest.raises(ReachError) as caught:
            await shell.sweep([Ask("echo", 60)])
        assert caught.value.failure.kind == "lost"
        assert time.monotonic() - started < 5
        assert await again(shell.facts)
    finally:
        for pid in frozen:
            os.kill(pid, signal.SIGKILL)


async def test_a_killed_sshd_is_reached_again_when_it_is_back(sshd, make_reach, tools):
    host = sshd()
    shell = make_reach(QUICK).shell(tools.site(host.target()))
    await shell.facts()
    look = asyncio.create_task(shell.look(Command(("sleep", str(LONG)))))
    await tools.until(lambda: len(_sleeps(LONG)) > 0)
    host.stop()
    with pytest.raises(ReachError) as caught:
        await look
    assert caught.value.failure.kind == "lost"
    await tools.until(lambda: not _sleeps(LONG))
    with pytest.raises(ReachError) as caught:
        for _ in range(100):
            await shell.facts()
            await asyncio.sleep(0.02)
    host.start()
    assert (await again(lambda: shell.sweep([Ask("echo hi", 1)])))[0].out == b"hi\n"


def _sleeps(seconds):
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (folder / "cmdline").read_bytes() == b"sleep\0%d\0" % seconds:
                found.append(int(folder.name))
    return found


async def test_a_look_and_a_stream_end_what_they_started_there(sshd, make_reach, tools):
    shell = make_reach(QUICK).shell(tools.site(sshd().target()))
    with pytest.raises(ReachError) as caught:
        await shell.look(Command(("sleep", str(LONG + 1))), timeout=0.5)
    assert caught.value.failure.kind == "timeout"
    await tools.until(lambda: not _sleeps(LONG + 1))
    async with shell.stream(Command(("sh", "-c", f"echo on; sleep {LONG + 2} | cat; :"))) as chunks:
        assert await anext(chunks) == b"on\n"
        await tools.until(lambda: _sleeps(LONG + 2))
    await tools.until(lambda: not _sleeps(LONG + 2))
    answers = await shell.sweep([Ask("sleep 303", 1, timeout=0.3), Ask("echo next", 1)])
    assert [(one.complete, one.out) for one in answers] == [(False, b""), (True, b"next\n")]
    await tools.until(lambda: not _sleeps(303))


async def test_tail_follows_through_rotation(sshd, make_reach, tools, tmp_path):
    shell, log = make_reach(QUICK).shell(tools.site(sshd().target())), tmp_path / "error.log"
    log.write_bytes(b"old\n")
    async with shell.stream(Command(("tail", "-n", "1", "-F", str(log)))) as chunks:
        assert await anext(chunks) == b"old\n"
        log.rename(tmp_path / "error.log.1")
        log.write_bytes(b"new \xff\n")
        assert await asyncio.wait_for(anext(chunks), 10) == b"new \xff\n"


async def test_a_step_outlives_every_sshd_process(sshd, make_reach, tools, tmp_path, run_id):
    host = sshd()
    hands = make_reach(QUICK).hands(tools.site(host.target()))
    words = ("sh", "-c", f"echo ran >>{tmp_path}/count; while [ ! -e {tmp_path}/go ]; do sleep 0.05; done; echo done; exit 4")
    running = asyncio.create_task(hands.run_step(tools.plan(*words), run_id, 0, words))
    await tools.until((tmp_path / "count").exists)
    host.stop()
    host.start()
    assert (await again(lambda: hands.look_back(run_id, 0))).running
    (tmp_path / "go").touch()
    state = await running
    assert (state.exit, state.out) == (4, b"done\n")
    assert (tmp_path / "count").read_text() == "ran\n"
    await hands.forget(run_id)
    assert not (await hands.look_back(run_id, 0)).began


async def test_the_link_cut_at_any_time_leaves_a_step_undone_or_done(sshd, make_reach, tools, tmp_path, run_id):
    """Sessions are killed after ever longer times; the step always ends up having run exactly once."""
    host = sshd()
    hands = make_reach(QUICK).hands(tools.site(host.target()))
    for number in range(8):
        words = ("sh", "-c", f"echo {number} >>{tmp_path}/count")
        running = asyncio.create_task(hands.run_step(tools.plan(*words), run_id, number, words))
        await asyncio.sleep(number * 0.004)
        host.signal_sessions(signal.SIGKILL)
        assert (await running).exit == 0
    assert (tmp_path / "count").read_text().split() == [str(number) for number in range(8)]
