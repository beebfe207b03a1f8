"""What shop it is: one file per platform, one line here."""

from __future__ import annotations

from tui.model.shop import Platform

PLATFORMS: tuple[Platform, ...] = ()
