"""What a terminal shows, so that only cells that differ are sent.

Textual rewrites whole stretches of a line for one changed cell. This reads what it writes (the little grammar of Textual 8.2:
absolute moves, SGR, text, line ends), keeps the picture it makes, and gives back the shortest stream that makes the same
picture. A write with anything else in it goes out as it came, and the picture is forgotten: what follows is then sent whole.
"""

from __future__ import annotations

import functools
import re
import unicodedata

from rich.cells import get_character_cell_size

from tui.view.sgr import PLAIN, Style, applied, change

SYNC_START, SYNC_END = "\x1b[?2026h", "\x1b[?2026l"
SMALL = 2048
"""Characters below which an update goes out without synchronized-output marks: it fits one write, and tmux 3.7 answers each mark
by sending its whole pane again."""
STYLES = 4096
"""Styles kept before everything is forgotten: a bound, not a figure anybody meets."""

_TOKEN = re.compile(r"\x1b\[(?:([0-9;]*)m|(\d{0,4}(?:;\d{0,4})?)H)|(\n)|([^\x00-\x1f\x7f]+)")
_AUTOWRAP = re.compile(r"\x1b\[\?7([hl])")
_HARMLESS = re.compile(
    r"(?:\x07|\x1b\[\?(?:25|1000|1002|1003|1004|1006|1015|1016|2004|2048)[hl]|\x1b\[\?(?:2026|2048)\$p|\x1b\[[<>]\d*u|\x1b\](?:22|52);[^\x07\x1b]*(?:\x07|\x1b\\))+"
)
"""Sequences that change no cell, no cursor and no style: bell, modes of mouse and keys, pointer shape, clipboard."""
_ENDS_PLAIN = re.compile(r"\x1b\[0?m(?:[^\x00-\x1f\x7f]|\n|\r|\x1b\[[0-9;]*[ABCDHJK])*\Z")
"""A stream after which the style is plain for certain."""
_KEEPS_STYLE = re.compile(r"(?:\x1b\[\?(?:7|2048)[hl]|\x1b\[\?1049h|\x1b\[[0-9;]*[ABCDHJK])+")

Line = tuple[list[str | None], list[int]]
"""Characters (None unknown, "" the right half of the wide one before) and style numbers of one line, by column."""


class _Foreign(Exception):
    """A write holds something this grammar does not know."""


