"""The record of who did what: JSON lines, each carrying the hash of the one before.

One line is the compact JSON of an :class:`~tui.wire.messages.AuditLine` in the order of its fields, UTF-8, ended by a newline. ``hash`` is
the SHA-256 (hex) of the same JSON with ``hash`` empty; ``before`` is the ``hash`` of the line before, "" for the first. The newest hash is
kept in history too, so that a tail that was cut off is found.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import msgspec

from tui.wire.messages import AuditLine

HEAD = "audit"
"""Under which name the newest hash is kept in history."""

_BLOCK = 65_536


class Heads(Protocol):
    """The part of history that keeps the newest hash."""

    async def put_head(self, name: str, value: str) -> None: ...

    async def head(self, name: str) -> str | None: ...


class AuditError(Exception):
    """A line could not be written for good; what it was to record must not happen. ``reason`` is the system's own word."""

    def __init__(self, path: Path, error: OSError) -> None:
        self.reason = error.strerror or str(error)
        super().__init__(f"{path}: {self.reason}")


def printable(text: str) -> str:
    """``text`` with what UTF-8 cannot carry (raw bytes of a name, as surrogates) shown as ``\\xNN``."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def sealed(line: AuditLine) -> AuditLine:
    """``line`` with the hash that belongs to it."""
    return msgspec.structs.replace(line, hash=hashlib.sha256(_encoded(msgspec.structs.replace(line, hash=""))).hexdigest())


def _encoded(line: AuditLine) -> bytes:
    return msgspec.json.encode(line)


def _decoded(data: bytes) -> AuditLine | None:
    """The line, None when a single byte of it is not as we would have written it."""
    try:
        line = msgspec.json.decode(data, type=AuditLine)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return line if _encoded(line) == data and sealed(line) == line else None


def verify(path: Path, head: str | None = None) -> int | None:
    """The number (from 1) of the first line that does not fit the chain, None when the record is whole.

    A line fits when it is byte for byte what we write, its hash is right, its number follows and it names the line before. With
    ``head`` (a hash noted elsewhere) a record in which that line is missing is broken one line after its end. A missing file
    is whole only when no ``head`` is asked for. Raises OSError when it cannot be read.
    """
    before, number, seen = "", 0, head is None
    try:
        with path.open("rb") as file:
            for number, data in enumerate(file, 1):
                line = _decoded(data[:-1]) if data.endswith(b"\n") else None
                if line is None or line.before != before or line.seq != number:
                    return number
                before = line.hash
                seen = seen or before == head
    except FileNotFoundError:
        pass
    return None if seen else number + 1


class Audit:
    """The one writer of the record at ``path`` (the room's lock sees to it that there is one)."""

    def __init__(self, path: Path, heads: Heads | None = None) -> None:
        self.path = path
        self._heads = heads
        self._lock = asyncio.Lock()
        self._last: AuditLine | None = None
        self._identity: tuple[int, int] | None = None
        self._known_head: str | None = None

    verify = staticmethod(verify)

    async def append(
        self,
        *,
        who: str,
        uid: int,
        what: str,
        action: str,
        site: str,
        plan: str = "",
        commands: tuple[str, ...] = (),
        detail: str = "",
        run: str = "",
        reason: str = "",
    ) -> AuditLine:
        """Add one line; when this returns it is on disk. Raises AuditError when it is not, and then nothing of it is left in the file."""
        fields = AuditLine(
            at="", seq=0, who=printable(who), uid=uid, what=what, action=printable(action), site=site, plan=plan, run=run,
            commands=tuple(printable(command) for command in commands), detail=printable(detail), reason=printable(reason),
        )  # fmt: skip
        async with self._lock:
            if self._known_head is None and self._heads is not None:
                self._known_head = await self._heads.head(HEAD) or ""
            try:
                line = await asyncio.to_thread(self._append, fields)
            except OSError as error:
                self._last, self._identity = None, None  # what is on disk is read again before the next line
                raise AuditError(self.path, error) from error
            self._known_head = line.hash
            if self._heads is not None:
                await self._heads.put_head(HEAD, line.hash)
            return line

    async def tail(self, limit: int) -> tuple[AuditLine, ...]:
        """The last ``limit`` lines, oldest first; lines that cannot be read are left out (``verify`` names them). Raises OSError."""
        return await asyncio.to_thread(lambda: tuple(_last_lines(self.path, limit)))

    def _append(self, fields: AuditLine) -> AuditLine:
        descriptor = self._open()
        try:
            self._catch_up(descriptor)
            last = self._last
            line = sealed(
                msgspec.structs.replace(
                    fields, at=_now(), seq=1 if last is None else last.seq + 1, before="" if last is None else last.hash
                )
            )
            _write_whole(descriptor, _encoded(line) + b"\n")
        finally:
            os.close(descriptor)
        self._last = line
        return line

    def _open(self) -> int:
        fresh = not self.path.exists()
        if fresh:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self.path, flags, 0o600)
        if fresh:
            folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        return descriptor

    def _catch_up(self, descriptor: int) -> None:
        """Know the line to go on from. A file that somebody exchanged under us is written on with what we know: the break stays visible."""
        info = os.fstat(descriptor)
        if not stat.S_ISREG(info.st_mode):
            raise OSError(0, "not a regular file")
        identity = (info.st_dev, info.st_ino)
        if self._identity == identity:
            return
        self._identity = identity
        if self._last is None:
            self._last = _mended(descriptor, info.st_size, self.path)
            self._keep_cut_visible()

    def _keep_cut_visible(self) -> None:
        """When history knows a head that the file lacks, the tail was cut: chain onto the lost line, so that every later check says so."""
        head = self._known_head
        if not head or (self._last is not None and self._last.hash == head):
            return
        if any(line.hash == head for line in _last_lines(self.path, 1000)):
            return  # history lags behind the file: it crashed between the two
        seq = 1 if self._last is None else self._last.seq + 1
        self._last = AuditLine(at="", seq=seq, who="", uid=-1, what="lost", action="", site="", hash=head)


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _write_whole(descriptor: int, data: bytes) -> None:
    """All of it, on disk, or none of it."""
    size = os.fstat(descriptor).st_size
    try:
        done = 0
        while done < len(data):
            done += os.write(descriptor, data[done:])
        os.fsync(descriptor)
    except OSError:
        with contextlib.suppress(OSError):  # a torn line is mended at the next start
            os.ftruncate(descriptor, size)
        raise


