"""What fleet and wall share: order, cells, summary and detail of stores. Reads the board, draws nothing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from tui.model.catalogue import Catalogue
from tui.model.level import Level
from tui.view.board import Board
from tui.view.keys import Key
from tui.view.query import Fields, Test
from tui.view.readings import column, failure_lines, fleet_cell
from tui.view.widgets.grid import Cell, Col
from tui.view.widgets.lines import Spans, wrapped
from tui.view.words import ORDER, age, glyph, level_name, level_word, style_of

if TYPE_CHECKING:
    from tui.view.app import StorewatchApp
    from tui.view.screens.fleet import FleetScreen

BY_LEVEL, BY_NAME = "level", "name"
WHY = Col("why", "why", 28, grow=True)
_BUCKETS: tuple[Level | None, ...] = (Level.CRIT, Level.UNKNOWN, Level.WARN, None)


@lru_cache(maxsize=4)
def _columns(probes: tuple[tuple[str, tuple[Any, ...]], ...]) -> tuple[Col, ...]:
    found = [Col("level", "level", 9), Col("name", "store", 18)]
    drop = 2
    for probe, columns in probes:
        for info in columns:
            drop += 1
            found.append(column(info, drop=drop, key=f"{probe}.{info.key}"))
    return (*found, Col("env", "env", 4, drop=99), WHY)


def columns(catalogue: Catalogue) -> tuple[Col, ...]:
    """Level and name, each probe's figures in the catalogue's order (the last leave first when it is narrow), and why."""
    return _columns(tuple((probe.id, probe.fleet) for probe in catalogue.probes if probe.fleet))


def cells(board: Board, site: str, now: float) -> Sequence[Cell]:
    """The row of one store."""
    card = board.sites.get(site)
    if card is None:
        return [Cell("")] * len(columns(board.catalogue))
    level = board.levels[site]
    found = [Cell(level_word(level), f"badge-{style_of(level)}"), Cell(card.name, "bold")]
    for probe in board.catalogue.probes:
        found += [fleet_cell(board, site, probe.id, info, now) for info in probe.fleet]
    found.append(Cell("PROD", "prod") if card.production else Cell("test", "dim"))
    worst = board.worst(site)
    if worst is None:
        found.append(Cell("first look…", "first"))
    else:
        style = "stale" if worst.is_stale(now) else "dim" if worst.level is Level.OK else style_of(worst.level)
        found.append(Cell(worst.summary.say(), style))
    return found


def fields(board: Board, site: str) -> Fields:
    """What a filter may ask of a store, in lower case."""
    card = board.sites[site]
    worst = board.worst(site)
    found = {
        "level": level_name(board.levels[site]),
        "name": card.name,
        "id": card.id,
        "url": card.url,
        "platform": card.platform,
        "layout": card.layout,
        "host": card.host,
        "tag": " ".join(card.tags),
        "env": "prod" if card.production else "test",
        "why": worst.summary.say() if worst else "",
    }
    found[""] = " ".join(found.values())
    return {name: text.lower() for name, text in found.items()}


def order(board: Board, test: Test | None, faults: bool, sort: str, reverse: bool) -> list[str]:
    """Ids of the stores that pass, in order; equal ones by name. By level the worst are first; unknown figures come last."""
    levels = board.levels
    rows = list(board.by_name)
    if faults:
        rows = [site for site in rows if levels[site] not in (Level.OK, None)]
    if test is not None:
        rows = [site for site in rows if test(fields(board, site))]
    if sort == BY_LEVEL:
        rows = _by_level(board, rows, reverse)
    elif sort == BY_NAME:
        if reverse:
            rows.reverse()
    else:
        rows = _by_figure(board, rows, sort, reverse)
    return rows


def _by_level(board: Board, rows: list[str], reverse: bool) -> list[str]:
    """In buckets: sorting 5,000 stores by a key cost 12 ms, which a key press then had to wait for."""
    ok: list[str] = []
    rest: dict[Level | None, list[str]] = {level: [] for level in _BUCKETS}
    levels = board.levels
    for site in rows:
        level = levels[site]
        if level is Level.OK:
            ok.append(site)
        else:
            rest[level].append(site)
    leads = board.leads
    rest[Level.CRIT].sort(key=lambda site: leads.get(site, 0))
    found = [*rest.values(), ok]
    return [site for bucket in (reversed(found) if reverse else found) for site in bucket]


def _by_figure(board: Board, rows: list[str], sort: str, reverse: bool) -> list[str]:
    probe, _, key = sort.partition(".")

    def value(site: str) -> Any:
        reading = board.reading(site, probe)
        return None if reading is None else reading.values.get(key)

    figures: dict[str, Any] = {site: value(site) for site in rows}
    numbers = [site for site in rows if isinstance(figures[site], int | float)]
    texts = [site for site in rows if isinstance(figures[site], str)]
    rest = [site for site in rows if figures[site] is None]
    numbers.sort(key=lambda site: figures[site], reverse=not reverse)
    texts.sort(key=lambda site: figures[site], reverse=reverse)
    return numbers + texts + rest


def sorts(catalogue: Catalogue) -> list[tuple[str, str]]:
    """What can be sorted by: key and words for the menu."""
    found = [(BY_LEVEL, "level, the worst first"), (BY_NAME, "name")]
    for probe in catalogue.probes:
        found += [(f"{probe.id}.{info.key}", f"{probe.title}: {info.title}") for info in probe.fleet]
    return found


def summary(board: Board, shown: int, text: str, faults: bool) -> Spans:
    """Counts per level, what is hidden, and the worst stores by name."""
    spans: list[tuple[str, str]] = [(" ", "text")]
    for level in ORDER:
        count = board.counts[level]
        if count or level in (Level.CRIT, Level.OK):
            style = style_of(level) if count else "dim"
            spans.append((f"{glyph(level)} {count} {level_name(level)}  ", style))
    if shown != len(board.sites) or text or faults:
        what = " ".join(part for part in ("faults only" if faults else "", f"/{text}" if text else "") if part)
        spans.append((f"[{shown} of {len(board.sites)} shown: {what}] ", "mark"))
    else:
        spans.append((f"{len(board.sites)} stores  ", "dim"))
    level = next((level for level in (Level.CRIT, Level.UNKNOWN) if board.counts[level]), None)
    if level is not None:
        lead = min(board.leads.values(), default=0)
        first = (site for site in board.by_name if board.levels[site] is level and board.leads.get(site, lead) == lead)
        rest = (site for site in board.by_name if board.levels[site] is level and board.leads.get(site, lead) != lead)
        worst = list(islice(chain(first, rest), 5))
        names = ", ".join(board.sites[site].name for site in worst[:4])
        spans.append((f"worst: {names}{' …' if len(worst) > 4 else ''}", style_of(level)))
    return spans


def detail_height(height: int) -> int:
    """Lines of the detail strip: the same for every store, so that the table does not jump as the cursor moves."""
    return 3 if height < 28 else 5


def detail(board: Board, site: str | None, now: float, width: int, height: int) -> list[Spans]:
    """The selected store in two to five lines: who, why, and what to do."""
    card = board.sites.get(site or "")
    room = detail_height(height)
    if card is None or site is None:
        return [()] * room
    level = board.levels[site]
    facts = " · ".join(part for part in (card.url, card.platform, card.layout, card.host) if part)
    lines: list[Spans] = [
        [(f" {level_word(level)} ", f"badge-{style_of(level)}"), (f" {card.name} ", "bold"), _env(card.production), (f"  {facts}", "dim")]
    ]
    worst = board.worst(site)
    if worst is None:
        lines.append([(" first look… nothing is known of this store yet", "first")])
    else:
        probe = board.probe(worst.probe)
        title = probe.title if probe else worst.probe
        stale = " STALE" if worst.is_stale(now) else ""
        lines.append([(f" {title}: ", "head"), (f"{age(now - worst.at)}{stale}  ", "dim"), (worst.summary.say(), style_of(worst.level))])
        more = failure_lines(worst) or [[("  ", "dim"), (line, "dim")] for line in worst.evidence[:2]]
        lines += [[(" ", "dim"), *spans] for spans in more if not _repeats(spans, worst.summary.say())]
    lines[1:] = wrapped(lines[1:], max(20, width))
    return (lines + [()] * room)[:room]


def _repeats(spans: Spans, text: str) -> bool:
    return bool(text) and any(part == text for part, _ in spans)


def _env(production: bool) -> tuple[str, str]:
    return ("PROD", "prod") if production else ("test", "dim")


def why_empty(viewer: StorewatchApp, filtered: bool, faults: bool) -> str:
    """What an empty table means: it never just stays empty."""
    if viewer.board.room is None:
        return "connecting to the room…" if viewer.session.lost is None else "no room answers yet"
    if filtered:
        return "no store matches the filter; / changes it, esc clears it"
    if faults:
        return "no store is hurt; ! shows all"
    return "sites.toml names no store; `storewatch check` says what it reads"


def table_keys(screen: FleetScreen) -> list[Key]:
    """Filter, sort, faults and marks."""
    return [
        Key(("/",), "filter", lambda: ask_filter(screen), shown=True),
        Key(("!",), "faults only", lambda: only_faults(screen), shown=True, name="faults"),
        Key(("o",), "sort", lambda: ask_sort(screen), shown=True, name="sort"),
        Key(("space",), "mark", screen.table.toggle_mark, shown=True),
        Key(
            ("\\", "ctrl+backslash"),
            "clear marks",
            lambda: clear_marks(screen),
            why=lambda: None if screen.table.marks else "nothing is marked",
        ),
        Key(("escape",), "clear filter or leave", lambda: escape(screen)),
    ]


def ask_filter(screen: FleetScreen) -> None:
    before = screen.filter

    def done(text: str | None) -> None:
        screen.set_filter(before if text is None else text)

    screen.prompt.open("/", done, value=before, changed=screen.set_filter)


def only_faults(screen: FleetScreen) -> None:
    screen.faults = not screen.faults
    screen.resort()


def clear_marks(screen: FleetScreen) -> None:
    screen.table.marks.clear()
    screen.table.touch()
    screen.table.refresh()


async def ask_sort(screen: FleetScreen) -> None:
    """The sort menu; the same choice again turns it round."""
    from tui.view.screens.choice import ChoiceDialog, Item

    items = [Item(key, words, preferred=key == screen.sort) for key, words in sorts(screen.viewer.board.catalogue)]
    chosen = await screen.viewer.push_screen_wait(ChoiceDialog("Sort by (the same again turns it round)", items))
    if chosen is not None:
        screen.reverse = not screen.reverse if chosen == screen.sort else False
        screen.sort = chosen
        screen.resort()


def escape(screen: FleetScreen) -> None:
    """Back out one level: the filter first, then faults only, then the question whether to leave."""
    if screen.filter:
        screen.set_filter("")
    elif screen.faults:
        only_faults(screen)
    else:
        screen.viewer.tell("this is the outermost view; q leaves storewatch")
