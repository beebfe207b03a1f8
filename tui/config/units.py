"""What the registries offer: names that sites.toml may use, and the settings that come with each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel

from tui.actions import ACTIONS
from tui.config.problems import nearest
from tui.layouts import LAYOUTS
from tui.logs import FORMATS
from tui.platforms import PLATFORMS
from tui.probes import PROBES
from tui.vaults import VAULTS

Settings = type[BaseModel] | None

_NAMES = """
platform: wordpress woocommerce magento prestashop shopware opencart laravel bagisto sylius shopify bigcommerce custom
layout: capistrano deployer trellis envoyer git kamal compose kubernetes custom
vault: dump mydumper xtrabackup restic borg updraftplus rds rclone s3
log format: nginx-error access php-error php-fpm php-fpm-slow monolog apache-error mysql-error mysql-slow magento-report wc-log journal
probe: uptime journeys tls host services errors traffic database orders backups deploys plugins partners hosted security versions
action: tail plugin-off plugin-on rollback maintenance-on maintenance-off flush-cache reload-php restart-workers backup verify-backup
action: drill bisect hold-deploys release-deploys
"""
PLANNED: dict[str, tuple[str, ...]] = {}
for _line in _NAMES.strip().splitlines():
    _kind, _, _words = _line.partition(": ")
    PLANNED[_kind] = (*PLANNED.get(_kind, ()), *_words.split())
"""Names the project means to know. One that is not registered yet gets another answer than a typing mistake."""


def offered(kind: str) -> dict[str, Settings]:
    """The registered names of ``kind`` (a key of ``PLANNED``) with the settings model of each, None where it has none."""
    units: Iterable[Any] = {
        "platform": PLATFORMS,
        "layout": LAYOUTS,
        "vault": VAULTS,
        "log format": FORMATS,
        "probe": PROBES,
        "action": ACTIONS,
    }[kind]
    return {(unit.info.id if hasattr(unit, "info") else unit.id): getattr(unit, "settings", None) for unit in units}


def name_fault(kind: str, name: str) -> tuple[str, str] | None:
    """Why ``name`` is no usable name of ``kind``: message and hint; None when it is registered."""
    known = offered(kind)
    if name in known:
        return None
    listed = "known now: " + (", ".join(sorted(known)) or "none")
    if name in PLANNED[kind]:
        return f'{kind} "{name}" comes in a later version', listed
    return f'no {kind} is called "{name[:60]}"', nearest(name, [*known, *PLANNED[kind]]) or listed


def platform_keys() -> dict[str, set[str]]:
    """Each key that a platform's settings bring into the site table, with the platforms that know it."""
    found: dict[str, set[str]] = {}
    for platform, settings in offered("platform").items():
        for key in settings.model_fields if settings else ():
            found.setdefault(key, set()).add(platform)
    return found
