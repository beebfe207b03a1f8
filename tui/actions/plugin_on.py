"""Switch a plugin on."""

from __future__ import annotations

from functools import partial

from tui.actions import _plugins
from tui.model.action import Action, Readings
from tui.model.catalogue import ActionInfo, Option
from tui.model.site import Site


def choices(_site: Site, readings: Readings) -> list[Option]:
    """What is off."""
    return _plugins.options(readings, on=True)


ACTION = Action(
    info=ActionInfo(
        id="plugin-on",
        title="Plugin on",
        key="X",
        help="switches a plugin on and looks at the shop afterwards",
        pane=_plugins.PANE,
        chooses=True,
        then=("plugins", "errors"),
    ),
    choices=choices,
    plan=partial(_plugins.plan, on=True),
    prove=_plugins.prove,
)
