"""[defaults] under a site: tables merge, everything else replaces."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tui.config.source import local_path
from tui.config.units import platform_keys

LOCAL = (("ssh", "key"), ("ssh", "known_hosts"), ("ssh", "config"), ("http", "ca"), ("database", "password_file"))
"""Keys that name a file of this machine, relative to the file they stand in."""

CHOICES = (("deploy", "layout"), ("backup", "vault"))


def with_local_paths(file: Path, table: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a site's table, or of [defaults], whose local paths are absolute. ``ssh.config = "none"`` stays."""
    result: dict[str, Any] = copy.deepcopy(dict(table))
    for outer, inner in LOCAL:
        part = result.get(outer)
        if isinstance(part, dict) and isinstance(text := part.get(inner), str) and text and (inner, text) != ("config", "none"):
            part[inner] = local_path(file, text)
    return result


def merged(defaults: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """``own`` over ``defaults``. What the defaults say for another layout, vault or platform than the site's does not concern it."""
    base = dict(defaults)
    for table, choice in CHOICES:
        mine, theirs = own.get(table), base.get(table)
        if isinstance(mine, dict) and isinstance(theirs, dict) and choice in mine and mine[choice] != theirs.get(choice):
            del base[table]
    platform = own.get("platform", base.get("platform", "custom"))
    for key, platforms in platform_keys().items():
        if isinstance(platform, str) and platform not in platforms:
            base.pop(key, None)
    return _deep(base, own)


def _deep(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in over.items():
        mine = result.get(key)
        result[key] = _deep(mine, value) if isinstance(mine, dict) and isinstance(value, dict) else value
    return result
