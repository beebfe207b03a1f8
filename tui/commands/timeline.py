"""``storewatch timeline``: what the room saw and everyone did, in order."""

from __future__ import annotations

import argparse
import datetime
import time

from tui.commands._common import OK, ago, ask, clock, columns, known_sites, level_word, out, out_json, rfc3339, room_zone, with_room
from tui.wire.client import Client
from tui.wire.messages import Event, GetTimeline, Timeline


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("site", nargs="?", metavar="SITE", help="only this one (default: all)")
    parser.add_argument("--since", type=ago, metavar="1h", help="only what happened in this time")
    parser.add_argument("--limit", type=int, default=200, metavar="N", help="at most the newest N (default 200)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def run(args: argparse.Namespace) -> int:
    """Exit code 0; 2 for a site that is not there."""
    return with_room(args, "timeline", lambda client: _timeline(client, args))


async def _timeline(client: Client, args: argparse.Namespace) -> int:
    site = known_sites(client, [args.site])[0] if args.site else ""
    since = time.time() - args.since if args.since is not None else 0.0
    events = (await ask(client, GetTimeline(since, site, args.limit), Timeline)).events
    if args.json:
        for event in events:
            out_json(as_json(event))
    else:
        for line in columns([_row(event, room_zone(client)) for event in events]):
            out(line)
    return OK


def as_json(event: Event) -> dict[str, object]:
    return {
        "at": rfc3339(event.at),
        "kind": event.kind,
        "site": event.site,
        "who": event.who,
        "level": None if event.level is None else event.level.value,
        "text": event.message.say(),
    }


def _row(event: Event, zone: datetime.tzinfo) -> tuple[str, ...]:
    level = "-" if event.level is None else level_word(event.level)
    return (clock(event.at, zone), event.site or "-", event.kind, level, event.who or "-", " ".join(event.message.say().split()))
