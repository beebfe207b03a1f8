"""What needs no screen: board, words, cells, filters, the log buffer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.model.level import Level
from tui.model.message import msg
from tui.view import words
from tui.view.board import Board
from tui.view.cells import fit, safe, wrap
from tui.view.logbuffer import LogBuffer
from tui.view.query import parse
from tui.view.widgets.grid import Cell, Col, fit_columns, row_strip
from tui.wire import messages as m


@pytest.fixture
def board(room):
    board = Board()
    board.welcome(room.welcome())
    return board


def test_a_site_is_its_worst_reading(board):
    assert board.levels["s2"] is Level.CRIT
    assert board.levels["s7"] is Level.UNKNOWN
    assert board.worst("s2").probe == "uptime"
    assert board.counts[Level.OK] == 9


def test_a_site_without_readings_is_a_first_look(fake_room):
    room, board = fake_room(3), Board()
    room.readings = ()
    board.welcome(room.welcome())
    assert board.levels["s0"] is None
    assert board.counts[None] == 3


def test_a_delta_says_which_levels_changed(board, room):
    change = board.delta(m.Delta((room.reading(0, "uptime", Level.CRIT, "down"), room.reading(3, "uptime", text="200"))))
    assert change.sites == {"s0", "s3"}
    assert change.levels == {"s0"}
    assert board.counts[Level.CRIT] == 2


def test_readings_of_sites_that_are_gone_are_forgotten(board, room):
    board.fleet(m.FleetChanged(room.card, room.sites[:3]))
    assert set(board.readings) == {"s0", "s1", "s2"}
    assert not board.delta(m.Delta((room.reading(7, "uptime"),))).sites


def test_a_notice_of_level_ok_takes_it_back(board):
    board.delta(m.Delta(notices=(m.Notice("n", Level.WARN, msg("disk full")),)))
    assert "n" in board.notices
    board.delta(m.Delta(notices=(m.Notice("n", Level.OK, msg("fine")),)))
    assert not board.notices


@pytest.mark.parametrize(
    ("seconds", "text"), [(-5, "now"), (14, "now"), (16, "15 s"), (59, "30 s"), (60, "1 min"), (7300, "2 h"), (200_000, "2 d")]
)
def test_ages_step(seconds, text):
    assert words.age(seconds) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "ms", "-"),
        (123.4, "ms", "123 ms"),
        (4_404_019, "B", "4.2 MiB"),
        (0, "", "0"),
        (61.4, "%", "61%"),
        (True, "", "yes"),
        (2.0, "/min", "2/min"),
        (float("nan"), "s", "-"),
        (1e300, "at", f"{1e300:.0f}"),
        (9_700.0, "age", "5 min"),
        ("x", "B", "x"),
    ],
)
def test_figures(value, unit, text):
    assert words.figure(value, unit, 10_000.0) == text


def test_every_level_has_a_word_and_a_sign_of_its_own():
    for ascii_only in (False, True):
        words.WORDS.ascii = ascii_only
        signs = [words.glyph(level) for level in words.ORDER]
        assert len(set(signs)) == 5
        assert all(cell_len(sign) == 1 for sign in signs)
        assert not ascii_only or all(sign.isascii() for sign in signs)
    words.WORDS.ascii = False


@given(st.text(max_size=60), st.integers(0, 40), st.booleans())
def test_what_is_fitted_has_the_width_it_says(text, width, right):
    shown = fit(text, width, right)
    assert cell_len(shown) == width
    assert "\x1b" not in shown and "\n" not in shown and "\x9b" not in shown


@given(st.text(max_size=200), st.integers(2, 40))
def test_wrapped_lines_are_never_wider(text, width):
    assert all(cell_len(line) <= width for line in wrap(text, width))


def test_wrapping_loses_no_word():
    text = "the quick brown fox jumps over the lazy dog " * 4
    assert " ".join(" ".join(wrap(text, 17)).split()) == text.strip()


def test_hostile_text_is_harmless_in_a_cell():
    assert safe("\x1b]52;c;aGk=\x07a\u202eb\x9b2Jc\td") == "abc d"


@pytest.mark.parametrize("width", [20, 40, 60, 80, 200, 300])
def test_columns_fit_and_the_important_ones_stay(width):
    columns = [Col("level", "level", 8), *(Col(f"c{i}", f"c{i}", 9, drop=i + 1) for i in range(9)), Col("why", "why", 8, grow=True)]
    fitted = fit_columns(columns, width)
    kept = [column.key for _, column, _ in fitted]
    assert kept[0] == "level" and kept[-1] == "why"
    strip = row_strip(fitted, [Cell("宽字符宽字符宽字符")] * len(columns), width, cursor=True)
    assert strip.cell_length == sum(cell_len(segment.text) for segment in strip) == width


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("shop", "ab"), ("!eu", "b"), ("level:crit", "a"), ("!level:crit", "b"), ("-f sp", "ab"), ("SHOP eu", "a"),
        ("nothere", ""), ("nosuch:x", ""),
    ],
)  # fmt: skip
def test_filters(text, found):
    rows = {"a": {"": "shop eu crit", "level": "crit"}, "b": {"": "shop us ok", "level": "ok"}}
    test = parse(text)
    assert "".join(name for name, fields in rows.items() if test(fields)) == found


def test_an_empty_filter_asks_nothing():
    assert parse("  ") is None


def test_a_pause_loses_nothing_and_counts_what_no_longer_fits(record):
    buffer = LogBuffer(kept=10)
    buffer.add([record(number) for number in range(5)])
    buffer.pause()
    buffer.add([record(number) for number in range(5, 9)])
    assert buffer.rows() == ["0", "1", "2", "3", "4"]
    assert buffer.waiting == 4 and buffer.lost == 0
    buffer.add([record(number) for number in range(9, 30)])
    assert buffer.lost == 15 and buffer.waiting == 10
    buffer.resume()
    assert buffer.rows() == [str(number) for number in range(20, 30)]
    assert buffer.record("29").text == "GET / 29" and buffer.record("0") is None


def test_a_filter_throws_nothing_away(record):
    buffer = LogBuffer()
    buffer.add([record(0), record(1, "error", "boom"), record(2)], skipped=3)
    buffer.filter(parse("level:error"))
    assert buffer.rows() == ["1"]
    buffer.add([record(3, "crit", "boom"), record(4, "error", "boom")])
    assert buffer.rows() == ["1", "4"]
    buffer.filter(None)
    assert len(buffer.rows()) == 5 and buffer.skipped == 3
    assert buffer.next_error(buffer.rows(), 1, 1) == 3
    assert buffer.next_error(buffer.rows(), 1, -1) is None
