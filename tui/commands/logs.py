"""``storewatch logs``: log records of one or several sites on stdout, notes about them on stderr."""

from __future__ import annotations

import argparse
import asyncio
import datetime
import time
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec

from tui.commands._common import (
    OK,
    WrongUse,
    age,
    ago,
    ask,
    clock,
    closed_stdout,
    columns,
    known_sites,
    no_such,
    note,
    out,
    out_json,
    rfc3339,
    room_zone,
    with_room,
)
from tui.model.log import LogRecord
from tui.wire.client import Client
from tui.wire.messages import LogBatch, StartTail, Tailing

LINES = 100


class Group(msgspec.Struct):
    """Records that differ only in numbers, ids and quoted values. ``first``/``last`` Unix seconds, None when no line names a time."""

    fingerprint: str
    level: str
    text: str
    count: int = 0
    first: float | None = None
    last: float | None = None
    culprit: str = ""
    sites: list[str] = []

    def add(self, record: LogRecord) -> None:
        self.count += 1
        self.culprit = self.culprit or record.culprit
        if record.site not in self.sites:
            self.sites = [*self.sites, record.site]
        if record.at is not None:
            self.first = record.at if self.first is None else min(self.first, record.at)
            self.last = record.at if self.last is None else max(self.last, record.at)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("site", metavar="SITE[,SITE…]", help="whose logs")
    parser.add_argument("--follow", "-f", action="store_true", help="go on with what comes")
    parser.add_argument("--source", action="append", metavar="NAME", help="only this log (may be given several times)")
    parser.add_argument("--since", type=ago, metavar="10m", help="what came in this time, as far as the last 256 KiB of each log hold it")
    parser.add_argument("--lines", "-n", type=int, default=LINES, metavar="N", help=f"the last N lines of each log (default {LINES})")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--groups", action="store_true", help="groups of like records with count, first, last and culprit")


def run(args: argparse.Namespace) -> int:
    """Exit code 0; 2 for a site or log that is not there, 3 when it cannot be looked at."""
    return with_room(args, "logs", lambda client: _logs(client, args))


async def _logs(client: Client, args: argparse.Namespace) -> int:
    if args.groups and args.follow:
        raise WrongUse("--groups counts what is there; leave --follow out")
    sites = known_sites(client, [args.site])
    sources = _known_sources(client, sites, args.source or [])
    since = None if args.since is None else time.time() - args.since
    lines = max(0, args.lines)
    tail = (await ask(client, StartTail(tuple(sites), sources, lines, since, args.follow), Tailing)).tail
    groups: dict[str, Group] = {}
    if args.groups:
        show: Callable[[LogRecord], None] = lambda record: _gather(groups, record)  # noqa: E731
    else:
        show = _show_json if args.json else _liner(room_zone(client), many=len(sites) > 1)
    seen = await _until_closed(_follow(client, tail, show))
    if args.groups:
        _print_groups(sorted(groups.values(), key=lambda group: -group.count), zone=room_zone(client), as_json=args.json)
    elif not seen and not args.follow:
        note("storewatch: no records")
    return OK


def _known_sources(client: Client, sites: list[str], wanted: list[str]) -> tuple[str, ...]:
    known = list(dict.fromkeys(log for card in client.welcome.sites if card.id in sites for log in card.logs))
    for name in wanted:
        if name not in known:
            raise WrongUse(no_such(f"log of {','.join(sites)}", name, known))
    return tuple(wanted)


async def _follow(client: Client, tail: int, show: Callable[[LogRecord], None]) -> int:
    seen = 0
    async for batch in client.tail(tail):
        for record in batch.records:
            show(record)
        seen += len(batch.records)
        _tell(batch)
    return seen


async def _until_closed(work: Coroutine[Any, Any, int]) -> int:
    """The result of ``work``; BrokenPipeError as soon as nobody reads our stdout any more."""
    working = asyncio.create_task(work)
    closed = closed_stdout()
    if closed is None:
        return await working
    await asyncio.wait((working, closed), return_when=asyncio.FIRST_COMPLETED)
    if working.done():
        return working.result()
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    raise BrokenPipeError


def _tell(batch: LogBatch) -> None:
    for message in batch.notes:
        note(f"storewatch: {message.say()}")
    if batch.skipped:
        note(f"storewatch: {batch.skipped} records skipped: more came than was read here")


def _show_json(record: LogRecord) -> None:
    out_json({"at": None if record.at is None else rfc3339(record.at), **_without_at(record)})


def _without_at(record: LogRecord) -> dict[str, object]:
    fields: dict[str, object] = msgspec.to_builtins(record)
    return {"site": fields["site"], **{key: value for key, value in fields.items() if key not in ("at", "site")}}


def _liner(zone: datetime.tzinfo, *, many: bool) -> Callable[[LogRecord], None]:
    """A record as one line; the site stands in it only where there are several."""

    def show(record: LogRecord) -> None:
        where = f"{record.site}/{record.source}" if many else record.source
        culprit = f"  [{record.culprit}]" if record.culprit else ""
        out(f"{clock(record.at, zone)} {where} {record.level:6} {' '.join(record.text.split())}{culprit}")

    return show


def _gather(groups: dict[str, Group], record: LogRecord) -> None:
    key = record.fingerprint or record.text
    if key not in groups:
        groups[key] = Group(key, record.level, " ".join(record.text.split()))
    groups[key].add(record)


def _print_groups(groups: list[Group], *, zone: datetime.tzinfo, as_json: bool) -> None:
    if as_json:
        for group in groups:
            times = {name: None if at is None else rfc3339(at) for name, at in (("first", group.first), ("last", group.last))}
            out_json({**msgspec.to_builtins(group), **times})
        return
    now = time.time()
    rows = [
        (str(group.count), group.level, clock(group.first, zone), "-" if group.last is None else f"{age(now - group.last)} ago",
         group.culprit or "-", group.text)
        for group in groups
    ]  # fmt: skip
    for line in columns([("COUNT", "LEVEL", "FIRST", "LAST", "CULPRIT", "TEXT"), *rows]):
        out(line)
