"""Every file of a registry's folder is registered, and no two entries share an id or a key."""

import importlib
from pathlib import Path

import pytest

from tui.actions import ACTIONS
from tui.layouts import LAYOUTS
from tui.logs import FORMATS
from tui.platforms import PLATFORMS
from tui.probes import PROBES
from tui.vaults import VAULTS

ROOT = Path(__file__).parents[2] / "tui"
REGISTRIES = {"probes": PROBES, "actions": ACTIONS, "platforms": PLATFORMS, "layouts": LAYOUTS, "vaults": VAULTS, "logs": FORMATS}


def entry_id(entry) -> str:
    return entry.info.id if hasattr(entry, "info") else entry.id


def registered_in(module) -> list:
    """The entries a unit's file defines: PROBE, ACTION, PLATFORM, LAYOUT, VAULT, FORMAT (or a tuple of them, plural)."""
    found = []
    for name in ("PROBE", "ACTION", "PLATFORM", "LAYOUT", "VAULT", "FORMAT"):
        if hasattr(module, name):
            found.append(getattr(module, name))
        found.extend(getattr(module, name + "S", ()))
    return found


@pytest.mark.parametrize("folder", REGISTRIES)
def test_every_file_is_registered(folder):
    """Files that start with ``_`` are shared helpers; every other file is a unit."""
    registry = REGISTRIES[folder]
    for path in sorted((ROOT / folder).glob("[!_]*.py")):
        units = registered_in(importlib.import_module(f"tui.{folder}.{path.stem}"))
        assert units, f"{path.name} defines no unit (name shared helpers _NAME.py)"
        for unit in units:
            assert any(unit is entry for entry in registry), f"{folder}/{path.name} is not in the registry"


@pytest.mark.parametrize("folder", REGISTRIES)
def test_ids_are_unique(folder):
    ids = [entry_id(entry) for entry in REGISTRIES[folder]]
    assert len(set(ids)) == len(ids)


def test_keys_are_unique():
    panes = [entry.info.key for entry in PROBES if entry.info.key]
    keys = [entry.info.key for entry in ACTIONS if entry.info.key]
    assert len(set(panes)) == len(panes)
    assert len(set(keys)) == len(keys)
    assert not set(panes) & set(keys)


MOVES = {
    "j",
    "k",
    "g",
    "G",
    "q",
    "z",
    "r",
    "w",
    "t",
    "i",
    "d",
    "o",
    "e",
    "E",
    "p",
    "s",
    "y",
    "c",
    "a",
    "A",
    "b",
    "enter",
    "escape",
    "space",
    "tab",
}
SIGNS = set("/?:!@-[]123456789")


def test_no_unit_takes_a_key_that_moves_or_belongs_to_the_screens():
    taken = {entry.info.key for entry in (*PROBES, *ACTIONS)}

    assert taken & (MOVES | SIGNS) == set()
