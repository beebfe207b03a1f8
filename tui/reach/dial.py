"""Logging in: name, TCP (or the jump host), host key, key. Every way it fails is told apart."""

from __future__ import annotations

import asyncio
import socket
from collections import defaultdict
from typing import Any

import asyncssh
import msgspec
from asyncssh import public_key

from tui.reach import failures
from tui.reach.failures import Where
from tui.reach.hostkeys import Known, KnownHosts
from tui.reach.resolver import ResolveError, Resolver
from tui.reach.route import Route, config_files, usable_keys

HEAD_START = 1.0
"""Seconds for which a host that has not even answered TCP may keep others from logging in through the same jump host."""


class Limits(msgspec.Struct, frozen=True):
    """Seconds, and logins at a time through one jump host (sshd starts to drop logins at ten, MaxStartups)."""

    connect: float = 10.0
    login: float = 10.0
    keepalive: float = 5.0
    keepalive_count: int = 3
    logins: int = 5
    longest_wait: float = 60.0
    session_wait: float = 10.0
    hands_patience: float = 60.0


class Dialer:
    """Opens connections; shared by all links, because limits on logins span hosts."""

    def __init__(self, known_hosts: KnownHosts, resolver: Resolver, limits: Limits) -> None:
        self.limits = limits
        self._known_hosts = known_hosts
        self._resolver = resolver
        self._gates: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(limits.logins))

    async def connect(self, route: Route, tunnel: asyncssh.SSHClientConnection | None, jump: Where | None) -> asyncssh.SSHClientConnection:
        """Log in. Raises ReachError."""
        keys = await asyncio.to_thread(usable_keys, route)
        known = self._known_hosts.known(route.name, route.where.port, route.known_hosts)
        visitor = _Visitor()
        gate = self._gates[jump.label if jump else f"{route.where.host}:{route.where.port}"]
        await gate.acquire()
        ticket = _Ticket(gate)
        timer = asyncio.get_running_loop().call_later(HEAD_START, ticket.give_back_unless, visitor)
        try:
            return await self._login(route, tunnel, visitor, known, keys)
        finally:
            timer.cancel()
            ticket.give_back()

    async def _login(
        self, route: Route, tunnel: asyncssh.SSHClientConnection | None, visitor: _Visitor, known: Known, keys: list[str] | None
    ) -> asyncssh.SSHClientConnection:
        options = self._options(route, known, keys)
        sock = None
        if tunnel is not None:
            options["tunnel"] = tunnel
        elif route.proxy is None:
            sock = await self._dial(route.where)
        try:
            async with asyncio.timeout(self.limits.connect) as limit:
                visitor.on_arrival = lambda: limit.reschedule(asyncio.get_running_loop().time() + self.limits.login)
                return await asyncssh.connect(route.asked, client_factory=lambda: visitor, sock=sock, **options)
        except asyncssh.HostKeyNotVerifiable as error:
            raise self._known_hosts.judge(visitor.key, known, route.where, route.name) from error
        except asyncssh.ConfigParseError as error:
            raise failures.failed("config", "ssh-config", route.where, detail=str(error)) from error
        except asyncssh.ChannelOpenError as error:
            raise failures.of_forward(error, route.where, self.limits.connect) from error
        except (OSError, asyncssh.Error, ValueError) as error:
            if not visitor.arrived:
                raise failures.of_dial(error, route.where, self.limits.connect) from error
            raise failures.of_login(error, route.where, spoke=visitor.spoke, seconds=self.limits.login) from error
        finally:
            if sock is not None and not visitor.arrived:
                sock.close()

    def _options(self, route: Route, known: Known, keys: list[str] | None) -> dict[str, Any]:
        limits = self.limits
        options: dict[str, Any] = {
            "port": route.where.port, "username": route.where.user, "config": config_files(route.config), "tunnel": None,
            "known_hosts": known.match, "keepalive_interval": limits.keepalive, "keepalive_count_max": limits.keepalive_count,
            "login_timeout": limits.login + 1, "connect_timeout": None, "password_auth": False, "kbdint_auth": False,
            "agent_forwarding": False, "x11_forwarding": False, "encoding": None,
        }  # fmt: skip
        # Certificates are asked for only where we know an authority; else a host that has one would show it instead of its key.
        certificates = public_key.get_default_certificate_algs() if known.authorities else []
        plain = map(bytes.decode, public_key.get_default_public_key_algs())
        options["server_host_key_algs"] = list(dict.fromkeys((*map(bytes.decode, certificates), *known.algorithms, *plain)))
        if keys is not None:
            options["client_keys"] = keys
        return options

    async def _dial(self, where: Where) -> socket.socket:
        """A TCP connection to the first address that takes one."""
        try:
            async with asyncio.timeout(self.limits.connect):
                addresses = await self._resolver.resolve(where.host)
        except ResolveError as error:
            raise failures.failed("dns", error.failure.kind, where, detail=error.failure.message.say()) from error
        except TimeoutError as error:
            raise failures.failed("dns", "no-answer", where, detail="") from error
        try:
            async with asyncio.timeout(self.limits.connect):
                return await _first(addresses, where.port)
        except OSError as error:
            raise failures.of_dial(error, where, self.limits.connect) from error


class _Ticket:
    """A place in a gate that is given back once, however often one tries."""

    def __init__(self, gate: asyncio.Semaphore) -> None:
        self._gate: asyncio.Semaphore | None = gate

    def give_back_unless(self, visitor: _Visitor) -> None:
        """The host has not answered in its head start: let others go on."""
        if not visitor.arrived:
            self.give_back()

    def give_back(self) -> None:
        gate, self._gate = self._gate, None
        if gate is not None:
            gate.release()


class _Visitor(asyncssh.SSHClient):
    """Sees how far a login came."""

    def __init__(self) -> None:
        self.arrived = False
        self.on_arrival: Any = None
        self.key: asyncssh.SSHKey | None = None
        self._connection: asyncssh.SSHClientConnection | None = None

    @property
    def spoke(self) -> bool:
        return self._connection is not None and bool(self._connection.get_extra_info("server_version"))

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        self._connection = conn
        self.arrived = True
        if self.on_arrival is not None:
            self.on_arrival()

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:  # noqa: ARG002 - asyncssh's signature
        self.key = key
        return False


async def _first(addresses: list[tuple[int, str]], port: int) -> socket.socket:
    loop = asyncio.get_running_loop()
    last: OSError = OSError("no address")
    for family, address in addresses:
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setblocking(False)
        try:
            await loop.sock_connect(sock, (address, port))
        except OSError as error:
            last = error
            sock.close()
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise last
