"""The scripts themselves, under every sh we have, without any SSH."""

import shutil
import subprocess
import time

import pytest

from tui.model.command import HostFacts
from tui.model.sweep import Ask
from tui.reach import script
from tui.reach.round import Round

FOUND = {name: shutil.which(name) for name in ("dash", "bash", "busybox")}
SHELLS = [[path, "sh"] if name == "busybox" else [path] for name, path in FOUND.items() if path]


@pytest.fixture(params=SHELLS, ids=lambda words: words[0].rpartition("/")[2])
def sh(request, tmp_path):
    """Runs a script; under busybox every tool is BusyBox's."""
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    if len(request.param) > 1:
        (tmp_path / "bin").mkdir()
        subprocess.run([request.param[0], "--install", "-s", str(tmp_path / "bin")], check=True)
        env["PATH"] = str(tmp_path / "bin")

    def run(source, whole=True):
        child = subprocess.Popen([*request.param, "-s"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)
        child.stdin.write(source)
        child.stdin.flush()
        if not whole:
            child.stdin.close()
        out, err = child.stdout.read(), child.stderr.read()
        child.stdin.close()
        return out, err, child.wait()

    return run


def answers(sh, *asks):
    mark = script.new_mark()
    turn = Round(mark, asks, time.monotonic)
    turn.sent = time.time()
    out, _, code = sh(script.sweep(mark, asks))
    turn.feed(out)
    assert code == 0
    assert turn.done
    return turn.answers()


def test_answers_keep_their_bytes_and_exit_codes(sh):
    got = answers(sh, Ask("printf 'a\\n\\n'; exit 3", 1), Ask("printf '\\000\\377'", 1), Ask("false", 1), Ask(":", 1))
    assert [(one.out, one.exit, one.complete) for one in got] == [
        (b"a\n\n", 3, True),
        (b"\x00\xff", 0, True),
        (b"", 1, True),
        (b"", 0, True),
    ]


def test_a_fragment_that_is_no_sh_spoils_only_itself(sh):
    got = answers(sh, Ask("if; then", 1), Ask("echo fine", 1))
    assert got[0].exit not in (0, None)
    assert got[1].out == b"fine\n"


def test_a_fragment_cannot_eat_the_script_by_reading_stdin(sh):
    got = answers(sh, Ask('cat; read -r x; echo "[$x]"', 1), Ask("echo next", 1))
    assert [one.out for one in got] == [b"[]\n", b"next\n"]


def test_ten_megabytes_are_cut_and_the_next_answer_is_whole(sh):
    got = answers(sh, Ask("head -c 10000000 /dev/zero", 1, limit=1000), Ask("echo next", 1))
    assert (len(got[0].out), got[0].cut) == (1000, True)
    assert (got[1].out, got[1].cut) == (b"next\n", False)


def test_output_of_exactly_the_limit_is_not_cut(sh):
    got = answers(sh, Ask("printf 12345", 1, limit=5))
    assert (got[0].out, got[0].cut) == (b"12345", False)


def test_a_fragment_cannot_forge_a_mark(sh):
    forged = Ask('printf "\\n%s end 0 0\\n" "$_sw_m"; printf "\\nswdeadbeef end 0 0\\n"; printf "\\n end 0 0\\n"; exit 7', 1)
    got = answers(sh, forged, Ask("echo next", 1))
    assert (got[0].exit, got[0].out.count(b"end 0 0")) == (7, 3)
    assert got[1].out == b"next\n"


def test_one_fragment_does_not_change_the_next(sh):
    got = answers(sh, Ask("cd /; IFS=x; umask 0; set -e; PATH=; false; echo never", 1), Ask("pwd; umask; ls / >/dev/null && echo ls", 1))
    assert got[0].exit == 1
    assert got[1].out.endswith(b"ls\n")
    assert not got[1].out.startswith(b"/\n")


def test_the_prelude_runs_words_as_the_login_user(sh):
    got = answers(sh, Ask("as_owner '' 5 printf '%s|' 'a b' '$HOME'", 1))
    assert got[0].out == b"a b|$HOME|"


def test_a_round_without_head_is_still_a_round(sh):
    got = answers(sh, Ask("echo x", 1))
    assert (got[0].out, got[0].skew) == (b"x\n", 0.0)


def test_noise_around_the_script_is_ignored(sh):
    mark = script.new_mark()
    turn = Round(mark, [Ask("echo x", 1)], time.monotonic)
    turn.sent = time.time()
    out, _, _ = sh(script.sweep(mark, [Ask("echo x", 1)]))
    for byte in b"Welcome!\nsw begin 0\n" + out + b"\nbye":
        turn.feed(bytes([byte]))
    assert [one.out for one in turn.answers()] == [b"x\n"]


def test_half_a_script_does_nothing(sh, tmp_path):
    source = script.sweep(script.new_mark(), [Ask(f"touch {tmp_path}/done", 1)])
    for length in (len(source) // 2, len(source) - 20):
        sh(source[:length], whole=False)
        assert not (tmp_path / "done").exists()
    sh(source)
    assert (tmp_path / "done").exists()


def test_facts_are_read(sh, tmp_path):
    mark, now = script.new_mark(), time.time()
    out, _, _ = sh(script.facts(mark))
    body, code = script.between(out, mark)
    facts = script.read_facts(body, now, time.time())
    assert code == 0
    assert (facts.home, facts.skew, facts.mv_dash_t) == (str(tmp_path), 0.0, True)
    assert facts.user
    assert facts.uid >= 0
    assert "stat" in facts.tools


@pytest.mark.parametrize(
    ("sent", "came", "host", "skew"),
    [(100.2, 100.4, 100, 0.0), (100.9, 101.2, 100, 0.0), (100.9, 101.2, 101, 0.0), (100.2, 100.4, 7300, 7200.2), (100.2, 100.4, 90, -9.8)],
)
def test_skew_of_a_clock_of_whole_seconds(sent, came, host, skew):
    assert script.skew(host, sent, came) == skew


def test_garbled_facts_are_no_facts():
    assert script.read_facts(b"user a\x1b[31mb\nuid x\nzone ?\nnow never\n", 1.0, 2.0) == HostFacts("ab", -1, mv_dash_t=False)


def test_a_first_word_is_never_a_keyword_or_an_assignment(sh):
    mark = script.new_mark()
    for word in ("if", "A=b", "{"):
        out, err, _ = sh(script.look(mark, script.join([word, "x y"]), seconds=1))
        assert script.between(out, mark) == (b"", 127)
        assert b"not found" in err


def test_a_secret_is_on_stdin_and_in_no_arguments(sh):
    mark = script.new_mark()
    text = script.join(["sh", "-c", "cat; cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -c 'hunter[2]'"])
    out, _, _ = sh(script.look(mark, text, seconds=1, secret="hunter2's"))
    assert script.between(out, mark)[0] == b"hunter2's\n0\n"


def test_names_that_are_not_utf8_go_back_as_they_came(sh, tmp_path):
    mark = script.new_mark()
    name = b"caf\xe9; rm -rf\n$HOME".decode("utf-8", "surrogateescape")
    out, _, _ = sh(script.look(mark, script.join(["printf", "%s", name]), seconds=1))
    assert script.between(out, mark) == (b"caf\xe9; rm -rf\n$HOME", 0)
