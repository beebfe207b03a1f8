"""Logs by cursor, with real files and real shells: every byte once, whatever rotates and whatever is cut off."""

import os
import random
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tui.logs._cursor import Cursor, checksum, fragment, read


class Log:
    """A log file with its writer (which holds it open for appending, as nginx does) and the reader under test."""

    def __init__(self, folder: Path, run, limit: int = 700) -> None:
        self.path, self.run, self.limit = folder / "error.log", run, limit
        self.written, self.got = b"", b""
        self.cursor: Cursor | None = None
        self.lines = 0
        self.gaps: list[object] = []
        self.writer = self.path.open("ab", buffering=0)

    def append(self, *sizes: int) -> None:
        for size in sizes:
            self.lines += 1
            line = f"2026/11/22 20:17:32 [error] line {self.lines} ".encode().ljust(size, b"x") + b"\n"
            self.writer.write(line)
            self.written += line

    def shift(self) -> None:
        for number in range(8, 0, -1):
            old = self.path.with_name(f"error.log.{number}")
            if old.exists():
                old.rename(self.path.with_name(f"error.log.{number + 1}"))

    def rotate(self, create: bool = True) -> None:
        """logrotate's default: the writer goes on in the old file until it is told to reopen."""
        if not self.path.exists():
            return
        self.shift()
        self.path.rename(self.path.with_name("error.log.1"))
        if create:
            self.path.touch()

    def reopen(self) -> None:
        self.writer.close()
        self.writer = self.path.open("ab", buffering=0)

    def copytruncate(self) -> None:
        self.reopen()
        if self.cursor is not None and self.cursor.offset == 0:
            self.look()  # what comes and goes between two looks at an empty file cannot be known (module docstring)
        self.shift()
        shutil.copyfile(self.path, self.path.with_name("error.log.1"))
        os.truncate(self.path, 0)

    def look(self, lost: bool = False) -> bool:
        """One look; ``lost``: the link breaks before the answer arrives."""
        answer = self.run(fragment(str(self.path), self.cursor, self.limit, lines=0))
        if lost:
            return False
        found = read(answer)
        self.got += found.data
        self.cursor = found.cursor
        if found.gap:
            self.gaps.append(found)
        return found.more

    def finish(self) -> None:
        self.reopen()
        self.append(80)
        for _ in range(200):
            more = self.look()
            if not more and len(self.got) >= len(self.written):
                break
        self.writer.close()
        assert self.got == self.written
        assert self.gaps == []


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.lists(st.integers(50, 300), min_size=1, max_size=6)),
        st.tuples(st.just("append"), st.just([1500])),  # a line longer than the limit
        st.sampled_from([("look",), ("look",), ("lost",), ("rotate",), ("vanish",), ("reopen",), ("copytruncate",)]),
    ),
    max_size=14,
)


def play(log: Log, operations) -> None:
    log.look()
    for name, *rest in operations:
        match name:
            case "append":
                log.append(*rest[0])
            case "look":
                log.look()
            case "lost":
                log.look(lost=True)
            case "rotate":
                log.rotate()
            case "vanish":
                log.rotate(create=False)
            case "reopen":
                log.reopen()
            case "copytruncate":
                log.copytruncate()
    log.finish()


CHECK = {"deadline": None, "suppress_health_check": list(HealthCheck), "derandomize": True}


@settings(max_examples=40, **CHECK)
@given(OPERATIONS)
@example([("append", [100, 100]), ("look",), ("copytruncate",), ("append", [100, 100, 100]), ("look",), ("copytruncate",), ("look",)])
@example([("append", [90]), ("look",), ("rotate",), ("rotate",), ("append", [90]), ("reopen",), ("append", [90]), ("rotate",)])
@example([("append", [90]), ("look",), ("copytruncate",), ("append", [90, 200]), ("rotate",), ("append", [70]), ("look",), ("lost",)])
def test_every_line_once_through_rotation_and_lost_answers(dash, operations):
    with tempfile.TemporaryDirectory() as folder:
        play(Log(Path(folder), dash), operations)


def test_every_line_once_in_each_shell(shell, tmp_path):
    dice = random.Random(7)
    for number in range(4):
        folder = tmp_path / str(number)
        folder.mkdir()
        names = ["look", "lost", "rotate", "vanish", "reopen", "copytruncate"]
        steps = [(name,) if dice.random() < 0.6 else ("append", [dice.randint(50, 900)]) for name in dice.choices(names, k=9)]
        play(Log(folder, shell), steps)


