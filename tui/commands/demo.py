"""``storewatch demo``: the viewer on an embedded fleet of real little stores."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import subprocess
import sys


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stores", type=int, default=12, metavar="N", help="how many stores (default 12, at most 1000)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="which store gets which fault")
    parser.add_argument("--calm", action="store_true", help="no scripted faults")
    parser.add_argument("--storm", action="store_true", help="floods of error lines on up to six stores")
    parser.add_argument(
        "--headless", action="store_true", help="fleet and room without a viewer, until SIGTERM; prints the path of its sites.toml"
    )
    parser.add_argument("--follow-stdin", action="store_true", help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    """Exit code 0, or 2 for a number of stores that makes no sense, or that of the viewer."""
    if not 1 <= args.stores <= 1000:
        sys.stderr.write(f"storewatch demo: --stores {args.stores}: give a number from 1 to 1000\n")
        return 2
    if args.headless:
        return asyncio.run(_serve(args))
    return _watch(args)


def _watch(args: argparse.Namespace) -> int:
    """Start the fleet in a process of its own, so that the viewer stays light; it ends when its stdin does, even by our kill -9."""
    flags = [f"--stores={args.stores}", f"--seed={args.seed}", *(["--calm"] if args.calm else []), *(["--storm"] if args.storm else [])]
    command = [sys.executable, "-m", "tui", "demo", "--headless", "--follow-stdin", *flags]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True) as child:
        assert child.stdout and child.stdin and child.stderr  # noqa: S101 - asked for above
        line = child.stdout.readline().decode()
        if not line:
            sys.stderr.write(child.stderr.read().decode(errors="replace") or "storewatch demo: the fleet did not start\n")
            return 1
        try:
            from tui.commands import viewer

            args.sites = line.strip()
            return viewer.run(args)
        finally:
            child.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(timeout=10)


async def _serve(args: argparse.Namespace) -> int:
    from tui.demo.fleet import DemoFleet, sweep_leftovers
    from tui.wire.client import RoomGone
    from tui.wire.messages import StopRoom
    from tui.wire.start import ensure_room

    await asyncio.to_thread(sweep_leftovers)
    fleet = DemoFleet(args.stores, args.seed, calm=args.calm, storm=args.storm)
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, over.set)
    if args.follow_stdin:
        loop.add_reader(0, lambda: over.set() if not os.read(0, 1) else None)
    try:
        await fleet.start()
        client = await ensure_room(fleet.sites, None)
        try:
            sys.stdout.write(f"{fleet.sites}\n")
            sys.stdout.flush()
            await over.wait()
        finally:
            with contextlib.suppress(RoomGone):
                await client.request(StopRoom())
            await client.close()
    finally:
        await fleet.stop()
    return 0
