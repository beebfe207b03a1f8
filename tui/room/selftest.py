"""Is it the stores, or is it us? Asked before many stores are blamed at once."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from tui.model.failure import Failure
from tui.model.level import Level
from tui.model.message import msg
from tui.model.site import Fleet, Site
from tui.room.notices import Notices
from tui.wire.messages import Notice

MANY = 3
"""So many sites (or all, if they are fewer) must fail one after the other, with no success in between, before we doubt ourselves."""
KEEP = 5.0
"""Seconds for which a verdict holds."""
TIMEOUT = 3.0
"""Seconds an address may take to answer."""
NETWORK_STEPS = frozenset({"dns", "connect"})
"""A look that ended here may be our own fault."""
ANSWERED_STEPS = frozenset({"tls", "http", "parse"})
"""A look that ended here was answered: there is a way out."""
CAUSE = "room-network"

Answers = Callable[[str, int], Awaitable[bool]]
_RESOLVER = ThreadPoolExecutor(2, "selftest-dns")  # its own: a dead name server must not hold the threads that write the audit log


async def answers(host: str, port: int) -> bool:
    """Whether a TCP connection to ``host:port`` comes about, or is at least refused by it, within TIMEOUT."""
    try:
        async with asyncio.timeout(TIMEOUT):
            _, writer = await asyncio.open_connection(await _resolved(host), port)
    except ConnectionRefusedError:
        return True  # somebody out there said no: the way is open
    except (OSError, ValueError):
        return False
    writer.close()
    return True


def has_route() -> bool:
    """Whether the kernel knows any way out. Connecting a datagram socket sends nothing; 192.0.2.1 is TEST-NET-1 (RFC 5737)."""
    for family, address in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((address, 9))
                return True
        except OSError:
            continue
    return False


def own_network() -> Failure:
    """The failure that all looks share while our own network is gone."""
    remedy = msg("mend the network of the machine the room runs on; set [room] self_test to addresses that always answer")
    return Failure("connect", CAUSE, msg("the room's own network does not answer"), remedy, CAUSE)


class SelfTest:
    """Hears of every look over HTTP and of every host that answered; ``own_fault`` says whose fault a failed look is."""

    def __init__(
        self,
        notices: Notices,
        answers: Answers = answers,
        has_route: Callable[[], bool] = has_route,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._notices = notices
        self._answers = answers
        self._has_route = has_route
        self._clock = clock
        self._sites: dict[str, Site] = {}
        self._settings: tuple[str, ...] = ()
        self._failing: dict[str, float] = {}
        self._host_answered = float("-inf")
        self._tested = float("-inf")
        self._test: asyncio.Task[bool] | None = None
        self.down = False

    def watch(self, fleet: Fleet) -> None:
        """The fleet whose sites fail or not."""
        self._sites = {site.id: site for site in fleet.sites.values() if site.url}
        self._settings = fleet.room.self_test
        self._failing = {site: at for site, at in self._failing.items() if site in self._sites}

    def host_answered(self) -> None:
        """A host was looked at over SSH: there is a way out."""
        self._host_answered = self._clock()
        self._up()

    async def own_fault(self, site: str, failure: Failure | None) -> bool:
        """Note how a look over HTTP ended. True: it failed because our own network does, so it says nothing of the store."""
        if failure is None or not _on_the_way(failure):
            if failure is None or failure.step in ANSWERED_STEPS:
                self._failing.clear()
                self._up()
            return False
        self._failing.setdefault(site, self._clock())
        if len(self._failing) < min(MANY, len(self._sites)):
            return False
        if self._clock() - self._tested > KEEP:
            await self._tested_now()
        return self.down

    async def stop(self) -> None:
        """End a test under way."""
        if self._test is not None:
            self._test.cancel()
            await asyncio.gather(self._test, return_exceptions=True)

    async def _tested_now(self) -> None:
        """One test serves all looks that fail meanwhile."""
        if self._test is None:
            self._test = asyncio.create_task(self._is_it_us())
        test = self._test
        await asyncio.wait([test])
        if self._test is test:
            self._test = None
            self._tested = self._clock()
            if test.cancelled() or not test.result():
                self._up()
            else:
                self._down()

    def _down(self) -> None:
        self.down = True
        failure = own_network()
        self._notices.post(Notice(CAUSE, Level.UNKNOWN, failure.message, failure.remedy))

    def _up(self) -> None:
        if self.down:
            self.down = False
            self._notices.clear(CAUSE)

    async def _is_it_us(self) -> bool:
        if self._settings:
            return not await self._any(_addresses(self._settings))
        sites = list(self._sites.values())
        if all(_loopback(_web(site)[0]) for site in sites):
            return False
        if not self._has_route():
            return True
        if self._host_answered >= min(self._failing.values(), default=float("inf")):
            return False
        hosts = {hop for site in sites if (hop := _first_hop(site)) is not None}
        if await self._any(hosts):
            return False
        silent = hosts | {_web(self._sites[site]) for site in self._failing if site in self._sites}
        return len(await _machines(host for host, _ in silent)) > 1  # one machine that is silent is a store that is down

    async def _any(self, targets: Iterable[tuple[str, int]]) -> bool:
        return any(await asyncio.gather(*(self._answers(host, port) for host, port in sorted(targets)[:8])))


def _on_the_way(failure: Failure) -> bool:
    """Whether the request did not get as far as the shop's answer."""
    return failure.step in NETWORK_STEPS or failure.kind == "timeout"


def _web(site: Site) -> tuple[str, int]:
    if site.http.connect:
        return _split(site.http.connect, 443)
    url = urlsplit(site.url or "")
    return url.hostname or "", 443 if url.scheme == "https" else 80


def _first_hop(site: Site) -> tuple[str, int] | None:
    if site.ssh is None:
        return None
    if site.ssh.jump:
        return _split(site.ssh.jump[0].rpartition("@")[2], 22)
    return site.ssh.host, site.ssh.port or 22


def _addresses(settings: Iterable[str]) -> list[tuple[str, int]]:
    return [_split(address, 443) for address in settings]


def _split(address: str, port: int) -> tuple[str, int]:
    """``host:port``, ``[v6]:port`` or ``host`` in parts."""
    host, colon, number = address.rpartition(":")
    if colon and number.isdecimal() and (":" not in host or host.startswith("[")):
        return host.strip("[]"), int(number)
    return address.strip("[]"), port


def _loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def _machines(hosts: Iterable[str]) -> set[str]:
    """The addresses behind ``hosts``; a name that does not resolve stands for itself."""
    return set(await asyncio.gather(*(_resolved(host) for host in sorted(set(hosts))[:8])))


async def _resolved(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        async with asyncio.timeout(TIMEOUT):
            found = await asyncio.get_running_loop().run_in_executor(_RESOLVER, socket.getaddrinfo, host, None)
    except (OSError, ValueError):
        return host
    return str(found[0][4][0])
