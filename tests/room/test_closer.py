"""A store that goes down is looked at whole."""

from tui.model.level import Level
from tui.model.message import msg
from tui.model.reading import Reading
from tui.room.closer import PAUSE, CloserLook
from tui.room.hub import Hub


def told(*looks: tuple[str, float, Level]) -> list[str]:
    hub, asked = Hub(), []
    CloserLook(hub, asked.append)
    for site, at, level in looks:
        hub.publish(Reading(probe="uptime", site=site, level=level, summary=msg("x"), at=at))
    return asked


def test_a_store_that_turns_crit_is_looked_at_once():
    assert told(("a", 1, Level.OK), ("a", 100, Level.WARN), ("a", 101, Level.CRIT), ("a", 102, Level.CRIT)) == ["a"]


def test_recovery_is_looked_at_too_but_flapping_is_not():
    looks = [("a", 1, Level.OK), ("a", 100, Level.CRIT), ("a", 110, Level.OK), ("a", 120, Level.CRIT), ("a", 121 + PAUSE, Level.OK)]
    assert told(*looks) == ["a", "a"]


def test_the_first_look_and_other_levels_ask_nothing():
    assert told(("a", 100, Level.CRIT), ("b", 100, Level.OK), ("b", 200, Level.UNKNOWN), ("b", 300, Level.OK)) == []
