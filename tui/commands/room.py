"""``storewatch room``: the room in the foreground, as a service."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from pathlib import Path

from tui.config import find, load
from tui.config.problems import ConfigError
from tui.config.watch import Watcher
from tui.model.message import Message, msg
from tui.room.lock import LockHeld
from tui.room.process import LINGER, serve
from tui.room.room import Room
from tui.room.server import SocketTrouble
from tui.wire.paths import RoomPaths
from tui.wire.start import ALREADY
from tui.wiring import build


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--socket", metavar="PATH", type=Path, help="serve viewers here instead of where [room] socket says")
    parser.add_argument("--personal", action="store_true", help=f"leave {LINGER:.0f} seconds after the last viewer")
    parser.add_argument("--linger", metavar="S", type=float, default=LINGER, help=argparse.SUPPRESS)
    parser.add_argument("--read-only", action="store_true", help="nobody may act through this room")


def run(args: argparse.Namespace) -> int:
    """Exit code 0 when it was ended, 1 when it cannot serve, 2 for a broken sites.toml, 75 when a personal one finds another."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    sites = find(args.sites)
    fleet = load(sites)
    paths = RoomPaths.of(sites, args.state)
    read_only = msg("this room was started with --read-only") if args.read_only else None
    room = build(fleet, paths, read_only=read_only)
    try:
        asyncio.run(_serve(room, paths, args))
    except LockHeld as held:
        if args.personal:
            return ALREADY
        at = f" at {held.by.socket}" if held.by else ""
        return _cannot(f"{held}: it serves this sites.toml already{at}; end it, or use it")
    except SocketTrouble as trouble:
        return _cannot(str(trouble))
    return 0


async def _serve(room: Room, paths: RoomPaths, args: argparse.Namespace) -> None:
    watcher = Watcher(paths.sites, room.replace, lambda error: room.keep(_reason(error)), digest=room.fleet.digest)

    def ready() -> None:
        watcher.start()
        if not args.personal:
            sys.stderr.write(f"storewatch: the room of {paths.sites} serves viewers at {_socket(args, paths)}\n")

    try:
        await serve(room, paths, personal=args.personal, socket=_socket(args, paths), linger=args.linger, ready=ready)
    finally:
        await watcher.stop()


def _socket(args: argparse.Namespace, paths: RoomPaths) -> Path:
    return paths.socket if args.socket is None else Path(args.socket).absolute()


def _reason(error: ConfigError) -> Message:
    count = len(error.problems)
    return msg("sites.toml is broken ({count} problems): {problem}", count=count, problem=str(error.problems[0]))


def _cannot(reason: str) -> int:
    sys.stderr.write(f"storewatch room: {reason}\n")
    return 1
