"""What is watched: one file per probe, one line here."""

from __future__ import annotations

from tui.model.probe import Probe

PROBES: tuple[Probe, ...] = ()
"""Every probe, in the order of the fleet's columns and the site's panes."""
