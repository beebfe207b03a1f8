"""Messages to bytes and back: a 4-byte big-endian length, then one MessagePack struct.

MessagePack text is UTF-8, but a raw name of a store may not be (such bytes are kept as lone surrogates). A frame with one is
written with U+10FFFF as escape sign; cleaned text never holds that noncharacter, and a raw name that does is escaped as well, so
its bytes in a frame always mean "escaped".
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from tui.model.message import Message, msg
from tui.wire.messages import Delta, LogBatch, ToRoom, ToViewer, Welcome

LIMIT = 16 * 1024 * 1024
"""Bytes of the largest frame either side sends or takes."""

HEADER = 4
_SIGN = "\U0010ffff"
_SIGN_BYTES = _SIGN.encode()
_RAW = re.compile("[\ud800-\udfff\U0010ffff]")
_ESCAPED = re.compile(_SIGN + "(?:([0-9a-f]{4})|" + _SIGN + ")")

Sendable = ToRoom | ToViewer
M = TypeVar("M")


class FrameError(Exception):
    """Bytes that are not one of our messages, or a message that is too large to send. ``message`` says which, for people."""

    def __init__(self, message: Message) -> None:
        super().__init__(message.say())
        self.message = message


def pack(message: Sendable) -> bytes:
    """One whole frame. Raises FrameError when the message is larger than ``LIMIT`` or holds what MessagePack cannot carry."""
    body = _encode(message)
    if len(body) > LIMIT:
        raise FrameError(msg("a message of {size} bytes is larger than the {limit} a frame may hold", size=len(body), limit=LIMIT))
    return len(body).to_bytes(HEADER, "big") + body


def pack_split(message: Sendable) -> tuple[list[bytes], list[FrameError]]:
    """Frames that together say ``message``, and why what is missing in them could not be said. What is too large for one frame is
    sent in parts, so that one impossible reading costs no other."""
    try:
        return [pack(message)], []
    except FrameError as error:
        halves = _halves(message)
        if not halves:
            return [], [error]
    frames: list[bytes] = []
    errors: list[FrameError] = []
    for half in halves:
        more, wrong = pack_split(half)
        frames += more
        errors += wrong
    return frames, errors


def unpack_to_room(body: bytes) -> ToRoom:
    """The message of a viewer. Raises FrameError for anything else."""
    return _decode(body, _to_room)


def unpack_to_viewer(body: bytes) -> ToViewer:
    """The message of a room. Raises FrameError for anything else."""
    return _decode(body, _to_viewer)


async def read_body(reader: asyncio.StreamReader) -> bytes | None:
    """The body of the next frame; None when the peer closed between two frames.

    Raises FrameError when the length passes ``LIMIT`` or the peer closed within a frame; ConnectionError as the socket does.
    """
    try:
        header = await reader.readexactly(HEADER)
        size = int.from_bytes(header, "big")
        if size > LIMIT:
            raise FrameError(msg("a frame of {size} bytes was announced; at most {limit} are taken", size=size, limit=LIMIT))
        return await reader.readexactly(size)
    except asyncio.IncompleteReadError as end:
        if end.expected == HEADER and not end.partial:
            return None
        raise FrameError(msg("the connection ended in the middle of a message")) from end


_to_room: msgspec.msgpack.Decoder[ToRoom] = msgspec.msgpack.Decoder(ToRoom)
_to_viewer: msgspec.msgpack.Decoder[ToViewer] = msgspec.msgpack.Decoder(ToViewer)
_encoder = msgspec.msgpack.Encoder()


def _encode(message: Sendable) -> bytes:
    try:
        try:
            body = _encoder.encode(message)
        except UnicodeEncodeError:
            body = _SIGN_BYTES
        if _SIGN_BYTES in body:
            body = _encoder.encode(_map_text(msgspec.to_builtins(message), _escape))
    except (OverflowError, TypeError, ValueError, RecursionError) as error:
        raise FrameError(msg("a message cannot be sent: {error}", error=str(error))) from error
    return body


def _decode(body: bytes, decoder: msgspec.msgpack.Decoder[M]) -> M:
    try:
        if _SIGN_BYTES in body:
            return msgspec.convert(_map_text(msgspec.msgpack.decode(body), _unescape), decoder.type)
        return decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError, ValueError, TypeError) as error:
        raise FrameError(msg("what was received is not a message of storewatch: {error}", error=str(error)[:200])) from error


def _map_text(value: Any, change: Callable[[str], str]) -> Any:
    """A copy of plain data with every text, keys included, put through ``change``."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {_map_text(key, change): _map_text(item, change) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_map_text(item, change) for item in value]
    return value


def _escape(text: str) -> str:
    return _RAW.sub(lambda hit: _SIGN + (_SIGN if hit[0] == _SIGN else f"{ord(hit[0]):04x}"), text)


def _unescape(text: str) -> str:
    return _ESCAPED.sub(lambda hit: chr(int(hit[1], 16)) if hit[1] else _SIGN, text)


def _halves(message: Sendable) -> tuple[Sendable, ...]:
    """The same in two smaller messages, in order; empty when it cannot be made smaller."""
    if isinstance(message, Welcome) and message.readings:
        # Readings are nearly all of it; they follow as a delta.
        viewers = message.room.viewers
        return msgspec.structs.replace(message, readings=()), Delta(readings=message.readings, viewers=viewers)
    if isinstance(message, Delta):
        return _halve_delta(message)
    if isinstance(message, LogBatch) and len(message.records) > 1:
        middle = len(message.records) // 2
        return (
            msgspec.structs.replace(message, records=message.records[:middle], done=False),
            LogBatch(message.tail, message.records[middle:], done=message.done),
        )
    return ()


def _halve_delta(delta: Delta) -> tuple[Sendable, ...]:
    """By the longest of its lists, so that what is left ends with single things."""
    lists = {name: getattr(delta, name) for name in ("readings", "notices", "runs", "events", "host_keys")}
    name, items = max(lists.items(), key=lambda item: len(item[1]))
    if sum(map(len, lists.values())) < 2:
        return ()
    if len(items) == 1:  # one of several kinds: that one alone, then the rest
        return msgspec.structs.replace(delta, **{name: ()}), Delta(**{name: items}, viewers=delta.viewers)
    middle = len(items) // 2
    return (msgspec.structs.replace(delta, **{name: items[:middle]}), Delta(**{name: items[middle:]}, viewers=delta.viewers))
