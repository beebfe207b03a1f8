"""How it is backed up: one file per vault, one line here."""

from __future__ import annotations

from tui.model.registry import load
from tui.model.shop import Vault

VAULTS: tuple[Vault, ...] = load(
    __name__, "VAULT", (
        "dump",
    ),
)  # fmt: skip
"""Every vault."""
