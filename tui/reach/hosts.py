"""All connections: which site shares which."""

from __future__ import annotations

import asyncio

import msgspec

from tui.model.site import SshTarget
from tui.reach import route as routes
from tui.reach.dial import Dialer
from tui.reach.link import Link
from tui.reach.route import Route


class Hosts:
    """One link for each (host, port, user, jump chain, key named in sites.toml); jump hosts are links like any other."""

    def __init__(self, dialer: Dialer) -> None:
        self._dialer = dialer
        self._routes: dict[SshTarget, tuple[int, Route]] = {}
        self._links: dict[tuple[str, ...], Link] = {}

    async def link(self, target: SshTarget) -> Link:
        """The link to ``target``, not yet opened. Raises ReachError when the ssh config cannot be read or the jump hosts make a loop."""
        stamp = routes.stamp(target)
        held = self._routes.get(target)
        if held is None or held[0] != stamp:
            held = self._routes[target] = (stamp, await routes.find(target))
        return self._of(held[1])

    def _of(self, route: Route) -> Link:
        found = self._links.get(route.identity)
        if found is not None:
            found.also(route)
            return found
        tunnel = None
        for index, hop in enumerate(route.through):
            tunnel = self._of(msgspec.structs.replace(hop, through=route.through[:index]))
        link = self._links[route.identity] = Link(route, self._dialer, tunnel)
        return link

    def jumps(self, target: SshTarget) -> tuple[str, ...]:
        """The jump hosts of ``target``, ``user@host:port``; as sites.toml spells them until it was reached for the first time."""
        held = self._routes.get(target)
        return target.jump if held is None else tuple(hop.where.label for hop in held[1].through)

    def open(self) -> list[str]:
        """Hosts with an open connection, ``user@host:port``."""
        return sorted(link.where.label for link in self._links.values() if link.is_open)

    def retry(self, host: str, port: int) -> None:
        """Let hosts that rest after a failure be tried at once, those behind ``host`` too."""
        for link in self._links.values():
            if any(hop.name == host and hop.where.port == port for hop in (link.route, *link.route.through)):
                link.retry()

    async def close(self) -> None:
        """End all connections. Steps that run detached on hosts go on."""
        await asyncio.gather(*(link.close() for link in self._links.values()))
