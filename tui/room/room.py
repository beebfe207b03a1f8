"""The room: everything that watches and acts, held together. It runs in a process of its own or inside a headless command."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Protocol

import tui
from tui.model.action import Action
from tui.model.catalogue import Catalogue
from tui.model.level import Level
from tui.model.message import Message, msg
from tui.model.probe import Probe
from tui.model.reach import Hands, HostKey, Reach
from tui.model.site import Fleet, Site
from tui.room.audit import Audit
from tui.room.closer import CloserLook
from tui.room.gate import Gate
from tui.room.history import History
from tui.room.hub import Hub
from tui.room.memory import Memory
from tui.room.notices import Notices
from tui.room.schedule import Schedule
from tui.room.tails import Tails
from tui.room.timeline import Timeline
from tui.wire.messages import Event, FleetChanged, Notice, RoomCard, SiteCard


class Doors(Reach, Protocol):
    """The way out as the room gets it handed in: looking, acting, vouching for a host key."""

    def hands(self, site: Site) -> Hands: ...

    async def accept(self, host: str, port: int, fingerprint: str) -> None: ...

    async def close(self) -> None: ...


class Room:
    """Built by ``tui.wiring.build``. ``start`` before anything else, ``stop`` at the end; both once."""

    def __init__(
        self,
        fleet: Fleet,
        reach: Doors,
        hub: Hub,
        history: History,
        audit: Audit,
        probes: Sequence[Probe],
        actions: Sequence[Action],
        read_only: Message | None = None,
    ) -> None:
        self.fleet = fleet
        self.reach = reach
        self.hub = hub
        self.history = history
        self.audit = audit
        self.memory = Memory(hub)
        self.notices = Notices(hub)
        self.timeline = Timeline(hub, history)
        self.schedule = Schedule(fleet, probes, reach, self.memory, self.notices, history)
        CloserLook(hub, self.schedule.probe_now)
        self.read_only = read_only
        self.gate = Gate(
            lambda: self.fleet, actions, reach, self.memory, audit, hub, self.schedule, self.timeline, read_only
        )  # fmt: skip
        self.tails = Tails(lambda: self.fleet, reach)
        self.started = time.time()
        self.viewers = 0
        self.host_keys: dict[tuple[str, int], HostKey] = {}
        self._catalogue = Catalogue(tuple(probe.info for probe in probes), tuple(action.info for action in actions))

    async def start(self) -> None:
        """Open the history, remember what was last seen, finish what a dead room left behind, begin to look."""
        await self.history.open()
        known = self._catalogue_ids()
        for reading in await self.history.latest():
            if reading.site in self.fleet.sites and reading.probe in known:
                self.memory.put(reading)
        await self.gate.recover()
        self.schedule.start()
        self.timeline.note(Event(at=time.time(), kind="room", message=msg("the room opened")))

    async def stop(self) -> None:
        """Stop looking, close every connection, write what is still in memory. Actions go on on their hosts; the next room looks back."""
        await self.schedule.stop()
        await self.tails.close()
        await self.gate.close()
        await self.reach.close()
        await self.history.close()

    def replace(self, fleet: Fleet) -> None:
        """Take up a changed sites.toml."""
        gone = set(self.fleet.sites) - set(fleet.sites)
        self.fleet = fleet
        self.memory.forget(gone)
        self.schedule.replace(fleet)
        self.notices.clear("config")
        self.hub.publish(FleetChanged(room=self.card(), sites=self.cards()))
        self.timeline.note(
            Event(at=time.time(), kind="config", message=msg("sites.toml was taken up: {sites} sites", sites=len(fleet.sites)))
        )

    def keep(self, reason: Message) -> None:
        """sites.toml was changed and is broken: say so, the old fleet stays in force."""
        remedy = msg("the old fleet stays in force; mend the file, or see `storewatch check`")
        self.notices.post(Notice("config", Level.WARN, reason, remedy))

    def host_key_seen(self, key: HostKey) -> None:
        """An unknown or changed host key turned up; asked about once until it is accepted."""
        if self.host_keys.get((key.host, key.port)) != key:
            self.host_keys[(key.host, key.port)] = key
            self.hub.publish(key)

    async def accept_host_key(self, host: str, port: int, fingerprint: str) -> None:
        """An operator vouched for it. Raises ReachError when the host now shows another key."""
        await self.reach.accept(host, port, fingerprint)
        self.host_keys.pop((host, port), None)
        for site in self.fleet.sites.values():
            self.schedule.probe_now(site.id)

    def card(self) -> RoomCard:
        settings = self.fleet.room
        return RoomCard(
            name=settings.name,
            pid=os.getpid(),
            started=self.started,
            sites_path=self.fleet.path,
            version=tui.__version__,
            demo=settings.demo,
            timezone=settings.timezone,
            read_only=self.read_only,
            viewers=self.viewers,
        )

    def cards(self) -> tuple[SiteCard, ...]:
        return tuple(self._card(site) for site in self.fleet.sites.values())

    def catalogue(self) -> Catalogue:
        return self._catalogue

    def _card(self, site: Site) -> SiteCard:
        return SiteCard(
            id=site.id,
            name=site.name,
            url=site.url or "",
            platform=site.platform,
            layout=site.layout or "",
            host=site.ssh.host if site.ssh else "",
            production=site.production,
            tags=site.tags,
            logs=tuple(log.name for log in site.logs),
            absent=self.schedule.absent(site),
        )

    def _catalogue_ids(self) -> set[str]:
        return {info.id for info in self._catalogue.probes}
