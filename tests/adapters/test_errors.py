"""The errors probe over real log files and real shells."""

import os
import time
from pathlib import Path

import msgspec
import pytest

from tui.model.level import Level
from tui.model.site import LogSource, Site, SshTarget
from tui.model.sweep import Answer
from tui.probes import errors
from tui.probes._groups import MOST, WINDOW

CUT = b' while reading response header from upstream, client: 127.0.0.1, server: s, request: "GET / HTTP/1.1", host: "s"\n'


def fatal(plugin: str = "promo-banner", ago: float = 0.0, word: str = "render") -> bytes:
    stamp = time.strftime("%Y/%m/%d %H:%M:%S", time.localtime(time.time() - ago)).encode()
    where = f"/srv/eu/releases/20261122090000/wp-content/plugins/{plugin}/{plugin}.php".encode()
    text = b"PHP message: PHP Fatal error:  Uncaught Error: Call to undefined function " + word.encode() + b"() in " + where + b":6"
    return (
        stamp
        + b' [error] 1#1: *5 FastCGI sent in stderr: "'
        + text
        + b"\nStack trace:\n#0 {main}\n  thrown in "
        + where
        + b' on line 6"'
        + CUT
    )


def missing_file(number: int) -> bytes:
    stamp = time.strftime("%Y/%m/%d %H:%M:%S").encode()
    return stamp + b' [error] 1#1: *%d open() "/www/%d" failed (2: No such file or directory), client: 1.1.1.1, server: s\n' % (
        number,
        number,
    )


class Watch:
    """A site whose logs lie in ``folder``, looked at again and again."""

    def __init__(self, folder: Path, run, *names: str, **keys: object) -> None:
        sources = tuple(
            LogSource(name.split(".")[0], "php-error" if "debug" in name else "nginx-error", str(folder / name)) for name in names
        )
        self.site = Site("eu", "EU", ssh=SshTarget("web1"), logs=sources, settings={"probe.errors": errors.ErrorsSettings(**keys)})
        self.run, self.last = run, None

    def look(self, *, lost: bool = False, later: float = 0.0):
        ask = errors.ask(self.site, self.last)
        out = self.run(ask.script)
        assert len(out) <= ask.limit
        reading = errors.read(self.site, Answer(out, 0, time.time() + later), self.last)
        if not lost:
            stored = msgspec.json.decode(msgspec.json.encode(reading.carry))  # as history keeps it over a restart
            self.last = msgspec.structs.replace(reading, carry=stored)
        return reading


def test_a_guilty_plugin_is_named(shell, tmp_path):
    log = tmp_path / "nginx.log"
    log.write_bytes(b"")
    watch = Watch(tmp_path, shell, "nginx.log")
    assert watch.look().summary.say() == "no errors in the last hour"
    with log.open("ab") as file:
        file.write(fatal())
    first = watch.look()
    assert (first.level, first.values["fatals"], first.values["culprit"]) == (Level.WARN, 1, "plugin:promo-banner")
    with log.open("ab") as file:
        file.write(fatal() * 5 + fatal("other") + missing_file(1) + missing_file(2))
    second = watch.look()
    assert second.level is Level.CRIT
    assert "plugin:promo-banner" in second.summary.say()
    assert [(row["count"], row["culprit"]) for row in second.rows] == [(6, "plugin:promo-banner"), (1, "plugin:other"), (2, "")]
    assert second.values["rate"] == pytest.approx(9 / 5, abs=0.4)
    assert watch.look().values["total"] == 9  # nothing is counted twice


def test_a_lost_answer_loses_nothing(dash, tmp_path):
    log = tmp_path / "nginx.log"
    log.write_bytes(fatal())
    watch = Watch(tmp_path, dash, "nginx.log")
    watch.look()
    log.rename(tmp_path / "nginx.log.1")
    with (tmp_path / "nginx.log.1").open("ab") as file:
        file.write(fatal() * 2)
    log.write_bytes(missing_file(1) + fatal() * 3)
    watch.look(lost=True)
    assert watch.look().values["total"] == 7


def test_old_errors_do_not_count(dash, tmp_path):
    (tmp_path / "nginx.log").write_bytes(fatal(ago=7200) * 5 + fatal(ago=600))
    reading = Watch(tmp_path, dash, "nginx.log").look()
    assert (reading.level, reading.values["total"], reading.values["fatals"], reading.values["rate"]) == (Level.OK, 1, 0, 0.0)
    assert reading.summary.say() == "errors in the last hour: 1"


