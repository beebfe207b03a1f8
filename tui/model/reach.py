"""How a store is reached, as protocols: probes and actions see only these."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec

from tui.model.command import Command, HostFacts, Outcome
from tui.model.failure import Failure
from tui.model.plan import Plan
from tui.model.site import Site
from tui.model.sweep import Answer, Ask


class Certificate(msgspec.Struct, frozen=True):
    """A served leaf certificate. ``starts``/``ends``: Unix seconds. ``names``: DNS names and addresses it covers. ``fault``: why
    it does not
    verify for this site (``expired not-yet name untrusted self-signed``), "" when it does."""

    subject: str
    issuer: str
    starts: float
    ends: float
    names: tuple[str, ...] = ()
    fault: str = ""
    sha256: str = ""


class WebCheck(msgspec.Struct, frozen=True):
    """One fresh HTTP(S) request. Phases in seconds, None when it was not reached. ``body`` is bounded raw bytes.
    ``failure`` is None when a whole response came, whatever its status."""

    url: str
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    dns: float | None = None
    connect: float | None = None
    tls: float | None = None
    first_byte: float | None = None
    read: float | None = None
    total: float = 0.0
    address: str = ""
    certificate: Certificate | None = None
    failure: Failure | None = None


class Shell(Protocol):
    """The looking side of one host. Nothing here may change the host."""

    async def facts(self) -> HostFacts:
        """Who we are there and what it has. Raises ReachError."""
        ...

    async def sweep(self, asks: Sequence[Ask]) -> list[Answer]:
        """All fragments in one round trip, each with its own time and output limit, in the order given. Raises ReachError."""
        ...

    async def look(self, command: Command, *, timeout: float = 20.0, limit: int = 1_048_576) -> Outcome:
        """Run words that only look. When ``timeout`` seconds pass, the remote process is ended too. Raises ReachError."""
        ...

    def stream(self, command: Command) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Output as it comes, in chunks; leaving the context ends the remote process. Raises ReachError."""
        ...


class Web(Protocol):
    """Looking at a shop from outside."""

    async def check(self, site: Site, path: str = "", *, timeout: float | None = None, limit: int = 262_144) -> WebCheck:
        """One fresh request to the site's URL (or ``path`` below it). Never raises for what the shop did: see ``failure``."""
        ...

    async def walk(self, site: Site, path: str = "", *, limit: int = 262_144) -> WebCheck:
        """The same with redirects and cookies followed as a shopper's browser would; phases are those of the last request."""
        ...


class Reach(Protocol):
    """The looking side of everything."""

    @property
    def web(self) -> Web: ...

    def shell(self, site: Site) -> Shell:
        """The host of ``site``; shared by all its sites. Raises ReachError when the site has no ``ssh``."""
        ...


class StepState(msgspec.Struct, frozen=True):
    """A step of a plan as its journal on the host tells it. ``began`` False: it never started. ``exit`` None while it runs or when
    it was killed (``running`` tells which)."""

    step: int
    began: bool = False
    running: bool = False
    exit: int | None = None
    out: bytes = b""
    err: bytes = b""


class Hands(Protocol):
    """The writing side of one host. Only ``room/runner.py`` may hold one.

    A step runs detached on the host under a journal; it goes on when the link or the room dies.
    """

    async def run_step(self, plan: Plan, run: str, step: int, argv: tuple[str, ...]) -> StepState:
        """Run one step to its end, over reconnects. Starting the same ``run``/``step`` twice runs it once. Raises ReachError when the host
        cannot be reached for 60 s; the step may then still be running."""
        ...

    async def look_back(self, run: str, step: int) -> StepState:
        """What the journal says of a step, now. Raises ReachError."""
        ...

    async def forget(self, run: str) -> None:
        """Remove the journal of a finished run. Raises ReachError."""
        ...


class HostKey(msgspec.Struct, frozen=True):
    """A host key nobody has vouched for yet (``changed`` False) or another than the known one (``changed`` True; never accepted here)."""

    host: str
    port: int
    algorithm: str
    fingerprint: str
    known: tuple[str, ...] = ()
    changed: bool = False
