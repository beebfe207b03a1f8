"""``storewatch demo``: the viewer on an embedded fleet of real little stores."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:  # the first frame is painted before the wire is needed
    from tui.view.link import Link
    from tui.wire.client import Client

LINGER = "5"
"""Seconds the room stays without a viewer: its fleet is gone then, be it by kill -9."""
PATIENCE = 20.0
"""Seconds the fleet or its room may take to end."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stores", type=int, default=12, metavar="N", help="how many stores (default 12, at most 1000)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="which store gets which fault")
    parser.add_argument("--calm", action="store_true", help="no scripted faults")
    parser.add_argument("--storm", action="store_true", help="floods of error lines on up to six stores")
    parser.add_argument(
        "--headless", action="store_true", help="fleet and room without a viewer, until SIGTERM; prints the path of its sites.toml"
    )
    parser.add_argument("--pace", type=float, default=1.0, help=argparse.SUPPRESS)
    parser.add_argument("--follow-stdin", action="store_true", help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    """Exit code 0, 1 when the fleet cannot start, 2 for a number of stores that makes no sense, or that of the viewer."""
    if not 1 <= args.stores <= 1000:
        sys.stderr.write(f"storewatch demo: --stores {args.stores}: give a number from 1 to 1000\n")
        return 2
    return asyncio.run(_serve(args)) if args.headless else _watch(args)


# --- the viewer and the process of the fleet ------------------------------------------------------------------------------


def _watch(args: argparse.Namespace) -> int:
    """Start the fleet in a process of its own, so that the viewer stays light; it ends when its stdin does, even by our kill -9."""
    from tui.view.app import Options, run_viewer

    with tempfile.TemporaryFile() as words, _start(args, words) as child:
        fleet = _Fleet(child, words, bool(getattr(args, "read_only", False)))
        try:
            options = Options(fleet.read_only, mouse=args.mouse, ascii=args.ascii, crash_folder=args.state)
            code = run_viewer(fleet.dial, options)
        finally:
            assert child.stdin  # noqa: S101 - asked for in _start
            child.stdin.close()
            try:
                child.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                child.kill()  # its room leaves by itself, its folder goes at the next start
        if fleet.failed:
            sys.stderr.write(f"storewatch demo: {fleet.failed}\n")
        return code or (1 if fleet.failed else 0)


def _start(args: argparse.Namespace, words: IO[bytes]) -> subprocess.Popen[bytes]:
    flags = [f"--stores={args.stores}", f"--seed={args.seed}", f"--pace={args.pace}"]
    flags += [flag for flag, wanted in (("--calm", args.calm), ("--storm", args.storm)) if wanted]
    command = [sys.executable, "-m", "tui", "demo", "--headless", "--follow-stdin", *flags]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=words, start_new_session=True)


class _Fleet:
    """The fleet's process as the viewer sees it: something to dial, at first not ready. ``failed``: why it never got ready."""

    def __init__(self, child: subprocess.Popen[bytes], words: IO[bytes], read_only: bool) -> None:
        self.read_only = read_only
        self._child = child
        self._words = words
        self._said = b""
        self.failed = ""

    async def dial(self) -> Link:
        """The link to its room. Raises LinkError."""
        from tui.commands.viewer import RoomOf
        from tui.model.message import msg
        from tui.view.link import LinkError

        while not self._said.endswith(b"\n"):
            if not (more := await self._read()):
                self._words.seek(0)
                last = self._words.read().decode(errors="replace").strip().rpartition("\n")[2]
                self.failed = last.removeprefix("storewatch demo: ") or "the fleet did not start"
                raise LinkError(msg("{words}", words=self.failed), msg("leave with q, then try again"))
            self._said += more
        return await RoomOf(Path(os.fsdecode(self._said[:-1])), None, self.read_only).dial()

    async def _read(self) -> bytes:
        """What it says next, b"" at the end. In the loop and in no thread, so that leaving waits for nothing."""
        assert self._child.stdout  # noqa: S101 - asked for in _start
        there, loop = asyncio.Event(), asyncio.get_running_loop()
        descriptor = self._child.stdout.fileno()
        loop.add_reader(descriptor, there.set)
        try:
            await there.wait()
        finally:
            loop.remove_reader(descriptor)
        return os.read(descriptor, 4096)


# --- the fleet and its room -----------------------------------------------------------------------------------------------


async def _serve(args: argparse.Namespace) -> int:
    from tui.demo import leftovers
    from tui.demo.fleet import DemoFleet
    from tui.wire.client import RoomGone
    from tui.wire.start import NoRoom

    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, over.set)
    if args.follow_stdin:
        loop.add_reader(0, _at_end, over)
    await asyncio.to_thread(leftovers.sweep)
    try:
        fleet = DemoFleet(args.stores, args.seed, calm=args.calm, storm=args.storm, pace=args.pace)
        try:
            await fleet.start()
            async with _room(fleet.sites):
                sys.stdout.write(f"{fleet.sites}\n")
                sys.stdout.flush()
                await over.wait()
        finally:
            await fleet.stop()
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        sys.stderr.write(f"storewatch demo: {where}{error.strerror or error}\n")
        return 1
    except (NoRoom, RoomGone) as error:
        sys.stderr.write(f"storewatch demo: {error.message.say()}\n")
        return 1
    return 0


def _at_end(over: asyncio.Event) -> None:
    if not os.read(0, 4096):
        over.set()
        asyncio.get_running_loop().remove_reader(0)


@contextlib.asynccontextmanager
async def _room(sites: Path) -> AsyncIterator[None]:
    """The room of ``sites``, which has ended afterwards: it writes into the folder that is removed then."""
    from tui.wire.client import RoomGone
    from tui.wire.messages import No, StopRoom
    from tui.wire.start import ensure_room

    client = await ensure_room(sites, None, name="demo", extra=("--linger", LINGER))
    try:
        yield
    finally:
        with contextlib.suppress(RoomGone):
            if isinstance(await client.request(StopRoom()), No):  # an action runs: the demo's stores do not outlive it anyway
                os.kill(client.welcome.room.pid, signal.SIGTERM)
        await _ended(client)
        await client.close()


async def _ended(client: Client) -> None:
    """Wait until the room has let go of its lock; not for ever."""
    from tui.room.lock import LockHeld, RoomLock
    from tui.wire.paths import RoomPaths

    paths = RoomPaths.of(Path(client.welcome.room.sites_path))
    with contextlib.suppress(TimeoutError, OSError):
        async with asyncio.timeout(PATIENCE / 2):
            while True:
                try:
                    with RoomLock(paths.lock, paths.socket):
                        return
                except LockHeld:
                    await asyncio.sleep(0.02)