def test_faults_fade_and_are_forgotten(dash, tmp_path):
    (tmp_path / "nginx.log").write_bytes(fatal() * 30)
    watch = Watch(tmp_path, dash, "nginx.log")
    assert watch.look().level is Level.CRIT
    later = watch.look(lost=True, later=WINDOW + 70)
    assert (later.level, later.values["total"]) == (Level.OK, 30)
    assert watch.look(lost=True, later=3700).rows == ()


def test_a_host_whose_clock_is_two_hours_off(dash, tmp_path):
    (tmp_path / "nginx.log").write_bytes(fatal() * 30)
    watch = Watch(tmp_path, dash, "nginx.log")
    ask = errors.ask(watch.site, None)
    reading = errors.read(watch.site, Answer(dash(ask.script), 0, time.time() - 7200), None)
    assert reading.level is Level.CRIT and reading.rows[0]["last"] <= reading.at


def test_thresholds_and_what_is_ignored(dash, tmp_path):
    (tmp_path / "nginx.log").write_bytes(b"".join(missing_file(number) for number in range(150)))
    assert Watch(tmp_path, dash, "nginx.log").look().level is Level.WARN
    assert Watch(tmp_path, dash, "nginx.log", rate_warn=100).look().level is Level.OK
    ignored = Watch(tmp_path, dash, "nginx.log", ignore=("No such file",)).look()
    assert (ignored.level, ignored.rows) == (Level.OK, ())


def test_a_missing_log_is_not_an_empty_one(dash, tmp_path):
    (tmp_path / "nginx.log").write_bytes(b"")
    gone = Watch(tmp_path, dash, "nginx.log", "gone.log").look()
    assert gone.level is Level.UNKNOWN and gone.failure is not None and gone.failure.kind == "missing"
    assert gone.rows[0]["level"] == "UNKNOWN" and "check the path" in str(gone.rows[0]["text"])
    assert Watch(tmp_path, dash, "debug.log").look().level is Level.OK  # PHP makes it with the first error
    assert Watch(tmp_path, dash, "no-such-folder/debug.log").look().level is Level.UNKNOWN


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to be somebody else")
def test_a_log_that_may_not_be_read_says_what_to_do(dash, open_tmp_path):
    tmp_path = open_tmp_path
    log = tmp_path / "nginx.log"
    log.write_bytes(fatal())
    os.chown(log, 0, 4)  # group adm, as Debian does it
    os.chmod(log, 0o640)
    as_nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    reading = Watch(tmp_path, lambda script: dash(script, user=as_nobody), "nginx.log").look()
    assert reading.level is Level.UNKNOWN and reading.failure is not None and reading.failure.remedy is not None
    assert reading.failure.remedy.say() == "add nobody to the group adm on that host (usermod -aG adm nobody)"
    os.chmod(log, 0o600)
    again = Watch(tmp_path, lambda script: dash(script, user=as_nobody), "nginx.log").look()
    assert again.failure is not None and again.failure.remedy is not None and "setfacl" in again.failure.remedy.say()


def test_a_storm_is_bounded_and_said(dash, tmp_path):
    log = tmp_path / "nginx.log"
    log.write_bytes(b"")
    watch = Watch(tmp_path, dash, "nginx.log")
    watch.look()
    with log.open("ab") as file:
        for number in range(4000):
            file.write(fatal(word=f"function_{chr(97 + number % 26)}{chr(97 + number // 26 % 26)}{chr(97 + number // 676)}"))
    reading = watch.look()
    assert reading.level is Level.CRIT
    assert reading.values["groups"] <= MOST and int(reading.values["skipped"]) > 1_000_000
    assert "left out" in reading.evidence[-1]
    assert len(msgspec.msgpack.encode(reading)) < 300_000


def test_a_garbled_answer_keeps_the_place(dash, tmp_path):
    (tmp_path / "nginx.log").write_bytes(fatal())
    watch = Watch(tmp_path, dash, "nginx.log")
    before = watch.look()
    garbled = errors.read(watch.site, Answer(b"Welcome to web1!\n", 0, time.time()), before)
    assert garbled.level is Level.UNKNOWN and garbled.carry == before.carry


def test_a_cured_store_is_not_crit_for_five_more_minutes(shell, tmp_path):
    log = tmp_path / "nginx.log"
    log.write_bytes(b"")
    watch = Watch(tmp_path, shell, "nginx.log")
    watch.look()
    with log.open("ab") as file:
        file.write(fatal() * 20)

    assert watch.look().level is Level.CRIT
    assert watch.look(later=30).level is Level.CRIT
    assert watch.look(later=65).level is Level.WARN
    assert watch.look(later=WINDOW + 65).level is Level.OK
