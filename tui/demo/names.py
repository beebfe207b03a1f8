"""The stores of the embedded fleet: who they are and what the story has in mind for them."""

from __future__ import annotations

import msgspec

_NAMES = (
    ("nordlicht", "Nordlicht Outdoor"),
    ("atelier", "Atelier Lumière"),
    ("hutong", "胡同茶铺"),
    ("kiwi", "Kiwi & Co"),
    ("bolt", "Bolt Electronics"),
    ("saffron", "Saffron Spice House"),
    ("lingnan", "岭南家居"),
    ("pampa", "Pampa Leather"),
    ("fjord", "Fjord Knitwear"),
    ("sakura", "Sakura Stationery"),
    ("baobab", "Baobab Kids"),
    ("yunnan", "云南咖啡"),
)
PER_HOST = 4
"""Stores on one host: a fleet of twelve has three."""

VERSIONS = {"woocommerce": "10.3.4", "akismet": "5.7.2", "promo-banner": "2.4.0", "wp-mail-smtp": "4.2.0", "redis-cache": "2.6.5"}
"""Plugins every store has, with the version they start with."""


class Cast(msgspec.Struct, frozen=True):
    """One store's part. ``fault``: ``bad-release guilty-plugin stale-backup corrupt-backup certificate slow`` or "" for a quiet life."""

    id: str
    name: str
    host: int
    tls: bool = True
    git: bool = False
    fault: str = ""


FAULTS = {1: "bad-release", 4: "guilty-plugin", 5: "stale-backup", 7: "corrupt-backup", 8: "certificate", 10: "slow"}
"""Which of the first twelve stores gets which part; the seed turns the wheel."""


def cast(stores: int, seed: int, calm: bool, git: bool) -> tuple[Cast, ...]:
    """``stores`` parts for this ``seed``; ``calm`` gives nobody a fault; ``git``: the last of each dozen is deployed by git."""
    wheel = min(stores, len(_NAMES))
    faults = {} if calm else {(index + seed) % wheel: fault for index, fault in FAULTS.items() if index < wheel or fault == "bad-release"}
    parts = []
    for number in range(stores):
        base, name = _NAMES[number % len(_NAMES)]
        lap = number // len(_NAMES)
        parts.append(
            Cast(
                id=base if not lap else f"{base}-{lap + 1}",
                name=name if not lap else f"{name} {lap + 1}",
                host=number // PER_HOST,
                tls=number % 6 != 3 or faults.get(number) == "certificate",
                git=git and number % len(_NAMES) == 9 and faults.get(number) != "bad-release",
                fault=faults.get(number, ""),
            )
        )
    return tuple(parts)
