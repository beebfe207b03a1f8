"""Composition root: the only file where all rooms of the house meet."""

from __future__ import annotations

from tui.actions import ACTIONS
from tui.config.secrets import reveal
from tui.model.message import Message
from tui.model.reach import HostKey
from tui.model.site import Fleet
from tui.probes import PROBES
from tui.reach.live import LiveReach
from tui.room.audit import Audit
from tui.room.history import History
from tui.room.hub import Hub
from tui.room.room import Room
from tui.wire.paths import RoomPaths


def build(fleet: Fleet, paths: RoomPaths, *, read_only: Message | None = None) -> Room:
    """A room for ``fleet`` whose history, audit and known hosts lie where ``paths`` says. Nothing is opened before ``Room.start``.

    Raises ReachError when the password of a shared history cannot be fetched.
    """
    rooms: list[Room] = []

    def on_host_key(key: HostKey) -> None:
        for room in rooms:
            room.host_key_seen(key)

    hub = Hub()
    url = str(paths.history) if fleet.room.history == "sqlite" else fleet.room.history
    ref = fleet.room.history_password
    history = History(url, password=None if ref is None else reveal(ref, "room.history_password"))
    audit = Audit(paths.audit, history)
    reach = LiveReach(paths.folder, on_host_key=on_host_key)
    rooms.append(Room(fleet, reach, hub, history, audit, PROBES, ACTIONS, read_only))
    return rooms[0]
