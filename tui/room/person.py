"""Who is asking."""

from __future__ import annotations

import msgspec


class Person(msgspec.Struct, frozen=True):
    """A peer of the room's socket as the kernel names it. ``read_only``: this viewer promised to change nothing."""

    uid: int
    name: str
    groups: tuple[str, ...] = ()
    read_only: bool = False
