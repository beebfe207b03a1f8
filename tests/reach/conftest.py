"""Hosts to reach: asyncssh servers in the test process and real sshd."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from tests.support import sshd as real_sshd
from tests.support.ssh_server import SshServer, serve
from tests.support.sshd import Sshd
from tui.model.message import msg
from tui.model.plan import Plan, Step
from tui.model.reach import HostKey
from tui.model.site import Site, SshTarget
from tui.reach.dial import Limits
from tui.reach.live import LiveReach

QUICK = Limits(connect=0.5, login=0.6, keepalive=0.2, keepalive_count=2, longest_wait=0.2, session_wait=0.5, hands_patience=10.0)
"""Short times for tests that wait for them to pass."""


def site(target: SshTarget | None, name: str = "eu") -> Site:
    return Site(name, name, ssh=target)


def plan(*argv: str) -> Plan:
    return Plan(action="test", site="eu", title=msg("test"), steps=(Step(argv, msg("why")),))


async def until(true: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait for something that happens outside of our event loop (a process that ends)."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.02)


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Tools:
    """What tests share, without importing a conftest."""

    site, plan, until, alive, QUICK = staticmethod(site), staticmethod(plan), staticmethod(until), staticmethod(alive), QUICK


@pytest.fixture
def tools() -> Tools:
    return Tools()


@pytest.fixture(autouse=True)
def no_keys_of_my_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "me").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[SshServer]:
    started = await serve(tmp_path / "host")
    yield started
    await started.close()


@pytest.fixture
async def jump(tmp_path: Path) -> AsyncIterator[SshServer]:
    started = await serve(tmp_path / "jump", user="hop")
    yield started
    await started.close()


class Maker:
    """Makes LiveReach objects that are closed afterwards; ``asked`` are the host keys they asked about."""

    def __init__(self, state: Path) -> None:
        self.state, self.made, self.asked = state, list[LiveReach](), list[HostKey]()

    def __call__(self, limits: Limits | None = None) -> LiveReach:
        self.made.append(LiveReach(self.state, on_host_key=self.asked.append, limits=limits))
        return self.made[-1]


@pytest.fixture
async def make_reach(tmp_path: Path) -> AsyncIterator[Maker]:
    maker = Maker(tmp_path / "state")
    yield maker
    for reach in maker.made:
        await reach.close()


@pytest.fixture
def reach(make_reach: Maker) -> LiveReach:
    return make_reach()


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Callable[..., Sshd]]:
    """Starts real sshd: ``sshd(address, more config)``."""
    reason = real_sshd.why_not()
    if reason:
        assert not os.environ.get("CI"), reason
        pytest.skip(reason)
    started: list[Sshd] = []

    def start(address: str = "127.77.9.1", more: str = "") -> Sshd:
        started.append(Sshd(tmp_path / f"sshd{len(started)}", address, more))
        started[-1].start()
        return started[-1]

    yield start
    for daemon in started:
        daemon.stop()
