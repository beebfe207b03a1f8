"""Acting: a step that began runs to its end, once, whatever happens to the link."""

import asyncio
import os
import shutil
import subprocess
import time

import pytest

from tests.support.need import lacking
from tests.support.ssh_server import serve
from tui.model.failure import ReachError
from tui.reach import journal, script


@pytest.fixture(params=["dash", "bash", "busybox", "bare"])
def hands(request, server, make_reach, tools, tmp_path):
    """Hands on a host whose sh is another one; "bare" has no setsid, nohup, find or timeout."""
    folder = tmp_path / "bin"
    folder.mkdir()
    server.shell_env["PATH"] = f"{folder}:/usr/bin:/bin"
    if request.param == "bare":
        for tool in ("sh", "id", "ls", "mkdir", "mv", "ln", "cat", "sleep", "chmod", "tail", "rm"):
            (folder / tool).symlink_to(shutil.which(tool))
        server.shell_env["PATH"] = str(folder)
    elif (path := shutil.which(request.param)) is None:
        lacking(f"no {request.param} here")
    elif request.param == "busybox":
        subprocess.run([path, "--install", "-s", str(folder)], check=True)
        server.shell_env["PATH"] = str(folder)
    else:
        (folder / "sh").symlink_to(path)
    return make_reach(tools.QUICK).hands(tools.site(server.target()))


@pytest.fixture
def plain(server, make_reach, tools):
    return make_reach(tools.QUICK).hands(tools.site(server.target()))


async def test_a_step_runs_and_its_journal_tells(hands, server, tools):
    words = ("sh", "-c", "printf '\\000\\377'; echo err >&2; exit 3", "a b", "$HOME; rm -rf /")
    state = await hands.run_step(tools.plan(*words), "run-1", 0, words)
    assert (state.began, state.running, state.exit, state.out, state.err) == (True, False, 3, b"\x00\xff", b"err\n")
    assert await hands.look_back("run-1", 0) == state
    folder = server.home / ".storewatch" / "runs" / "run-1"
    assert (folder / "0" / "plan").read_text() == tools.plan(*words).hash
    assert (folder / "0" / "argv").read_text() == script.join(words)
    assert {path.stat().st_mode & 0o077 for path in (folder.parent, folder, folder / "0")} == {0}
    assert (await hands.look_back("run-1", 1)).began is False
    await hands.forget("run-1")
    assert not folder.exists()
    assert (await hands.look_back("run-1", 0)).began is False


async def test_started_twice_it_runs_once(hands, server, tools):
    words = ("sh", "-c", "echo ran >>count; sleep 0.2")
    states = await asyncio.gather(*(hands.run_step(tools.plan(*words), "run", 0, words) for _ in range(4)))
    assert [state.exit for state in states] == [0] * 4
    assert (await hands.run_step(tools.plan(*words), "run", 0, words)).exit == 0
    assert (server.home / "count").read_text() == "ran\n"


async def test_a_step_outlives_its_link_and_is_found_again(hands, server, tools):
    words = ("sh", "-c", "touch began; while [ ! -e go ]; do sleep 0.05; done; echo done; exit 4")
    running = asyncio.create_task(hands.run_step(tools.plan(*words), "run", 0, words))
    await tools.until((server.home / "began").exists)
    for _ in range(3):
        server.drop()
        assert (await patiently(hands, "run")).running
    (server.home / "go").touch()
    state = await running
    assert (state.exit, state.out) == (4, b"done\n")
    assert server.logins > 2


async def patiently(hands, run):
    """Look back, over a reconnect."""
    deadline = time.monotonic() + 10
    while True:
        try:
            return await hands.look_back(run, 0)
        except ReachError:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)


async def test_a_step_outlives_the_room(hands, server, make_reach, tools):
    words = ("sh", "-c", "touch began; while [ ! -e go ]; do sleep 0.05; done; exit 5")
    running = asyncio.create_task(hands.run_step(tools.plan(*words), "run", 0, words))
    await tools.until((server.home / "began").exists)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await make_reach.made[0].close()
    (server.home / "go").touch()
    later = make_reach(tools.QUICK).hands(tools.site(server.target()))
    assert (await later.run_step(tools.plan(*words), "run", 0, words)).exit == 5


async def test_a_step_that_was_killed_has_no_exit_and_is_not_running(hands, server, tools):
    words = ("sh", "-c", "echo $$ >pid; exec sleep 300")
    running = asyncio.create_task(hands.run_step(tools.plan(*words), "run", 0, words))
    await tools.until(lambda: (server.home / "pid").exists() and (server.home / "pid").read_text())
    step = int((server.home / "pid").read_text())
    keeper = int((server.home / ".storewatch/runs/run/0/lock").readlink().name.partition(".")[0])
    os.kill(keeper, 9)
    if shutil.which("setsid", path=server.shell_env["PATH"]):
        assert (await hands.look_back("run", 0)).running, "its command still runs"
    os.kill(step, 9)
    state = await running
    assert (state.began, state.running, state.exit) == (True, False, None)


