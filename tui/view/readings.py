"""How a reading is put into cells and sentences: the same in fleet, wall, site and pane."""

from __future__ import annotations

from collections.abc import Sequence

from tui.model.catalogue import Column, ProbeInfo
from tui.model.level import Level
from tui.model.reading import Reading, Row
from tui.view.board import Board
from tui.view.cells import width_of
from tui.view.widgets.grid import Cell, Col
from tui.view.widgets.lines import Spans
from tui.view.words import RIGHT, age, figure, level_word, span, style_of

_WORD_STYLES = {
    "ok": "ok", "active": "ok", "fresh": "ok", "current": "ok", "live": "ok", "drilled": "ok",
    "warn": "warn", "warning": "warn", "stale": "warn", "notice": "warn", "partial": "warn", "dirty": "warn", "unverified": "dim",
    "crit": "crit", "error": "crit", "corrupt": "crit", "bad": "crit",
    "unknown": "unknown", "inactive": "dim", "debug": "dim",
}  # fmt: skip


def column(info: Column, *, grow: bool = False, drop: int = 0, key: str = "") -> Col:
    """A catalogue column as a table column."""
    return Col(key or info.key, info.title, max(info.width, min(len(info.title), 12)), info.unit in RIGHT, grow, drop)


def pane_columns(columns: Sequence[Column]) -> list[Col]:
    """A pane's columns: the widest takes what is left and stays, the first stays, of the others the last leave first."""
    if not columns:
        return []
    main = max(range(len(columns)), key=lambda index: columns[index].width)
    return [column(info, grow=index == main, drop=0 if index == main else index) for index, info in enumerate(columns)]


def fleet_cell(board: Board, site: str, probe: str, info: Column, now: float) -> Cell:
    """One figure of one probe in the fleet: never empty without a reason to be."""
    reading = board.reading(site, probe)
    if reading is None:
        return Cell("-", "dim") if probe in board.sites[site].absent else Cell("·", "first")
    value = reading.values.get(info.key)
    text = "?" if value is None and reading.level is Level.UNKNOWN else figure(value, info.unit, now)
    if reading.is_stale(now):
        return Cell(text, "stale")
    return Cell(text, "text" if reading.level is Level.OK else style_of(reading.level))


def row_cell(row: Row, info: Column, now: float) -> Cell:
    """One cell of a pane's table; words that mean a state get its colour."""
    value = row.get(info.key)
    text = figure(value, info.unit, now)
    if info.unit == "level" or isinstance(value, str):
        first = text.split(" ", 1)[0].lower()
        return Cell(text, _WORD_STYLES.get(first, "text"))
    return Cell(text, "dim" if text == "-" else "text")


def headline(board: Board, site: str, probe: ProbeInfo, now: float) -> list[Spans]:
    """State of one pane in one to three lines: level and summary with its age, or why there is none, and what to do."""
    reading = board.reading(site, probe.id)
    if reading is None:
        absent = board.sites[site].absent.get(probe.id) if site in board.sites else None
        return [[("not watched here: ", "dim"), (absent.say(), "dim")]] if absent else [[("· first look…", "first")]]
    stale = reading.is_stale(now)
    first: list[tuple[str, str]] = [(level_word(reading.level), "stale" if stale else style_of(reading.level))]
    if stale:
        first.append((f" STALE: from {age(now - reading.at)} ago", "badge-warn"))
    first.append((f" {reading.summary}", "stale" if stale else "text"))
    return [first, *failure_lines(reading)]


def failure_lines(reading: Reading) -> list[Spans]:
    """Where a look stopped, why, and what to do next."""
    failure = reading.failure
    if failure is None:
        return []
    lines: list[Spans] = [[(f"failed at {failure.step}: ", "dim"), (failure.message.say(), style_of(reading.level))]]
    if failure.remedy is not None:
        lines.append([("→ ", "accent"), (failure.remedy.say(), "accent")])
    return lines


def fact_spans(reading: Reading, probe: ProbeInfo, now: float) -> Spans:
    """The figures above the table on one line."""
    found: list[tuple[str, str]] = []
    for info in probe.facts:
        if info.key in reading.values:
            found += [(f"{info.title} ", "dim"), (figure(reading.values[info.key], info.unit, now) + "  ", "text")]
    return found


def flow(facts: Spans, width: int) -> list[Spans]:
    """Pairs of title and figure, as many on a line as fit."""
    lines: list[list[tuple[str, str]]] = []
    used = width + 1
    for title, value in zip(facts[::2], facts[1::2], strict=True):
        length = width_of(title[0]) + width_of(value[0])
        if used + length - 2 > width or not lines:
            lines.append([])
            used = 0
        lines[-1] += [title, value]
        used += length
    return list(lines)


def taken(reading: Reading, now: float) -> str:
    """When a reading was taken and what it cost."""
    every = f", every {reading.every:.0f} s" if reading.every else ""
    return f"looked {age(now - reading.at)} ago in {span(reading.took)}{every}" if now - reading.at >= 15 else f"looked just now{every}"
