"""What the headless commands share: a room to ask, sites by name, plain text that fits a terminal or a pipe."""

from __future__ import annotations

import argparse
import asyncio
import datetime
import os
import re
import stat
import sys
import unicodedata
import zoneinfo
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, TypeVar

import msgspec

from tui.config import find
from tui.config.problems import nearest
from tui.model.level import Level
from tui.model.message import Message
from tui.wire.client import Client, RoomGone, WrongVersion
from tui.wire.messages import Body, No, Result
from tui.wire.start import NoRoom, ensure_room

OK, BAD, WRONG, UNKNOWN, REFUSED = 0, 1, 2, 3, 4
"""Exit codes (design's table)."""

_SEVERITY = (OK, UNKNOWN, BAD, REFUSED, WRONG)
"""From harmless to worst: CRIT comes before UNKNOWN; what was not even tried is worse than what failed."""

_AGO = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw]?)")
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604_800}
_COLOURS = {Level.OK: "32", Level.WARN: "33", Level.CRIT: "1;31", Level.UNKNOWN: "35"}

R = TypeVar("R", bound=Result)


class WrongUse(Exception):
    """A command that cannot be meant; the text says why and what may be. Exit code 2."""


class Refusal(Exception):
    """The room said no."""

    def __init__(self, no: No) -> None:
        super().__init__(no.message.say())
        self.no = no

    @property
    def exit(self) -> int:
        return REFUSED if self.no.gate else BAD


def with_room(args: argparse.Namespace, name: str, work: Callable[[Client], Awaitable[int]], *, read_only: bool = True) -> int:
    """Run ``work`` on the room of ``args.sites``, started when none runs; what goes wrong on the way becomes a sentence on stderr and
    the exit code of design's table. BrokenPipeError is the caller's: ``cli`` is quiet about it."""
    sites = find(args.sites)

    async def session() -> int:
        client = await ensure_room(sites, args.state, read_only=read_only, name=name)
        async with client:
            return await work(client)

    try:
        return asyncio.run(session())
    except WrongUse as error:
        return complain(str(error), WRONG)
    except Refusal as error:
        return complain(sentence(error.no.message, error.no.remedy), error.exit)
    except NoRoom as error:
        return complain(sentence(error.message, error.remedy), error.exit)
    except WrongVersion as error:
        return complain(sentence(error.message, error.remedy), WRONG)
    except RoomGone as error:
        return complain(sentence(error.message, error.remedy), UNKNOWN)


async def ask(client: Client, body: Body, kind: type[R]) -> R:
    """The answer of this kind. Raises Refusal for a no."""
    result = await client.request(body)
    if isinstance(result, kind):
        return result
    if isinstance(result, No):
        raise Refusal(result)
    raise TypeError(f"{type(body).__name__} was answered by {type(result).__name__}")


def complain(text: str, code: int) -> int:
    """One message to stderr; returns ``code``."""
    note(text if "\n" in text else f"storewatch: {text}")
    return code


def note(text: str) -> None:
    """A line to stderr; a closed one is nobody's fault."""
    try:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        return


def sentence(message: Message, remedy: Message | None = None) -> str:
    """What, and what to do next."""
    return message.say() if remedy is None else f"{message.say()}; {remedy.say()}"


