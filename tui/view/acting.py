"""From a key to a run: choice, plan, confirmation. Knows no action by name; the catalogue says what there is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tui.model.catalogue import ActionInfo, Option
from tui.view.keys import Key
from tui.view.views import View
from tui.wire.messages import Choices, Confirm, GetChoices, GetPlan, No, Planned, ProbeNow, Result, Started, Undo

if TYPE_CHECKING:
    from tui.view.app import StorewatchApp
    from tui.view.screens.base import RoomScreen

Targets = Callable[[], tuple[str, ...]]
Choice = Callable[[str], str]
"""Probe id to the raw name of the row selected in that probe's pane, "" when there is none."""


def no_choice(_probe: str) -> str:
    return ""


def keys(screen: RoomScreen, targets: Targets, choice: Choice = no_choice) -> list[Key]:
    """Keys of panes and actions from the catalogue, look again and undo, for a screen with stores."""
    viewer = screen.viewer
    return [
        *_action_keys(viewer, targets, choice),
        Key(
            ("z",),
            "undo",
            lambda: undo(viewer, targets()),
            why=lambda: blocked(viewer),
            help="plans the undo of the last reversible action",
        ),
        Key(("r",), "look again now", lambda: look_again(viewer, targets()), shown=True),
        *pane_keys(viewer, targets),
    ]


def _action_keys(viewer: StorewatchApp, targets: Targets, choice: Choice) -> list[Key]:
    found = []
    for action in viewer.board.catalogue.actions:
        if action.key:

            def run(action: ActionInfo = action) -> object:
                return start(viewer, action, targets(), choice(action.pane) if action.pane else "")

            why = (lambda: blocked(viewer)) if action.changes else (lambda: nowhere(viewer))
            found.append(Key((action.key,), action.title, run, shown=True, name=action.id, why=why, help=action.help))
    return found


def pane_keys(viewer: StorewatchApp, targets: Targets) -> list[Key]:
    """A key for each pane: its own and its number."""
    found = []
    for number, probe in enumerate(viewer.board.catalogue.probes, start=1):
        signs = tuple(sign for sign in (probe.key, str(number) if number < 10 else "") if sign)
        if signs:
            found.append(Key(signs, probe.title, _opener(viewer, targets, probe.id), shown=bool(probe.key), name=probe.id, help=probe.help))
    return found


def _opener(viewer: StorewatchApp, targets: Targets, probe: str) -> Callable[[], None]:
    def run() -> None:
        sites = targets()
        if sites:
            viewer.go(View("pane", sites[:1], probe))
        else:
            viewer.tell("select a store first")

    return run


def nowhere(viewer: StorewatchApp) -> str | None:
    """Why nothing can be asked of the room now."""
    return None if viewer.board.linked else "the room does not answer; it is being dialled again"


def blocked(viewer: StorewatchApp) -> str | None:
    """Why nothing may be changed now, None when it may (the room's gate has the last word)."""
    if viewer.options.read_only:
        return "this viewer is read-only; start it without --read-only"
    room = viewer.board.room
    if room is not None and room.read_only is not None:
        return room.read_only.say()
    return nowhere(viewer)


async def look_again(viewer: StorewatchApp, sites: tuple[str, ...], probe: str = "") -> None:
    """Probe now."""
    for site in sites:
        result = await viewer.request(ProbeNow(site, probe))
        if isinstance(result, No):
            refused(viewer, result)
            return
    names = ", ".join(viewer.board.sites[site].name for site in sites[:3] if site in viewer.board.sites)
    viewer.tell(f"looking again at {names or 'nothing'}")


async def start(viewer: StorewatchApp, action: ActionInfo, sites: tuple[str, ...], choice: str = "") -> None:
    """Do what the key of ``action`` asks, as far as the confirmation."""
    if not sites:
        viewer.tell(f"{action.title}: select a store first", "warning")
    elif not action.changes:
        viewer.go(View("logs", sites))
    elif len(sites) > 1:
        viewer.tell(f"{action.title} acts on one store at a time and {len(sites)} are marked; \\ clears the marks", "warning")
    else:
        await _plan(viewer, action, sites[0], choice)


