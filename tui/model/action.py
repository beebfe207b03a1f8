"""What an action is: functions and a catalogue entry."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from tui.model.catalogue import ActionInfo, Option
from tui.model.command import HostFacts
from tui.model.plan import Plan, Verdict
from tui.model.reach import Reach
from tui.model.reading import Reading
from tui.model.site import Site

Readings = Mapping[str, Reading]
"""The latest readings of one site, by probe id."""


def no_options(_site: Site, _readings: Readings) -> list[Option]:
    return []


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """``choices(site, readings)``: what it may be done to. ``plan(site, readings, choice, host)``: pure; raises Refused.
    ``prove(site, reach, plan)``: looks at the store afterwards. A looking action (``info.changes`` False, such as tail) has neither."""

    info: ActionInfo
    choices: Callable[[Site, Readings], list[Option]] = no_options
    plan: Callable[[Site, Readings, str, HostFacts], Plan] | None = None
    prove: Callable[[Site, Reach, Plan], Awaitable[Verdict]] | None = None
    settings: type[Any] | None = None
