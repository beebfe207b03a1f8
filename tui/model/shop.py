"""What shops are made of: plugins, releases, backups, and the adapters that know a tool's words for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from tui.model.command import HostFacts
from tui.model.plan import Step
from tui.model.site import Site


class Plugin(msgspec.Struct, frozen=True):
    """``name`` raw; ``state``: ``active inactive must-use dropin active-network unknown``; ``update``: newer version on offer, ""
    if none known."""

    name: str
    title: str = ""
    version: str = ""
    state: str = "unknown"
    update: str = ""


class PluginList(msgspec.Struct, frozen=True):
    """``how``: ``wp`` (WP-CLI answered), ``shortinit`` (read from the database without loading plugins) or ``folders`` (only names on
    disk);
    ``trouble``: why the better way failed, "" if it did not."""

    plugins: tuple[Plugin, ...]
    how: str = "wp"
    trouble: str = ""


class Release(msgspec.Struct, frozen=True):
    """``id`` raw (folder name or commit); times Unix seconds or None. ``marks``: words such as ``bad unfinished rolled-back dirty``."""

    id: str
    commit: str = ""
    branch: str = ""
    who: str = ""
    at: float | None = None
    current: bool = False
    marks: tuple[str, ...] = ()


class Deploys(msgspec.Struct, frozen=True):
    """All releases, newest first. ``current``: id of the live one, "" when there is none. ``trouble``: what could not be read."""

    releases: tuple[Release, ...]
    current: str = ""
    trouble: str = ""


class Platform(msgspec.Struct, frozen=True, kw_only=True):
    """One shop software. What it cannot do is None.

    ``plugins_script(site)``: sh fragment (see ``sweep.PRELUDE``), ``plugins_read(bytes)``: its output; raises ValueError when garbled.
    ``switch(site, plugin, on, last_resort, host)``: steps that switch one plugin; ``last_resort`` renames its folder.
    ``fatal_marks``: body fragments of a page that answers 200 or 500 but is dead, with what each means.
    """

    id: str
    title: str
    settings: type[Any] | None = None
    plugins_script: Callable[[Site], str] | None = None
    plugins_read: Callable[[bytes], PluginList] | None = None
    switch: Callable[[Site, str, bool, bool, HostFacts], tuple[Step, ...]] | None = None
    fatal_marks: tuple[tuple[bytes, str], ...] = ()


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """One way releases lie on a host. ``script(site)`` lists them, ``read(bytes)`` parses that (ValueError when garbled).
    ``rollback(site, deploys, target, host)``: steps; raises Refused. ``atomic``: one rename makes it live."""

    id: str
    title: str
    settings: type[Any]
    script: Callable[[Site], str]
    read: Callable[[bytes], Deploys]
    rollback: Callable[[Site, Deploys, str, HostFacts], tuple[Step, ...]] | None = None
    atomic: bool = True


class Backup(msgspec.Struct, frozen=True):
    """One backup file or snapshot. ``name`` raw; ``size`` bytes; ``at`` Unix seconds; ``kind``: ``full incremental``;
    ``state``: ``FRESH STALE PARTIAL CORRUPT UNVERIFIED DRILLED``; ``note`` cleaned text."""

    name: str
    size: int
    at: float
    kind: str = "full"
    state: str = "UNVERIFIED"
    note: str = ""


class Vault(msgspec.Struct, frozen=True, kw_only=True):
    """One way backups are kept. ``script(site)`` lists them cheaply, ``read(site, bytes, now)`` parses that (ValueError when garbled);
    ``now`` is the host's time in Unix seconds. ``check_script(site, name)`` reads one backup from end to end (heavy); ``check_read(bytes)``
    gives what it found: a state of :class:`Backup` and a note (ValueError when garbled). ``read`` raises ReachError when the host says that
    we may not look."""

    id: str
    title: str
    settings: type[Any]
    script: Callable[[Site], str]
    read: Callable[[Site, bytes, float], tuple[Backup, ...]]
    check_script: Callable[[Site, str], str] | None = None
    check_read: Callable[[bytes], tuple[str, str]] | None = None
