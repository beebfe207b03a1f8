"""One SSH connection to one host: opened when first wanted, shared by everybody, opened again after it was lost."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import asyncssh
import msgspec

from tui.model.command import HostFacts
from tui.model.failure import Failure, ReachError
from tui.reach import failures, script
from tui.reach.dial import Dialer, Limits
from tui.reach.route import Route
from tui.reach.slots import Slots, Use

Process = asyncssh.SSHClientProcess[bytes]

STEADY = 30.0
"""Seconds a connection must live before its loss counts as the first trouble again."""


class Backoff(msgspec.Struct):
    """When a failed host may be tried again. Loop times in seconds."""

    longest: float
    tries: int = 0
    until: float = 0.0
    failure: Failure | None = None

    def failed(self, failure: Failure, now: float) -> None:
        """Twice as long each time, and never in step with the other hosts."""
        self.tries += 1
        wait = min(self.longest, 2.0 ** min(self.tries - 1, 10))
        self.until = now + wait * random.uniform(0.5, 1.0)  # noqa: S311 - spread, not secrecy
        self.failure = failure

    def clear(self) -> None:
        self.tries, self.until, self.failure = 0, 0.0, None


class Link:
    """``tunnel``: the link of the last jump host, None when we go straight. ``heavy`` is held by the one heavy fragment that runs,
    ``asking`` by who asks for ``facts``, which go with the connection they were asked on. ``opened``: connections so far."""

    def __init__(self, route: Route, dialer: Dialer, tunnel: Link | None = None) -> None:
        self.route = route
        self.where = route.where
        self.slots = Slots()
        self.heavy = asyncio.Lock()
        self.asking = asyncio.Lock()
        self.facts: HostFacts | None = None
        self.opened = 0
        self._dialer = dialer
        self._tunnel = tunnel
        self._connection: asyncssh.SSHClientConnection | None = None
        self._opening: asyncio.Task[asyncssh.SSHClientConnection] | None = None
        self._backoff = Backoff(dialer.limits.longest_wait)
        self._since = 0.0
        self._closed = False

    @property
    def limits(self) -> Limits:
        return self._dialer.limits

    @property
    def is_open(self) -> bool:
        return self._connection is not None and not self._connection.is_closed()

    def also(self, route: Route) -> None:
        """Another site goes the same way: what it brings to get in there counts as well."""
        ours = self.route
        if route.keys != ours.keys or route.known_hosts != ours.known_hosts:
            keys = None if ours.keys is None and route.keys is None else tuple(dict.fromkeys((*(ours.keys or ()), *(route.keys or ()))))
            files = tuple(dict.fromkeys((*ours.known_hosts, *route.known_hosts)))
            self.route = msgspec.structs.replace(ours, keys=keys, known_hosts=files)

    def retry(self) -> None:
        """Forget past failures: something was mended (a key accepted)."""
        self._backoff.clear()
        if self._tunnel is not None:
            self._tunnel.retry()

    async def connection(self, *, urgent: bool = False) -> asyncssh.SSHClientConnection:
        """The open connection. While a failed host rests, raises its last failure at once, unless ``urgent``. Raises ReachError."""
        if self._connection is not None and not self._connection.is_closed():
            return self._connection
        if self._closed:
            raise failures.failed("session", "lost", self.where, detail="closed by us")
        if self._opening is None:
            self._rest_or_go(urgent)
            self._opening = asyncio.create_task(self._open(urgent))
            self._opening.add_done_callback(self._opened)
        return await asyncio.shield(self._opening)

    def _rest_or_go(self, urgent: bool) -> None:
        now = asyncio.get_running_loop().time()
        if self._tunnel is not None and not self._tunnel.is_open:
            self._connection, self.facts = None, None  # whatever we have against this host, the jump host comes first
            return
        if self._connection is not None:
            self._note_loss(now)
        if not urgent and self._backoff.failure is not None and now < self._backoff.until:
            raise failures.waiting(self._backoff.failure, self._backoff.until - now)

    def _note_loss(self, now: float) -> None:
        """A connection that was lost young rests like a failed one, so that one which is cut again and again is not hammered."""
        self._connection, self.facts = None, None
        if now - self._since < STEADY:
            self._backoff.failed(failures.failed("session", "lost", self.where, detail="cut soon after login").failure, now)
        else:
            self._backoff.clear()

    async def _open(self, urgent: bool) -> asyncssh.SSHClientConnection:
        tunnel = None
        try:
            if self._tunnel is not None:
                tunnel = await self._tunnel.connection(urgent=urgent)
        except ReachError as error:
            # Not noted here: the jump host rests by itself, and all behind it go on as soon as it is back.
            raise failures.behind(error.failure, self._tunnel.where if self._tunnel else self.where) from error
        try:
            connection = await self._dialer.connect(self.route, tunnel, self._tunnel.where if self._tunnel else None)
        except ReachError as error:
            self._backoff.failed(error.failure, asyncio.get_running_loop().time())
            raise
        self._connection, self._since = connection, asyncio.get_running_loop().time()
        self.opened += 1
        self.facts = None
        if self._closed:
            connection.abort()
        return connection

    def _opened(self, task: asyncio.Task[asyncssh.SSHClientConnection]) -> None:
        self._opening = None
        if not task.cancelled():
            task.exception()  # seen here: those who wait get it too, and there may be none left

    @asynccontextmanager
    async def shell(self, use: Use, source: bytes) -> AsyncIterator[Process]:
        """A session in which ``sh -s`` reads ``source``; leaving it closes the channel, which ends what runs there. Raises ReachError."""
        async with self.slots.hold(use) as room:
            if not room:
                raise failures.failed("session", "streams", self.where, count=self.slots.used(Use.STREAM))
            process = await self._session(urgent=use is Use.HANDS)
            try:
                with self.told():
                    process.stdin.write(source)
                yield process
            finally:
                await _close(process)

    @contextmanager
    def told(self) -> Iterator[None]:
        """Around reading and writing a session: a broken connection becomes a ReachError. Not around what callers do meanwhile, whose own
        OSErrors are not ours to explain."""
        try:
            yield
        except TimeoutError:
            raise
        except (OSError, asyncssh.Error) as error:
            raise self.lost(error) from error

    def lost(self, error: object = "") -> ReachError:
        """The connection broke under a session."""
        return failures.failed("session", "lost", self.where, detail=str(error) or "closed by the other side")

    async def _session(self, urgent: bool) -> Process:
        """Open a session; one that the host refuses (MaxSessions) is asked for again for a while, as sessions of ours end."""
        give_up = asyncio.get_running_loop().time() + self.limits.session_wait
        pause = 0.05
        while True:
            connection = await self.connection(urgent=urgent)
            try:
                async with asyncio.timeout(self.limits.session_wait + self.limits.login):
                    return await _start(connection)
            except TimeoutError as error:
                raise failures.failed("session", "limit", self.where) from error
            except asyncssh.ChannelOpenError as error:
                # asyncssh says the same when the connection has just died.
                if connection.is_closed():
                    raise self.lost(error.reason) from error
                self.slots.refused()
                if asyncio.get_running_loop().time() > give_up:
                    raise failures.failed("session", "limit", self.where) from error
            except (OSError, asyncssh.Error) as error:
                raise self.lost(error) from error
            await asyncio.sleep(pause)
            pause = min(pause * 2, 0.3)

    async def close(self) -> None:
        """End the connection now."""
        self._closed = True
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.gather(self._opening, return_exceptions=True)
        if self._connection is not None:
            self._connection.abort()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._connection.wait_closed(), 2)


async def _start(connection: asyncssh.SSHClientConnection) -> Process:
    """A session; one that opens after we stopped waiting is closed, else it would count at the host for ever."""
    task = asyncio.ensure_future(connection.create_process(script.COMMAND, encoding=None, request_pty=False))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        task.add_done_callback(_discard)
        raise


def _discard(task: asyncio.Future[Process]) -> None:
    if not task.cancelled() and task.exception() is None:
        task.result().close()


async def _close(process: Process) -> None:
    """Close the channel and wait for the other side to agree, so that the session no longer counts there."""
    process.close()
    with contextlib.suppress(TimeoutError, OSError, asyncssh.Error):
        await asyncio.wait_for(process.wait_closed(), 2)
