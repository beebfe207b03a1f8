"""status, logs and timeline as scripts use them: exit codes, shapes, pipes."""

import asyncio
import datetime
import json
import os

import pytest

from tui.commands import _common
from tui.commands._common import age, ago, columns, worst


async def test_status_is_the_json_that_scripts_rely_on(shop):
    done = await shop.run("status", "--json", "--wait", "30")
    told = json.loads(done.out)
    assert list(told) == ["at", "room", "sites"]
    assert datetime.datetime.fromisoformat(told["at"]).tzinfo is not None
    assert told["room"]["sites_path"] == str(shop.sites)
    assert [(site["id"], site["name"]) for site in told["sites"]] == [("eu", "EU store"), ("lone", "Lone")]
    assert set(told["sites"][0]) == {"id", "name", "level", "probes"}
    deploys = told["sites"][0]["probes"]["deploys"]
    assert set(deploys) == {"level", "at", "age_s", "summary", "values"}
    assert deploys["level"] == "OK"
    assert 0 <= deploys["age_s"] < 60
    assert told["sites"][1]["level"] in ("WARN", "CRIT")
    assert done.code == 1

    done = await shop.run("status", "eu")
    lines = done.out.splitlines()
    assert lines[0].split() == ["SITE", "PROBE", "LEVEL", "AGE", "SUMMARY"]
    assert all(line.startswith("eu ") for line in lines[1:])
    assert "\x1b" not in done.out
    levels = {line.split()[1]: line.split()[2] for line in lines[1:]}
    assert levels["deploys"] == "OK"
    assert done.code == (0 if set(levels.values()) == {"OK"} else 1)  # the load of the machine under test may be a WARN

    done = await shop.run("status", "lome")
    assert (done.code, done.out) == (2, "")
    assert 'there is no site "lome"; did you mean "lone"?' in done.err


async def test_what_nobody_could_look_at_is_neither_well_nor_down(shop):
    await shop.server.close()
    done = await shop.run("status", "eu", "--json", "--wait", "30")
    await shop.server.start()
    assert done.code == 3
    assert {reading["level"] for reading in json.loads(done.out)["sites"][0]["probes"].values()} == {"UNKNOWN"}


async def test_logs_are_lines_objects_or_groups(shop):
    done = await shop.run("logs", "eu")
    assert done.code == 0
    assert len(done.out.splitlines()) == 5
    assert all("boom" in line and " errors " in line for line in done.out.splitlines())

    done = await shop.run("logs", "eu", "--json", "--lines", "2")
    records = [json.loads(line) for line in done.out.splitlines()]
    assert [record["site"] for record in records] == ["eu", "eu"]
    assert datetime.datetime.fromisoformat(records[0]["at"])
    assert "boom 5" in records[1]["text"]

    done = await shop.run("logs", "eu", "--groups", "--json")
    groups = [json.loads(line) for line in done.out.splitlines()]
    assert [group["count"] for group in groups] == [5]

    done = await shop.run("logs", "eu", "--source", "eror")
    assert done.code == 2
    assert 'did you mean "errors"?' in done.err


async def test_a_followed_log_goes_on_and_its_reader_may_leave(shop):
    child = await shop.start("logs", "eu", "--follow", "--lines", "1")
    async with asyncio.timeout(60):
        assert b"boom 5" in await child.stdout.readline()
        with shop.log.open("a") as log:
            log.write(shop.log.read_text().splitlines(keepends=True)[0].replace("boom 1", "boom 99"))
        assert b"boom 99" in await child.stdout.readline()
        child.stdout._transport.close()  # the reader goes while nothing comes
        err = await child.stderr.read()
        assert await child.wait() in (0, 141)
    assert err == b""


async def test_status_into_a_closed_pipe_is_quiet(shop):
    read, write = os.pipe()
    os.close(read)
    child = await shop.start("status", stdout=write)
    os.close(write)
    async with asyncio.timeout(60):
        err = await child.stderr.read()
        await child.wait()
    assert b"Traceback" not in err and b"should not" not in err and b"BrokenPipe" not in err


async def test_the_timeline_tells_what_happened(shop):
    await shop.run("status", "--wait", "30")
    done = await shop.run("timeline", "--json", "--since", "10m")
    events = [json.loads(line) for line in done.out.splitlines()]
    assert {"at", "kind", "site", "who", "level", "text"} == set(events[0])
    assert any(event["kind"] == "room" for event in events)
    assert any(event["site"] == "lone" and event["kind"] == "level" for event in events)
    done = await shop.run("timeline", "lone")
    assert done.code == 0 and "refuses connections" in done.out


def test_lengths_of_time_are_read_and_said():
    assert [ago(text) for text in ("90", "90s", "10m", "1h30m", "2d")] == [90, 90, 600, 5400, 172_800]
    for nonsense in ("", "soon", "10 parsecs", "-5m", "1h x"):
        with pytest.raises(_common.argparse.ArgumentTypeError):
            ago(nonsense)
    assert [age(seconds) for seconds in (0, 59, 89, 90, 3600, 7200, 86_400 * 3)] == ["0s", "59s", "89s", "2m", "60m", "2h", "3d"]


def test_the_worst_exit_code_wins():
    assert worst([]) == 0
    assert worst([0, 3]) == 3
    assert worst([3, 1, 0]) == 1
    assert worst([1, 4]) == 4


def test_columns_count_wide_characters_twice():
    assert columns([("店", "a"), ("ab", "b"), ("\x1b[31mx\x1b[0m", "c")]) == ["店  a", "ab  b", "\x1b[31mx\x1b[0m   c"]
