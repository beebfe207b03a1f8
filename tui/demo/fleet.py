"""The embedded fleet, brought up and taken down."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import resource
import shutil
import ssl
import sys
from pathlib import Path

import asyncssh
import tomli_w

from tui.demo import leftovers, story
from tui.demo.certs import Authority
from tui.demo.disk import Disk
from tui.demo.host import Host
from tui.demo.names import PER_HOST, cast
from tui.demo.shop import Shop

CERTIFICATE_DAYS = 200
ENDING_DAYS = 9
EVERY = {"errors": 5.0, "deploys": 10.0, "host": 15.0, "backups": 60.0, "plugins": 120.0}
"""Seconds between looks: more often than on real stores, since a demo is watched for minutes, not for days."""
INTERVAL = 5.0
QUICKEST = 2.0
_THIS_MACHINE = {
    "cpu_warn": 101,
    "cpu_crit": 100,
    "cpu_for": "1d",
    "steal_warn": 100,
    "load_warn": 100,
    "memory_warn": 99,
    "memory_crit": 100,
    "disk_warn": 99,
    "disk_crit": 100,
}
"""All demo hosts are the machine of whoever tries the demo: how busy it is would drown the story."""


class DemoFleet:
    """``stores`` real little stores below one temporary folder, made at once and open to its owner alone (mode 0700). ``sites``: the path
    of their sites.toml once started. ``pace`` stretches the story and the times between looks: 0.1 is ten times as fast."""

    def __init__(self, stores: int = 12, seed: int = 1, *, calm: bool = False, storm: bool = False, pace: float = 1.0) -> None:
        self.parts = cast(stores, seed, calm, git=shutil.which("git") is not None)
        self.folder, self._lock = leftovers.make_folder()
        self.sites = self.folder / "sites.toml"
        self.shops: list[Shop] = []
        self._hosts: list[Host] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._dice = random.Random(seed)  # noqa: S311 - a story, not a secret
        self._calm, self._storm, self._pace = calm, storm, pace

    async def start(self) -> None:
        """Lay the disks, listen, write sites.toml and let the story begin. Raises OSError when the folder cannot be written."""
        _allow_many_sockets()
        authority = Authority(self.folder / "tls")
        client = asyncssh.generate_private_key("ssh-ed25519")
        client.write_private_key(self.folder / "id_ed25519")
        (self.folder / "id_ed25519").chmod(0o600)
        for number in range(-(-len(self.parts) // PER_HOST)):
            host = Host(self._host_root(number), client)
            await host.start()
            self._hosts.append(host)
        for part in self.parts:
            disk = Disk(self._host_root(part.host), part)
            await asyncio.to_thread(disk.lay, self._dice)
            context = (
                _server_tls(authority, part.id, ENDING_DAYS if part.fault == "certificate" else CERTIFICATE_DAYS) if part.tls else None
            )
            shop = Shop(disk, context, random.Random(self._dice.random()))  # noqa: S311
            await shop.start()
            self.shops.append(shop)
        (self.folder / "known_hosts").write_text("".join(host.known_hosts_line() for host in self._hosts))
        self.sites.write_text(tomli_w.dumps(self._table()))
        turns = [story.shoppers(self.shops, self._dice), story.grumble(self.shops, self._dice)]
        if not self._calm:
            turns.append(story.faults(self.shops, self._dice, self._pace))
        if self._storm:
            turns.append(story.storm(self.shops, self._dice))
        self._tasks = [asyncio.ensure_future(turn) for turn in turns]

    async def stop(self) -> None:
        """Stop listening and remove the folder."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for shop in self.shops:
            shop.close()
        for host in self._hosts:
            host.close()
        await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)
        os.close(self._lock)

    def _host_root(self, number: int) -> Path:
        root = self.folder / f"web{number + 1}"
        if not root.exists():
            (root / "bin").mkdir(parents=True)
            tool = root / "bin" / "wp"
            script = Path(__file__).with_name("wp.py")
            tool.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "{script}" "$@"\n')
            tool.chmod(0o755)
        return root

    def _table(self) -> dict[str, object]:
        room = {"name": "demo", "demo": True, "state": str(self.folder / "state"), "timezone": "UTC"}
        ssh = {"user": "demo", "key": str(self.folder / "id_ed25519"), "known_hosts": str(self.folder / "known_hosts"), "config": "none"}
        probes = {name: {"every": self._seconds(seconds), **(_THIS_MACHINE if name == "host" else {})} for name, seconds in EVERY.items()}
        common = {"interval": self._seconds(INTERVAL), "production": False, "platform": "woocommerce"}
        defaults = {**common, "ssh": ssh, "probes": probes}
        return {"room": room, "defaults": defaults, "sites": {shop.disk.part.id: self._site(shop) for shop in self.shops}}

    def _seconds(self, seconds: float) -> str:
        return f"{max(QUICKEST, seconds * self._pace):.0f}s"

    def _site(self, shop: Shop) -> dict[str, object]:
        disk, part = shop.disk, shop.disk.part
        host = self._hosts[part.host]
        layout = {"layout": "git", "path": str(disk.current)} if part.git else {"layout": "capistrano", "path": str(disk.deploy)}
        http = {"connect": f"127.0.0.1:{shop.port}", "ca": str(self.folder / "tls" / "ca.pem")}
        return {
            "name": part.name,
            "url": shop.url,
            "root": str(disk.current),
            "http": http,
            "ssh": {"host": "127.0.0.1", "port": host.port},
            "deploy": layout,
            "backup": {"vault": "dump", "path": str(disk.backups / "*.sql.gz"), "full": "2d"},
            "log": [
                {"name": "nginx", "format": "nginx-error", "path": str(disk.errors)},
                {"name": "debug", "format": "php-error", "path": str(disk.debug)},
            ],
        }


def _server_tls(authority: Authority, name: str, days: int) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue(f"{name}.example", days))
    return context


def _allow_many_sockets() -> None:
    """A thousand stores are a thousand listening sockets: more than many shells allow at first."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