class ScreenModel:
    """The picture of a terminal of ``width`` x ``height`` cells, and what it takes to change it. ``feed`` in, shorter stream out."""

    def __init__(self, width: int, height: int) -> None:
        self._styles: list[Style] = [PLAIN]
        self._numbers: dict[Style, int] = {PLAIN: 0}
        self._steps: dict[tuple[int | None, str], int] = {}
        self._changes: dict[tuple[int | None, int], str] = {}
        self._pending = self._open = False
        self._wraps = False  # a full line then leaves the cursor in between lines: all goes out as it came until it is off
        self._said: int | None = None  # the style the terminal is really in; None: unknown
        self._style: int | None = None  # the one it would be in without us
        self._at: tuple[int, int] | None = None  # the cursor (x, y), the same with and without us between writes
        self.resize(width, height)

    def resize(self, width: int, height: int) -> None:
        """The terminal has another size now; what it shows is unknown."""
        self.width, self.height = width, height
        self.forget()

    def forget(self) -> None:
        """Nothing is known of what the terminal shows: the next writes go out whole."""
        self._lines: list[Line] = [([None] * self.width, [0] * self.width) for _ in range(self.height)]
        self._at = None

    def feed(self, data: str) -> str:
        """What to send instead of ``data``; "" when the terminal shows it already."""
        if data == SYNC_START:
            self._pending = True
            return ""
        if data == SYNC_END:
            return self._end()
        if not data or _HARMLESS.fullmatch(data):
            return data
        try:
            out = self._raw(data) if self._wraps else self._write(data)
        except _Foreign:
            out = self._raw(data)
        if len(self._styles) > STYLES:
            self._renumber()
        if out and self._pending and len(out) > SMALL:
            self._pending, self._open = False, True
            return SYNC_START + out
        return out

    def _end(self) -> str:
        ended, self._pending, self._open = self._open, False, False
        return SYNC_END if ended else ""

    def _raw(self, data: str) -> str:
        """``data`` as it came, from the state in which it would have found the terminal."""
        prefix = "" if self._style is None else self._to_style(self._style)
        self._style = 0 if _ENDS_PLAIN.search(data) else self._style if _KEEPS_STYLE.fullmatch(data) else None
        self._said = self._style
        if switched := _AUTOWRAP.findall(data):
            self._wraps = switched[-1] == "h"
        self.forget()
        return prefix + data

    def _renumber(self) -> None:
        style, said = (None if number is None else self._styles[number] for number in (self._style, self._said))
        self._styles, self._numbers = [PLAIN], {PLAIN: 0}
        self._steps.clear()
        self._changes.clear()
        self._style, self._said = (None if kept is None else self._number(kept) for kept in (style, said))
        at = self._at
        self.forget()
        self._at = at

    def _write(self, data: str) -> str:
        wanted = _Wanted(self._lines, self.width, self._at, self._style)
        place = 0
        for token in _TOKEN.finditer(data):
            if token.start() != place:
                raise _Foreign
            place = token.end()
            colours, position, line_end, text = token.groups()
            if text is not None:
                wanted.text(text)
            elif colours is not None:
                wanted.style = self._step(wanted.style, colours)
            elif line_end is not None:
                wanted.line_feed(self.height)
            else:
                wanted.move(position, self.height)
        if place != len(data):
            raise _Foreign
        end = wanted.finished()
        out = _Pen(self).draw(wanted.lines, end)
        for y, line in wanted.lines.items():
            self._lines[y] = line
        self._at, self._style = end, wanted.style
        return out

    def _step(self, number: int | None, parameters: str) -> int:
        key = (number, parameters)
        if (found := self._steps.get(key)) is None:
            start = PLAIN if number is None else self._styles[number]
            style = applied(start, parameters)
            if style is None or (number is None and applied((-1, "?", "?"), parameters) != style):
                raise _Foreign  # from an unknown style only a reset leads to a known one
            found = self._steps[key] = self._number(style)
        return found

    def _number(self, style: Style) -> int:
        if style not in self._numbers:
            self._numbers[style] = len(self._styles)
            self._styles.append(style)
        return self._numbers[style]

    def _to_style(self, number: int) -> str:
        """The sequence that puts the terminal into a style."""
        key = (self._said, number)
        if (found := self._changes.get(key)) is None:
            now = None if self._said is None else self._styles[self._said]
            found = self._changes[key] = change(now, self._styles[number])
        self._said = number
        return found


class _Wanted:
    """The picture one write asks for: copies of the lines it touches, and the cursor and style it leaves. Raises _Foreign."""

    def __init__(self, shown: list[Line], width: int, at: tuple[int, int] | None, style: int | None) -> None:
        self._shown = shown
        self._width = width
        self._x: int | None
        self._x, self._y = at or (None, 0)
        self.style = style
        self.lines: dict[int, Line] = {}
        self._torn: set[tuple[int, int]] = set()

    def move(self, parameters: str, height: int) -> None:
        row, _, column = parameters.partition(";")
        y, x = int(row or 1) - 1, int(column or 1) - 1
        if not (0 <= y < height and 0 <= x < self._width):
            raise _Foreign
        self._x, self._y = x, y

    def line_feed(self, height: int) -> None:
        """Down one line. The column then depends on the tty (onlcr), so it is unknown until the next move."""
        if self._y + 1 >= height:
            raise _Foreign
        self._x, self._y = None, self._y + 1

    def text(self, text: str) -> None:
        x, style = self._x, self.style
        if x is None or style is None:
            raise _Foreign
        cells: str | list[str] = text if text.isascii() else _cells(text)
        end = x + len(cells)
        if end > self._width:
            raise _Foreign
        line = self.lines.get(self._y)
        if line is None:
            kept = self._shown[self._y]
            line = self.lines[self._y] = (kept[0].copy(), kept[1].copy())
        characters, styles = line
        if characters[x] == "":
            self._torn.add((self._y, x - 1))
        if end < self._width and characters[end] == "":
            self._torn.add((self._y, end))
        characters[x:end] = cells
        styles[x:end] = [style] * len(cells)
        if self._torn:
            self._torn.difference_update((self._y, column) for column in range(x, end))
        self._x = end

    def finished(self) -> tuple[int, int]:
        """The cursor. A wide character left half overwritten is drawn differently by each terminal: not ours to shorten."""
        if self._torn or self._x is None or self._x >= self._width:
            raise _Foreign
        return self._x, self._y


