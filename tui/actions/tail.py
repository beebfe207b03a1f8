"""Follow the logs of one or several sites."""

from __future__ import annotations

from tui.model.action import Action
from tui.model.catalogue import ActionInfo

ACTION = Action(
    info=ActionInfo(
        id="tail",
        title="Logs",
        key="l",
        help="follows the logs of the marked stores, merged by time",
        changes=False,
        streams=True,
        many=True,
    )
)
