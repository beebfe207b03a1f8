"""The views and how each is made; a view's file is loaded when it is first wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tui.view.screens.base import RoomScreen


class View(NamedTuple):
    """``name``: one of ``NAMES``; ``sites``: what it is about, empty for all; ``probe``: of a pane; ``run``: of a run."""

    name: str
    sites: tuple[str, ...] = ()
    probe: str = ""
    run: str = ""

    @property
    def ground(self) -> bool:
        """Whether nothing else is left below it but the fleet."""
        return self.name in ("fleet", "wall")

    @property
    def site(self) -> str:
        return self.sites[0] if self.sites else ""


NAMES = ("fleet", "wall", "site", "pane", "logs", "run", "audit", "timeline")


def make(view: View) -> RoomScreen:
    """A new screen that shows ``view``."""
    if view.name == "wall":
        from tui.view.screens.wall import WallScreen

        return WallScreen(view)
    if view.name == "site":
        from tui.view.screens.site import SiteScreen

        return SiteScreen(view)
    if view.name == "pane":
        from tui.view.screens.pane import PaneScreen

        return PaneScreen(view)
    if view.name == "logs":
        from tui.view.screens.logs import LogsScreen

        return LogsScreen(view)
    if view.name == "run":
        from tui.view.screens.run import RunScreen

        return RunScreen(view)
    if view.name in ("audit", "timeline"):
        from tui.view.screens.records import AuditScreen, TimelineScreen

        return AuditScreen(view) if view.name == "audit" else TimelineScreen(view)
    from tui.view.screens.fleet import FleetScreen

    return FleetScreen(view)
