"""Who is looked at when. The one place that catches whatever a probe raises: nothing gets past it but readings."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import msgspec

from tui.model.failure import Failure, ReachError
from tui.model.message import Message, msg
from tui.model.probe import Probe, SweepProbe, WebProbe
from tui.model.reach import Reach
from tui.model.reading import Reading
from tui.model.site import Fleet, Site, SshTarget
from tui.model.sweep import Answer, Ask
from tui.room.causes import Causes
from tui.room.clockwork import Clockwork
from tui.room.confirm import judge, resume
from tui.room.history import History
from tui.room.lines import HostLine
from tui.room.memory import Memory
from tui.room.notices import Notices
from tui.room.readings import bug, cut, failed, late, settle
from tui.room.selftest import SelfTest, own_network
from tui.room.watch import Watch
from tui.room.webs import WebLooks

log = logging.getLogger(__name__)
T = TypeVar("T")

SHORTEST = 0.02
"""Seconds between two looks at least, whatever a probe says: it must not spin."""
AFTER_BUG = 60.0
"""Seconds to the next look of a probe that could not even say what to ask."""
FIRST_WEB, FIRST_SSH = 0.01, 0.05
"""Seconds from one site's (host's) first look to the next one's."""
PATIENCE = 90.0
"""Seconds a sweep may take beyond the time limits of its fragments: connecting through jump hosts and reconnecting."""


class Schedule:
    """Looks at every site with every probe, each in its interval, spread so that they do not fire together.

    ``lateness``: seconds between due and begun of the last looks over HTTP; ``sweep_lateness`` of those over SSH, which also wait for the
    sweep before them. ``clock`` gives Unix seconds. Readings already in ``memory`` (from
    before a restart) are the probes' ``last``.
    """

    def __init__(
        self,
        fleet: Fleet,
        probes: Sequence[Probe],
        reach: Reach,
        memory: Memory,
        notices: Notices,
        history: History,
        clock: Callable[[], float] = time.time,
        self_test: SelfTest | None = None,
    ) -> None:
        self._fleet = fleet
        self._probes = tuple(probes)
        self._memory = memory
        self.lateness: deque[float] = deque(maxlen=20_000)
        self.sweep_lateness: deque[float] = deque(maxlen=2_000)
        self.self_test = self_test or SelfTest(notices)
        self._causes = Causes(notices)
        self._looks = GuardedLooks(reach, memory, history, self.self_test, self._causes, clock)
        self._clockwork: Clockwork[Watch | HostLine] = Clockwork(self._fire)
        self._webs = WebLooks(self._looks.web, self._clockwork.at, self.lateness)
        self._lines: dict[SshTarget, HostLine] = {}
        self._watches: dict[str, list[Watch]] = {}
        self._turn = asyncio.Lock()
        self._ending: set[asyncio.Task[None]] = set()
        history.tell(notices.post)

    def start(self) -> None:
        """Begin to look. All first looks of a small fleet begin within two seconds."""
        self.self_test.watch(self._fleet)
        self._enter(list(self._fleet.sites.values()))

    async def stop(self) -> None:
        """End every look under way and begin none."""
        self._clockwork.stop()
        self._causes.stop()
        await asyncio.gather(self._webs.stop(), self.self_test.stop(), *(line.stop() for line in self._lines.values()), *self._ending)

    def probe_now(self, site: str = "", probe: str = "") -> None:
        """Look again at once; a look under way is followed by another. Empty: all. Ids that do not exist are nothing to do."""
        now = asyncio.get_running_loop().time()
        hosts: set[SshTarget] = set()
        for watch in self._watches.get(site, []) if site else [each for found in self._watches.values() for each in found]:
            if probe and watch.probe.info.id != probe:
                continue
            if watch.running:
                watch.again = True
            elif isinstance(watch.probe, WebProbe):
                self._clockwork.at(watch, now)
            else:
                watch.due = now
            if watch.site.ssh is not None and isinstance(watch.probe, SweepProbe):
                hosts.add(watch.site.ssh)
        for host in hosts:
            self._lines[host].hurry(now)

    def replace(self, fleet: Fleet) -> None:
        """Take up a changed fleet: sites that are the same keep their timers and readings, new and changed ones are looked at now."""
        old, self._fleet = self._fleet, fleet
        changed = [site for site in fleet.sites.values() if old.sites.get(site.id) != site]
        gone = [site_id for site_id in old.sites if site_id not in fleet.sites]
        self._leave([*gone, *(site.id for site in changed)])
        self.self_test.watch(fleet)
        self._enter(changed)

    def absent(self, site: Site) -> dict[str, Message]:
        """Probe id -> why this site has no such reading."""
        found = {}
        for probe in self._probes:
            reason = self._looks.absent(site, probe)
            if reason is not None:
                found[probe.info.id] = reason
        return found

    def _fire(self, item: Watch | HostLine, now: float) -> None:
        if isinstance(item, Watch):
            self._webs.fire(item)
        else:
            item.fire(now)

    def _enter(self, sites: list[Site]) -> None:
        now = asyncio.get_running_loop().time()
        hosts = list(dict.fromkeys(site.ssh for site in sites if site.ssh is not None))
        phases = {host: place / len(hosts) for place, host in enumerate(hosts)}
        for place, site in enumerate(sites):
            absent = self.absent(site)
            watches = self._watches[site.id] = []
            for probe in self._probes:
                if probe.info.id in absent:
                    self._memory.drop(site.id, probe.info.id)
                    continue
                phase = place / len(sites) if isinstance(probe, WebProbe) or site.ssh is None else phases[site.ssh]
                watch = Watch(site, probe, phase)
                watch.doubt = resume(self._memory.get(site.id, probe.info.id), probe.info.confirm)
                watches.append(watch)
                if isinstance(probe, WebProbe):
                    self._clockwork.at(watch, now + place * FIRST_WEB + random.uniform(0, FIRST_WEB))  # noqa: S311 - no secret
                elif site.ssh is not None:
                    watch.due = now
                    self._line(site.ssh).watches.append(watch)
        for place, host in enumerate(hosts):
            if host in self._lines:
                self._clockwork.at(self._lines[host], now + place * FIRST_SSH)

    def _line(self, host: SshTarget) -> HostLine:
        line = self._lines.get(host)
        if line is None:
            line = self._lines[host] = HostLine(self._looks, self._clockwork.at, self.sweep_lateness, self._turn)
        return line

    def _leave(self, site_ids: Iterable[str]) -> None:
        for site_id in site_ids:
            self._causes.reached(site_id)
            for watch in self._watches.pop(site_id, []):
                watch.dead = True
        for host, line in list(self._lines.items()):
            line.watches = [watch for watch in line.watches if not watch.dead]
            if not line.watches:
                del self._lines[host]
                line.dead = True
                task = asyncio.ensure_future(line.stop())
                self._ending.add(task)
                task.add_done_callback(self._ending.discard)


