"""What the viewer keeps, and in which order it shows it."""

from tui.model.catalogue import Catalogue, ProbeInfo
from tui.model.level import Level
from tui.model.message import msg
from tui.model.reading import Reading
from tui.view.board import Board
from tui.view.fleet import BY_LEVEL, order
from tui.wire.messages import Delta, RoomCard, SiteCard, Welcome


def look(site: str, probe: str, level: Level) -> Reading:
    return Reading(probe=probe, site=site, level=level, summary=msg("x"), at=1.0)


def board(*readings: Reading) -> Board:
    found = Board()
    catalogue = Catalogue(probes=(ProbeInfo("uptime", "Uptime"), ProbeInfo("backups", "Backups")))
    sites = tuple(SiteCard(site, site.upper()) for site in ("a", "b", "c"))
    found.welcome(Welcome(1, RoomCard("r", 1, 0.0, "/s", "0"), catalogue, sites, readings))
    return found


def rows(found: Board) -> list[str]:
    return order(found, None, False, BY_LEVEL, False)


def test_a_shop_that_is_down_goes_before_an_old_backup():
    found = board(look("a", "backups", Level.CRIT), look("b", "uptime", Level.CRIT), look("c", "uptime", Level.OK))

    assert rows(found) == ["b", "a", "c"]


def test_a_store_moves_up_when_it_goes_down_too():
    found = board(look("a", "backups", Level.CRIT), look("b", "backups", Level.CRIT), look("c", "uptime", Level.WARN))
    assert rows(found) == ["a", "b", "c"]

    change = found.delta(Delta(readings=(look("b", "uptime", Level.CRIT),)))
    assert change.levels == {"b"}
    assert rows(found) == ["b", "a", "c"]

    change = found.delta(Delta(readings=(look("b", "uptime", Level.OK),)))
    assert change.levels == {"b"}
    assert rows(found) == ["a", "b", "c"]


def test_nothing_moves_when_nothing_turned():
    found = board(look("a", "backups", Level.CRIT))

    assert found.delta(Delta(readings=(look("a", "backups", Level.CRIT),))).levels == set()
