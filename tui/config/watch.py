"""Takes up a changed sites.toml while the room runs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

from tui.config import load
from tui.config.problems import ConfigError
from tui.config.source import site_files
from tui.model.site import Fleet

Stamp = tuple[tuple[str, int, int, int, int], ...]

SETTLE = 0.2
"""Seconds in which nothing may change before a file is read: an editor that writes in two goes is not caught between them."""


def stamp(path: Path) -> Stamp:
    """What tells one state of the files from another, without reading them: name, device, inode, size, time of change."""
    try:
        files = [path, *site_files(path.resolve())]
    except (ConfigError, OSError, RuntimeError):
        files = [path]
    found = []
    for file in files:
        try:
            seen = file.stat()
            found.append((str(file), seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns ^ seen.st_ctime_ns))
        except OSError:
            found.append((str(file), 0, 0, 0, 0))
    return tuple(found)


class Watcher:
    """Looks at sites.toml and sites.d every ``interval`` seconds.

    ``on_change(fleet)`` is called in the event loop when the files describe another fleet than the one in force, and when they are
    whole again after a fault; ``on_broken(error)`` once for each broken state, while the old fleet stays in force.
    ``digest`` is that of the fleet in force (``Fleet.digest``): what changed between its loading and the start is then taken up too.
    """

    def __init__(
        self,
        path: Path,
        on_change: Callable[[Fleet], None],
        on_broken: Callable[[ConfigError], None],
        interval: float = 1.0,
        *,
        digest: str = "",
    ) -> None:
        self._path = path
        self._on_change = on_change
        self._on_broken = on_broken
        self._interval = interval
        self._digest = digest
        self._broken: tuple[object, ...] | None = None
        self._seen: Stamp | None = None if digest else stamp(path)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to watch. Needs a running event loop."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="sites.toml")

    async def stop(self) -> None:
        """End the watch. Raises what a callback raised, if one did."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def check(self) -> None:
        """Look once, now: read the files if they changed, and call back."""
        now = await asyncio.to_thread(stamp, self._path)
        if now == self._seen:
            return
        while True:
            await asyncio.sleep(min(SETTLE, self._interval))
            later = await asyncio.to_thread(stamp, self._path)
            if later == now:
                break
            now = later
        try:
            fleet = await asyncio.to_thread(load, self._path)
        except ConfigError as error:
            self._seen = now
            if error.problems != self._broken:
                self._broken = error.problems
                self._on_broken(error)
            return
        self._seen = now
        if fleet.digest != self._digest or self._broken is not None:
            self._digest, self._broken = fleet.digest, None
            self._on_change(fleet)

    async def _run(self) -> None:
        while True:
            await self.check()
            await asyncio.sleep(self._interval)