def test_a_line_without_its_end_waits_for_it(shell, tmp_path):
    log = Log(tmp_path, shell)
    log.look()
    log.writer.write(b"whole\nha")
    log.look()
    assert log.got == b"whole\n"
    log.writer.write(b"lf\n")
    log.look()
    assert log.got == b"whole\nhalf\n"


def test_rotation_waits_for_the_writer_to_move_on(shell, tmp_path):
    log = Log(tmp_path, shell)
    log.look()
    log.append(80)
    log.rotate()
    log.look()
    log.append(90)  # still into the old file
    log.look()
    assert log.got == log.written
    assert log.cursor is not None and log.cursor.inode == (tmp_path / "error.log.1").stat().st_ino
    log.finish()


def test_a_file_truncated_and_grown_past_the_place_is_found_out(shell, tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"old line one\nold line two\n")
    first = read(shell(fragment(str(path), None, 65_536)))
    path.write_bytes(b"new line 1\nnew line 2\nnew line 3\n")  # same inode, and longer than before
    second = read(shell(fragment(str(path), first.cursor, 65_536)))
    assert second.data == b"new line 1\nnew line 2\nnew line 3\n"
    assert second.gap and second.rotated


def test_a_look_between_copy_and_truncate_doubles_nothing(shell, tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"start\n")
    cursor = read(shell(fragment(str(path), None, 65_536))).cursor
    lines = [b"2026/11/22 20:17:32 [error] line number %d of this log\n" % number for number in range(60)]

    def look() -> bytes:
        nonlocal cursor
        found = read(shell(fragment(str(path), cursor, 65_536)))
        cursor = found.cursor
        return found.data

    with path.open("ab") as file:
        file.write(b"".join(lines[:20]))
        file.flush()
        shutil.copyfile(path, tmp_path / "log.1")
        got = look()  # the copy is there, and the original whole
        os.truncate(path, 0)
        got += look()  # from now on the place is in the copy
        file.write(b"".join(lines[20:40]))
        file.flush()
        (tmp_path / "log.1").rename(tmp_path / "log.2")
        shutil.copyfile(path, tmp_path / "log.1")
        for _ in range(3):
            got += look()
        os.truncate(path, 0)
        file.write(b"".join(lines[40:]))
        file.flush()
        for _ in range(3):
            got += look()
    assert got == b"".join(lines)


def test_dated_rotation(shell, tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"one\n")
    cursor = read(shell(fragment(str(path), None, 65_536))).cursor
    with path.open("ab") as file:
        file.write(b"two\n")
    path.rename(tmp_path / "log-20261120")
    (tmp_path / "log-20261121").write_bytes(b"three\n")
    path.write_bytes(b"four\n")
    got = b""
    for _ in range(3):
        found = read(shell(fragment(str(path), cursor, 65_536)))
        got, cursor = got + found.data, found.cursor
    assert got == b"two\nthree\nfour\n"


def test_a_first_look_starts_near_the_end(shell, tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"".join(b"line %d\n" % number for number in range(100_000)))
    found = read(shell(fragment(str(path), None, 65_536, lines=3)))
    assert found.data == b"line 99997\nline 99998\nline 99999\n"
    assert found.cursor is not None and found.cursor.offset == path.stat().st_size and not found.more
    assert read(shell(fragment(str(path), None, 65_536))).data == b""


def test_a_log_of_ten_gigabytes_is_not_read_from_its_start(shell, tmp_path):
    path = tmp_path / "log"
    with path.open("wb") as file:
        file.truncate(10 * 1024**3)  # sparse: reading it from the start would take ten seconds and more
        file.seek(0, os.SEEK_END)
        file.write(b"\nlast line\n")
    first = read(shell(fragment(str(path), None, 65_536, lines=1)))
    assert first.data == b"last line\n"
    with path.open("ab") as file:
        file.write(b"newer\n")
    assert read(shell(fragment(str(path), first.cursor, 65_536))).data == b"newer\n"


def test_a_line_of_five_megabytes_is_bounded(dash, tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"a\n")
    cursor = read(dash(fragment(str(path), None, 65_536))).cursor
    long = b"x" * 5_000_000
    with path.open("ab") as file:
        file.write(long + b"\nafter\n")
    pieces = []
    for _ in range(7):
        answer = dash(fragment(str(path), cursor, 1_000_000))
        assert len(answer) < 1_004_096
        found = read(answer)
        pieces.append(found.data)
        cursor = found.cursor
    assert b"".join(pieces) == long + b"\nafter\n"


