"""How it is deployed: one file per layout, one line here."""

from __future__ import annotations

from tui.model.shop import Layout
from tui.model.registry import load

LAYOUTS: tuple[Layout, ...] = load(
    __name__, "LAYOUT", (
    ),
)  # fmt: skip
"""Every layout."""
