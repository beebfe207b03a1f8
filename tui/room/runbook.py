"""What the room knows of its own runs: those under way and the last ones, on disk so that a room that died can be finished for."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import msgspec

from tui.room.hub import Hub
from tui.wire.messages import Run

KEPT = 20
"""Finished runs that are remembered, and can be undone, also after a restart."""

OPEN = frozenset({"running", "proving"})
"""States of a run that is not over."""


class Record(msgspec.Struct, frozen=True):
    """A run with what is needed to finish it after a crash. ``uid``: who confirmed it. ``audited``: its outcome is on record."""

    run: Run
    uid: int
    audited: bool = False

    @property
    def over(self) -> bool:
        return self.audited and self.run.state not in OPEN


class Runbook:
    """One file a run, ``FOLDER/RUN.msgpack``; each change of a run is told to the hub."""

    def __init__(self, folder: Path, hub: Hub) -> None:
        self._folder = folder
        self._hub = hub
        self._records: dict[str, Record] = {}

    def begin(self, record: Record) -> None:
        """A run that :meth:`save` put on disk starts."""
        self._records[record.run.id] = record
        self._hub.publish(record.run)

    def update(self, run: Run) -> None:
        """A run went on: kept in memory and told."""
        self._records[run.id] = msgspec.structs.replace(self._records[run.id], run=run)
        self._hub.publish(run)

    def settle(self, run: Run, *, audited: bool) -> None:
        """A run came to its end. Raises OSError when that could not be written; the next room then looks again."""
        self.update(run)
        self._records[run.id] = msgspec.structs.replace(self._records[run.id], audited=audited)
        self._prune()
        self.save(self._records[run.id])

    def runs(self) -> tuple[Run, ...]:
        """Oldest first."""
        return tuple(record.run for record in self._records.values())

    def get(self, run: str) -> Run | None:
        record = self._records.get(run)
        return None if record is None else record.run

    def load(self) -> list[Record]:
        """Read what earlier rooms left; gives back what is not over. A file that cannot be read is set aside as ``NAME.bad``."""
        found = []
        for path in self._folder.glob("*.msgpack"):
            try:
                found.append(msgspec.msgpack.decode(path.read_bytes(), type=Record))
            except (OSError, msgspec.DecodeError):
                with contextlib.suppress(OSError):
                    path.rename(path.with_suffix(".bad"))
        for record in sorted(found, key=lambda record: record.run.decided):
            self._records[record.run.id] = record
            self._hub.publish(record.run)
        self._prune()
        return [record for record in self._records.values() if not record.over]

    def save(self, record: Record) -> None:
        """Put it on disk for good; before the first step of a run. Raises OSError; the run must not start then."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._path(record.run.id)
        fresh = path.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(msgspec.msgpack.encode(record))
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
        except OSError as error:
            with contextlib.suppress(OSError):
                fresh.unlink()
            raise OSError(error.errno, error.strerror, str(path)) from error  # a full disk names no file by itself
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)  # the rename itself
        finally:
            os.close(folder)

    def _prune(self) -> None:
        over = [run for run, record in self._records.items() if record.over]
        for run in over[: max(0, len(over) - KEPT)]:
            del self._records[run]
            with contextlib.suppress(OSError):
                self._path(run).unlink(missing_ok=True)

    def _path(self, run: str) -> Path:
        return self._folder / f"{run}.msgpack"
