"""Columns and rows of cells as strips: what table and pane share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tui.view.cells import fit
from tui.view.look import CURSOR, style
from tui.view.words import WORDS


class Col(NamedTuple):
    """``width`` in cells; ``grow``: takes what is left; ``drop``: the highest goes first when it is narrow, 0 never does."""

    key: str
    title: str
    width: int
    right: bool = False
    grow: bool = False
    drop: int = 0


class Cell(NamedTuple):
    text: str
    style: str = "text"


Fitted = tuple[tuple[int, Col, int], ...]
"""Index of the column among all, the column, its width now."""
LEAD = 2


def fit_columns(columns: Sequence[Col], width: int) -> Fitted:
    """The columns that fit into ``width`` cells (each followed by one space, behind a lead of two), in order."""
    kept = list(enumerate(columns))

    def needed() -> int:
        return LEAD + sum(column.width + 1 for _, column in kept) - 1

    while needed() > width and any(column.drop for _, column in kept):
        kept.remove(max(kept, key=lambda item: (item[1].drop, item[0])))
    spare = width - needed()
    growing = [index for index, column in kept if column.grow]
    found = []
    for index, column in kept:
        extra = 0
        if growing and index in growing:
            extra = spare // len(growing) + (spare % len(growing) if index == growing[-1] else 0)
        found.append((index, column, max(1, column.width + extra)))
    return tuple(found)


def header_strip(fitted: Fitted, width: int, sort: str = "", reverse: bool = False) -> Strip:
    """The titles; an arrow behind the one that sorts."""
    arrow = ("^" if reverse else "v") if WORDS.ascii else ("▲" if reverse else "▼")
    text = " " * LEAD
    for _, column, size in fitted:
        title = column.title + arrow if column.key == sort else column.title
        text += fit(title, size, column.right) + " "
    return Strip([Segment(fit(text[:-1] if fitted else text, width), style("head"))], width)


def row_strip(fitted: Fitted, cells: Sequence[Cell], width: int, cursor: bool = False, marked: bool = False) -> Strip:
    """One row in exactly ``width`` cells; the cursor is a sign and a background, a mark is a sign."""
    sign = (">" if WORDS.ascii else "❯") if cursor else " "
    under = CURSOR if cursor else Style()
    segments = [Segment(sign + ("*" if marked else " "), style("mark") + under)]
    used = LEAD
    for index, column, size in fitted:
        cell = cells[index]
        text = fit(cell.text, size, column.right)
        if cell.style.startswith("badge"):
            segments.append(Segment(text, style(cell.style)))  # a level keeps its colour under the cursor
            segments.append(Segment(" ", style("text") + under))
        else:
            segments.append(Segment(text + " ", style(cell.style) + under))
        used += size + 1
    return Strip(segments, used).adjust_cell_length(width, CURSOR if cursor else style("text"))
