"""From what a probe returned, or why it did not, to the reading that is kept. Pure."""

from __future__ import annotations

import msgspec

from tui.model.failure import Failure
from tui.model.level import Level
from tui.model.message import msg
from tui.model.reading import Reading, Value, unknown

LAST_GOOD = "last_good_at"
"""In ``values`` of an UNKNOWN reading: Unix seconds of the last look that succeeded. Missing when there was none."""


def last_good(last: Reading | None) -> dict[str, Value]:
    """``{LAST_GOOD: at}`` of the last look that succeeded, as ``last`` knows it; empty when none did."""
    if last is None:
        return {}
    if last.level is not Level.UNKNOWN:
        return {LAST_GOOD: last.at}
    return {LAST_GOOD: last.values[LAST_GOOD]} if LAST_GOOD in last.values else {}


def settle(reading: Reading, last: Reading | None, *, probe: str, site: str, at: float, took: float, every: float) -> Reading:
    """``reading`` with what the schedule knows better: whose it is, when it was taken, how long it took, when the next one comes.

    An UNKNOWN one keeps the previous ``carry`` (else a lost connection would lose the log cursors) and says when the last good look was.
    """
    carry, values = reading.carry, reading.values
    if reading.level is Level.UNKNOWN and last is not None:
        carry = carry or last.carry
        values = {**last_good(last), **values}
    return msgspec.structs.replace(reading, probe=probe, site=site, at=at, took=took, every=every, carry=carry, values=values)


def failed(probe: str, site: str, failure: Failure) -> Reading:
    """The reading of a look that did not come to an end."""
    return unknown(probe, site, 0.0, failure)


def bug(what: str, error: BaseException) -> Failure:
    """A fault of this program: the log has the traceback, the screen only the kind of it."""
    message = msg("the {probe} probe failed within: {error}", probe=what, error=type(error).__name__)
    return Failure("probe", "bug", message, msg("the room's log has the details; please report them"))


def cut(seconds: float) -> Failure:
    """The answer of a fragment did not arrive whole."""
    remedy = msg("the host may be overloaded or the connection was cut; it is looked at again by itself")
    return Failure("command", "cut", msg("no whole answer within {seconds:g} s", seconds=seconds), remedy)


def late(seconds: float) -> Failure:
    """A look that took longer than it may."""
    remedy = msg("it is looked at again by itself; if this lasts, look at the load of the host and of this machine")
    return Failure("probe", "timeout", msg("no answer within {seconds:g} s", seconds=seconds), remedy)
