"""Looking: sweeps, looks and streams over a real connection, and what happens when it breaks."""

import asyncio
import contextlib
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.need import lacking
from tui.model.command import Command
from tui.model.failure import ReachError
from tui.model.secret import Secret
from tui.model.sweep import Ask
from tui.reach.dial import Limits
from tui.reach.round import Round

SHELLS = ["dash", "bash", "busybox"]


@pytest.fixture(params=SHELLS)
def shell(request, server, reach, tools, tmp_path):
    """A host whose sh is another one; under busybox all its tools are BusyBox's."""
    path = shutil.which(request.param)
    if path is None:
        lacking(f"no {request.param} here")
    folder = tmp_path / "bin"
    folder.mkdir()
    if request.param == "busybox":
        subprocess.run([path, "--install", "-s", str(folder)], check=True)
    else:
        (folder / "sh").symlink_to(path)
    server.shell_env["PATH"] = f"{folder}:/usr/bin:/bin" if request.param != "busybox" else str(folder)
    return reach.shell(tools.site(server.target()))


@pytest.fixture
def plain(server, reach, tools):
    return reach.shell(tools.site(server.target()))


def pid_of(path: Path) -> int:
    return int(path.read_text())


async def test_a_sweep_is_one_command(shell, server):
    await shell.facts()
    before = len(server.commands)
    answers = await shell.sweep([Ask(f"printf {n}", 1) for n in range(20)])
    assert [one.out for one in answers] == [b"%d" % n for n in range(20)]
    assert len(server.commands) - before == 1
    assert all(one.complete and one.exit == 0 and one.skew == 0.0 for one in answers)


async def test_a_fragment_that_hangs_is_ended_with_its_children(shell, server, tools):
    home = server.home
    hang = Ask(
        f"trap '' TERM; sh -c 'echo $$ >{home}/deep; sleep 300; :' & setsid sh -c 'echo $$ >{home}/own; sleep 300; :'; echo no",
        1,
        timeout=0.4,
    )
    answers = await shell.sweep([Ask("echo first", 1), hang, Ask("echo last", 1)])
    assert [(one.out, one.complete, one.exit) for one in answers] == [(b"first\n", True, 0), (b"", False, None), (b"last\n", True, 0)]
    await tools.until(lambda: not tools.alive(pid_of(home / "deep")) and not tools.alive(pid_of(home / "own")))


async def test_a_sweep_leaves_nothing_running(shell, server, tools):
    await shell.sweep([Ask("echo hi", 1)])
    clocks = f"{server.home}"
    await tools.until(lambda: not _of_home(clocks))


def _of_home(home: str) -> list[str]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"HOME={home}\0".encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_bytes().decode())
    return found


async def test_noise_of_a_login_shell_is_no_answer(plain, server):
    server.noise = (b"Last login: never\nswx begin 0\n", b"logout\n")
    assert (await plain.sweep([Ask("echo hi", 1)]))[0].out == b"hi\n"
    assert (await plain.look(Command(("echo", "hi")))).out == b"hi\n"
    assert (await plain.facts()).home == str(server.home)
    async with plain.stream(Command(("echo", "hi"))) as chunks:
        assert b"".join([chunk async for chunk in chunks]).startswith(b"hi\n")


async def test_a_heavy_fragment_goes_alone_and_one_at_a_time(plain, server):
    await plain.facts()
    before = len(server.commands)
    lock = "mkdir lock || exit 9; sleep 0.1; rmdir lock"
    heavy = [Ask(lock, 1, heavy=True) for _ in range(3)]
    answers = await plain.sweep([heavy[0], Ask("echo a", 1), heavy[1], Ask("echo b", 1), heavy[2]])
    assert [one.exit for one in answers] == [0] * 5
    assert [answers[1].out, answers[3].out] == [b"a\n", b"b\n"]
    assert len(server.commands) - before == 4


async def test_a_host_two_hours_off_is_noticed(plain, server, tmp_path):
    (tmp_path / "date").write_text("#!/bin/sh\nexec /bin/date -d '+2 hours' \"$@\"\n")
    (tmp_path / "date").chmod(0o755)
    server.shell_env["PATH"] = f"{tmp_path}:/usr/bin:/bin"
    skews = [(await plain.sweep([Ask(":", 1)]))[0].skew, (await plain.facts()).skew]
    assert all(7190 < skew < 7210 for skew in skews)


