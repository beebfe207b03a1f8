"""One probe of one site, as the schedule keeps it."""

from __future__ import annotations

import math

from tui.model.probe import Probe
from tui.model.site import Site
from tui.room.confirm import AGAIN, Doubt


class Watch:
    """``due``: seconds of the loop's clock. ``every``: seconds between looks (0 before the first). ``again``: asked for while a look was
    under way, which may have begun before what the asker wants to see. ``heavy``: as the last ask said, None before the first.
    ``unreached``: the last look did not get through to the host. ``phase`` (0 to 1): its place in the interval, so that sites spread."""

    __slots__ = ("again", "dead", "doubt", "due", "every", "heavy", "looked", "phase", "probe", "running", "site", "soon", "unreached")

    def __init__(self, site: Site, probe: Probe, phase: float = 0.0) -> None:
        self.site = site
        self.probe = probe
        self.phase = phase
        self.due = math.inf
        self.every = 0.0
        self.doubt = Doubt()
        self.running = self.again = self.dead = self.soon = self.unreached = self.looked = False
        self.heavy: bool | None = None

    @property
    def needed(self) -> int:
        """CRITs in a row that are believed."""
        return self.probe.info.confirm

    def next_due(self, base: float, now: float) -> float:
        """When to look again after the look that was planned for ``base`` and has ended ``now``: on the grid of ``base``, so that lateness
        does not add up; skipping what was missed; at once where it was asked for or must be confirmed."""
        if self.again:
            return now
        if self.soon:
            return now + min(AGAIN, self.every)
        due = base + self.every
        if due <= now:
            due += math.ceil((now - due) / self.every + 1e-9) * self.every
        return due
