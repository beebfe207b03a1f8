"""What a key does: one file per action, one line here."""

from __future__ import annotations

from tui.model.action import Action

ACTIONS: tuple[Action, ...] = ()
"""Every action, in the order of the footer."""