class _Pen:
    """Draws what differs, with the shortest moves."""

    def __init__(self, model: ScreenModel) -> None:
        self._model = model
        self._out: list[str] = []
        self._at = model._at

    def draw(self, lines: dict[int, Line], end: tuple[int, int]) -> str:
        """Bring ``lines`` to the screen and the cursor to ``end``."""
        for y in sorted(lines):
            shown, wanted = self._model._lines[y], lines[y]
            if shown != wanted:
                self._line(y, shown, wanted)
        if self._at != end:
            self._out.append(_move(self._at, end, self._model.width))
        return "".join(self._out)

    def _line(self, y: int, shown: Line, wanted: Line) -> None:
        characters, styles = wanted
        pairs = enumerate(zip(shown[0], characters, shown[1], styles, strict=True))
        changed = [x for x, (before, after, old, new) in pairs if before != after or old != new]
        at, drawn = 0, 0
        while at < len(changed):
            first = last = changed[at]
            style = styles[first]
            at += 1
            while at < len(changed) and changed[at] == last + 1 and styles[changed[at]] == style:
                last = changed[at]
                at += 1
            if characters[first] == "" and first > drawn:  # never the right half without the left
                first -= 1
            if last + 1 < len(characters) and characters[last + 1] == "":
                last += 1
            if max(first, drawn) <= last:
                self._run(y, max(first, drawn), last + 1, wanted)
                drawn = last + 1

    def _run(self, y: int, start: int, end: int, wanted: Line) -> None:
        characters, styles = wanted
        self._out.append(self._approach(y, start, wanted))
        self._out.append(self._model._to_style(styles[start]))
        self._out.append("".join(character or "" for character in characters[start:end]))
        self._at = (end, y)

    def _approach(self, y: int, x: int, wanted: Line) -> str:
        """From the cursor to (x, y): over a short gap of the same style by writing again what stands there."""
        move = _move(self._at, (x, y), self._model.width)
        if self._at is None or self._at[1] != y or not 0 < x - self._at[0] <= len(move):
            return move
        characters, styles = wanted
        gap = characters[self._at[0] : x]
        if None in gap or gap[0] == "" or any(style != self._model._said for style in styles[self._at[0] : x]):
            return move
        text = "".join(character or "" for character in gap)
        return text if len(text.encode()) <= len(move) else move


def _move(at: tuple[int, int] | None, to: tuple[int, int], width: int) -> str:
    """The shortest way of the cursor from ``at`` (None: unknown) to ``to``."""
    x, y = to
    if at == to:
        return ""
    absolute = "\x1b[H" if to == (0, 0) else f"\x1b[{y + 1}H" if x == 0 else f"\x1b[{y + 1};{x + 1}H"
    if at is None or at[0] >= width:  # beside the last column terminals keep the cursor in two ways
        return absolute
    ways = [absolute, _vertical(y - at[1]) + _horizontal(x - at[0])]
    if y == at[1]:
        ways.append("\r" + _horizontal(x))
    elif y == at[1] + 1:
        ways.append("\r\n" + _horizontal(x))
    return min(ways, key=len)


def _vertical(rows: int) -> str:
    return "" if rows == 0 else f"\x1b[{_count(abs(rows))}{'B' if rows > 0 else 'A'}"


def _horizontal(columns: int) -> str:
    if columns < 0:
        return min("\b" * min(-columns, 9), f"\x1b[{_count(-columns)}D", key=len) if columns > -9 else f"\x1b[{-columns}D"
    return "" if columns == 0 else f"\x1b[{_count(columns)}C"


def _count(number: int) -> str:
    return "" if number == 1 else str(number)


def _cells(text: str) -> list[str]:
    """One entry per cell: a wide character is followed by "", a combining one joins the cell before it. Raises _Foreign."""
    cells: list[str] = []
    for character in text:
        width = _width(character)
        if width:
            cells.append(character)
            if width == 2:
                cells.append("")
        elif not cells:
            raise _Foreign
        else:
            cells[-2 if cells[-1] == "" else -1] += character
    return cells


@functools.lru_cache(maxsize=8192)
def _width(character: str) -> int:
    """Cells of one character, 0 for a combining mark. Raises _Foreign for what terminals measure differently: joiners, variation
    selectors, regional indicators, format characters."""
    width = get_character_cell_size(character)
    if width == 0 and unicodedata.combining(character):
        return 0
    if width == 0 or unicodedata.category(character) in ("Cf", "Cc", "Cs", "Co", "Cn") or "\U0001f1e6" <= character <= "\U0001f1ff":
        raise _Foreign
    return width
