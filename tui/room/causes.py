"""One outage is told once: a jump host or a host that is down, with the number of sites behind it."""

from __future__ import annotations

import asyncio
from collections import Counter

from tui.model.failure import Failure
from tui.model.level import Level
from tui.model.message import Message, msg
from tui.room.notices import Notices
from tui.wire.messages import Notice

SETTLE = 0.3
"""Seconds in which the sites behind one cause gather before the notice is posted or changed."""


class Causes:
    """Which sites cannot be looked at over SSH, by the shared cause; posts one notice a cause and takes it back."""

    def __init__(self, notices: Notices) -> None:
        self._notices = notices
        self._by_site: dict[str, str] = {}
        self._failures: dict[str, Failure] = {}
        self._posted: set[str] = set()
        self._handle: asyncio.TimerHandle | None = None

    def failed(self, site: str, failure: Failure) -> None:
        """``site`` cannot be looked at because of ``failure``."""
        if failure.cause:
            self._failures[failure.cause] = failure
            if self._by_site.get(site) != failure.cause:
                self._by_site[site] = failure.cause
                self._soon()

    def reached(self, site: str) -> None:
        """``site`` was looked at over SSH, or is gone."""
        if self._by_site.pop(site, None) is not None:
            self._soon()

    def stop(self) -> None:
        """Post nothing more."""
        if self._handle is not None:
            self._handle.cancel()

    def _soon(self) -> None:
        if self._handle is None:
            self._handle = asyncio.get_running_loop().call_later(SETTLE, self._tell)

    def _tell(self) -> None:
        self._handle = None
        counts = Counter(self._by_site.values())
        for cause in self._posted - {cause for cause, sites in counts.items() if _worth(cause, sites)}:
            self._notices.clear(cause)
            self._posted.discard(cause)
        for cause, sites in counts.items():
            if _worth(cause, sites):
                failure = self._failures[cause]
                self._posted.add(cause)
                self._notices.post(Notice(cause, Level.UNKNOWN, _sentence(cause, sites, failure), failure.remedy))
        self._failures = {cause: failure for cause, failure in self._failures.items() if cause in counts}


def _worth(cause: str, sites: int) -> bool:
    """A jump host always; a host only when it takes several sites with it: one site's own reading says it already. The room's own network
    has its notice from the self-test."""
    return cause.startswith("jump:") or (cause.startswith("host:") and sites > 1)


def _sentence(cause: str, sites: int, failure: Failure) -> Message:
    kind, _, name = cause.partition(":")
    what = failure.message.say()
    if kind == "jump":
        return msg("jump host {name}: {what}; {sites} sites cannot be looked at over SSH", name=name, what=what, sites=sites)
    return msg("host {name}: {what}; {sites} sites cannot be looked at over SSH", name=name, what=what, sites=sites)
