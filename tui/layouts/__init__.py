"""How it is deployed: one file per layout, one line here."""

from __future__ import annotations

from tui.model.registry import load
from tui.model.shop import Layout

LAYOUTS: tuple[Layout, ...] = load(
    __name__, "LAYOUT", (
        "capistrano",
        "git",
    ),
)  # fmt: skip
"""Every layout."""
