"""run and audit: the same gate as the keys, from plan to verdict, and the record of it."""

import asyncio
import json
import os
import pty
import signal

import pytest

from tui.room.audit import verify

OLD, NEW = "20261120100000", "20261121100000"


async def test_a_rollback_from_plan_to_record(shop):
    done = await shop.run("run", "rollback", "eu", OLD, "--plan")
    assert done.code == 0
    assert "     $ mv -Tf " in done.out
    assert "undo:" in done.out
    assert shop.live == NEW
    assert not shop.paths.audit.exists()

    done = await shop.run("run", "rollback", "eu", OLD, "--plan", "--json")
    plan = json.loads(done.out)
    assert (plan["site"], plan["action"], plan["confirm"]) == ("eu", "rollback", "")
    assert all(step["command"] and step["argv"] for step in plan["steps"])

    done = await shop.run("run", "rollback", "eu", OLD)
    assert done.code == 2 and "--yes" in done.err
    assert shop.live == NEW

    done = await shop.run("run", "rollback", "eu", OLD, "--yes", "--reason", "the peak")
    assert done.code == 0, done.err
    assert "eu: done" in done.out and "verified +" in done.out
    assert shop.live == OLD

    done = await shop.run("audit", "--json")
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert [line["what"] for line in lines][-2:] == ["intent", "outcome"]
    assert lines[-2]["reason"] == "the peak"
    assert lines[-2]["uid"] == os.getuid()
    assert len(lines[-2]["plan"]) == 64


async def test_read_only_is_kept_by_scripts_too(shop):
    done = await shop.run("--read-only", "run", "rollback", "eu", OLD, "--yes")

    assert done.code == 4
    assert "read-only" in done.err
    assert shop.live == NEW


async def test_what_cannot_be_meant_says_what_may(shop):
    done = await shop.run("run", "rolback", "eu")
    assert done.code == 2 and 'did you mean "rollback"?' in done.err
    done = await shop.run("run", "rollback", "eu")
    assert done.code == 2 and OLD in done.err
    done = await shop.run("run", "tail", "eu")
    assert done.code == 2 and "storewatch logs" in done.err
    done = await shop.run("run", "rollback", "eu", "x; rm -rf /", "--yes")
    assert done.code != 0 and shop.live == NEW


async def test_a_production_site_wants_its_name(shop):
    shop.write(production="true")
    done = await shop.run("run", "rollback", "eu", OLD, "--yes")
    assert done.code == 4
    assert "EU store" in done.err
    assert shop.live == NEW
    done = await shop.run("run", "rollback", "eu", OLD, "--yes", "--json", "--site-name", "EU store")
    told = json.loads(done.out)
    assert (done.code, told["state"], told["site"]) == (0, "done", "eu")
    assert shop.live == OLD


@pytest.fixture
def terminal():
    """(controlling end, the command's stdin)"""
    controller, inner = pty.openpty()
    yield controller, inner
    os.close(controller)
    os.close(inner)


async def test_on_a_terminal_the_default_is_no(shop, terminal):
    controller, inner = terminal
    child = await shop.start("run", "rollback", "eu", OLD, stdin=inner)
    os.write(controller, b"\n")
    out, err = await child.communicate()
    assert child.returncode == 4
    assert b"not confirmed" in err and b"mv -Tf" in out
    assert shop.live == NEW


async def test_an_interrupt_at_the_question_runs_nothing(shop, terminal):
    child = await shop.start("run", "rollback", "eu", OLD, stdin=terminal[1])
    async with asyncio.timeout(60):
        await child.stderr.readuntil(b"[y/N] ")
        child.send_signal(signal.SIGINT)
        _, err = await child.communicate()
    assert child.returncode == 130
    assert err == b""
    assert shop.live == NEW


async def test_a_production_site_is_confirmed_by_its_typed_name(shop, terminal):
    shop.write(production="true")
    controller, inner = terminal
    child = await shop.start("run", "rollback", "eu", OLD, stdin=inner)
    async with asyncio.timeout(60):
        await child.stderr.readuntil(b"Type EU store to run this, Enter to cancel: ")
        os.write(controller, b"EU store\n")
        await child.communicate()
    assert child.returncode == 0
    assert shop.live == OLD


async def test_the_record_is_checked_without_a_room(shop, tmp_path):
    assert (await shop.run("run", "rollback", "eu", OLD, "--yes")).code == 0
    done = await shop.run("audit", "--verify")
    assert done.code == 0 and "whole" in done.out
    shop.end_room()

    done = await shop.run("audit", "--verify", "--head", "0" * 64)
    assert done.code == 1 and "missing" in done.err

    lines = shop.paths.audit.read_bytes().splitlines(keepends=True)
    shop.paths.audit.write_bytes(b"".join(lines[:-1]))
    assert verify(shop.paths.audit) is None  # by itself the shorter file looks whole
    done = await shop.run("audit", "--verify")
    assert done.code == 1 and f"line {len(lines)}" in done.err

    (tmp_path / "copy.jsonl").write_bytes(lines[0].replace(b"rollback", b"rollforw") + lines[1])
    done = await shop.run("audit", "--verify", "--file", str(tmp_path / "copy.jsonl"), "--json")
    assert done.code == 1 and json.loads(done.out)["broken"] == 1
    assert "line 1" in done.err
