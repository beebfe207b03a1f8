"""A CRIT is believed when it came twice; what comes and goes does not hide behind that."""

from hypothesis import given
from hypothesis import strategies as st

from tui.model.level import Level
from tui.model.message import msg
from tui.model.reading import Reading
from tui.room.confirm import FLAPS, Doubt, judge, resume

LEVELS = {"o": Level.OK, "w": Level.WARN, "x": Level.CRIT, "?": Level.UNKNOWN}


def look(letter):
    return Reading(probe="uptime", site="eu", level=LEVELS[letter], summary=msg("it says {word}", word=letter), at=0.0)


def shown(letters, needed=2, doubt=None):
    doubt, found = doubt or Doubt(), []
    for letter in letters:
        doubt, reading, soon = judge(doubt, look(letter), needed)
        found.append((reading, soon))
    return found


def levels(letters, needed=2):
    return [reading.level for reading, _ in shown(letters, needed)]


def test_a_first_crit_is_a_warning_that_says_so_and_is_looked_at_again_at_once():
    (reading, soon), (second, again) = shown("xx")
    assert (reading.level, reading.summary.say(), soon) == (Level.WARN, "(1 of 2) it says x", True)
    assert (second.level, second.summary.say(), again) == (Level.CRIT, "it says x", False)


def test_one_lost_packet_pages_nobody():
    assert levels("oxooo") == [Level.OK, Level.WARN, Level.OK, Level.OK, Level.OK]


def test_an_unknown_in_between_neither_confirms_nor_clears():
    assert levels("x?x?") == [Level.WARN, Level.UNKNOWN, Level.CRIT, Level.UNKNOWN]


def test_a_shop_that_comes_and_goes_is_not_hidden():
    found = shown("xoxox" + "o")
    assert [reading.level for reading, _ in found[:5]] == [Level.WARN, Level.OK, Level.WARN, Level.OK, Level.CRIT]
    assert found[5][0].level is Level.WARN
    assert found[5][0].summary.say() == "(failed 3 times in 6 looks) it says o"


def test_a_shop_that_was_down_long_and_was_cured_is_well_at_once():
    assert levels("x" * 30 + "oo")[-2:] == [Level.OK, Level.OK]


def test_confirm_one_believes_at_once_and_a_restart_believes_what_was_shown():
    assert levels("x", needed=1) == [Level.CRIT]
    assert [reading.level for reading, _ in shown("x", doubt=resume(look("x"), 2))] == [Level.CRIT]
    assert resume(look("o"), 2) == resume(None, 2) == Doubt()


@given(st.text("owx?", max_size=40), st.integers(1, 4))
def test_what_is_shown_is_never_worse_than_seen_nor_hidden_for_long(letters, needed):
    found = shown(letters, needed)
    row = 0
    for letter, (reading, soon) in zip(letters, found, strict=True):
        seen = LEVELS[letter]
        row = row + 1 if seen is Level.CRIT else row if seen is Level.UNKNOWN else 0
        if seen is Level.CRIT:
            assert reading.level is (Level.CRIT if row >= needed or reading.level is Level.CRIT else Level.WARN)
            assert row < needed or reading.level is Level.CRIT
            assert soon is (reading.level is Level.WARN)
        else:
            assert reading.level in ({Level.OK, Level.WARN} if seen is Level.OK else {seen})
            assert not soon


@given(st.text("ox", min_size=1, max_size=40))
def test_it_is_shown_crit_exactly_when_confirmed_or_flapping(letters):
    for end in range(1, len(letters) + 1):
        past = letters[:end]
        if past[-1] != "x":
            continue
        separate = len([part for part in past[-12:].split("o") if part])
        assert (levels(past)[-1] is Level.CRIT) is (past.endswith("xx") or separate >= FLAPS)
