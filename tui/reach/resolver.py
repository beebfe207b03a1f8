"""Names to addresses, so that a dead name server stalls only the names it serves."""

from __future__ import annotations

import asyncio
import functools
import socket
import threading
from collections.abc import Callable

import msgspec

from tui.model.failure import Failure
from tui.model.message import msg

Address = tuple[int, str]
"""Address family and numeric address."""
Lookup = Callable[[str], list[Address]]

KEEP = 15.0
"""Seconds an answer is used again: shorter than any check interval that asks for fresh answers, long enough for a retry."""
KEEP_FAILURE = 5.0
SLOW = 2.0
"""Seconds after which a lookup marks its name as slow. glibc gives a name server 5 s a try."""


class ResolveError(Exception):
    """A name without an address. ``failure`` says whether the name does not exist or nobody could be asked."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message.say())
        self.failure = failure


class _Known(msgspec.Struct):
    until: float
    addresses: list[Address] = []
    failure: Failure | None = None


class Resolver:
    """At most ``limit`` names are looked up at a time, of which names that were slow last time may take ``slow_limit``.

    Each lookup runs in a daemon thread of its own: a hung name server then delays neither the default executor
    (getaddrinfo's home in asyncio) nor the end of the program. One name is asked for once however many wait for it.
    """

    def __init__(self, lookup: Lookup | None = None, *, limit: int = 32, slow_limit: int = 8) -> None:
        self._lookup = lookup or system_lookup
        self._any = asyncio.Semaphore(limit)
        self._few = asyncio.Semaphore(slow_limit)
        self._known: dict[str, _Known] = {}
        self._slow: set[str] = set()
        self._flights: dict[str, asyncio.Task[list[Address]]] = {}

    async def resolve(self, host: str) -> list[Address]:
        """Addresses of ``host``, IPv6 and IPv4 taking turns; at least one. Raises ResolveError. Cancelling ends only the waiting."""
        if (literal := numeric(host)) is not None:
            return [literal]
        if (known := self._known.get(host)) is not None and known.until > asyncio.get_running_loop().time():
            if known.failure is not None:
                raise ResolveError(known.failure)
            return known.addresses
        flight = self._flights.get(host)
        if flight is None:
            flight = self._flights[host] = asyncio.create_task(self._fly(host))
            flight.add_done_callback(lambda done: self._landed(host, done))
        return await asyncio.shield(flight)

    async def close(self) -> None:
        """Stop waiting; threads still inside the system's resolver end by themselves."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)

    def _landed(self, host: str, flight: asyncio.Task[list[Address]]) -> None:
        self._flights.pop(host, None)
        if not flight.cancelled():
            flight.exception()  # seen: whoever waited has it, and nobody may be waiting any more

    async def _fly(self, host: str) -> list[Address]:
        gate = self._few if host in self._slow else self._any
        async with gate:
            loop = asyncio.get_running_loop()
            started = loop.time()
            slow = loop.call_later(SLOW, self._slow.add, host)
            try:
                addresses = await _in_thread(self._lookup, host)
            except OSError as error:
                failure = _failure(host, error)
                self._remember(host, _Known(loop.time() + KEEP_FAILURE, failure=failure))
                raise ResolveError(failure) from error
            finally:
                slow.cancel()
                if loop.time() - started < SLOW:
                    self._slow.discard(host)
            self._remember(host, _Known(loop.time() + KEEP, addresses))
            return addresses

    def _remember(self, host: str, known: _Known) -> None:
        if len(self._known) >= 4096:
            self._known.clear()
        self._known[host] = known


@functools.lru_cache(maxsize=4096)
def numeric(host: str) -> Address | None:
    """``host`` as an address when it is one already, an IPv6 zone (``%eth0``) included."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host.partition("%")[0])
        except (OSError, ValueError):
            continue
        return (family, host)
    return None


def system_lookup(host: str) -> list[Address]:
    """What the system's resolver says, families taking turns. Blocks. Raises OSError (socket.gaierror)."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a label of 64 characters fails in the codec, before any server is asked
        raise socket.gaierror(socket.EAI_NONAME, "not a valid name") from error
    six = [(int(family), str(where[0])) for family, _, _, _, where in found if family == socket.AF_INET6]
    four = [(int(family), str(where[0])) for family, _, _, _, where in found if family == socket.AF_INET]
    first, second = (six, four) if found and found[0][0] == socket.AF_INET6 else (four, six)
    turns: list[Address] = []
    for index in range(max(len(first), len(second))):
        turns += first[index : index + 1] + second[index : index + 1]
    if not turns:
        raise socket.gaierror(socket.EAI_NONAME, "no address")
    return turns


async def _in_thread(lookup: Lookup, host: str) -> list[Address]:
    loop = asyncio.get_running_loop()
    done: asyncio.Future[list[Address]] = loop.create_future()

    def settle(addresses: list[Address] | None, error: OSError | None) -> None:
        if done.done():
            return
        if addresses is not None:
            done.set_result(addresses)
        else:
            done.set_exception(error or OSError("no answer"))

    def work() -> None:
        addresses, fault = None, None
        try:
            addresses = lookup(host)
        except OSError as error:
            fault = error
        if not loop.is_closed():
            try:
                loop.call_soon_threadsafe(settle, addresses, fault)
            except RuntimeError:  # the loop closed in between: nobody waits any more
                return

    threading.Thread(target=work, name=f"resolve {host}", daemon=True).start()
    return await done


_ABSENT = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}


def _failure(host: str, error: OSError) -> Failure:
    if error.errno in _ABSENT:
        return Failure(
            "dns",
            "not-found",
            msg("the name {host} has no address", host=host),
            msg("check the url in sites.toml and the domain's DNS records (dig {host})", host=host),
        )
    return Failure(
        "dns",
        "no-answer",
        msg("no name server answered for {host}", host=host),
        msg("check the name servers in /etc/resolv.conf of the room's machine"),
        cause="resolver",
    )
