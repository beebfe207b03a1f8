"""A plan before it runs: the exact commands, their undo, the warnings. No is the answer unless somebody means yes."""

from __future__ import annotations

import time
from collections.abc import Iterable

from textual import events
from textual.widget import Widget

from tui.view.keys import Key, pressed
from tui.view.screens.base import Dialog, text_keys
from tui.view.widgets.lines import Spans, TextView
from tui.view.widgets.prompt import Prompt
from tui.wire.messages import Planned

LOOKS = ("true",)
"""The undo of a step that changes nothing."""

YES, YES_TYPED = "y", "ctrl+y"
"""Neither opens a plan anywhere, so the key that opened the dialog can never confirm it; Enter confirms nothing."""


class Guard:
    """Tells a meant yes from a held key: not within ``seconds`` of opening, nor of the last press of the same key."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._last = time.monotonic()

    def passes(self) -> bool:
        now = time.monotonic()
        meant, self._last = now - self._last >= self._seconds, now
        return meant


class PlanDialog(Dialog):
    """Dismissed with None (nothing runs) or with what was typed ("" where no name is asked for)."""

    def __init__(self, planned: Planned) -> None:
        super().__init__()
        self.planned = planned
        self.title_words = "Plan: " + planned.plan.title.say()

    def body(self) -> Iterable[Widget]:
        yield TextView(id="text")
        if self.planned.confirm:
            yield Prompt(id="prompt")

    @property
    def text(self) -> TextView:
        return self.query_one("#text", TextView)

    def on_mount(self) -> None:
        self.guard = Guard(self.viewer.options.guard)
        if self._production():
            self.add_class("-danger")
        super().on_mount()
        if self.planned.confirm:
            self.query_one("#prompt", Prompt).open(f"type {self.planned.confirm} ›", lambda _text: None)

    def _production(self) -> bool:
        card = self.viewer.board.sites.get(self.planned.plan.site)
        return card is None or card.production

    def draw(self) -> None:
        super().draw()
        self.text.show(plan_lines(self.planned, self._site_spans()))

    def _site_spans(self) -> Spans:
        plan = self.planned.plan
        card = self.viewer.board.sites.get(plan.site)
        return [
            ("store ", "dim"),
            (card.name if card else plan.site, "bold"),
            ("  PRODUCTION" if self._production() else "  test", "prod" if self._production() else "dim"),
            (f"  {card.host}" if card and card.host else "", "dim"),
        ]

    def keys(self) -> list[Key]:
        typed = bool(self.planned.confirm)
        moves = text_keys(self.text)
        if typed:  # letters are for the name
            moves = [Key(tuple(sign for sign in key.keys if len(sign) > 1), key.label, key.run) for key in moves]
        leave = ("escape",) if typed else ("escape", "q", "n", "enter")
        return [
            Key(leave, "cancel (default)", lambda: self.dismiss(None), shown=True),
            Key((YES_TYPED if typed else YES,), "run it", self.confirm, shown=True),
            *moves,
        ]

    def confirm(self) -> None:
        """Yes, if it is meant: not at once, not by a held key, with the right name."""
        if not self.guard.passes():
            self.viewer.tell("too soon: read the plan, let go of the key, then press it again")
            return
        if not self.planned.confirm:
            self.dismiss("")
            return
        typed = self.query_one("#prompt", Prompt).value.strip()
        if typed == self.planned.confirm:
            self.dismiss(typed)
        else:
            self.viewer.tell(f"type the name {self.planned.confirm} exactly, then {YES_TYPED}", "warning")

    async def on_key(self, event: events.Key) -> None:
        if self.planned.confirm and (event.is_printable or event.key in ("backspace", "delete", "left", "right", "ctrl+u", "ctrl+w")):
            event.stop()
            event.prevent_default()
            self.query_one("#prompt", Prompt).feed(event.key, event.character, event.is_printable)
            return
        if self.planned.confirm and pressed(event) == "enter":
            event.stop()
            event.prevent_default()
            self.viewer.tell(f"Enter runs nothing; {YES_TYPED} does, esc cancels")
            return
        await super().on_key(event)

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
        self.viewer.tell("the name is typed, not pasted: it is the moment to look at it")


def plan_lines(planned: Planned, site: Spans) -> list[Spans]:
    """The plan for people: what is changed, how, how it is taken back."""
    plan = planned.plan
    lines: list[Spans] = [site]
    if plan.subject:
        lines.append([("what  ", "dim"), (plan.subject, "bold")])
    if planned.last is not None:
        lines.append([("last  ", "dim"), (planned.last.say(), "dim")])
    lines.append([])
    lines += [[("▲ ", "warn"), (warning.say(), "warn")] for warning in plan.warnings]
    if not plan.atomic:
        lines.append([("▲ ", "warn"), ("a half-way state can be seen while this runs", "warn")])
    if plan.warnings or not plan.atomic:
        lines.append([])
    for number, step in enumerate(plan.steps, start=1):
        lines.append([(f"{number}. ", "bold"), (step.why.say(), "text")])
        lines.append([("   $ ", "dim"), (step.text, "command")])
        if step.undo_text is None:
            lines.append([("   undo: ", "dim"), ("nothing takes this back", "warn")])
        elif step.undo == LOOKS:
            lines.append([("   undo: none needed, it changes nothing that stays", "dim")])
        else:
            lines.append([("   undo: ", "dim"), (step.undo_text, "dim")])
    lines += [[], [("These commands and no others will run. ", "text"), (f"plan {planned.hash[:12]}", "dim")]]
    return lines
