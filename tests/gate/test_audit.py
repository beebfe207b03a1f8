"""The record of who did what: every byte of it holds."""

import asyncio
import errno
import json
import os
import stat
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.gate.conftest import Heads
from tui.room import audit as module
from tui.room.audit import Audit, AuditError, verify

LINE = {"who": "alice", "uid": 1000, "what": "intent", "action": "set", "site": "eu"}


async def write(path: Path, count: int, heads=None) -> Audit:
    audit = Audit(path, heads)
    for number in range(count):
        await audit.append(**LINE, run=f"run-{number}", detail='späť "quoted" 店\n', commands=("sh -c 'a b'", "true"))
    return audit


async def test_lines_are_chained_private_and_told_to_history(tmp_path):
    heads = Heads()
    path = tmp_path / "new" / "audit.jsonl"
    audit = await write(path, 3, heads)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["seq"] for line in lines] == [1, 2, 3]
    assert [line["before"] for line in lines] == ["", lines[0]["hash"], lines[1]["hash"]]
    assert heads.kept == {"audit": lines[2]["hash"]}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert verify(path, lines[2]["hash"]) is None
    assert verify(path, lines[0]["hash"]) is None
    assert [line.seq for line in await audit.tail(2)] == [2, 3]
    assert await audit.tail(0) == ()
    assert lines[0]["at"].endswith("Z")


async def test_the_next_room_goes_on(tmp_path):
    path = tmp_path / "audit.jsonl"
    await write(path, 2)
    await write(path, 2)
    assert verify(path) is None
    assert len(path.read_text().splitlines()) == 4


async def test_many_at_once_keep_their_order(tmp_path):
    audit = Audit(tmp_path / "audit.jsonl")
    lines = await asyncio.gather(*(audit.append(**LINE) for _ in range(30)))
    assert sorted(line.seq for line in lines) == list(range(1, 31))
    assert verify(audit.path) is None


async def test_what_utf8_cannot_carry_is_shown_escaped(tmp_path):
    audit = Audit(tmp_path / "audit.jsonl")
    line = await audit.append(**LINE, commands=("rm caf\udce9",))
    assert line.commands == ("rm caf\\xe9",)
    assert verify(audit.path) is None


@pytest.fixture(scope="module")
def whole():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "audit.jsonl"
        asyncio.run(write(path, 4))
        yield path, path.read_bytes()


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_each_changed_byte_is_found(whole, data):
    path, before = whole
    at = data.draw(st.integers(0, len(before) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda byte: byte != before[at]))
    path.write_bytes(before[:at] + bytes([byte]) + before[at + 1 :])
    assert verify(path) == 1 + before[:at].count(b"\n")


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_each_cut_insertion_and_swap_is_found(whole, data):
    path, before = whole
    head = json.loads(before.splitlines()[-1])["hash"]
    at = data.draw(st.integers(0, len(before) - 1))
    path.write_bytes(before[:at])
    assert verify(path, head) == 1 + before[:at].count(b"\n")
    path.write_bytes(before[:at] + data.draw(st.binary(min_size=1, max_size=5)) + before[at:])
    if path.read_bytes() != before:
        assert verify(path, head) is not None
    lines = before.splitlines(keepends=True)
    one, two = data.draw(st.lists(st.integers(0, 3), min_size=2, max_size=2, unique=True))
    lines[one], lines[two] = lines[two], lines[one]
    path.write_bytes(b"".join(lines))
    assert verify(path, head) == 1 + min(one, two)


async def test_a_line_left_out_is_found(tmp_path):
    path = tmp_path / "audit.jsonl"
    await write(path, 3)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[2])
    assert verify(path) == 2


async def test_no_record_is_whole_only_without_a_head(tmp_path):
    assert verify(tmp_path / "none") is None
    assert verify(tmp_path / "none", "ab") == 1
    assert await Audit(tmp_path / "none").tail(5) == ()


@pytest.mark.parametrize("keep", [1, 40, 300, -2])
async def test_a_line_torn_by_a_crash_is_set_aside(tmp_path, keep):
    path = tmp_path / "audit.jsonl"
    await write(path, 2)
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + second[:keep])
    assert verify(path) == 2
    await write(path, 1)
    assert verify(path) is None
    assert len(path.read_bytes().splitlines()) == 2
    assert (tmp_path / "audit.jsonl.torn").read_bytes() == second[:keep] + b"\n"


async def test_a_line_that_only_lacks_its_newline_is_kept(tmp_path):
    path = tmp_path / "audit.jsonl"
    await write(path, 2)
    path.write_bytes(path.read_bytes()[:-1])
    await write(path, 1)
    assert verify(path) is None
    assert len(path.read_bytes().splitlines()) == 3


@pytest.mark.parametrize("left", [0, 1, 2])
async def test_a_cut_tail_stays_visible_after_more_was_written(tmp_path, left):
    path, heads = tmp_path / "audit.jsonl", Heads()
    await write(path, 3, heads)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:left]))
    await write(path, 2, heads)
    assert verify(path, heads.kept["audit"]) == left + 1


async def test_a_head_that_history_did_not_get_is_no_cut(tmp_path):
    path, heads = tmp_path / "audit.jsonl", Heads()
    await write(path, 2, heads)
    kept = dict(heads.kept)
    await write(path, 1, heads)
    heads.kept = kept
    await write(path, 1, heads)
    assert verify(path, heads.kept["audit"]) is None


async def test_a_changed_last_line_stays_broken(tmp_path):
    path = tmp_path / "audit.jsonl"
    await write(path, 2)
    path.write_bytes(path.read_bytes().replace(b"run-1", b"run-9"))
    await write(path, 2)
    assert verify(path) == 2


async def test_a_file_exchanged_under_a_running_room_is_found(tmp_path):
    path, heads = tmp_path / "audit.jsonl", Heads()
    audit = await write(path, 2, heads)
    path.unlink()
    await audit.append(**LINE)
    assert verify(path) == 1


@pytest.mark.parametrize("failing", ["write", "fsync"])
async def test_a_full_disk_leaves_nothing_half_written(tmp_path, monkeypatch, failing):
    audit = await write(tmp_path / "audit.jsonl", 1)
    before = audit.path.read_bytes()
    real = getattr(os, failing)
    calls = []

    def full(descriptor, *data):
        calls.append(descriptor)
        if failing == "write" and len(calls) == 1:
            return real(descriptor, data[0][:20])  # a short write, then nothing more
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module.os, failing, full)
    with pytest.raises(AuditError, match="No space left on device"):
        await audit.append(**LINE)
    monkeypatch.undo()
    assert audit.path.read_bytes() == before
    await audit.append(**LINE)
    assert verify(audit.path) is None


async def test_a_link_in_place_of_the_record_is_refused(tmp_path):
    (tmp_path / "elsewhere").write_text("")
    (tmp_path / "audit.jsonl").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(AuditError):
        await Audit(tmp_path / "audit.jsonl").append(**LINE)
    assert (tmp_path / "elsewhere").read_text() == ""
