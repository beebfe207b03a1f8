"""Readings and events as bytes for the history."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

T = TypeVar("T")
_ESCAPED = b"\x00"  # no packed map begins so
_MARK = "\ufdd0"  # a noncharacter: no cleaned text holds it


def pack(value: msgspec.Struct) -> bytes:
    """MessagePack of ``value``. A raw name that is not UTF-8 (its bytes kept as lone surrogates) is no MessagePack text and is escaped.
    Raises TypeError for a ``carry`` that holds anything but plain data."""
    try:
        return msgspec.msgpack.encode(value)
    except UnicodeEncodeError:
        return _ESCAPED + msgspec.msgpack.encode(_walk(msgspec.to_builtins(value, builtin_types=(bytes,)), _escape))


def unpack(body: bytes, kind: type[T]) -> T:
    """What :func:`pack` packed. Raises msgspec.MsgspecError when it is not that."""
    if body[:1] == _ESCAPED:
        return msgspec.convert(_walk(msgspec.msgpack.decode(body[1:]), _restore), kind, builtin_types=(bytes,))
    return msgspec.msgpack.decode(body, type=kind)


def _escape(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        return _MARK + text.encode("utf-8", "surrogatepass").hex()
    return text


def _restore(text: str) -> str:
    return bytes.fromhex(text[1:]).decode("utf-8", "surrogatepass") if text.startswith(_MARK) else text


def _walk(value: Any, change: Any) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {_walk(key, change): _walk(found, change) for key, found in value.items()}
    if isinstance(value, list | tuple):
        return [_walk(found, change) for found in value]
    return value
