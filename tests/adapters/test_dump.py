"""Dump files with the real gzip, zstd and xz, through the probe: listed, checked once, judged."""

import gzip
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.need import lacking
from tui.model.level import Level
from tui.model.site import Site, SshTarget
from tui.model.sweep import Answer
from tui.probes import backups
from tui.vaults.dump import DumpSettings

WHOLE = os.urandom(20_000).hex().encode() + b"\n-- Dump completed on 2026-11-22 20:17:31\n"
HOUR, DAY = 3600, 86_400


def put(path: Path, data: bytes, age: float) -> None:
    path.write_bytes(data)
    then = time.time() - age
    os.utime(path, (then, then))


@pytest.fixture
def folder(tmp_path) -> Path:
    place = tmp_path / "night ly"
    place.mkdir()
    for day in range(1, 8):
        put(place / f"eu-{day}.sql.gz", gzip.compress(WHOLE, 1), day * DAY)
    return place


def watch(run, folder, looks: int = 2, pattern: str = "*.sql*", **keys):
    """Look ``looks`` times, as the schedule would: each ask is made from the last reading."""
    settings = {"vault": DumpSettings(path=f"{folder}/{pattern}", **keys)}
    site = Site("eu", "EU", vault="dump", ssh=SshTarget("web1"), settings=settings)
    last, asks = None, []
    for _ in range(looks):
        asks.append(backups.ask(site, last))
        last = backups.read(site, Answer(run(asks[-1].script), 0, time.time()), last)
    return last, asks


def test_a_new_dump_is_checked_once(shell, folder):
    put(folder / "eu-0.sql.gz", gzip.compress(WHOLE, 1), HOUR)
    reading, asks = watch(shell, folder, looks=3)
    assert [ask.heavy for ask in asks] == [False, True, False]
    assert asks[0].every < asks[1].every == 300
    assert (reading.level, reading.values["state"], reading.values["count"]) == (Level.OK, "FRESH", 8)
    assert reading.rows[0]["key"] == str(folder / "eu-0.sql.gz")


@pytest.mark.parametrize(
    ("data", "state", "level"),
    [
        (gzip.compress(WHOLE, 1)[:-9000], "CORRUPT", Level.CRIT),
        (gzip.compress(WHOLE[:-30], 1), "PARTIAL", Level.CRIT),
        (gzip.compress(WHOLE, 1) + b"behind the end", "FRESH", Level.OK),
        (b"not packed at all" * 2000, "CORRUPT", Level.CRIT),
        (gzip.compress(b"-- Dump completed on 2026\n"), "FRESH", Level.WARN),  # whole, but far too small
        (b"", "PARTIAL", Level.CRIT),
    ],
    ids=["cut", "no-trailer", "garbage-behind", "no-gzip", "small", "empty"],
)
def test_the_newest_dump_is_judged(dash, folder, data, state, level):
    put(folder / "eu-0.sql.gz", data, HOUR)
    reading, _ = watch(dash, folder)
    assert (reading.values["state"], reading.level) == (state, level)
    assert level is Level.OK or reading.evidence


@pytest.mark.parametrize("tool", ["zstd", "xz", "bzip2"])
def test_other_packers(dash, folder, tool):
    if shutil.which(tool) is None:
        lacking(f"{tool} is not installed")
    suffix = {"zstd": "zst", "xz": "xz", "bzip2": "bz2"}[tool]
    packed = subprocess.run([tool, "-c"], input=WHOLE, capture_output=True, check=True).stdout
    put(folder / f"eu-0.sql.{suffix}", packed, HOUR)
    assert watch(dash, folder)[0].values["state"] == "FRESH"
    put(folder / f"eu-0.sql.{suffix}", packed[:-2000], HOUR)
    assert watch(dash, folder)[0].values["state"] == "CORRUPT"


def test_a_packer_that_the_host_lacks_is_no_verdict(shell, folder):
    put(folder / "eu-0.sql.zst", b"x" * 40_000, HOUR)
    reading, _ = watch(shell, folder)
    if reading.values["state"] == "CORRUPT":
        assert shutil.which("zstd")  # it is there, and says what this is
    else:
        assert (reading.level, reading.rows[0]["note"]) == (Level.WARN, "the host has no zstd")


def test_stale_none_and_denied_are_three_things(dash, open_tmp_path, folder):
    tmp_path = open_tmp_path
    stale, _ = watch(dash, folder, full="12h")
    assert (stale.level, stale.values["state"]) == (Level.CRIT, "STALE")
    assert stale.summary.say() == "the newest backup is 24 h old"
    none, _ = watch(dash, tmp_path / "nowhere")
    assert (none.level, none.summary.say(), none.rows) == (Level.CRIT, "there is no backup", ())
    if os.getuid() == 0:
        os.chmod(folder, 0o700)
        as_nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
        denied, _ = watch(lambda script: dash(script, user=as_nobody), folder, looks=1)
        assert denied.level is Level.UNKNOWN and denied.failure is not None and denied.failure.kind == "denied"


def test_a_name_with_a_newline_goes_back_as_it_is(shell, folder):
    put(folder / "eu\n0; rm -rf ~.sql.gz", gzip.compress(WHOLE, 1), HOUR)
    reading, _ = watch(shell, folder)
    assert reading.rows[0]["key"] == f"{folder}/eu\n0; rm -rf ~.sql.gz"
    assert reading.rows[0]["name"] == "eu 0; rm -rf ~.sql.gz"
    assert reading.values["state"] == "FRESH"


def test_a_check_that_was_cut_off_is_no_verdict(dash, folder):
    put(folder / "eu-0.sql.gz", gzip.compress(WHOLE, 1), HOUR)
    site = Site("eu", "EU", vault="dump", ssh=SshTarget("web1"), settings={"vault": DumpSettings(path=f"{folder}/*.gz")})
    first = backups.read(site, Answer(dash(backups.ask(site, None).script), 0, time.time()), None)
    out = dash(backups.ask(site, first).script)
    second = backups.read(site, Answer(out[:-10], 0, time.time()), first)
    assert (second.values["state"], second.level) == ("UNVERIFIED", Level.WARN)
