"""Whatever a host prints is a value or a ValueError, and never more than was printed."""

import time

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui import layouts, logs, platforms, vaults
from tui.logs._fingerprint import culprit, fingerprint, shape
from tui.model.failure import ReachError
from tui.model.level import Level
from tui.model.site import LogSource, Site, SshTarget
from tui.model.sweep import Answer
from tui.probes import PROBES

DUMP = vaults.VAULTS[0]
QUICK = settings(max_examples=60, deadline=None)
SITE = Site(
    "eu", "EU", platform="wordpress", layout="capistrano", vault="dump", root="/srv/eu/current", ssh=SshTarget("web1"),
    logs=(LogSource("nginx", "nginx-error", "/e.log"), LogSource("php", "php-error", "/d.log")),
    settings={
        "layout": layouts.LAYOUTS[0].settings(path="/srv/eu"),
        "vault": DUMP.settings(path="/b/*"),
        "platform": platforms.PLATFORMS[0].settings(),
    },
)  # fmt: skip

# Words that the readers look for, between anything.
WORDS = (
    *(
        b"\0",
        b"end",
        b"capistrano",
        b"link",
        b"live",
        b"open",
        b"release",
        b"log",
        b"git",
        b"wp",
        b"folders",
        b"[{}]",
        b"full",
        b"now",
        b"9 9",
    ),
    *(b"@@end", b"@@stat\ncpu 1 2 3 4\n", b"@0123456789abcdef +0000 1795400000\n", b"\n@0123456789abcdef\n", b"\xff", b"\x1b[2J"),
)
ANSWERS = st.one_of(st.binary(max_size=400), st.lists(st.one_of(st.sampled_from(WORDS), st.binary(max_size=9)), max_size=30).map(b"".join))

READERS = {
    "capistrano": layouts.LAYOUTS[0].read,
    "git": layouts.LAYOUTS[1].read,
    "wordpress": platforms.PLATFORMS[0].plugins_read,
    "dump": lambda out: DUMP.read(SITE, out, 1e9),
    "check": DUMP.check_read,
}


@pytest.mark.parametrize("name", READERS)
def test_readers(name):
    @QUICK
    @given(ANSWERS)
    def any_bytes(out):
        try:
            found = READERS[name](out)
        except (ValueError, ReachError):
            return
        assert len(msgspec.json.encode(found)) < 40 * len(out) + 4000

    any_bytes()


@pytest.mark.parametrize("probe", ["errors", "backups", "deploys", "plugins", "host"])
def test_probes_give_a_reading_that_can_be_sent(probe):
    unit = next(entry for entry in PROBES if entry.info.id == probe)

    @QUICK
    @given(ANSWERS, st.booleans())
    def any_bytes(out, complete):
        first = unit.read(SITE, Answer(out, 0, 1_795_400_000.0, complete=complete), None)
        second = unit.read(SITE, Answer(out, 0, 1_795_400_030.0, complete=complete), first)
        unit.ask(SITE, second)
        for reading in (first, second):
            assert reading.level in Level and reading.summary.say()
            assert (reading.failure is None) or reading.level.rank >= Level.UNKNOWN.rank
            msgspec.msgpack.encode(reading)

    any_bytes()


def _messages(pieces):
    return b"".join(pieces).count(b"PHP message: ")


@pytest.mark.parametrize("form", [form.id for form in logs.FORMATS])
def test_records_do_not_depend_on_how_the_bytes_come(form):
    unit = next(entry for entry in logs.FORMATS if entry.id == form)
    heads = (
        b"2026/11/22 20:17:32 [error] 1#1: *1 ",
        b"[22-Nov-2026 20:17:32 UTC] ",
        b'FastCGI sent in stderr: "PHP message: ',
        b", client: ",
        b"\n",
    )

    @QUICK
    @given(st.lists(st.one_of(st.sampled_from(heads), st.binary(max_size=40)), max_size=20))
    def any_bytes(pieces):
        parser = unit.parser(LogSource("log", form, "/x"), 3600)
        found = [record for piece in pieces for record in parser.feed(piece)] + parser.flush()
        whole = unit.parser(LogSource("log", form, "/x"), 3600)
        assert whole.feed(b"".join(pieces)) + whole.flush() == found
        assert sum(len(record.raw) for record in found) <= 2 * sum(map(len, pieces)) * (1 + _messages(pieces))

    any_bytes()


@pytest.mark.parametrize("form", [form.id for form in logs.FORMATS])
@pytest.mark.parametrize(
    "text",
    [
        b"x" * 5_000_000,
        b"2026/11/22 20:17:32 [error] 1#1: *1 " + b", client: 1" * 400_000,
        b"[22-Nov-2026 20:17:32 UTC] PHP Fatal error:  " + b" in /" * 800_000,
        b"2026/11/22 20:17:32 [error] 1#1: *1 " + b'"' * 2_000_000,
        (b"2026/11/22 20:17:32 [error] 1#1: x\n" + b"continued\n" * 400) * 300,
        b"\x00" * 3_000_000 + b"\n",
    ],
    ids=["one-line", "clients", "files", "quotes", "continued", "zeros"],
)
def test_no_text_takes_long(form, text):
    unit = next(entry for entry in logs.FORMATS if entry.id == form)
    parser = unit.parser(LogSource("log", form, "/x"), 0)
    began = time.process_time()
    records = [record for at in range(0, len(text), 65_536) for record in parser.feed(text[at : at + 65_536])] + parser.flush()
    assert time.process_time() - began < 5
    assert sum(len(record.raw) + len(record.text) for record in records) <= 20_000 * len(records)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b'open() "/www/a.png" failed (2: No such file)', b'open() "/www/b/c.css" failed (2: No such file)'),
        (
            b"x in /srv/eu/releases/20261101101010/wp-content/plugins/a/a.php:6",
            b"x in /srv/eu/releases/20261102101010/wp-content/plugins/a/a.php:77",
        ),
        (b"order 4711 of user 17 failed after 0.35 s", b"order 9 of user 1234567 failed after 12.5 s"),
        (b"token 9f86d081884c7d65 of 10.0.0.1 expired", b"token aa86d081884c7d99 of 192.168.77.3 expired"),
        (b"job 550e8400-e29b-41d4-a716-446655440000 died", b"job 6fa459ea-ee8a-3ca4-894e-db77e160355e died"),
        (b"Undefined array key 'sku'", b"Undefined array key 'price_net'"),
    ],
)
def test_the_same_fault_has_one_fingerprint(one, other):
    assert shape(one) == shape(other)
    assert fingerprint("error", one) == fingerprint("error", other) != fingerprint("crit", one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b"Call to undefined function a() in /srv/x.php:1", b"Call to undefined function b() in /srv/x.php:1"),
        (b"x in /wp-content/plugins/a/a.php:1", b"x in /wp-content/plugins/b/a.php:1"),
        (b"connect() failed (111: Connection refused)", b"connect() failed (113: No route to host)"),
    ],
)
def test_other_faults_have_other_fingerprints(one, other):
    assert fingerprint("error", one) != fingerprint("error", other)


def test_the_first_extension_named_is_the_suspect():
    trace = b"x in /srv/wp-includes/hook.php:1\n#0 /srv/wp-content/plugins/guilty/a.php(3)\n#1 /srv/wp-content/themes/shop/functions.php(9)"
    assert culprit(trace) == b"plugin:guilty"
    assert culprit(b"PHP Warning: x in /srv/eu/current/app/code/A.php on line 3") == b"app/code/A.php"
    assert culprit(b"nothing named") == b""
