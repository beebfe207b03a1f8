"""How it is backed up: one file per vault, one line here."""

from __future__ import annotations

from tui.model.shop import Vault
from tui.model.registry import load

VAULTS: tuple[Vault, ...] = load(
    __name__, "VAULT", (
    ),
)  # fmt: skip
"""Every vault."""