def out(text: str) -> None:
    """A line to stdout, at once. Raises BrokenPipeError when nobody reads it any more."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def out_json(value: Any, *, indent: bool = False) -> None:
    """One JSON value on a line of its own (or indented for people). Raw names that are not UTF-8 are shown as ``\\xNN``."""
    data = msgspec.json.encode(_utf8(msgspec.to_builtins(value, str_keys=True)))
    out((msgspec.json.format(data, indent=2) if indent else data).decode())


def _utf8(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace") if not value.isascii() else value
    if isinstance(value, dict):
        return {_utf8(key): _utf8(item) for key, item in value.items()}
    return [_utf8(item) for item in value] if isinstance(value, list | tuple) else value


def worst(codes: Iterable[int]) -> int:
    """The exit code of several things done."""
    return max(codes, key=_SEVERITY.index, default=OK)


def known_sites(client: Client, names: Sequence[str]) -> list[str]:
    """Site ids named by words of ids joined with commas, each once, in that order; all when none is named. Raises WrongUse."""
    known = [site.id for site in client.welcome.sites]
    wanted = list(dict.fromkeys(part.strip() for name in names for part in name.split(",") if part.strip()))
    if names and not wanted:
        raise WrongUse("no site is named")
    for name in wanted:
        if name not in known:
            raise WrongUse(no_such("site", name, known))
    return wanted or known


def no_such(kind: str, name: str, known: Sequence[str]) -> str:
    hint = nearest(name, known) or (f"there are: {', '.join(known[:20])}" if known else "there are none")
    return f'there is no {kind} "{plain(name)}"; {hint}'


def plain(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text[:200])


def ago(text: str) -> float:
    """Seconds in ``90``, ``10m``, ``1h30m``, ``2d``. Raises argparse's own error for anything else."""
    parts = _AGO.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text.replace(" ", ""):
        raise argparse.ArgumentTypeError(f'"{plain(text)}" is no length of time; write 90s, 10m, 2h or 1d')
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def rfc3339(at: float) -> str:
    """Unix seconds as UTC, to the millisecond."""
    return datetime.datetime.fromtimestamp(at, datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def room_zone(client: Client) -> datetime.tzinfo:
    """``[room] timezone``, in which people are told times."""
    try:
        return zoneinfo.ZoneInfo(client.welcome.room.timezone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return datetime.UTC


def clock(at: float | None, zone: datetime.tzinfo) -> str:
    """Unix seconds for people, with the date when it is not today."""
    if at is None:
        return "-"
    when = datetime.datetime.fromtimestamp(at, zone)
    return when.strftime("%H:%M:%S" if when.date() == datetime.datetime.now(zone).date() else "%Y-%m-%d %H:%M:%S")


def age(seconds: float) -> str:
    """``12s``, ``5m``, ``3h``, ``2d``: one figure, as it would be said."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= 2 * size or (unit == "m" and seconds >= 90):
            return f"{seconds / size:.0f}{unit}"
    return f"{max(0.0, seconds):.0f}s"


def level_word(level: Level | None) -> str:
    """``CRIT`` and so on, ``?`` for none, in colour where a person looks at a terminal that has some."""
    word = "?" if level is None else level.value
    if level is None or not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") in (None, "dumb"):
        return word
    return f"\x1b[{_COLOURS[level]}m{word}\x1b[0m"


def cells(text: str) -> int:
    """Columns a text takes: East Asian wide characters take two, marks that combine none."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines with aligned columns; the last one is as long as it is."""
    if not rows:
        return []
    bare = [[re.sub(r"\x1b\[[\d;]*m", "", cell) for cell in row] for row in rows]
    widths = [max(cells(row[at]) for row in bare) for at in range(len(rows[0]) - 1)]
    return [
        "  ".join(
            [cell + " " * (width - cells(plain_)) for cell, plain_, width in zip(row, bare_row, widths, strict=False)] + [row[-1]]
        ).rstrip()
        for row, bare_row in zip(rows, bare, strict=True)
    ]


def closed_stdout() -> asyncio.Future[None] | None:
    """A future that ends when the reader of our stdout is gone, so that a command that waits for news need not wait for the next to
    notice. None where stdout is no pipe. Needs a running loop."""
    try:
        descriptor = sys.stdout.fileno()
        if not stat.S_ISFIFO(os.fstat(descriptor).st_mode):
            return None
    except (OSError, ValueError):
        return None
    loop = asyncio.get_running_loop()
    gone: asyncio.Future[None] = loop.create_future()

    def readable() -> None:
        """A pipe's writing end is readable only when its reader is gone."""
        loop.remove_reader(descriptor)
        if not gone.done():
            gone.set_result(None)

    loop.add_reader(descriptor, readable)
    return gone
