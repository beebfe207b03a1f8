"""How it is backed up: one file per vault, one line here."""

from __future__ import annotations

from tui.model.shop import Vault

VAULTS: tuple[Vault, ...] = ()
