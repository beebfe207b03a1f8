"""One storefront and the fleet it belongs to, as sites.toml describes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


class SshTarget(msgspec.Struct, frozen=True):
    """Where and as whom we log in. None means: as ``~/.ssh/config`` or ssh's own default says.

    ``jump``: hops in order, each ``[user@]host[:port]`` or a name in the ssh config. ``key``, ``known_hosts`` and
    ``config`` are expanded paths (``config`` "none" reads no ssh config).
    """

    host: str
    port: int | None = None
    user: str | None = None
    key: str | None = None
    known_hosts: str | None = None
    jump: tuple[str, ...] = ()
    config: str | None = None


class HttpTarget(msgspec.Struct, frozen=True):
    """How the shop is checked from outside. ``connect`` is ``host:port`` like curl's --connect-to; ``ca`` a PEM path; ``timeout``
    seconds."""

    connect: str | None = None
    ca: str | None = None
    timeout: float = 10.0
    expect: str | None = None


class LogSource(msgspec.Struct, frozen=True):
    """A log file on the site's host. ``path`` is absolute; ``timezone`` an IANA name, None for the host's own."""

    name: str
    format: str
    path: str
    timezone: str | None = None


class SecretRef(msgspec.Struct, frozen=True):
    """Where a secret is fetched when it is needed; the file never holds it. ``kind``: ``env`` (``value[0]`` is the variable), ``file``
    (``value[0]`` is an expanded path, its first line counts) or ``command`` (``value`` are words, their first line of output counts)."""

    kind: str
    value: tuple[str, ...]


class Database(msgspec.Struct, frozen=True):
    """The shop's MySQL as seen from its SSH host: over the Unix ``socket`` when there is one, else ``host:port``."""

    name: str
    user: str | None = None
    password: SecretRef | None = None
    host: str = "127.0.0.1"
    port: int = 3306
    socket: str | None = None


class Journey(msgspec.Struct, frozen=True):
    """A scripted walk through the shop, by name."""

    name: str


class Peak(msgspec.Struct, frozen=True):
    """A promotion window. ``starts`` and ``ends`` are Unix seconds."""

    name: str
    starts: float
    ends: float


class Roles(msgspec.Struct, frozen=True):
    """Unix groups whose members hold a role; empty: nobody but those whom the room itself allows."""

    operator: tuple[str, ...] = ()
    approver: tuple[str, ...] = ()


class Site(msgspec.Struct, frozen=True):
    """One storefront. ``interval`` is seconds between uptime checks; ``root`` and ``owner``: where the platform's files lie, who runs them.

    ``settings`` holds the validated settings object of each unit that declared one, by its key: ``probe.ID``, ``action.ID``,
    ``platform``, ``layout``, ``vault``.
    """

    id: str
    name: str
    url: str | None = None
    platform: str = "custom"
    layout: str | None = None
    vault: str | None = None
    root: str | None = None
    owner: str | None = None
    production: bool = True
    approve: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    interval: float = 30.0
    ssh: SshTarget | None = None
    http: HttpTarget = HttpTarget()
    logs: tuple[LogSource, ...] = ()
    php_reload: tuple[str, ...] = ()
    settings: Mapping[str, Any] = {}
    database: Database | None = None
    journeys: tuple[Journey, ...] = ()

    def section(self, key: str, kind: type[T]) -> T:
        """The settings object stored under ``key``; the defaults of ``kind`` when the file names none.

        Raises TypeError when the object is of another type: a wiring fault, never the user's.
        """
        found = self.settings.get(key)
        if found is None:
            return kind()
        if not isinstance(found, kind):
            raise TypeError(f"settings {key!r} of {self.id} are {type(found).__name__}, not {kind.__name__}")
        return found


class RoomSettings(msgspec.Struct, frozen=True):
    """The ``[room]`` table. ``socket`` and ``group`` make it a team's room; ``history`` is "sqlite" or a SQLAlchemy URL."""

    name: str = "storewatch"
    history: str = "sqlite"
    timezone: str = "UTC"
    socket: str | None = None
    group: str | None = None
    state: str | None = None
    demo: bool = False
    self_test: tuple[str, ...] = ()
    history_password: SecretRef | None = None


class Fleet(msgspec.Struct, frozen=True):
    """All sites of one sites.toml, by id, in the order of the file. ``path`` is the real path of the file; ``digest`` of all files read."""

    path: str
    sites: Mapping[str, Site]
    room: RoomSettings = RoomSettings()
    digest: str = ""
    roles: Roles = Roles()
    peaks: tuple[Peak, ...] = ()