def _mended(descriptor: int, size: int, path: Path) -> AuditLine | None:
    """The last line of the file. A line torn by a crash was never acknowledged, so nothing ran under it: whole but for its
    newline it is completed, else it is set aside beside the record."""
    start = _line_start(descriptor, size)
    rest = os.pread(descriptor, size - start, start)
    if rest and (line := _decoded(rest)) is not None:
        os.write(descriptor, b"\n")
        os.fsync(descriptor)
        return line
    if rest:
        _set_aside(path, rest)
        os.ftruncate(descriptor, start)
        os.fsync(descriptor)
    if start == 0:
        return None
    previous = _line_start(descriptor, start - 1)
    data = os.pread(descriptor, start - 1 - previous, previous)
    return _decoded(data) or _after_broken(descriptor, start)


def _set_aside(path: Path, rest: bytes) -> None:
    torn = path.with_name(f"{path.name}.torn")
    descriptor = os.open(torn, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        _write_whole(descriptor, rest + b"\n")
    finally:
        os.close(descriptor)


def _after_broken(descriptor: int, size: int) -> AuditLine:
    """Somebody changed the last line: go on after it with a link that fits nothing, so that the break stays where it is."""
    lines = sum(os.pread(descriptor, _BLOCK, at).count(b"\n") for at in range(0, size, _BLOCK))
    return AuditLine(at="", seq=lines, who="", uid=-1, what="lost", action="", site="", hash="broken")


def _line_start(descriptor: int, end: int) -> int:
    """Where the line that ends before ``end`` begins."""
    while end > 0:
        start = max(0, end - _BLOCK)
        found = os.pread(descriptor, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


def _last_lines(path: Path, limit: int) -> Iterator[AuditLine]:
    """At most ``limit`` readable lines from the end of the file, oldest first."""
    try:
        with path.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            data = b""
            while end > 0 and data.count(b"\n") <= limit:
                start = max(0, end - _BLOCK)
                file.seek(start)
                data = file.read(end - start) + data
                end = start
    except FileNotFoundError:
        return
    lines = data.split(b"\n")[:-1]
    for raw in lines[-limit:] if limit > 0 else ():
        line = _decoded(raw)
        if line is not None:
            yield line
