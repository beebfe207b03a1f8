"""What shop it is: one file per platform, one line here."""

from __future__ import annotations

from tui.model.registry import load
from tui.model.shop import Platform

PLATFORMS: tuple[Platform, ...] = load(
    __name__, "PLATFORM", (
        "wordpress",
        "custom",
    ),
)  # fmt: skip
"""Every platform, the more special before the more general."""
