"""The latest reading of every probe of every site."""

from __future__ import annotations

from collections.abc import Iterable

from tui.model.reading import Reading
from tui.room.hub import Hub


class Memory:
    """One reading per site and probe; what is put is published."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._sites: dict[str, dict[str, Reading]] = {}

    def put(self, reading: Reading) -> None:
        """Keep ``reading`` as the latest of its site and probe and tell all listeners."""
        self._sites.setdefault(reading.site, {})[reading.probe] = reading
        self._hub.publish(reading)

    def get(self, site_id: str, probe_id: str) -> Reading | None:
        """The latest reading of one probe of one site, None before the first."""
        found = self._sites.get(site_id)
        return None if found is None else found.get(probe_id)

    def latest(self, site_id: str) -> dict[str, Reading]:
        """The latest readings of one site by probe id; a copy, empty when nothing was looked at."""
        return dict(self._sites.get(site_id, {}))

    def all(self) -> list[Reading]:
        """Every latest reading."""
        return [reading for probes in self._sites.values() for reading in probes.values()]

    def forget(self, site_ids: Iterable[str]) -> None:
        """Drop all readings of sites that are gone."""
        for site_id in site_ids:
            self._sites.pop(site_id, None)

    def drop(self, site_id: str, probe_id: str) -> None:
        """Drop the reading of a probe that a site no longer has."""
        self._sites.get(site_id, {}).pop(probe_id, None)
