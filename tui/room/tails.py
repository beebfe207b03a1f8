"""Following logs for viewers: one look per host and tick reads on for everybody, from each one's own place."""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
from collections.abc import Callable, Hashable, Sequence

from tui.logs._cursor import OVERHEAD, CursorRead, fragment, read
from tui.model.failure import ReachError
from tui.model.message import msg
from tui.model.plan import Refused
from tui.model.reach import Reach
from tui.model.site import Fleet, LogSource, Site
from tui.model.sweep import Answer, Ask
from tui.room.stream import LIMIT, Stream
from tui.wire.messages import LogBatch

BUSY, IDLE = 0.3, 1.0
"""Seconds between looks: right after something came, and when all is quiet."""

_BACKOFF = (1.0, 2.0, 5.0)  # seconds to wait after a look that failed
_TIMEOUT = 15.0

log = logging.getLogger(__name__)

Emit = Callable[[LogBatch], None]


class Tail:
    """One viewer's wish: streams on one or more hosts, and where the records go."""

    def __init__(self, number: int, emit: Emit, streams: Sequence[Stream]) -> None:
        self.number = number
        self.emit = emit
        self.left = set(streams)

    def send(self, streams: Sequence[Stream], done: Sequence[Stream] = ()) -> None:
        """What these streams have read since, in order of time."""
        self.left.difference_update(done)
        dated = sorted((item for stream in streams for item in stream.taken()), key=lambda item: item[0])
        notes = tuple(note for stream in streams for note in stream.told())
        if dated or notes or not self.left:
            self.emit(LogBatch(self.number, tuple(record for _, record in dated), notes=notes, done=not self.left))


class Tails:
    """All tails of the room. ``start`` begins one at once; its records arrive through ``emit``, which must not block."""

    def __init__(self, fleet: Callable[[], Fleet], reach: Reach) -> None:
        self._fleet = fleet
        self._reach = reach
        self._numbers = itertools.count(1)
        self._tails: dict[int, Tail] = {}
        self._hosts: dict[Hashable, _Host] = {}

    def start(self, sites: Sequence[str], sources: Sequence[str], lines: int, since: float | None, follow: bool, emit: Emit) -> int:
        """Give the number of a new tail. Raises Refused for a site or source that does not exist or has no log."""
        chosen = [(site, source) for site in self._sites(sites) for source in _sources(site, sources)]
        if not chosen:
            raise Refused(msg("no log is named for {sites}", sites=", ".join(sites)), msg("add [[sites.ID.log]] with format and path"))
        streams = [Stream(site, source, lines, since, follow) for site, source in chosen]
        tail = Tail(next(self._numbers), emit, streams)
        self._tails = {number: old for number, old in self._tails.items() if old.left}
        self._tails[tail.number] = tail
        for stream in streams:
            key = stream.site.ssh
            host = self._hosts.get(key)
            if host is None or host.over:
                host = self._hosts[key] = _Host(self._reach, stream.site)
            host.add(tail, stream)
        return tail.number

    def stop(self, tail: int) -> None:
        """No more records after this. A number that is none is ignored: the tail has ended by itself."""
        found = self._tails.pop(tail, None)
        if found is not None:
            for host in self._hosts.values():
                host.drop(found)

    async def close(self) -> None:
        """End all of them."""
        for host in self._hosts.values():
            host.task.cancel()
        await asyncio.gather(*(host.task for host in self._hosts.values()), return_exceptions=True)
        self._tails.clear()
        self._hosts.clear()

    def _sites(self, sites: Sequence[str]) -> list[Site]:
        fleet = self._fleet()
        missing = [site for site in sites if site not in fleet.sites]
        if missing:
            raise Refused(msg("there is no site {site}", site=missing[0]), msg("see `storewatch status` for the names"))
        return [fleet.sites[site] for site in dict.fromkeys(sites)]


def _sources(site: Site, wanted: Sequence[str]) -> list[LogSource]:
    """Those asked for by name, or all."""
    found = [source for source in site.logs if not wanted or source.name in wanted]
    if not found and wanted and site.logs:
        known = ", ".join(source.name for source in site.logs)
        raise Refused(msg("{site} has no log {name}", site=site.name, name=", ".join(wanted)), msg("there are: {known}", known=known))
    return found


