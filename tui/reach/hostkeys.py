"""Whom we believe to be a host: known_hosts files read, a shown key judged, an accepted one written down."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import asyncssh

from tui.model.reach import HostKey
from tui.reach.failures import Where, failed

Match = tuple[list[Any], ...]
"""What asyncssh takes as ``known_hosts``: trusted keys, CA keys, revoked keys, then the same for X.509 (always empty here)."""

SYSTEM_FILES = ("/etc/ssh/ssh_known_hosts",)
SSH_PORT = 22


def entry(host: str, port: int) -> str:
    """The name of a host in known_hosts."""
    return host if port == SSH_PORT else f"[{host}]:{port}"


class Known:
    """What the files say of one host."""

    trusted: list[asyncssh.SSHKey]
    authorities: list[asyncssh.SSHKey]
    revoked: list[asyncssh.SSHKey]

    def __init__(self, match: Match) -> None:
        self.match = match
        self.trusted, self.authorities, self.revoked = match[:3]

    @property
    def algorithms(self) -> list[str]:
        """Signature algorithms of the known keys, to be asked for first: a host with several keys then shows the one we know."""
        names = [name.decode() for key in self.trusted for name in key.sig_algorithms]
        return list(dict.fromkeys(names))

    @property
    def fingerprints(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(key.get_fingerprint() for key in self.trusted))


class KnownHosts:
    """All known_hosts files: the user's, those a site names, and our own, which alone is written.

    ``ours``: the file for accepted keys. ``on_host_key`` is called once for each key that somebody must judge.
    """

    def __init__(self, ours: Path, on_host_key: Callable[[HostKey], None] | None = None) -> None:
        self._ours = ours
        self._tell = on_host_key
        self._read: dict[Path, tuple[tuple[int, int, int], asyncssh.SSHKnownHosts]] = {}
        self._shown: dict[tuple[str, int, str], tuple[asyncssh.SSHKey, Known]] = {}
        self._told: set[tuple[str, int, str]] = set()

    def known(self, host: str, port: int, files: Sequence[str] = ()) -> Known:
        """What ``files``, the system's and ours say of ``host``. Files that cannot be read count as empty."""
        merged: tuple[list[Any], ...] = tuple([] for _ in range(7))
        for name in (*files, *SYSTEM_FILES, str(self._ours)):
            found = self._file(Path(name).expanduser())
            if found is None:
                continue
            # The port goes into the name: given as port, asyncssh falls back to entries of the bare name, which may be another machine.
            for into, more in zip(merged, found.match(entry(host, port), "", None), strict=True):
                into.extend(more)
        return Known(merged)

    def judge(self, key: asyncssh.SSHKey | None, known: Known, where: Where, name: str) -> Exception:
        """Why ``key``, shown by ``where`` and not verified, is not believed; tells whoever must decide. ``name``: as in known_hosts."""
        if key is None:  # it was refused before anybody was asked
            return failed("hostkey", "revoked-key" if known.revoked else "bad-certificate", where)
        fingerprint = key.get_fingerprint()
        seen = (name, where.port, fingerprint)
        self._shown[seen] = (key, known)
        changed = bool(known.fingerprints)
        if seen not in self._told and self._tell is not None:
            self._told.add(seen)
            self._tell(HostKey(name, where.port, key.get_algorithm(), fingerprint, known.fingerprints, changed))
        if not changed:
            return failed("hostkey", "unknown-key", where, fingerprint=fingerprint)
        args = {"fingerprint": fingerprint, "known": ", ".join(known.fingerprints), "name": entry(name, where.port)}
        return failed("hostkey", "changed-key", where, **args)

    def accept(self, host: str, port: int, fingerprint: str) -> None:
        """Write a key that was shown and told as unknown into our file (0600). Raises ReachError when no such key was seen, or when another
        is known by now: a changed key is never accepted here."""
        shown = self._shown.get((host, port, fingerprint))
        if shown is None:
            raise failed("hostkey", "not-seen", None, host=host, fingerprint=fingerprint)
        key, then = shown
        for known in (then, self.known(host, port)):
            if set(known.fingerprints) - {fingerprint}:
                raise self.judge(key, known, Where("", host, port), host)
        self._append(f"{entry(host, port)} {_public(key)}\n")
        self._told.discard((host, port, fingerprint))

    def _append(self, line: str) -> None:
        self._ours.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self._ours, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.fchmod(descriptor, 0o600)
            os.write(descriptor, line.encode())  # one write: two rooms' lines do not mix
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _file(self, path: Path) -> asyncssh.SSHKnownHosts | None:
        try:
            stat = path.stat()
            stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            held = self._read.get(path)
            if held is None or held[0] != stamp:
                held = self._read[path] = (stamp, _parse(path.read_text("utf-8", "replace")))
        except OSError:
            return None
        return held[1]


def _parse(text: str) -> asyncssh.SSHKnownHosts:
    """A bad line is left out, as ssh does, instead of making every host unknown."""
    known = asyncssh.SSHKnownHosts()
    for line in text.splitlines():
        with contextlib.suppress(ValueError):
            known.load(line)
    return known


def _public(key: asyncssh.SSHKey) -> str:
    return " ".join(key.export_public_key().decode().split()[:2])
