"""How it is deployed: one file per layout, one line here."""

from __future__ import annotations

from tui.model.shop import Layout

LAYOUTS: tuple[Layout, ...] = ()
