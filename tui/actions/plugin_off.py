"""Switch a plugin off."""

from __future__ import annotations

from functools import partial

from tui.actions import _plugins
from tui.model.action import Action, Readings
from tui.model.catalogue import ActionInfo, Option
from tui.model.site import Site


def choices(_site: Site, readings: Readings) -> list[Option]:
    """What is on; when the shop's own tool does not work, also renaming each folder."""
    return _plugins.options(readings, on=False)


ACTION = Action(
    info=ActionInfo(
        id="plugin-off",
        title="Plugin off",
        key="x",
        help="switches a plugin off and looks at the shop afterwards; without loading any plugin, so it works on a dead shop too",
        pane=_plugins.PANE,
        chooses=True,
        then=("plugins", "errors"),
    ),
    choices=choices,
    plan=partial(_plugins.plan, on=False),
    prove=_plugins.prove,
)
