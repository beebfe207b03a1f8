import asyncio

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.model.level import Level
from tui.model.log import LogRecord
from tui.model.message import Message, msg
from tui.model.reading import Reading
from tui.wire import framing
from tui.wire.framing import FrameError, pack, pack_split, read_body, unpack_to_room, unpack_to_viewer
from tui.wire.messages import Bye, Confirm, Delta, GetPlan, Hello, LogBatch, No, ProbeNow, Reply, Request, StartTail, StopRoom

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=30)  # lone surrogates and noncharacters too
VALUES = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | ANY_TEXT

BODIES = st.one_of(
    st.builds(GetPlan, ANY_TEXT, ANY_TEXT, ANY_TEXT),
    st.builds(Confirm, ANY_TEXT, ANY_TEXT, ANY_TEXT),
    st.builds(ProbeNow, ANY_TEXT, ANY_TEXT),
    st.builds(
        StartTail, st.lists(ANY_TEXT).map(tuple), st.lists(ANY_TEXT).map(tuple), st.integers(0, 1000), st.none() | st.floats(0, 1e10)
    ),
    st.just(StopRoom()),
)
TO_ROOM = st.builds(Hello, st.integers(0, 2**31), st.booleans(), ANY_TEXT) | st.builds(Request, st.integers(0, 2**53), BODIES)

MESSAGES = st.builds(Message, ANY_TEXT, st.dictionaries(ANY_TEXT, ANY_TEXT | st.integers(0, 9), max_size=3))
READINGS = st.builds(
    Reading, probe=ANY_TEXT, site=ANY_TEXT, level=st.sampled_from(Level), summary=MESSAGES, at=st.floats(0, 1e10),
    values=st.dictionaries(ANY_TEXT, VALUES, max_size=3),
    rows=st.lists(st.dictionaries(ANY_TEXT, VALUES, max_size=3), max_size=3).map(tuple),
)  # fmt: skip
RECORDS = st.builds(LogRecord, source=ANY_TEXT, text=ANY_TEXT, raw=ANY_TEXT, at=st.none() | st.floats(0, 1e10))
TO_VIEWER = st.one_of(
    st.builds(Delta, st.lists(READINGS, max_size=3).map(tuple), viewers=st.integers(0, 99)),
    st.builds(LogBatch, st.integers(0, 99), st.lists(RECORDS, max_size=3).map(tuple)),
    st.builds(Reply, st.integers(0, 2**53), st.builds(No, MESSAGES)),
    st.builds(Bye, MESSAGES),
)


@given(TO_ROOM)
def test_what_a_viewer_says_arrives(message):
    assert unpack_to_room(pack(message)[4:]) == message


@given(TO_VIEWER)
def test_what_the_room_says_arrives(message):
    assert unpack_to_viewer(pack(message)[4:]) == message


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_a_frame_error(body):
    for unpack in (unpack_to_room, unpack_to_viewer):
        try:
            assert isinstance(unpack(body), msgspec.Struct)
        except FrameError as error:
            assert error.message.say()


def test_deep_nesting_is_garbage_and_no_crash():
    nested = b"\x81\xa5carry" * 100_000
    with pytest.raises(FrameError):
        unpack_to_viewer(b"\x82\xa4type\xa5Delta\xa8readings\x91" + nested)


def reader_of(data: bytes) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    return reader


async def test_frames_are_read_one_by_one_to_a_clean_end():
    frames = pack(Hello(1)) + pack(Hello(2))
    reader = reader_of(frames)
    assert [unpack_to_room(await read_body(reader)) for _ in range(2)] == [Hello(1), Hello(2)]
    assert await read_body(reader) is None


@pytest.mark.parametrize("data", [b"\x00", b"\x00\x00\x00\x05abc"])
async def test_an_end_within_a_frame_is_told(data):
    with pytest.raises(FrameError, match="middle"):
        await read_body(reader_of(data))


async def test_a_frame_too_large_is_refused_before_it_is_read():
    with pytest.raises(FrameError, match="16777216"):
        await read_body(reader_of((framing.LIMIT + 1).to_bytes(4, "big")))


def test_a_message_too_large_names_its_size():
    with pytest.raises(FrameError, match="larger than the 16777216"):
        pack(GetPlanOfSize(framing.LIMIT))


def GetPlanOfSize(size: int) -> Request:
    return Request(1, GetPlan("a" * size, "eu"))


def test_a_large_delta_goes_in_parts_and_one_impossible_reading_costs_no_other():
    def reading(site: str, text: str) -> Reading:
        return Reading(probe="p", site=site, level=Level.OK, summary=msg("x"), at=0, evidence=(text,))

    big = "x" * (framing.LIMIT // 3)
    readings = (reading("a", big), reading("b", big), reading("c", "x" * framing.LIMIT), reading("d", big), reading("e", big))
    frames, errors = pack_split(Delta(readings))
    assert len(errors) == 1
    assert all(len(frame) <= framing.LIMIT + 4 for frame in frames)
    arrived = [reading.site for frame in frames for reading in unpack_to_viewer(frame[4:]).readings]
    assert arrived == ["a", "b", "d", "e"]


def test_a_large_batch_goes_in_parts_and_ends_once():
    records = tuple(LogRecord(source="s", text=str(n), raw="y" * (framing.LIMIT // 4)) for n in range(9))
    frames, errors = pack_split(LogBatch(7, records, skipped=3, done=True))
    batches = [unpack_to_viewer(frame[4:]) for frame in frames]
    assert errors == []
    assert [record.text for batch in batches for record in batch.records] == [str(n) for n in range(9)]
    assert [batch.done for batch in batches] == [False] * (len(batches) - 1) + [True]
    assert sum(batch.skipped for batch in batches) == 3
