"""What the probes over SSH share: a garbled answer as a reading, and the worst of several findings."""

from __future__ import annotations

import math

import msgspec

from tui.model.failure import Failure
from tui.model.level import Level
from tui.model.message import Message, msg
from tui.model.reading import Reading, unknown
from tui.model.sweep import Answer
from tui.model.text import one_line


class Finding(msgspec.Struct, frozen=True):
    """One thing that is not as it should be."""

    level: Level
    message: Message


def worst(findings: list[Finding], good: Message) -> tuple[Level, Message]:
    """Level and words of the worst finding (the first of equals); OK and ``good`` when there is none."""
    top = max(findings, key=lambda finding: finding.level.rank, default=None)
    return (Level.OK, good) if top is None else (top.level, top.message)


def garbled(probe: str, site: str, answer: Answer, every: float, error: str, last: Reading | None) -> Reading:
    """UNKNOWN: something came back, but not what was asked for. Keeps ``carry``, so that nothing is lost by it."""
    words = "the host's answer is cut short" if answer.cut or not answer.complete else "the host's answer cannot be read: {error}"
    failure = Failure(
        step="parse",
        kind="garbled",
        message=msg(words, error=one_line(error, 120)),
        remedy=msg("run storewatch check; a login shell that prints or replaces commands is a common cause"),
    )
    return unknown(probe, site, answer.at, failure, took=answer.took, every=every, carry={} if last is None else last.carry)


def number(value: object, low: float = -math.inf) -> float | None:
    """``value`` as a finite number not below ``low``, else None: what comes back from history or a host may be anything."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < low:
        return None
    return float(value)