async def test_an_account_without_a_shell_is_named(plain, server):
    server.shell = ("sh", "-c", "echo This account is not available.; exit 1", "sh")
    for call in (plain.facts, lambda: plain.sweep([Ask(":", 1)]), lambda: plain.look(Command(("true",)))):
        with pytest.raises(ReachError) as caught:
            await call()
        assert (caught.value.failure.step, caught.value.failure.kind) == ("session", "no-shell")
        assert "This account is not available." in caught.value.failure.message.say()


async def test_a_host_whose_sh_does_not_begin_is_given_up(plain, server, monkeypatch):
    await plain.facts()
    monkeypatch.setattr("tui.reach.round.START", 0.3)
    server.shell = ("sh", "-c", "sleep 5", "sh")
    with pytest.raises(ReachError) as caught:
        await plain.sweep([Ask(":", 1)])
    assert (caught.value.failure.step, caught.value.failure.kind) == ("command", "timeout")


async def test_a_look_keeps_both_outputs_apart_and_binary(shell):
    out = await shell.look(Command(("sh", "-c", "printf '\\000\\377'; printf '\\001' >&2; exit 5")))
    assert (out.exit, out.out, out.err, out.cut) == (5, b"\x00\xff", b"\x01", False)


async def test_a_look_that_takes_too_long_ends_its_process(shell, server, tools):
    pid = server.home / "pid"
    with pytest.raises(ReachError) as caught:
        await shell.look(Command(("sh", "-c", f"echo $$ >{pid}; exec sleep 300")), timeout=0.5)
    assert (caught.value.failure.step, caught.value.failure.kind) == ("command", "timeout")
    await tools.until(lambda: not tools.alive(pid_of(pid)))


async def test_a_look_that_says_too_much_is_cut_and_ended(shell, server, tools):
    pid = server.home / "pid"
    out = await shell.look(Command(("sh", "-c", f"echo $$ >{pid}; exec cat /dev/zero")), limit=100_000)
    assert (len(out.out), out.cut, out.exit) == (100_000, True, None)
    await tools.until(lambda: not tools.alive(pid_of(pid)))


async def test_a_secret_reaches_the_command(plain):
    assert (await plain.look(Command(("cat",), secret=Secret("hunter2")))).out == b"hunter2\n"


async def test_sudo_without_a_rule_says_which_rule(plain, server, tmp_path):
    (tmp_path / "sudo").write_text("#!/bin/sh\necho 'sudo: a password is required' >&2; exit 1\n")
    (tmp_path / "id").write_text('#!/bin/sh\n[ "$1" = -u ] && echo 1000 || echo deploy\n')
    for name in ("sudo", "id"):
        (tmp_path / name).chmod(0o755)
    server.shell_env["PATH"] = f"{tmp_path}:/usr/bin:/bin"
    with pytest.raises(ReachError) as caught:
        await plain.look(Command(("/usr/bin/php", "-v"), user="www-data"))
    assert caught.value.failure.remedy.say() == "Add to sudoers there: deploy ALL=(www-data) NOPASSWD: /usr/bin/php"


async def test_a_stream_comes_as_it_is_written_and_ends_when_left(shell, server, tools):
    pid, fifo = server.home / "pid", server.home / "fifo"
    subprocess.run(["mkfifo", str(fifo)], check=True)
    async with shell.stream(Command(("sh", "-c", f"echo $$ >{pid}; echo ready; cat {fifo}; sleep 300; :"))) as chunks:
        assert await anext(chunks) == b"ready\n"
        await asyncio.to_thread(fifo.write_bytes, b"\xff line\n")
        assert await anext(chunks) == b"\xff line\n"
    await tools.until(lambda: not tools.alive(pid_of(pid)))


async def test_a_stream_that_fails_says_why(plain):
    with pytest.raises(ReachError) as caught:
        async with plain.stream(Command(("cat", "/no/such/file"))) as chunks:
            assert [chunk async for chunk in chunks] == []
    assert (caught.value.failure.step, caught.value.failure.kind) == ("command", "ended")
    assert "No such file" in caught.value.failure.message.say()


