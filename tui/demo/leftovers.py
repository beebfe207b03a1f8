"""The folder of a demo, and what a demo that was ended by kill -9 left behind."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path

from tui.wire.paths import holder

PREFIX = "storewatch-demo-"
LOCK = "lock"
"""Held by the living demo; the kernel lets go of it with the process, however that ends."""
PATIENCE = 10.0
"""Seconds an orphaned room may take to end."""


def make_folder() -> tuple[Path, int]:
    """A new folder of this user alone (mode 0700) and the descriptor that holds it. Raises OSError."""
    folder = Path(os.path.realpath(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-")))
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    return folder, lock


def sweep() -> int:
    """Remove the folders of this user's demos that nobody holds any more, and end their rooms. Returns how many."""
    removed = 0
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if folder.lstat().st_uid == os.getuid() and folder.is_dir() and not folder.is_symlink() and _left(folder):
                _end_rooms(folder)
                shutil.rmtree(folder, ignore_errors=True)
                removed += 1
    return removed


def _left(folder: Path) -> bool:
    """Whether no process holds the demo in ``folder``. Raises OSError when that cannot be known."""
    if not (folder / LOCK).exists():
        return not _alive(folder.name.removeprefix(PREFIX).partition("-")[0])  # it may be just being made
    return not _held(folder / LOCK)


def _held(lock: Path) -> bool:
    """Whether some process has locked the file. Raises OSError when it cannot be opened."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _end_rooms(folder: Path) -> None:
    """End the room that outlived its fleet: it would make its part of the folder anew while that is removed."""
    for lock in folder.glob("state/rooms/*/room.lock"):
        if not _held(lock) or (found := holder(lock)) is None:
            continue
        with contextlib.suppress(ProcessLookupError):
            os.kill(found.pid, signal.SIGTERM)
        deadline = time.monotonic() + PATIENCE
        while _held(lock) and time.monotonic() < deadline:
            time.sleep(0.05)


def _alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        return True
    return True
