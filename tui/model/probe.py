"""What a probe is: functions and a catalogue entry, no base class."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from tui.model.catalogue import ProbeInfo
from tui.model.message import Message
from tui.model.reach import Reach
from tui.model.reading import Reading
from tui.model.site import Site
from tui.model.sweep import Answer, Ask


def always(_site: Site) -> Message | None:
    return None


class SweepProbe(msgspec.Struct, frozen=True, kw_only=True):
    """Looks over SSH: two pure functions around one round trip.

    ``absent(site)`` says why this site has no such reading (a key that is missing in sites.toml), None when it has.
    ``ask(site, last)`` gives the fragment; ``read(site, answer, last)`` the reading. ``last`` is the previous reading with its
    ``carry``, also after a restart. ``read`` is never given an answer that did not arrive: the schedule makes those UNKNOWN.
    """

    info: ProbeInfo
    ask: Callable[[Site, Reading | None], Ask]
    read: Callable[[Site, Answer, Reading | None], Reading]
    absent: Callable[[Site], Message | None] = always
    settings: type[Any] | None = None


class WebProbe(msgspec.Struct, frozen=True, kw_only=True):
    """Looks over HTTP (or SQL): ``probe(site, reach, last)``; ``every(site)`` is its interval in seconds."""

    info: ProbeInfo
    every: Callable[[Site], float]
    probe: Callable[[Site, Reach, Reading | None], Awaitable[Reading]]
    absent: Callable[[Site], Message | None] = always
    settings: type[Any] | None = None
    timeout: float = 30.0


Probe = SweepProbe | WebProbe