async def test_what_goes_wrong_inside_a_stream_is_not_blamed_on_the_link(plain):
    with pytest.raises(TimeoutError):
        async with plain.stream(Command(("sh", "-c", "sleep 300; :"))) as chunks:
            async with asyncio.timeout(0.1):
                await anext(chunks)
    with pytest.raises(FileNotFoundError):
        async with plain.stream(Command(("echo",))):
            Path("/no/such/file").read_text()


async def test_a_fifth_tail_of_one_host_is_refused_and_looks_go_on(plain):
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(4):
            chunks = await stack.enter_async_context(plain.stream(Command(("sh", "-c", "echo on; sleep 300; :"))))
            assert await anext(chunks) == b"on\n"
        with pytest.raises(ReachError) as caught:
            async with plain.stream(Command(("true",))):
                pass
        assert caught.value.failure.kind == "streams"
        assert (await plain.sweep([Ask("echo hi", 1)]))[0].out == b"hi\n"


async def test_many_sweeps_at_once_stay_within_the_limits(server, reach, tools):
    shells = [reach.shell(tools.site(server.target(), str(n))) for n in range(25)]
    rounds = await asyncio.gather(*(one.sweep([Ask(f"echo {n}", 5)]) for n, one in enumerate(shells * 4)))
    assert [answers[0].out for answers in rounds] == [b"%d\n" % n for n in range(100)]
    assert server.logins == 1
    assert server.peak <= 8


async def test_a_host_with_few_sessions_is_asked_again(server, reach, tools):
    server.max_sessions = 2
    shell = reach.shell(tools.site(server.target()))
    rounds = await asyncio.gather(*(shell.sweep([Ask(f"echo {n}", 5)]) for n in range(10)))
    assert [answers[0].out for answers in rounds] == [b"%d\n" % n for n in range(10)]
    assert server.peak <= 2


async def test_a_host_that_opens_no_session_says_so(server, make_reach, tools):
    server.max_sessions = 0
    with pytest.raises(ReachError) as caught:
        await make_reach(tools.QUICK).shell(tools.site(server.target())).facts()
    assert (caught.value.failure.step, caught.value.failure.kind) == ("session", "limit")


async def test_a_lost_connection_is_told_and_opened_again(server, make_reach, tools):
    shell = make_reach(tools.QUICK).shell(tools.site(server.target()))
    sweep = asyncio.create_task(shell.sweep([Ask("touch begun; sleep 300", 300)]))
    await tools.until(lambda: (server.home / "begun").exists())
    server.drop()
    with pytest.raises(ReachError) as caught:
        await sweep
    assert (caught.value.failure.step, caught.value.failure.kind) == ("session", "lost")
    assert caught.value.failure.cause == f"host:127.0.0.1:{server.port}"
    await tools.until(lambda: not _of_home(str(server.home)))
    deadline = time.monotonic() + 5
    while True:
        try:
            facts = await shell.facts()
            break
        except ReachError as error:
            assert error.failure.kind == "lost" and time.monotonic() < deadline
            await asyncio.sleep(0.02)
    assert facts.home == str(server.home)
    assert server.logins == 2


async def test_what_arrived_before_the_loss_is_kept(server, make_reach, tools, monkeypatch):
    rounds = []
    monkeypatch.setattr("tui.reach.shell.Round", lambda *args: rounds.append(Round(*args)) or rounds[-1])
    shell = make_reach(Limits()).shell(tools.site(server.target()))
    sweep = asyncio.create_task(shell.sweep([Ask("echo whole", 5), Ask("echo part; touch begun; sleep 300", 300), Ask("echo never", 5)]))
    await tools.until(lambda: (server.home / "begun").exists() and rounds[0].arrived)
    server.drop()
    answers = await sweep
    assert [one.complete for one in answers] == [True, False, False]
    assert answers[0].out == b"whole\n"


async def test_who_stops_waiting_leaves_nothing_behind(plain, server, tools):
    await plain.facts()
    look = asyncio.create_task(plain.look(Command(("sleep", "300"))))
    await tools.until(lambda: server.running == 1)
    look.cancel()
    await asyncio.gather(look, return_exceptions=True)
    await tools.until(lambda: server.running == 0 and not _of_home(str(server.home)))
