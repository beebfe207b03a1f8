"""What the viewer knows, fed by the room's messages. No Textual here."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

from tui.model.catalogue import ActionInfo, Catalogue, ProbeInfo
from tui.model.level import Level
from tui.model.reach import HostKey
from tui.model.reading import Reading
from tui.wire.messages import Delta, Event, FleetChanged, Notice, RoomCard, Run, SiteCard, Welcome

EVENTS_KEPT = 500


@dataclass
class Change:
    """What one message altered. ``fleet``: sites came or went; ``sites``: ids whose readings are new; ``levels``: whose level is."""

    fleet: bool = False
    sites: set[str] = field(default_factory=set)
    levels: set[str] = field(default_factory=set)
    runs: set[str] = field(default_factory=set)
    events: bool = False
    notices: bool = False
    keys: bool = False
    room: bool = False


class Board:
    """The latest of everything. ``linked``: the room answers; ``since``: when it stopped (Unix seconds)."""

    def __init__(self) -> None:
        self.room: RoomCard | None = None
        self.catalogue = Catalogue()
        self.sites: dict[str, SiteCard] = {}
        self.by_name: tuple[str, ...] = ()
        """Ids in the order of their names: sorted once per fleet, not once per change."""
        self.readings: dict[str, dict[str, Reading]] = {}
        self.levels: dict[str, Level | None] = {}
        self.leads: dict[str, int] = {}
        """Of CRIT sites: the place in the catalogue of the first probe that is CRIT. A shop that is down goes before an old backup."""
        self.counts: Counter[Level | None] = Counter()
        self.notices: dict[str, Notice] = {}
        self.runs: dict[str, Run] = {}
        self.host_keys: dict[tuple[str, int], HostKey] = {}
        self.events: deque[Event] = deque(maxlen=EVENTS_KEPT)
        self.viewers = 0
        self.linked = False

    def welcome(self, hello: Welcome) -> Change:
        """Begin anew with everything the room knows."""
        self.catalogue = hello.catalogue
        self.runs = {run.id: run for run in hello.runs}
        self.notices = {notice.id: notice for notice in hello.notices}
        self.host_keys = {(key.host, key.port): key for key in hello.host_keys}
        self.readings = {}
        self._fleet(hello.room, hello.sites)
        self._read(hello.readings, Change())
        self.linked = True
        return Change(True, set(self.sites), set(self.sites), set(self.runs), True, True, True, True)

    def fleet(self, message: FleetChanged) -> Change:
        """Other sites; readings of those that are gone are forgotten."""
        self._fleet(message.room, message.sites)
        return Change(fleet=True, sites=set(self.sites), levels=set(self.sites), room=True)

    def delta(self, message: Delta) -> Change:
        """What is new since the last delta."""
        change = Change(notices=bool(message.notices), keys=bool(message.host_keys), events=bool(message.events))
        self._read(message.readings, change)
        for notice in message.notices:
            if notice.level is Level.OK:
                self.notices.pop(notice.id, None)
            else:
                self.notices[notice.id] = notice
        for run in message.runs:
            self.runs[run.id] = run
            change.runs.add(run.id)
        self.events.extend(message.events)
        for key in message.host_keys:
            self.host_keys[(key.host, key.port)] = key
        change.room = 0 < message.viewers != self.viewers
        self.viewers = message.viewers or self.viewers
        return change

    def _fleet(self, room: RoomCard, sites: tuple[SiteCard, ...]) -> None:
        self.room = room
        self.viewers = room.viewers
        self.sites = {site.id: site for site in sites}
        self.by_name = tuple(sorted(self.sites, key=lambda site: (self.sites[site].name, site)))
        self.readings = {site: self.readings.get(site, {}) for site in self.sites}
        self.levels = {site: self._worst_level(site) for site in self.sites}
        self.leads = {site: lead for site, level in self.levels.items() if (lead := self._lead(site, level)) is not None}
        self.counts = Counter(self.levels.values())

    def _read(self, readings: tuple[Reading, ...], change: Change) -> None:
        for reading in readings:
            mine = self.readings.get(reading.site)
            if mine is None:
                continue
            mine[reading.probe] = reading
            change.sites.add(reading.site)
        for site in change.sites:
            level = self._worst_level(site)
            before = self.levels[site]
            if level is not before:
                self.counts[before] -= 1
                self.counts[level] += 1
                self.levels[site] = level
                change.levels.add(site)
            lead = self._lead(site, level)
            if lead != self.leads.get(site):
                self._leads(site, lead)
                change.levels.add(site)

    def _lead(self, site: str, level: Level | None) -> int | None:
        if level is not Level.CRIT:
            return None
        mine = self.readings[site]
        places = (place for place, probe in enumerate(self.catalogue.probes) if probe.id in mine and mine[probe.id].level is level)
        return next(places, len(self.catalogue.probes))

    def _leads(self, site: str, lead: int | None) -> None:
        if lead is None:
            self.leads.pop(site, None)
        else:
            self.leads[site] = lead

    def _worst_level(self, site: str) -> Level | None:
        return Level.worst(reading.level for reading in self.readings[site].values())

    def reading(self, site: str, probe: str) -> Reading | None:
        return self.readings.get(site, {}).get(probe)

    def worst(self, site: str) -> Reading | None:
        """The reading that makes the site what it is: worst level, then the order of the catalogue."""
        order = {probe.id: index for index, probe in enumerate(self.catalogue.probes)}
        mine = self.readings.get(site, {}).values()
        return max(mine, key=lambda reading: (reading.level.rank, -order.get(reading.probe, 99)), default=None)

    def probe(self, probe_id: str) -> ProbeInfo | None:
        return next((probe for probe in self.catalogue.probes if probe.id == probe_id), None)

    def action(self, action_id: str) -> ActionInfo | None:
        return next((action for action in self.catalogue.actions if action.id == action_id), None)
