"""Ours and the original make the same picture, for any stream; and ours is short."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.view_quiet.conftest import Terminal
from tui.view.screenmodel import SYNC_END, SYNC_START, ScreenModel
from tui.view.sgr import PLAIN, applied, change

WIDTH, HEIGHT = 24, 6
# pyte measures these as we do; what terminals measure differently is passed through, and has a test of its own.
CELLS = ["a", "b", " ", "7", "é", "─", "▌", "中", "文", "店", "e\u0301", "中\u0301"]
COLOURS = ["", "31", "38;5;9", "38;2;1;2;3", "97"]
GROUNDS = ["", "41", "48;5;20", "48;2;9;8;7", "104"]
FLAGS = ["", "1", "2", "3", "4", "7", "9", "1;4", "5", "1;3;7"]


def width_of(cell: str) -> int:
    return 2 if cell[0] in "中文店" else 1


@st.composite
def sgr(draw) -> str:
    parts = [part for part in (draw(st.sampled_from(FLAGS)), draw(st.sampled_from(COLOURS)), draw(st.sampled_from(GROUNDS))) if part]
    return ";".join(parts)


@st.composite
def strip(draw, room: int) -> str:
    """Segments as Rich writes them, at most ``room`` cells wide."""
    out = ""
    for _ in range(draw(st.integers(1, 4))):
        text = ""
        for cell in draw(st.lists(st.sampled_from(CELLS), min_size=1, max_size=12)):
            if width_of(cell) <= room:
                text += cell
                room -= width_of(cell)
        style = draw(sgr())
        out += f"\x1b[{style}m{text}\x1b[0m" if style and text else text
    return out


@st.composite
def update(draw) -> str:
    """One write as Textual makes it: moves, strips, line ends, and the cursor's place."""
    out = ""
    for _ in range(draw(st.integers(1, 4))):
        y, x = draw(st.integers(0, HEIGHT - 1)), draw(st.integers(0, WIDTH - 1))
        out += f"\x1b[{y + 1};{x + 1}H" + draw(strip(WIDTH - x))
        if y < HEIGHT - 1 and draw(st.booleans()):
            out += "\n"
    y, x = draw(st.integers(0, HEIGHT - 1)), draw(st.integers(0, WIDTH - 1))
    return out + f"\x1b[{y + 1};{x + 1}H"


@st.composite
def repaint(draw) -> str:
    """The whole screen, as after a resize."""
    lines = []
    for y in range(HEIGHT):
        line = draw(strip(WIDTH))
        lines.append(f"\x1b[{y + 1};1H{line}")
    return "\n".join(lines) + "\x1b[1;1H"


OTHER = st.sampled_from(
    [
        "\x1b[2J",
        "\x1b[H\x1b[K",
        "\x1b[?1049h",
        "\x07",
        "\x1b[?25l",
        "\x1b[?1003h",
        "\x1b[3;3Hloose \x1b[1mbold",
        "tail without a move",
        "\x1b[2;2H\x1b[22;39mno reset\x1b[0m\x1b[1;1H",
        "\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\",
        "\x1b[5;1H\x1b[31mred",
        "\x1b[1;30mtwo\x1b[4;1Hmore\x1b[0m\x1b[1;1H",
        "\x1b[2;20Hpast the right edge",
        "\x1b[6;1Hlast\n",
        "\x1b[?7l",
        "\x1b[?7h",
    ]
)


@settings(max_examples=250, deadline=None)
@given(st.lists(st.one_of(update(), update(), update(), repaint(), OTHER, st.sampled_from([SYNC_START, SYNC_END])), max_size=12))
def test_any_stream_makes_the_same_picture(writes):
    original, ours = Terminal(WIDTH, HEIGHT), Terminal(WIDTH, HEIGHT)
    model = ScreenModel(WIDTH, HEIGHT)
    for write in ["\x1b[?7l", *writes]:
        original.feed(write)
        ours.feed(model.feed(write))
        assert ours.picture() == original.picture()
        assert ours.cursor == original.cursor


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.one_of(update(), repaint()), min_size=1, max_size=4), st.integers(8, 40), st.integers(3, 10), st.lists(update(), max_size=3)
)
def test_after_a_resize_everything_is_drawn_again(before, width, height, after):
    original, ours = Terminal(WIDTH, HEIGHT), Terminal(WIDTH, HEIGHT)
    model = ScreenModel(WIDTH, HEIGHT)
    for write in before:
        original.feed(write)
        ours.feed(model.feed(write))
    for terminal in (original, ours):
        terminal.screen.resize(height, width)
    model.resize(width, height)
    lines = "\n".join(f"\x1b[{y + 1};1H" + f"line {y}".ljust(width)[:width] for y in range(height))
    for write in ["\x1b[0m\x1b[1;1H", lines + "\x1b[1;1H", *after]:
        original.feed(write)
        ours.feed(model.feed(write))
    assert ours.picture() == original.picture()


