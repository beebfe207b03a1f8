"""``storewatch audit``: who did what, and whether the record is whole. Needs no room, so that a record can be checked anywhere."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from tui.commands._common import BAD, OK, UNKNOWN, columns, complain, out, out_json
from tui.config import find
from tui.room.audit import HEAD, Audit, verify
from tui.wire.client import RoomGone
from tui.wire.messages import Audit as Answer
from tui.wire.messages import AuditLine, GetAudit
from tui.wire.paths import RoomPaths
from tui.wire.start import NoRoom, find_room


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--verify", action="store_true", help="check that every line follows from the one before, and that none is missing")
    parser.add_argument("--head", metavar="HASH", help="with --verify: the record must hold this hash, noted elsewhere")
    parser.add_argument("--file", metavar="FILE", type=Path, help="a copy of a record (default: that of this sites.toml)")
    parser.add_argument("--limit", type=int, default=200, metavar="N", help="at most the newest N lines (default 200)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def run(args: argparse.Namespace) -> int:
    """Exit code 0; with ``--verify`` 1 when the record is broken; 3 when it cannot be read."""
    paths = None if args.file is not None else RoomPaths.of(find(args.sites), args.state)
    path = args.file if paths is None else paths.audit
    try:
        if args.verify or args.head:
            return _verify(path, paths, args.head, as_json=args.json)
        return _print(asyncio.run(_lines(path, paths, args.limit)), as_json=args.json)
    except OSError as error:
        return complain(f"{error.filename or path}: {error.strerror}; run this as the account of the room", UNKNOWN)


async def _lines(path: Path, paths: RoomPaths | None, limit: int) -> tuple[AuditLine, ...]:
    """From the file where we may read it, else from the room that runs."""
    try:
        return await Audit(path).tail(limit)
    except PermissionError:
        if paths is None:
            raise
    try:
        client = await find_room(paths, name="audit")
        if client is not None:
            async with client:
                answer = await client.request(GetAudit(limit))
                if isinstance(answer, Answer):
                    return answer.lines
    except (RoomGone, NoRoom):
        pass  # what follows says it: the file is not ours to read
    raise PermissionError(13, "may not be read by you, and no room answers", str(path))


def _verify(path: Path, paths: RoomPaths | None, head: str | None, *, as_json: bool) -> int:
    if not path.exists() and head is None:
        kept = asyncio.run(_kept_head(paths))
        if kept is None:
            out_json({"file": str(path), "whole": True, "broken": None}) if as_json else out(f"{path}: no action was recorded yet")
            return OK
    else:
        kept = asyncio.run(_kept_head(paths)) if head is None else None
    broken = verify(path, head or kept)
    if as_json:
        out_json({"file": str(path), "whole": broken is None, "broken": broken})
    elif broken is None:
        out(f"{path}: whole")
    if broken is None:
        return OK
    return complain(f"{path}: line {broken}: {_what(path, broken)}; keep the file as it is and find out who wrote to it", BAD)


def _what(path: Path, number: int) -> str:
    """Whether a line does not fit or is missing."""
    try:
        with path.open("rb") as file:
            there = sum(1 for _ in file)
    except FileNotFoundError:
        there = 0
    return "does not follow from the line before" if number <= there else "is missing: the end was cut off, or this is another record"


async def _kept_head(paths: RoomPaths | None) -> str | None:
    """The newest hash as history keeps it, None where there is no history of our own to ask."""
    if paths is None or not paths.history.exists():
        return None
    from tui.room.history import History  # SQLAlchemy: only where a history lies

    history = History(str(paths.history))
    await history.open()
    try:
        return await history.head(HEAD) or None
    finally:
        await history.close()


def _print(lines: tuple[AuditLine, ...], *, as_json: bool) -> int:
    if as_json:
        for line in lines:
            out_json(line)
        return OK
    rows = [(line.at[:19] + "Z", line.who, line.what, line.action, line.site, _detail(line)) for line in lines]
    for text in columns(rows):
        out(text)
    return OK


def _detail(line: AuditLine) -> str:
    text = " ".join(line.detail.split()) or "; ".join(line.commands)
    return f"{text} ({line.reason})" if line.reason else text
