"""A command as a list of words."""

from __future__ import annotations

import shlex

import msgspec

from tui.model.secret import Secret


class HostFacts(msgspec.Struct, frozen=True):
    """What is known of a host after login. ``tools`` are those of ``timeout setsid stat sudo runuser php nice`` that were found.
    ``mv_dash_t``: mv knows -T. ``offset`` of its local time to UTC and clock ``skew`` to ours, in seconds."""

    user: str
    uid: int
    home: str = ""
    tools: frozenset[str] = frozenset()
    mv_dash_t: bool = True
    offset: int = 0
    skew: float = 0.0
    name: str = ""


class Command(msgspec.Struct, frozen=True):
    """Words to run on a host. ``user``: run as this user (None: the login user). ``secret`` goes to its stdin, never into argv."""

    argv: tuple[str, ...]
    user: str | None = None
    secret: Secret | None = None

    def resolved(self, host: HostFacts) -> tuple[str, ...]:
        """The exact words for ``host``: with runuser when we are root, ``sudo -n`` when we are somebody else."""
        if self.user is None or self.user == host.user:
            return self.argv
        if host.uid == 0:
            return ("runuser", "-u", self.user, "--", *self.argv)
        return ("sudo", "-n", "-u", self.user, "--", *self.argv)

    def text(self, host: HostFacts) -> str:
        """The command line as sent and as shown: ``shlex.join`` of :meth:`resolved`."""
        return shlex.join(self.resolved(host))


class Outcome(msgspec.Struct, frozen=True):
    """What a command did. ``exit`` None: it was ended by a signal or we do not know. ``out``/``err`` are raw bytes."""

    exit: int | None
    out: bytes
    err: bytes = b""
    took: float = 0.0
    cut: bool = False