class GuardedLooks:
    """Every call into a probe or reach, none of which may raise past here; each ends in a reading that is put."""

    def __init__(
        self, reach: Reach, memory: Memory, history: History, self_test: SelfTest, causes: Causes, clock: Callable[[], float]
    ) -> None:  # fmt: skip
        self._reach = reach
        self._memory = memory
        self._history = history
        self._self_test = self_test
        self._causes = causes
        self._clock = clock

    def absent(self, site: Site, probe: Probe) -> Message | None:
        """Why ``site`` has no such reading, None when it has."""
        if isinstance(probe, SweepProbe) and site.ssh is None:
            return msg("no ssh in sites.toml")
        found = self._safely(probe.info.id, lambda: probe.absent(site))
        return found.message if isinstance(found, Failure) else found

    async def web(self, watch: Watch) -> None:
        """One look over HTTP."""
        probe = watch.probe
        assert isinstance(probe, WebProbe)  # noqa: S101 - the schedule sorted them
        began = time.perf_counter()
        every = self._safely(probe.info.id, lambda: max(SHORTEST, probe.every(watch.site)))
        watch.every = AFTER_BUG if isinstance(every, Failure) else every
        found = every if isinstance(every, Failure) else await self._web(watch, probe)
        reading = self._reading(watch, found)
        if await self._self_test.own_fault(watch.site.id, reading.failure):
            reading = failed(probe.info.id, watch.site.id, own_network())
        self._put(watch, reading, time.perf_counter() - began, watch.every)

    def ask(self, watch: Watch) -> Ask | None:
        """What to ask of the host, None when the probe failed to say (its reading says so)."""
        probe = watch.probe
        assert isinstance(probe, SweepProbe)  # noqa: S101 - the schedule sorted them
        ask = self._safely(probe.info.id, lambda: _sane(probe.ask(watch.site, self._last(watch))))
        if isinstance(ask, Failure):
            watch.every = AFTER_BUG
            self._put(watch, failed(probe.info.id, watch.site.id, ask), 0.0, AFTER_BUG)
            return None
        watch.every = ask.every
        return ask

    async def sweep(self, watch: Watch, asks: Sequence[Ask]) -> list[Answer] | Failure:
        """One round trip to the host of ``watch`` with all ``asks``."""
        limit = PATIENCE + sum(ask.timeout for ask in asks)
        try:
            async with asyncio.timeout(limit):
                answers = await self._reach.shell(watch.site).sweep(asks)
        except ReachError as error:
            return own_network() if self._self_test.down else error.failure
        except TimeoutError:
            return late(limit)
        except Exception as error:  # noqa: BLE001 - the guard of design §6: it becomes a reading
            return self._bug("ssh", error)
        if len(answers) != len(asks):
            return self._bug("ssh", IndexError(f"{len(answers)} answers to {len(asks)} asks"))
        self._self_test.host_answered()
        return answers

    def read(self, watch: Watch, ask: Ask, answer: Answer) -> None:
        """Put the reading of an answer; one that is not whole is UNKNOWN and never read."""
        probe = watch.probe
        assert isinstance(probe, SweepProbe)  # noqa: S101 - the schedule sorted them
        self._causes.reached(watch.site.id)
        found = (
            self._safely(probe.info.id, lambda: probe.read(watch.site, answer, self._last(watch))) if answer.complete else cut(ask.timeout)
        )
        self._put(watch, self._reading(watch, found), answer.took, watch.every)

    def lost(self, watch: Watch, failure: Failure, every: float) -> None:
        """Put the reading of an answer that did not come."""
        self._causes.failed(watch.site.id, failure)
        self._put(watch, failed(watch.probe.info.id, watch.site.id, failure), 0.0, max(every, watch.every))

    def _reading(self, watch: Watch, found: object) -> Reading:
        """What a probe returned, or what became of it."""
        probe, site = watch.probe.info.id, watch.site.id
        if isinstance(found, Reading):
            return found
        return failed(
            probe, site, found if isinstance(found, Failure) else self._bug(probe, TypeError(f"{type(found).__name__} is no reading"))
        )

    def _last(self, watch: Watch) -> Reading | None:
        return self._memory.get(watch.site.id, watch.probe.info.id)

    async def _web(self, watch: Watch, probe: WebProbe) -> Reading | Failure:
        try:
            async with asyncio.timeout(probe.timeout):
                return await probe.probe(watch.site, self._reach, self._last(watch))
        except ReachError as error:
            return error.failure
        except TimeoutError:
            return late(probe.timeout)
        except Exception as error:  # noqa: BLE001 - the guard of design §6: it becomes a reading
            return self._bug(probe.info.id, error)

    def _safely(self, what: str, call: Callable[[], T]) -> T | Failure:
        try:
            return call()
        except ReachError as error:
            return error.failure
        except Exception as error:  # noqa: BLE001 - the guard of design §6: it becomes a reading
            return self._bug(what, error)

    def _bug(self, what: str, error: BaseException) -> Failure:
        log.error("%s failed", what, exc_info=error)
        return bug(what, error)

    def _put(self, watch: Watch, reading: Reading, took: float, every: float) -> None:
        if watch.dead:
            return
        info = watch.probe.info
        whole = settle(
            reading, self._last(watch), probe=info.id, site=watch.site.id, at=self._clock(), took=took, every=every
        )  # fmt: skip
        watch.doubt, shown, watch.soon = judge(watch.doubt, whole, info.confirm)
        self._memory.put(shown)
        self._history.add(shown)


def _sane(ask: Ask) -> Ask:
    """``ask`` with an interval that does not spin. Raises TypeError for what is no ask."""
    return ask if ask.every >= SHORTEST else msgspec.structs.replace(ask, every=SHORTEST)