def painted(model: ScreenModel, rows: list[str]) -> str:
    return model.feed("\n".join(f"\x1b[{y + 1};1H\x1b[1;37;44m{row}\x1b[0m" for y, row in enumerate(rows)) + "\x1b[1;1H")


def test_what_is_shown_already_costs_nothing():
    model = ScreenModel(20, 3)
    rows = ["one".ljust(20), "店 two".ljust(19), "three".ljust(20)]
    model.feed("\x1b[0m")
    assert painted(model, rows)
    assert painted(model, rows) == ""
    assert model.feed(SYNC_START) + painted(model, rows) + model.feed(SYNC_END) == ""


def test_one_cell_costs_one_move_and_one_character():
    model = ScreenModel(20, 3)
    model.feed("\x1b[0m")
    painted(model, ["a" * 20, "b" * 20, "c" * 20])
    out = painted(model, ["a" * 20, "b" * 9 + "X" + "b" * 10, "c" * 20])
    assert len(out) <= 12, out


def test_a_short_gap_is_written_rather_than_jumped():
    model = ScreenModel(20, 1)
    model.feed("\x1b[0m")
    painted(model, ["aaaaaaaaaaaaaaaaaaaa"])
    assert "XaX" in painted(model, ["aaaaaXaXaaaaaaaaaaaa"])


def test_after_forgetting_all_is_sent_again():
    model = ScreenModel(20, 1)
    model.feed("\x1b[0m")
    rows = ["aaaaaaaaaaaaaaaaaaaa"]
    painted(model, rows)
    model.forget()
    assert "a" * 20 in painted(model, rows)


def test_a_big_frame_keeps_its_marks_and_a_small_one_does_not():
    model = ScreenModel(200, 30)
    model.feed("\x1b[0m")
    model.feed(SYNC_START)
    big = painted(model, ["x" * 200] * 30)
    assert big.startswith(SYNC_START)
    assert model.feed(SYNC_END) == SYNC_END
    model.feed(SYNC_START)
    assert not painted(model, ["y" + "x" * 199] + ["x" * 200] * 29).startswith(SYNC_START)
    assert model.feed(SYNC_END) == ""


@pytest.mark.parametrize("text", ["👨\u200d👩\u200d👧", "⚠\ufe0f", "🇨🇳", "a\u200bb", "\u202eabc", "\x9b2J", "\u0301x"])
def test_what_terminals_measure_differently_goes_out_as_it_came(text):
    model = ScreenModel(20, 3)
    model.feed("\x1b[0m\x1b[1;1H")
    write = f"\x1b[2;1H\x1b[31m{text}\x1b[0m\x1b[1;1H"
    assert model.feed(write).endswith(write)
    assert model.feed(write).endswith(write)  # and is not believed to be shown


def test_many_styles_do_not_pile_up():
    model = ScreenModel(20, 2)
    for number in range(10_000):
        model.feed(f"\x1b[1;1H\x1b[38;2;{number // 256};{number % 256};1mx\x1b[0m\x1b[1;1H")
    assert len(model._styles) < 5000


@given(sgr(), sgr())
def test_the_way_between_two_styles_leads_there(one, two):
    start, end = applied(PLAIN, one or "0"), applied(PLAIN, two or "0")
    way = change(start, end)
    assert (way == "") == (start == end)
    if way:
        assert applied(start, way[2:-1]) == end
        assert applied((-1, "?", "?"), change(None, end)[2:-1]) == end


@pytest.mark.parametrize("parameters", ["38", "38;5", "38;2;1", "38;7;1", "26", "1;"])
def test_parameters_cut_short_or_unknown(parameters):
    assert applied((1, "31", ""), parameters) == (PLAIN if parameters == "1;" else None)


def test_a_table_that_changes_here_and_there_is_far_shorter_than_its_rows():
    random.seed(4)
    model, terminal, original = ScreenModel(120, 50), Terminal(120, 50), Terminal(120, 50)
    rows = [[" " * 120] for _ in range(50)]
    sent = given_ = 0
    model.feed("\x1b[0m")
    for turn in range(5):
        for y in range(50):
            cells = [f"{random.randrange(100):>4}" if column % 4 == 0 else f"row {y:<6}" for column in range(12)]
            rows[y] = cells
        write = "\n".join(
            f"\x1b[{y + 1};1H" + "".join(f"\x1b[38;5;7;48;5;17m{cell:<10}\x1b[0m" for cell in row) for y, row in enumerate(rows)
        )
        write += "\x1b[1;1H"
        out = model.feed(write)
        original.feed(write)
        terminal.feed(out)
        if turn:
            sent, given_ = sent + len(out), given_ + len(write)
    assert terminal.picture() == original.picture()
    assert sent * 8 < given_