async def test_a_secret_plan_is_not_mixed_with_another(plain, tools):
    await plain.run_step(tools.plan("true"), "run", 0, ("true",))
    with pytest.raises(ReachError) as caught:
        await plain.run_step(tools.plan("false"), "run", 0, ("false",))
    assert caught.value.failure.kind == "other-plan"


async def test_a_journal_that_cannot_be_written_stops_the_step(plain, server, tools):
    (server.home / ".storewatch").write_text("in the way")
    with pytest.raises(ReachError) as caught:
        await plain.run_step(tools.plan("touch", "ran"), "run", 0, ("touch", "ran"))
    assert (caught.value.failure.step, caught.value.failure.kind) == ("command", "journal")
    assert ".storewatch" in caught.value.failure.message.say()
    assert not (server.home / "ran").exists()


async def test_only_the_end_of_long_output_is_read_back(plain, tools):
    words = ("sh", "-c", "head -c 1000000 /dev/zero; echo end")
    state = await plain.run_step(tools.plan(*words), "run", 0, words)
    assert (len(state.out), state.out[-4:]) == (journal.TAIL, b"end\n")


async def test_old_journals_are_pruned_and_young_ones_kept(plain, server, tools):
    runs = server.home / ".storewatch" / "runs"
    for name, days in (("old", 31), ("young", 29)):
        (runs / name / "0").mkdir(parents=True)
        os.utime(runs / name, (time.time() - days * 86400 - 3600,) * 2)
    await plain.run_step(tools.plan("true"), "new", 0, ("true",))
    assert sorted(path.name for path in runs.iterdir()) == ["new", "young"]


@pytest.mark.parametrize("part", [0.05, 0.5, 0.95, 0.999])
async def test_half_a_start_never_begins(server, tools, part):
    source = journal.start(script.new_mark(), tools.plan("touch", "ran"), "run", 0, ("touch", "ran"), 1)
    child = await asyncio.create_subprocess_exec(
        "sh", "-s", stdin=-1, stdout=-1, stderr=-1, cwd=server.home, env={"HOME": str(server.home), "PATH": "/usr/bin:/bin"}
    )
    await child.communicate(source[: int(len(source) * part)])
    assert not (server.home / ".storewatch").exists()
    child = await asyncio.create_subprocess_exec(
        "sh", "-s", stdin=-1, stdout=-1, stderr=-1, cwd=server.home, env={"HOME": str(server.home), "PATH": "/usr/bin:/bin"}
    )
    await child.communicate(source)
    await tools.until((server.home / "ran").exists)


async def test_a_host_out_of_reach_is_given_up_after_a_while(server, make_reach, tools):
    limits = tools.QUICK.__class__(connect=0.3, login=0.3, hands_patience=0.5)
    hands = make_reach(limits).hands(tools.site(server.target()))
    await hands.look_back("run", 0)
    await server.close()
    with pytest.raises(ReachError) as caught:
        await hands.run_step(tools.plan("true"), "run", 0, ("true",))
    assert (caught.value.failure.step, caught.value.failure.kind) == ("connect", "refused")
    await server.start()


async def test_hopeless_logins_are_not_tried_for_a_minute(server, make_reach, tools):
    hands = make_reach().hands(tools.site(server.target(user="nobody")))
    with pytest.raises(ReachError) as caught:
        await asyncio.wait_for(hands.run_step(tools.plan("true"), "run", 0, ("true",)), 5)
    assert caught.value.failure.kind == "denied"


async def test_a_step_waits_for_a_host_that_restarts(tmp_path, make_reach, tools):
    server = await serve(tmp_path / "other")
    hands = make_reach(tools.QUICK).hands(tools.site(server.target()))
    await server.close()
    running = asyncio.create_task(hands.run_step(tools.plan("echo", "hi"), "run", 0, ("echo", "hi")))
    await asyncio.sleep(0)
    await server.start()
    assert (await running).out == b"hi\n"
    await server.close()


async def test_looks_that_hang_do_not_keep_the_hands_waiting(server, make_reach, tools):
    reach = make_reach()
    site = tools.site(server.target())
    from tui.model.command import Command

    looks = [asyncio.create_task(reach.shell(site).look(Command(("sleep", "300")))) for _ in range(20)]
    await tools.until(lambda: server.running == 6)
    state = await asyncio.wait_for(reach.hands(site).run_step(tools.plan("echo"), "run", 0, ("echo",)), 10)
    assert state.exit == 0
    for look in looks:
        look.cancel()
    await asyncio.gather(*looks, return_exceptions=True)


@pytest.mark.parametrize("run", ["", "..", "a/b", ".hidden", "a\nb", "x" * 101])
def test_a_run_is_a_plain_name(run):
    with pytest.raises(ValueError, match="not a run id"):
        journal.folder(run)
