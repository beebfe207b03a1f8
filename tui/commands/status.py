"""``storewatch status``: the present readings, as text or JSON."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import time
from collections.abc import Iterable
from typing import Any

import msgspec

from tui.commands._common import BAD, OK, UNKNOWN, age, columns, known_sites, level_word, note, out, out_json, rfc3339, with_room, worst
from tui.model.level import Level
from tui.model.reading import Reading
from tui.wire.client import Client
from tui.wire.messages import Delta, FleetChanged, Notice, RoomCard, SiteCard

EXIT = {Level.OK: OK, Level.WARN: BAD, Level.CRIT: BAD, Level.UNKNOWN: UNKNOWN}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("site", nargs="*", metavar="SITE", help="only these (default: all)")
    parser.add_argument("--json", action="store_true", help="as JSON, for scripts")
    parser.add_argument("--wait", type=float, default=0.0, metavar="S", help="wait at most S seconds for the first reading of every probe")


def run(args: argparse.Namespace) -> int:
    """Exit code 0 all OK, 1 something is WARN or CRIT, 3 something is UNKNOWN or was not looked at yet, 2 wrong use."""
    return with_room(args, "status", lambda client: _status(client, args))


class Present:
    """The readings of some sites, kept up to date from what the room says."""

    def __init__(self, client: Client, sites: list[str]) -> None:
        welcome = client.welcome
        self.room: RoomCard = welcome.room
        self._probes = [info.id for info in welcome.catalogue.probes]
        self._wanted = sites
        self._cards = {card.id: card for card in welcome.sites}
        self._readings: dict[str, dict[str, Reading]] = {}
        self._notices: dict[str, Notice] = {}
        self._take(welcome.readings)
        self._note(welcome.notices)

    def hear(self, change: Delta | FleetChanged) -> None:
        if isinstance(change, Delta):
            self._take(change.readings)
            self._note(change.notices)
        else:
            self.room = change.room
            self._cards = {card.id: card for card in change.sites}

    def _take(self, readings: Iterable[Reading]) -> None:
        for reading in readings:
            self._readings.setdefault(reading.site, {})[reading.probe] = reading

    def _note(self, notices: Iterable[Notice]) -> None:
        self._notices.update({notice.id: notice for notice in notices})

    def notices(self) -> list[Notice]:
        """What the room wants everyone to know now."""
        return [notice for notice in self._notices.values() if notice.level is not Level.OK]

    def sites(self) -> list[tuple[SiteCard, dict[str, Reading]]]:
        """Site and readings by probe id, in the order of the catalogue; a site that left sites.toml meanwhile is left out."""
        return [(self._cards[site], self._of(site)) for site in self._wanted if site in self._cards]

    def _of(self, site: str) -> dict[str, Reading]:
        found = self._readings.get(site, {})
        return {probe: found[probe] for probe in self._probes if probe in found}

    def missing(self) -> list[tuple[str, str]]:
        """(site, probe) that nobody has looked at yet."""
        return [
            (card.id, probe)
            for card, readings in self.sites()
            for probe in self._probes
            if probe not in card.absent and probe not in readings
        ]


async def _status(client: Client, args: argparse.Namespace) -> int:
    present = Present(client, known_sites(client, args.site))
    if args.wait > 0 and present.missing():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(args.wait):
                await _complete(client, present)
    if args.json:
        out_json(as_json(present, time.time()), indent=True)
    else:
        _print(present, time.time())
    for notice in present.notices():
        note(f"storewatch: {notice.level.value} {notice.message.say()}{f'; {notice.remedy.say()}' if notice.remedy else ''}")
    missing = present.missing()
    if missing:
        named = ", ".join(f"{site}/{probe}" for site, probe in missing[:5]) + (" …" if len(missing) > 5 else "")
        note(f"storewatch: {len(missing)} first readings are still to come ({named}); --wait S waits for them")
    codes = [EXIT[reading.level] for _, readings in present.sites() for reading in readings.values()]
    return worst([*codes, UNKNOWN if missing else OK])


async def _complete(client: Client, present: Present) -> None:
    async for change in client.events():
        present.hear(change)
        if not present.missing():
            return


def as_json(present: Present, now: float) -> dict[str, Any]:
    """The shape that scripts rely on (design, contracts). ``age_s`` seconds; a ``level`` is null where nobody has looked yet."""
    return {
        "at": rfc3339(now),
        "room": msgspec.to_builtins(present.room),
        "sites": [_site_json(card, readings, now) for card, readings in present.sites()],
    }


def _site_json(card: SiteCard, readings: dict[str, Reading], now: float) -> dict[str, Any]:
    level = Level.worst(reading.level for reading in readings.values())
    return {
        "id": card.id,
        "name": card.name,
        "level": None if level is None else level.value,
        "probes": {
            probe: {
                "level": reading.level.value,
                "at": rfc3339(reading.at),
                "age_s": round(max(0.0, now - reading.at), 1),
                "summary": reading.summary.say(),
                "values": reading.values,
            }
            for probe, reading in readings.items()
        },
    }


def _print(present: Present, now: float) -> None:
    rows = []
    for card, readings in present.sites():
        for probe, reading in readings.items():
            old = age(now - reading.at) + (" stale" if reading.is_stale(now) else "")
            rows.append((card.id, probe, level_word(reading.level), old, " ".join(reading.summary.say().split())))
        if not readings:
            rows.append((card.id, "-", level_word(None), "-", "not looked at yet"))
    for line in columns([("SITE", "PROBE", "LEVEL", "AGE", "SUMMARY"), *rows]):
        out(line)
