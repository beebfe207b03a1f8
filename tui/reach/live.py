"""The one object the room is handed to reach every store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tui.model.reach import HostKey
from tui.model.site import Site, SshTarget
from tui.reach.dial import Dialer, Limits
from tui.reach.failures import failed
from tui.reach.hands import LiveHands
from tui.reach.hostkeys import KnownHosts
from tui.reach.hosts import Hosts
from tui.reach.resolver import Resolver
from tui.reach.shell import LiveShell
from tui.reach.web import FreshWeb


class LiveReach:
    """``Reach`` and more. ``state``: folder in which accepted host keys are kept (``known_hosts``). ``on_host_key`` is called once for each
    host key that somebody must judge: unknown ones may be accepted, changed ones never here."""

    def __init__(self, state: Path, *, on_host_key: Callable[[HostKey], None] | None = None, limits: Limits | None = None) -> None:
        self._known_hosts = KnownHosts(state / "known_hosts", on_host_key)
        self._resolver = Resolver()
        self._hosts = Hosts(Dialer(self._known_hosts, self._resolver, limits or Limits()))
        self._web = FreshWeb()

    @property
    def web(self) -> FreshWeb:
        return self._web

    def shell(self, site: Site) -> LiveShell:
        """The looking side of the site's host. Raises ReachError (config, no-ssh) when it has none."""
        return LiveShell(self._hosts, _target(site))

    def hands(self, site: Site) -> LiveHands:
        """The writing side of the site's host. Raises ReachError (config, no-ssh) when it has none."""
        return LiveHands(self._hosts, _target(site))

    async def accept(self, host: str, port: int, fingerprint: str) -> None:
        """Trust a host key that was told as unknown, from now on; hosts that rest because of it are tried at once. Raises ReachError when
        that key was not seen here, or another is known by now."""
        self._known_hosts.accept(host, port, fingerprint)
        self._hosts.retry(host, port)

    def jumps(self, site: Site) -> tuple[str, ...]:
        """The jump hosts of a site in order, ``user@host:port`` (before the first connection as sites.toml spells them)."""
        return () if site.ssh is None else self._hosts.jumps(site.ssh)

    def hosts(self) -> list[str]:
        """Hosts with an open connection, ``user@host:port``."""
        return self._hosts.open()

    async def close(self) -> None:
        """End every connection. Steps that run detached on hosts go on."""
        await self._hosts.close()
        await self._resolver.close()
        await self._web.close()


def _target(site: Site) -> SshTarget:
    if site.ssh is None:
        raise failed("config", "no-ssh", site=site.id)
    return site.ssh