class _Host:
    """Looks for every stream of one host in one sweep; ends by itself when it has none."""

    def __init__(self, reach: Reach, site: Site) -> None:
        self._reach = reach
        self._site = site
        self._streams: dict[Stream, Tail] = {}
        self._more = asyncio.Event()
        self._failures = 0
        self.over = False
        self.task: asyncio.Task[None] = asyncio.get_running_loop().create_task(self._run())
        self.task.add_done_callback(self._ended)

    def add(self, tail: Tail, stream: Stream) -> None:
        self._streams[stream] = tail
        self._more.set()

    def drop(self, tail: Tail) -> None:
        self._streams = {stream: owner for stream, owner in self._streams.items() if owner is not tail}

    async def _run(self) -> None:
        pause = BUSY
        while self._streams:
            self._more.clear()
            busy = await self._tick()
            if busy is None:
                continue
            pause = BUSY if busy else min(IDLE, pause * 1.3)
            await self._rest(pause)
        self.over = True

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A fault of ours ends the tails that are left, and tells them."""
        self.over = True
        if task.cancelled() or (fault := task.exception()) is None:
            return
        log.error("tails of %s ended by a fault", self._site.id, exc_info=fault)
        for stream in self._streams:
            stream.fault(type(fault).__name__)
        self._send(list(self._streams), list(self._streams))

    async def _rest(self, seconds: float) -> None:
        """Wait, unless a new stream comes."""
        try:
            async with asyncio.timeout(seconds):
                await self._more.wait()
        except TimeoutError:
            return

    async def _tick(self) -> bool | None:
        """One look. Whether something came; None when there is more to read at once."""
        streams = list(self._streams)
        asks: dict[Hashable, Ask] = {}
        for stream in streams:  # viewers that have read equally far are answered by one read
            if stream.place not in asks:
                asks[stream.place] = Ask(fragment(*stream.place), every=0, timeout=_TIMEOUT, limit=LIMIT + OVERHEAD)
        try:
            shell = self._reach.shell(self._site)
            offset = (await shell.facts()).offset
            answers = dict(zip(asks, await shell.sweep(list(asks.values())), strict=True))
        except ReachError as error:
            await self._lost(streams, error)
            return False
        for stream in streams:
            stream.back()
        self._failures = 0
        return self._deal(streams, answers, offset)

    def _deal(self, streams: list[Stream], answers: dict[Hashable, Answer], offset: int) -> bool | None:
        found: dict[Hashable, CursorRead | ValueError] = {place: _taken_apart(answer) for place, answer in answers.items()}
        busy = more = False
        done = []
        for stream in streams:
            got = stream.feed(found[stream.place], offset)
            busy, more = busy or got.some, more or got.more
            if got.end:
                done.append(stream)
        self._send(streams, done)
        return None if more else busy

    def _send(self, streams: list[Stream], done: list[Stream]) -> None:
        for tail in dict.fromkeys(self._streams[stream] for stream in streams if stream in self._streams):
            own = [stream for stream in streams if self._streams.get(stream) is tail]
            tail.send(own, [stream for stream in own if stream in done])
        for stream in done:
            self._streams.pop(stream, None)

    async def _lost(self, streams: list[Stream], error: ReachError) -> None:
        """Say once that the host is away; a tail that does not follow ends with that."""
        for stream in streams:
            stream.lost(error.failure.message)
        self._send(streams, [stream for stream in streams if not stream.follow])
        pause = _BACKOFF[min(self._failures, len(_BACKOFF) - 1)]
        self._failures += 1
        if self._streams:
            await self._rest(pause * random.uniform(0.8, 1.2))  # noqa: S311 - spreads retries, guards nothing


def _taken_apart(answer: Answer) -> CursorRead | ValueError:
    try:
        return read(answer.out) if answer.complete else ValueError("the answer did not come in time")
    except ValueError as error:
        return error
