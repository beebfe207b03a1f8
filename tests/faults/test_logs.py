"""Logs and hosts that are not as one would wish, from the file on the host to the records and readings a viewer gets."""

import asyncio
import os
import re
import shutil
import sys
import time
import unicodedata

import pytest

from tests.support.need import lacking
from tui.model.level import Level
from tui.wire import messages as m


def line(number: int, seconds_ago: float = 60.0, text: str = "") -> str:
    clock = time.strftime("%Y/%m/%d %H:%M:%S", time.localtime(time.time() - seconds_ago))
    return f'{clock} [error] 1#1: *{number} open() "/srv/{text or number}" failed (2: No such file)\n'


def only(house, *names: str) -> None:
    """The host has these programs and no others."""
    tools = house.folder / "bin"
    tools.mkdir()
    for name in names:
        found = shutil.which(name)
        assert found, name
        (tools / name).symlink_to(found)
    house.server.shell = (shutil.which("dash") or shutil.which("sh"),)
    house.server.shell_env["PATH"] = str(tools)


def raw(records) -> str:
    return "".join(record.raw for record in records)


@pytest.fixture
def busybox(house):
    binary = shutil.which("busybox")
    if binary is None:
        lacking("busybox is not installed")
    tools = house.folder / "busybox"
    tools.mkdir()
    for applet in ("sh", "ls", "head", "dd", "sha256sum", "cksum", "id", "cat", "date", "sleep", "readlink", "printf", "kill", "uname"):
        (tools / applet).symlink_to(binary)
    house.server.shell = (str(tools / "sh"),)
    house.server.shell_env["PATH"] = str(tools)
    return tools


BASE = ("sh", "ls", "head", "dd", "cksum", "id", "cat", "date", "sleep", "readlink", "kill", "uname")


@pytest.mark.parametrize("lacks", ["stat", "tail", "head"])
async def test_a_host_without_it_is_read_all_the_same(house, lacks):
    """Nothing lost and nothing doubled, through a rotation too, by what else the host has."""
    only(house, *({*BASE, "stat", "tail", "sha256sum"} - {lacks}))
    house.log.write_text(line(1))
    await house.start()
    records, _ = await house.tail()
    assert [record.raw.count("*1 ") for record in records] == [1]
    first = await house.reading("errors")
    assert first.level is not Level.UNKNOWN, first
    with house.log.open("a") as file:
        file.write(line(2))
    house.log.rename(house.log.with_name("eu.error.log.1"))
    house.log.write_text(line(3))
    found = await house.again("errors")
    assert sum(row["count"] for row in found.rows) == 3, found


async def test_a_busybox_host_without_stat_and_tail(house, busybox):
    house.log.write_text(line(1) + line(2))
    await house.start()
    records, _ = await house.tail()
    assert len(records) == 2
    assert (await house.reading("errors")).level is not Level.UNKNOWN


async def test_a_log_of_ten_gigabytes(house):
    """Its end is there at once, by tail and by probe, and what is appended later comes once."""
    os.truncate(house.log, 10 * 1024**3)
    with house.log.open("a") as file:
        file.write("\n" + line(1))
    await house.start()
    began = time.monotonic()
    records, _ = await house.tail(lines=1)
    assert time.monotonic() - began < 5
    assert "*1 " in records[-1].raw
    before = await house.reading("errors")
    with house.log.open("a") as file:
        file.write(line(2) + line(3))
    after = await house.again("errors")
    assert sum(row["count"] for row in after.rows) - sum(row["count"] for row in before.rows) == 2
    assert after.level is not Level.UNKNOWN


async def test_a_line_of_five_megabytes(house):
    """It comes shortened, what stands behind it comes whole, and no other look waits for it."""
    house.log.write_text(line(0))
    await house.start()
    await house.reading("errors")
    tailing = await house.client.request(m.StartTail(("eu",)))
    found = []
    async with asyncio.timeout(30):
        async for batch in house.client.tail(tailing.tail):
            if not found and batch.records:
                with house.log.open("a") as file:
                    file.write(line(1, text="y" * 5_000_000) + line(2))
            found += batch.records
            if found and "*2 " in found[-1].raw:
                break
    await house.client.stop_tail(tailing.tail)
    assert len(raw(found)) < 200_000
    assert [sum(f"*{number} " in record.raw for record in found) for number in range(3)] == [1, 1, 1]
    assert (await house.again("uptime")).level is Level.OK
    later = await house.again("errors")
    assert later.level is not Level.UNKNOWN and sum(row["count"] for row in later.rows) == 2, "what stands behind it is counted"
    assert "left out" in str(later.evidence), "and that it was too much for one look is said"


async def test_binary_invalid_utf8_and_sequences_come_as_harmless_text(house):
    hostile = b"\x00\x01\x1b]0;owned\x07\x1b[2J\x9b31m\xff\xfe\xe2\x80\xae\xc2\x9b31m [bold]x[/] \xed\xa0\x80"
    house.log.write_bytes(os.urandom(20_000).replace(b"\n", b"") + b"\n" + hostile + b"\n" + line(1, text="[/nope]").encode() + b"\xff\n")
    await house.start()
    records, _ = await house.tail()
    text = raw(records) + "".join(record.text for record in records)
    obeyed = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    assert not {sign for sign in text if unicodedata.category(sign) in obeyed and sign not in "\n\t"}
    assert any("*1 " in record.raw and "[/nope]" in record.raw for record in records), "shown as it is, not as markup"
    reading = await house.reading("errors")
    assert reading.level is not Level.UNKNOWN
    shown = str(reading.rows) + str(reading.evidence)
    assert "\\x1b" not in shown and "\\x9b" not in shown


@pytest.mark.parametrize("hours", [2, -2])
async def test_a_host_whose_clock_is_two_hours_off(house, hours):
    """Ages are ours: an error of a minute ago is a minute old, whatever the host thinks, and `check` says that its clock is off."""
    date = shutil.which("date")
    tools = house.folder / "clock"
    tools.mkdir()
    (tools / "date").write_text(
        f'#!/bin/sh\ncase "$*" in *-r*) exec {date} "$@";; esac\nexec {date} -d "@$(($({date} +%s) + {hours * 3600}))" "$@"\n'
    )
    (tools / "date").chmod(0o755)
    house.server.shell_env["PATH"] = f"{tools}:{os.environ['PATH']}"
    house.log.write_text(line(1, 60 - hours * 3600))
    await house.start()
    reading = await house.reading("errors")
    (row,) = reading.rows
    ages = [reading.at - value for key, value in row.items() if key in ("last", "at", "seen") and isinstance(value, float)]
    assert ages and all(0 <= age < 180 for age in ages), row
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tui", "check", "--sites", str(house.toml), "--state", str(house.state)),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(child.communicate(), 60)
    told = next((line for line in out.decode().splitlines() if "clock" in line), "")
    seconds = int(re.search(r"clock is (\d+) s (ahead|behind)", told)[1])
    assert abs(seconds - 7200) < 5 and ("ahead" if hours > 0 else "behind") in told, (out, err)
