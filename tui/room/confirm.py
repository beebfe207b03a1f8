"""A CRIT that is not believed at once, and one that comes and goes and must not hide behind that."""

from __future__ import annotations

import msgspec

from tui.model.level import Level
from tui.model.message import Message
from tui.model.reading import Reading

AGAIN = 1.0
"""Seconds to the look that confirms or takes back a first CRIT."""
LOOKS = 12
"""How many looks are remembered to tell a flapping shop."""
FLAPS = 3
"""So many separate failures within LOOKS looks are believed at once: each alone would never be confirmed."""
DOUBT = "({seen} of {needed}) "
"""Put before the summary of a CRIT that is not confirmed yet; its arguments go with the summary's own."""
FLAPPING = "(failed {failures} times in {looks} looks) "
"""Put before the summary of a look that found all well between two failures."""


class Doubt(msgspec.Struct, frozen=True):
    """What one probe of one site did lately. ``row``: CRITs in a row; ``looks``: the last LOOKS known looks, "x" for CRIT, "." else.
    An UNKNOWN neither confirms nor clears: we did not look."""

    row: int = 0
    looks: str = ""

    @property
    def failures(self) -> int:
        """Separate failures within the remembered looks."""
        return sum(1 for part in self.looks.split(".") if part)


def resume(last: Reading | None, needed: int) -> Doubt:
    """The state after a restart: a CRIT that was shown is confirmed already."""
    return Doubt(row=needed, looks="x") if last is not None and last.level is Level.CRIT else Doubt()


def judge(doubt: Doubt, reading: Reading, needed: int) -> tuple[Doubt, Reading, bool]:
    """The next state, the reading to show, and whether the next look must come at once.

    With ``needed`` > 1 a CRIT is WARN "(1 of 2) …" until it came ``needed`` times in a row, or until it came and went
    FLAPS times within LOOKS looks; while it does that, a good look in between is WARN too.
    """
    if needed <= 1 or reading.level is Level.UNKNOWN:
        return doubt, reading, False
    failed = reading.level is Level.CRIT
    after = Doubt(row=doubt.row + 1 if failed else 0, looks=(doubt.looks + ("x" if failed else "."))[-LOOKS:])
    flapping = after.failures >= FLAPS
    if not failed:
        if flapping and reading.level is Level.OK:
            return after, _doubted(reading, FLAPPING, failures=after.failures, looks=len(after.looks)), False
        return after, reading, False
    if after.row >= needed or flapping:
        return after, reading, False
    return after, _doubted(reading, DOUBT, seen=after.row, needed=needed), True


def _doubted(reading: Reading, prefix: str, **args: int) -> Reading:
    summary = Message(prefix + reading.summary.id, {**reading.summary.args, **args})
    return msgspec.structs.replace(reading, level=Level.WARN, summary=summary)
