"""What every screen shares: the frame around it, keys from a table, the prompt, and a word when the terminal is too small."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, cast

from textual import events
from textual.app import ComposeResult
from textual.screen import ModalScreen, Screen
from textual.widget import Widget

from tui.view import frame
from tui.view.cells import width_of
from tui.view.keys import MUSCLE, Key, find, pressed
from tui.view.views import View
from tui.view.widgets.lines import Lines, Spans, TextView
from tui.view.widgets.prompt import Prompt

if TYPE_CHECKING:
    from tui.view.app import StorewatchApp
    from tui.view.board import Change
    from tui.view.widgets.table import VirtualTable

SMALLEST = (60, 20)
TALL = 32
"""From this height on the keys may take two lines."""


class Keyed(Screen[Any]):
    """A screen whose keys are a table. ``explain``: what it shows, for ``i`` and ``?``."""

    DEFAULT_CSS = """
    Keyed { background: #121212; color: #d0d0d0; overflow: hidden; layout: vertical; }
    Keyed > #small { display: none; }
    Keyed.-small > * { display: none; }
    Keyed.-small > #small { display: block; }
    """
    AUTO_FOCUS = ""
    title_words = ""
    explain = ""
    ready = False
    """Whether its widgets are there: what the room says before that is drawn with the first frame."""

    @property
    def viewer(self) -> StorewatchApp:
        return cast("StorewatchApp", self.app)

    def keys(self) -> list[Key]:
        """The keys that work here, in the order of the key bar."""
        return []

    def shared(self) -> list[Key]:
        """Keys that work on every screen of this kind."""
        return []

    def board_changed(self, change: Change) -> None:
        """The room said something new."""

    def tick(self) -> None:
        """Time went on: what shows an age may look different."""

    def on_resize(self, event: events.Resize) -> None:
        small = event.size.width < SMALLEST[0] or event.size.height < SMALLEST[1]
        self.set_class(small, "-small")
        if small:
            need = f"need {SMALLEST[0]}x{SMALLEST[1]}"
            lines: list[Spans] = (
                [[("too small: " + need, "warn")]] if event.size.width > 24 else [[("too small:", "warn")], [(need, "warn")]]
            )
            self.query_one("#small", Lines).show(lines)

    async def on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        top = self.viewer.screen
        if top is self:
            await self.press(pressed(event))
        elif isinstance(top, RoomScreen):  # typed ahead: it was sent here before the view changed. A dialog is never answered so.
            top.post_message(events.Key(event.key, event.character))

    async def press(self, key: str) -> None:
        """Do what ``key`` does here; a key that cannot work says why."""
        entry = find(self.keys(), key) or find(self.shared(), key)
        if entry is None:
            self.unknown_key(key)
            return
        reason = entry.why() if entry.why else None
        if reason is not None:
            self.viewer.tell(f"{entry.label}: {reason}", "warning")
            return
        result = entry.run()
        if inspect.iscoroutine(result):
            self.viewer.attempt(result)

    def unknown_key(self, key: str) -> None:
        """Say that ``key`` does nothing here."""
        if key in MUSCLE:
            self.viewer.tell(f"{key} {MUSCLE[key]} elsewhere; here it does nothing")
        else:
            self.viewer.tell(f"{key} does nothing here; ? lists the keys")


class RoomScreen(Keyed):
    """A whole screen: top bar, banner, body, prompt, key bar. ``view`` is what it shows."""

    def __init__(self, view: View) -> None:
        super().__init__()
        self.view = view

    def compose(self) -> ComposeResult:
        yield Lines(id="top", base="bar", lines=1)
        yield Lines(id="banner", most=3)
        yield from self.body()
        yield Prompt(id="prompt")
        yield Lines(id="keys", base="bar", lines=2 if self.viewer.size.height >= TALL else 1)
        yield Lines(id="small")

    def body(self) -> Iterable[Widget]:
        """The widgets between the bars."""
        return ()

    @property
    def prompt(self) -> Prompt:
        return self.query_one("#prompt", Prompt)

    def on_mount(self) -> None:
        self.ready = True
        self.frame()

    def on_screen_resume(self) -> None:
        if self.ready:
            self.frame()
            self.resumed()
            self.call_after_refresh(self.viewer.questions)

    def resumed(self) -> None:
        """Shown again: what changed meanwhile is drawn."""

    def frame(self) -> None:
        """Draw the bars and the banner."""
        viewer = self.viewer
        self.query_one("#top", Lines).show([frame.title(viewer, self.crumbs())], frame.badges(viewer))
        self.query_one("#banner", Lines).show(frame.banner(viewer))
        width, height = self.size or viewer.size
        self.query_one("#keys", Lines).show(key_bar([*self.keys(), *self.shared()], width, lines=2 if height >= TALL else 1))

    def shared(self) -> list[Key]:
        return frame.shared_keys(self)

    def crumbs(self) -> str:
        """Where we are, such as ``EU store › Plugins``."""
        return self.title_words

    def on_resize(self, event: events.Resize) -> None:
        super().on_resize(event)
        self.frame()

    def board_changed(self, change: Change) -> None:
        if change.fleet or change.room or change.notices or change.keys:
            self.frame()

    async def on_key(self, event: events.Key) -> None:
        prompt = self.prompt
        if not prompt.active:
            await super().on_key(event)
            return
        event.stop()
        event.prevent_default()
        if not prompt.feed(event.key, event.character, event.is_printable):
            self.prompt_key(event.key)

    def on_paste(self, event: events.Paste) -> None:
        if self.prompt.active:
            self.prompt.insert(event.text)

    def prompt_key(self, key: str) -> None:
        """A key the open prompt has no use for."""


class Dialog(Keyed, ModalScreen[Any]):
    """A box over the screen. Its first line is the title, its last the keys."""

    DEFAULT_CSS = """
    Dialog { align: center middle; background: #121212 60%; }
    Dialog > #box { width: 96%; max-width: 116; height: 88%; max-height: 40; border: round #5fafd7; background: #121212; padding: 0 1; }
    Dialog.-danger > #box { border: heavy #d70000; }
    Dialog.-ascii > #box { border: ascii #5fafd7; }
    Dialog.-low > #box { height: auto; max-height: 80%; }
    """

    def compose(self) -> ComposeResult:
        from textual.containers import Vertical

        with Vertical(id="box"):
            yield Lines(id="title")
            yield from self.body()
            yield Lines(id="keys")
        yield Lines(id="small")

    def body(self) -> Iterable[Widget]:
        yield TextView(id="text")

    def on_mount(self) -> None:
        self.ready = True
        self.set_class(self.viewer.options.ascii, "-ascii")
        self.draw()

    def draw(self) -> None:
        """Draw title and keys; a dialog with more of its own draws that too."""
        self.query_one("#title", Lines).show([[(self.title_words, "head")], []])
        self.query_one("#keys", Lines).show(key_bar(self.keys(), 110, "accent"))

    def unknown_key(self, key: str) -> None:
        self.viewer.tell(f"{key} does nothing in this dialog; esc closes it")


def key_bar(keys: Sequence[Key], width: int, name: str = "bar-key", lines: int = 1) -> list[Spans]:
    """The keys that are shown, as many as fit into ``lines``; ``?`` always does."""
    base = "bar" if name == "bar-key" else "dim"
    last = [key for key in keys if key.shown and key.sign == "?"]
    rows: list[list[tuple[str, str]]] = [[]]
    used, seen = 0, set()
    for key in [*(key for key in keys if key.shown and key.sign != "?"), *last]:
        text = f" {key.sign}", f" {key.label} "
        length = sum(width_of(part) for part in text)
        room = width - (8 if last and len(rows) == lines and key not in last else 0)
        if used + length > room and len(rows) < lines:
            rows.append([])
            used = 0
        if key.sign in seen or (used + length > room and key not in last):
            continue
        seen.add(key.sign)
        rows[-1] += [(text[0], name), (text[1], base)]
        used += length
    return [*rows, *([[]] * (lines - len(rows)))]


def text_keys(view: TextView) -> list[Key]:
    """Keys that scroll a text."""

    def page() -> int:
        return max(1, view.size.height - 2)

    return [
        Key(("j", "down"), "down", lambda: view.scroll_by(1)),
        Key(("k", "up"), "up", lambda: view.scroll_by(-1)),
        Key(("pagedown", "ctrl+f"), "page down", lambda: view.scroll_by(page())),
        Key(("pageup", "ctrl+b"), "page up", lambda: view.scroll_by(-page())),
        Key(("g", "home"), "top", lambda: view.scroll_by(-(10**9))),
        Key(("G", "end"), "end", lambda: view.scroll_by(10**9)),
    ]


def table_keys(table: VirtualTable) -> list[Key]:
    """Keys that move the cursor of a table."""
    return [
        Key(("j", "down"), "down", lambda: table.move(1)),
        Key(("k", "up"), "up", lambda: table.move(-1)),
        Key(("pagedown", "ctrl+f"), "page down", lambda: table.move(table.page)),
        Key(("pageup", "ctrl+b"), "page up", lambda: table.move(-table.page)),
        Key(("g", "home"), "first", lambda: table.move_to(0)),
        Key(("G", "end"), "last", lambda: table.move_to(len(table.rows))),
    ]
