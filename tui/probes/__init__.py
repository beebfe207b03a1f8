"""What is watched: one file per probe, one line here."""

from __future__ import annotations

from tui.model.probe import Probe
from tui.model.registry import load

PROBES: tuple[Probe, ...] = load(
    __name__, "PROBE", (
        "uptime",
        "tls",
        "errors",
        "host",
        "backups",
        "deploys",
        "plugins",
    ),
)  # fmt: skip
"""Every probe, in the order of the fleet's columns and the site's panes."""
