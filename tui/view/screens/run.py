"""An action under way: steps, what they print, what the store looks like afterwards, and the clocks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from textual.widget import Widget

from tui.model.level import Level
from tui.view import acting
from tui.view.keys import Key
from tui.view.screens.base import RoomScreen, text_keys
from tui.view.widgets.lines import Spans, TextView
from tui.view.words import level_word, local, span, style_of
from tui.wire.messages import Run, RunStep

if TYPE_CHECKING:
    from tui.view.board import Change

_STEP = {
    "waiting": ("·", "dim"),
    "running": ("▸", "head"),
    "done": ("✔", "ok"),
    "failed": ("✖", "crit"),
    "unknown": ("?", "unknown"),
    "undone": ("↶", "warn"),
}
_RUN = {
    "running": ("running", "head"),
    "proving": ("looking at the store", "head"),
    "done": ("done", "ok"),
    "failed": ("failed", "crit"),
    "unknown": ("unknown: we lost sight of it", "unknown"),
    "undone": ("undone", "warn"),
    "refused": ("refused", "warn"),
}
OUTPUT_LINES = 12


class RunScreen(RoomScreen):
    """Follows one run of the board. Leaving it stops nothing."""

    title_words = "Run"
    explain = (
        "One action, as the room runs it: each exact command with its exit code and output, then what the store looks like (looked at, not "
        "hoped), then how long it took from the first bad reading. Esc leaves; the run goes on. z plans its undo."
    )

    def body(self) -> Iterable[Widget]:
        yield TextView(id="text")

    @property
    def text(self) -> TextView:
        return self.query_one("#text", TextView)

    @property
    def run(self) -> Run | None:
        return self.viewer.board.runs.get(self.view.run)

    def on_mount(self) -> None:
        super().on_mount()
        self.draw()

    def resumed(self) -> None:
        self.draw()

    def board_changed(self, change: Change) -> None:
        super().board_changed(change)
        if self.view.run in change.runs or change.fleet:
            self.draw()
            self.frame()

    def draw(self) -> None:
        run = self.run
        if run is None:
            self.text.show([[("the room knows no such run (any more)", "dim")]])
        else:
            card = self.viewer.board.sites.get(run.plan.site)
            self.text.show(run_lines(run, card.name if card else run.plan.site, self._offer(run)))

    def _offer(self, run: Run) -> str:
        action = self.viewer.board.action(run.verdict.offer) if run.verdict and run.verdict.offer else None
        return f"{action.key} {action.title}: {action.help}" if action else ""

    def crumbs(self) -> str:
        run = self.run
        return f"Run › {run.plan.title}" if run else "Run"

    def keys(self) -> list[Key]:
        viewer, run = self.viewer, self.run
        reversible = run is not None and run.plan.reversible
        return [
            Key(
                ("z",),
                "undo this run",
                lambda: acting.undo(viewer, self.view.sites, self.view.run),
                shown=reversible,
                why=lambda: acting.blocked(viewer) or (None if reversible else "nothing takes this run back"),
            ),
            *text_keys(self.text),
            *acting.keys(self, lambda: self.view.sites),
        ]


def run_lines(run: Run, site: str, offer: str) -> list[Spans]:
    """A run for people."""
    word, style = _RUN.get(run.state, (run.state, "text"))
    lines: list[Spans] = [
        [(run.plan.title.say(), "bold")],
        [("store  ", "dim"), (site, "bold"), (f"  by {run.who}", "dim"), ("  undo of an earlier run" if run.undo_of else "", "warn")],
        [("state  ", "dim"), (word, style)],
        [],
    ]
    for number, (step, state) in enumerate(zip(run.plan.steps, run.steps, strict=False), start=1):
        lines += _step_lines(number, step.why.say(), state)
    lines += [[], *_verdict_lines(run, offer), [], *_clock_lines(run)]
    return lines


def _step_lines(number: int, why: str, state: RunStep) -> list[Spans]:
    sign, style = _STEP.get(state.state, ("?", "text"))
    code = "" if state.exit is None else f"  exit {state.exit}"
    lines: list[Spans] = [
        [(f"{sign} {number}. ", style), (f"{why}  ", "text"), (state.state + code, style)],
        [("     $ ", "dim"), (state.text, "command")],
    ]
    printed = [line for line in state.out.rstrip().split("\n") if line][-OUTPUT_LINES:]
    return [*lines, *([("     │ ", "line"), (line, "dim")] for line in printed)]


def _verdict_lines(run: Run, offer: str) -> list[Spans]:
    if run.verdict is None:
        waiting = "the store is looked at when the last step has ended" if run.state in ("running", "proving") else "no verdict was reached"
        return [[("verdict  ", "dim"), (waiting, "dim")]]
    verdict = run.verdict
    word = "OK" if verdict.level is Level.OK else verdict.level.value
    lines: list[Spans] = [
        [
            ("verdict  ", "dim"),
            (f"{level_word(verdict.level)} ", style_of(verdict.level)),
            (verdict.message.say(), "bold" if word == "OK" else style_of(verdict.level)),
        ]
    ]
    lines += [[("  ", "dim"), (line, "dim")] for line in verdict.evidence]
    if offer:
        lines.append([("→ press ", "accent"), (offer, "accent")])
    return lines


def _clock_lines(run: Run) -> list[Spans]:
    """The stopwatch: when each moment was, and how long after the one before."""
    lines: list[Spans] = []
    before: float | None = None
    for name, at in (("detected", run.detected), ("decided", run.decided), ("acted", run.acted), ("verified", run.verified)):
        if at is None:
            lines.append([(f"{name:<9}", "dim"), (" -", "dim")])
            continue
        after = f"  +{span(at - before)}" if before is not None else ""
        lines.append([(f"{name:<9}", "dim"), (f" {local(at)}", "text"), (after, "dim")])
        before = at
    start, end = run.detected or run.decided, run.verified
    if end is not None:
        lines.append([("in all   ", "dim"), (f" {span(end - start)}", "bold")])
    return lines
