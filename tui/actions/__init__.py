"""What a key does: one file per action, one line here."""

from __future__ import annotations

from tui.model.action import Action
from tui.model.registry import load

ACTIONS: tuple[Action, ...] = load(
    __name__, "ACTION", (
        "tail",
        "plugin_off",
        "plugin_on",
        "rollback",
        "reload_php",
    ),
)  # fmt: skip
"""Every action, in the order of the footer."""