def test_too_far_behind_is_left_out_and_said(shell, tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"start\n")
    cursor = read(shell(fragment(str(path), None, 1000))).cursor
    with path.open("ab") as file:
        file.write(b"".join(b"line %05d\n" % number for number in range(5000)))
    found = read(shell(fragment(str(path), cursor, 1000, behind=10_000)))
    assert found.gap and found.skipped == 55_000 - 1000
    assert found.data.endswith(b"line 04999\n") and found.data.startswith(b"line 049")


def test_what_is_not_there_yet_is_new_from_its_first_byte(shell, tmp_path):
    path = tmp_path / "log"
    nothing = read(shell(fragment(str(path), None, 1000, lines=5)))
    assert nothing.missing == "absent" and nothing.detail == ""
    path.write_bytes(b"first\n")
    found = read(shell(fragment(str(path), nothing.cursor, 1000)))
    assert found.data == b"first\n" and not found.gap and not found.rotated
    assert read(shell(fragment(str(tmp_path / "no" / "log"), None, 1000))).detail == str(tmp_path / "no")
    assert read(shell(fragment(str(tmp_path), None, 1000))).missing == "folder"


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to be somebody else")
def test_what_may_not_be_read_says_who_we_are_and_whose_it_is(dash, open_tmp_path):
    tmp_path = open_tmp_path
    (tmp_path / "log").write_bytes(b"x\n")
    os.chmod(tmp_path / "log", 0o640)
    found = read(dash(fragment(str(tmp_path / "log"), None, 1000), user=("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")))
    assert found.missing == "denied"
    assert found.detail.startswith("nobody nogroup | -rw-r----- 1 root root")


@pytest.mark.parametrize(("missing", "works"), [("stat", True), ("sha256sum", True), ("dd", True), ("head", False)])
def test_a_host_that_lacks_a_tool(tmp_path, busybox, missing, works):
    """Without stat ``ls`` is asked, without sha256sum cksum, without dd ``tail -c``; without head it is said which tool is missing."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("ls", "head", "dd", "stat", "sha256sum", "cksum", "tail", "id"):
        found = shutil.which(name)
        if name != missing and found:
            (tools / name).symlink_to(found)
    path = tmp_path / "log"
    path.write_bytes(b"one\n")

    def look(cursor):
        done = subprocess.run([shutil.which("dash") or "sh"], input=fragment(str(path), cursor, 9000).encode(), capture_output=True,
                              env={"PATH": str(tools)}, check=False)  # fmt: skip
        assert done.stderr == b""
        return read(done.stdout)

    first = look(None)
    with path.open("ab") as file:
        file.write(b"two\n")
    path.rename(tmp_path / "log.1")
    path.write_bytes(b"three\n")
    second = look(first.cursor)
    if works:
        assert second.data == b"two\nthree\n" and not second.gap
    else:
        assert first.missing == "tools" and first.detail == "head"


def test_a_log_cannot_forge_the_frame(shell, tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"a\n")
    cursor = read(shell(fragment(str(path), None, 10_000))).cursor
    forged = b"\n@0123456789abcdef part new 0 1 0 0 5 5\nEVIL\n@0123456789abcdef end\n\x00\xff\x1b]52;c;x\x07\n"
    with path.open("ab") as file:
        file.write(forged)
    assert read(shell(fragment(str(path), cursor, 10_000))).data == forged


def test_odd_names(shell, tmp_path):
    path = tmp_path / "a log; rm -rf $HOME 'x'\nnext"
    path.write_bytes(b"one\n")
    assert read(shell(fragment(str(path), None, 1000, lines=9))).data == b"one\n"


@given(st.binary(max_size=300))
def test_checksum_is_that_of_the_tools(data):
    done = subprocess.run(["cksum"], input=data, capture_output=True, check=True).stdout.split()
    expected = checksum(data)
    assert (expected.split(":")[2].encode() if data else done[0]) == done[0]


test_checksum_is_that_of_the_tools = settings(max_examples=15, deadline=None)(test_checksum_is_that_of_the_tools)


@given(st.binary(max_size=2000))
def test_any_bytes_are_an_answer_or_a_value_error(data):
    frame = b"@0123456789abcdef cursor 1000 5 -\n\n@0123456789abcdef "
    for answer in (data, frame + data, frame + b"part here 1 2 3 3 4 9\n" + data + b"\n@0123456789abcdef end\n"):
        try:
            found = read(answer)
        except ValueError:
            continue
        assert len(found.data) <= len(answer) + 1
