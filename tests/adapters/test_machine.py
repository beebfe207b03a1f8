"""The host and deploys probes: real shells, and what the figures mean."""

import time

import msgspec
import pytest

from tui.layouts import LAYOUTS
from tui.model.level import Level
from tui.model.site import Site, SshTarget
from tui.model.sweep import Answer
from tui.probes import deploys, host

SITE = Site("eu", "EU", ssh=SshTarget("web1"))


def answer(
    cpu="100 0 100 800 0 0 0 0", *, memory=1000, available=500, disk="1000 400 600", inodes="", load="0.1 0.1 0.1", at=1e9
) -> Answer:
    text = (
        f"@@load\n{load} 1/2 3\n@@uptime\n86400.5 1\n@@stat\ncpu {cpu}\ncpu0 1\ncpu1 1\n@@mem\nMemTotal: {memory} kB\nMemFree: 1 kB\n"
        f"MemAvailable: {available} kB\n@@df\n/dev/a {disk} 1% /\n@@dfi\n{inodes}\n@@end\n"
    )
    return Answer(text.encode(), 0, at)


def test_it_runs_in_each_shell(shell):
    last = None
    for _ in range(2):
        last = host.read(SITE, Answer(shell(host.ask(SITE, last).script), 0, time.time()), last)
    assert last.failure is None and last.values["cores"] > 0
    assert 0 < last.values["memory"] < 100 and 0 < last.values["disk"] <= 100
    assert last.values["uptime"] < time.time()
    assert last.rows[0]["size"] > 0


def test_processor_use_is_between_two_looks():
    first = host.read(SITE, answer(), None)
    assert first.values["cpu"] is None and first.level is Level.OK
    second = host.read(SITE, answer("150 0 130 900 10 0 0 10", at=1e9 + 30), first)
    assert (second.values["cpu"], second.values["iowait"], second.values["steal"]) == (45.0, 5.0, 5.0)
    close = host.read(SITE, answer("150 0 140 900 10 0 0 10", at=1e9 + 31), second)
    assert close.values["cpu"] == 45.0  # too soon to tell: one tick of 100 % is no news
    rebooted = host.read(SITE, answer("1 0 1 8 0 0 0 0", at=1e9 + 60), second)
    assert rebooted.values["cpu"] is None


def test_a_hot_processor_is_crit_only_when_it_lasts():
    last, levels, idle, busy = host.read(SITE, answer(), None), [], 800, 100
    for minute in range(1, 8):
        busy += 5900
        idle += 100
        last = host.read(SITE, answer(f"{busy} 0 100 {idle} 0 0 0 0", at=1e9 + 60 * minute), last)
        levels.append(last.level)
    assert levels == [Level.WARN] * 5 + [Level.CRIT] * 2
    assert last.summary.say() == "cpu at 98 % for 6 min"
    cool = host.read(SITE, answer(f"{busy} 0 100 {idle + 6000} 0 0 0 0", at=1e9 + 480), last)
    assert cool.level is Level.OK and cool.carry["hot"] is None


@pytest.mark.parametrize(
    ("change", "level", "words"),
    [
        ({"disk": "1000 850 150"}, Level.WARN, "disk / is 85 % full"),
        ({"disk": "1000 970 10"}, Level.CRIT, "disk / is 99 % full"),
        ({"inodes": "/dev/a 100 96 4 96% /"}, Level.CRIT, "disk /: 96 % of its inodes are used"),
        ({"available": 100}, Level.WARN, "memory at 90 %"),
        ({"available": 10}, Level.CRIT, "memory at 99 %"),
        ({"load": "1 9.5 1"}, Level.WARN, "load 9.5 on 2 cores"),
        ({}, Level.OK, "cpu – %, memory 50 %, disk 40 %"),
    ],
)
def test_thresholds(change, level, words):
    reading = host.read(SITE, answer(**change), None)
    assert (reading.level, reading.summary.say()) == (level, words)


def test_a_container_is_measured_by_its_own_limit():
    text = answer().out.replace(b"@@df\n", b"@@limit\n512000\n@@current\n400000\n@@cache\ninactive_file 144000\n@@df\n")
    assert host.read(SITE, Answer(text, 0, 1e9), None).values["memory"] == 50.0


def test_a_mount_can_be_left_out():
    settings = {"probe.host": host.HostSettings(ignore=("/",))}
    reading = host.read(msgspec.structs.replace(SITE, settings=settings), answer(disk="1000 970 10"), None)
    assert reading.level is Level.OK and reading.rows == ()


def capistrano(path, **more) -> Site:
    return Site("eu", "EU", ssh=SshTarget("web1"), layout="capistrano", settings={"layout": LAYOUTS[0].settings(path=str(path))}, **more)


def test_deploys_of_a_shop(shell, tmp_path):
    for name in ("20261101101010", "20261102101010"):
        (tmp_path / "releases" / name).mkdir(parents=True)
        (tmp_path / "releases" / name / "index.php").write_text("<?php")
    here = capistrano(tmp_path)

    def look():
        return deploys.read(here, Answer(shell(deploys.ask(here, None).script), 0, 1e9), None)

    assert (look().level, look().summary.say()) == (Level.CRIT, "there is no current link")
    (tmp_path / "current").symlink_to("releases/20261102101010")
    good = look()
    assert (good.level, good.summary.say(), good.values["current"]) == (Level.OK, "release 20261102101010", "20261102101010")
    assert [row["key"] for row in good.rows] == ["20261102101010", "20261101101010"]
    (tmp_path / "releases" / "20261102101010" / "BAD_RELEASE").write_text("x")
    assert look().level is Level.WARN
    (tmp_path / "releases" / "20261102101010" / "BAD_RELEASE").unlink()
    (tmp_path / "releases" / "20261102101010").rename(tmp_path / "elsewhere")
    assert (look().level, look().values["current"]) == (Level.CRIT, "20261102101010")


def test_a_folder_that_is_not_there_is_unknown(dash, tmp_path):
    here = capistrano(tmp_path / "nowhere")
    reading = deploys.read(here, Answer(dash(deploys.ask(here, None).script), 0, 1e9), None)
    assert reading.level is Level.UNKNOWN and reading.failure is not None and reading.failure.remedy is not None


def test_what_a_site_lacks_is_said():
    bare = Site("eu", "EU", ssh=SshTarget("web1"))
    assert deploys.absent(bare).say() == "no deploy in sites.toml"
    assert deploys.absent(Site("eu", "EU")).say() == "no ssh in sites.toml"
    assert host.PROBE.absent(bare) is None
