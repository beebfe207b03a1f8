"""One room a sites.toml: the lock that history and audit rely on."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from types import TracebackType

import msgspec

import tui
from tui.wire.paths import Holder, holder, private_folder


class LockHeld(Exception):
    """Another room serves this sites.toml. ``by`` is what it wrote into the lock, None when that cannot be read."""

    def __init__(self, path: Path, by: Holder | None) -> None:
        super().__init__(f"{path} is held by " + (f"process {by.pid}" if by else "another room"))
        self.path = path
        self.by = by


class RoomLock:
    """Held while the context is open. The kernel frees it with the process, so a lock file that a dead room left is nothing.

    The file stays: removing it would let a third room lock a new file beside a waiting second one.
    """

    def __init__(self, path: Path, socket: Path) -> None:
        self._path = path
        self._socket = socket
        self._descriptor: int | None = None

    def __enter__(self) -> RoomLock:
        """Take it. Raises LockHeld at once when another has it, OSError when the folder cannot be written."""
        private_folder(self._path.parent)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise LockHeld(self._path, holder(self._path)) from None
        text = msgspec.json.encode(Holder(os.getpid(), tui.__version__, str(self._socket)))
        with contextlib.suppress(OSError):  # a full disk: the lock holds all the same
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, text, 0)
        self._descriptor = descriptor
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
