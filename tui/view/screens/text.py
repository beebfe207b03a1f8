"""Small dialogs of text: details, help, and the question before leaving."""

from __future__ import annotations

from collections.abc import Sequence

from tui.view.keys import Key
from tui.view.keys import show as show_key
from tui.view.screens.base import Dialog, Keyed, RoomScreen, text_keys
from tui.view.widgets.lines import Lines, Spans, TextView


class TextDialog(Dialog):
    """Lines to read; Esc closes."""

    def __init__(self, title: str, lines: Sequence[Spans]) -> None:
        super().__init__()
        self.title_words = title
        self.lines = list(lines)

    @property
    def view(self) -> TextView:
        return self.query_one("#text", TextView)

    def draw(self) -> None:
        super().draw()
        self.view.show(self.lines)

    def keys(self) -> list[Key]:
        return [Key(("escape", "q", "enter"), "close", lambda: self.dismiss(None), shown=True), *text_keys(self.view)]


class HelpDialog(TextDialog):
    """The keys that work on the screen below, generated from its own table; typed keys filter nothing, ``/`` is not needed."""

    def __init__(self, below: Keyed) -> None:
        super().__init__("Keys that work here", help_lines(below))


def help_lines(below: Keyed) -> list[Spans]:
    """One line a key: signs, label, help, and why it cannot work now."""
    lines: list[Spans] = [[(below.explain, "dim")], []]
    seen: set[str] = set()
    for key in [*below.keys(), *below.shared()]:
        signs = [show_key(sign) for sign in key.keys if sign not in seen]
        seen.update(key.keys)
        if not signs:
            continue
        reason = key.why() if key.why else None
        text = key.label + (f" - {key.help}" if key.help else "") + (f" (:{key.name})" if key.name else "")
        spans: list[tuple[str, str]] = [(f"{' '.join(signs):<14}  ", "head"), (text, "dim" if reason else "text")]
        lines.append([*spans[:1], (f"{text} - not now: {reason}", "dim")] if reason else spans)
    if isinstance(below, RoomScreen):
        lines += [[], [(f"{'ctrl+d ctrl+k':<14}  ", "head"), ("do nothing here, whatever they do elsewhere", "dim")]]
    return lines


class LeaveDialog(Dialog):
    """Asks before the viewer closes; the room goes on."""

    title_words = "Leave storewatch?"

    def on_mount(self) -> None:
        self.add_class("-low")
        super().on_mount()

    def body(self) -> list[Lines]:
        return [Lines(id="said")]

    def draw(self) -> None:
        super().draw()
        room = self.viewer.board.room
        text = "A room that this viewer started leaves a minute after its last viewer, but never while an action runs."
        self.query_one("#said", Lines).show([[(text, "text")], [(f"room: {room.name}" if room else "no room", "dim")], []])

    def keys(self) -> list[Key]:
        return [
            Key(("y",), "leave", lambda: self.viewer.exit(0), shown=True),
            Key(("n", "escape", "q", "enter"), "stay", lambda: self.dismiss(None), shown=True),
        ]