async def _plan(viewer: StorewatchApp, action: ActionInfo, site: str, choice: str) -> None:
    if choice:
        switched = await _right_way(viewer, action, site, choice)
        if switched is None:
            return
        action = switched
    elif action.chooses:
        chosen = await _choose(viewer, action, site)
        if chosen is None:
            return
        choice = chosen
    await confirmed(viewer, await viewer.request(GetPlan(action.id, site, choice)))


async def _options(viewer: StorewatchApp, action: ActionInfo, site: str) -> tuple[Option, ...] | None:
    result = await viewer.request(GetChoices(action.id, site))
    if isinstance(result, Choices):
        return result.options
    refused(viewer, result)
    return None


async def _right_way(viewer: StorewatchApp, action: ActionInfo, site: str, choice: str) -> ActionInfo | None:
    """``action``, or its counterpart on the same pane (the same letter in the other case) when only that fits the selected row:
    so ``x`` switches a plugin whichever way it stands."""
    options = await _options(viewer, action, site)
    if options is None:
        return None
    mine = next((option for option in options if option.value == choice), None)
    if mine is not None and mine.refused is None:
        return action
    for other in viewer.board.catalogue.actions:
        if other.pane == action.pane and other.key == action.key.swapcase() != action.key:
            theirs = await _options(viewer, other, site)
            if theirs and any(option.value == choice and option.refused is None for option in theirs):
                return other
    reason = mine.refused.say() if mine is not None and mine.refused else "the selected row cannot be chosen"
    viewer.tell(f"{action.title}: {reason}", "warning")
    return None


async def _choose(viewer: StorewatchApp, action: ActionInfo, site: str) -> str | None:
    from tui.view.screens.choice import ChoiceDialog, Item

    options = await _options(viewer, action, site)
    if options is None:
        return None
    if not options:
        viewer.tell(f"{action.title}: there is nothing to choose from at {viewer.board.sites[site].name}", "warning")
        return None
    items = [
        Item(
            option.value,
            option.label,
            option.note.say() if option.note else "",
            option.refused.say() if option.refused else "",
            option.preferred,
        )
        for option in options
    ]
    chosen: str | None = await viewer.push_screen_wait(ChoiceDialog(f"{action.title} at {viewer.board.sites[site].name}: which?", items))
    return chosen


async def confirmed(viewer: StorewatchApp, planned: Result) -> None:
    """Show the plan; on a yes have the room run exactly that, and watch it."""
    if not isinstance(planned, Planned):
        refused(viewer, planned)
        return
    from tui.view.screens.plan import PlanDialog

    answer = await viewer.push_screen_wait(PlanDialog(planned))
    if answer is None:
        viewer.tell("cancelled: nothing was run")
        return
    result = await viewer.request(Confirm(planned.hash, answer))
    if not isinstance(result, Started):
        refused(viewer, result)
        return
    run = result.run
    viewer.board.runs.setdefault(run.id, run)
    viewer.commands += [f"{planned.plan.site}: {step.text}" for step in planned.plan.steps]
    viewer.go(View("run", (planned.plan.site,), run=run.id))


async def undo(viewer: StorewatchApp, sites: tuple[str, ...], run: str = "") -> None:
    """Plan the undo of ``run`` (the last reversible one of the store: "")."""
    if len(sites) != 1:
        viewer.tell("undo: select one store", "warning")
        return
    await confirmed(viewer, await viewer.request(Undo(sites[0], run)))


def refused(viewer: StorewatchApp, result: Result) -> None:
    """Say why the room said no, and what would allow it."""
    if isinstance(result, No):
        remedy = f" → {result.remedy}" if result.remedy else ""
        viewer.tell(f"{'Refused' if result.gate else 'Could not'}: {result.message}{remedy}", "warning" if result.gate else "error")
    else:
        viewer.tell(f"the room gave another answer than asked for ({type(result).__name__})", "error")
