"""The viewer: one Textual app that looks into a room. It paints before the connection is up and holds no state worth keeping."""

# ruff: noqa: E402 - see gc.disable

from __future__ import annotations

import gc

gc.disable()  # nothing of what is loaded here is garbage, and looking through it again and again took 40 of 260 ms

import importlib
import os
import sys
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.app import App
from textual.binding import Binding
from textual.screen import Screen
from textual.theme import Theme

from tui.view import frame, hangup, look
from tui.view.board import Board, Change
from tui.view.link import Dial, LinkError
from tui.view.screens.base import Keyed, RoomScreen
from tui.view.screens.fleet import FleetScreen
from tui.view.session import Session
from tui.view.views import View, make
from tui.view.words import WORDS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from textual.notifications import SeverityLevel

    from tui.wire.messages import Body, Result

gc.freeze()  # else the first collection looks through all of it after all
gc.enable()
TICK = 5.0
"""Seconds between looks at what has grown old; ages step, so most of them draw nothing."""


@dataclass(frozen=True)
class Options:
    """``guard``: seconds in which a dialog takes no yes. ``crash_folder``: where the report of a fault goes. ``restart``: ends a room
    of another version; raises LinkError."""

    read_only: bool = False
    mouse: bool | None = None
    ascii: bool = False
    quiet: bool = True
    guard: float = 0.5
    crash_folder: Path | None = None
    restart: Callable[[], Awaitable[None]] | None = None


class StorewatchApp(App[int]):
    """Holds board, session and the stack of views. Everything drawn is in the screens."""

    TITLE = "storewatch"
    ENABLE_COMMAND_PALETTE = True
    COMMANDS = {lambda: importlib.import_module("tui.view.palette").Commands}
    BINDINGS = [
        Binding("ctrl+q", "leave", show=False, priority=True),
        Binding("ctrl+c", "leave", show=False, priority=True),
        Binding("ctrl+z", "suspend_process", show=False, priority=True),
    ]
    CSS = """
    Toast { max-width: 76; margin-bottom: 1; }
    """

    def __init__(self, dial: Dial, options: Options | None = None) -> None:
        self.options = options or Options()
        self.board = Board()
        self.last: View | None = None
        self.commands: list[str] = []
        self.settled: Callable[[], None] = _nothing
        """Called when much was loaded and is painted; a process that is all viewer tidies its memory then."""
        self._asked_host_keys = False
        super().__init__(driver_class=frame.driver(self.options.quiet))
        WORDS.ascii = self.options.ascii
        self.animation_level = "none"
        self.register_theme(THEME)
        self.theme = THEME.name
        self.session = Session(self.board, dial, self.changed, self.link_state)

    def get_default_screen(self) -> Screen[Any]:
        return FleetScreen(View("fleet"))

    def on_load(self) -> None:
        """Dial while the first frame is laid out; a room that must be started first does not hold that frame up."""
        self.run_worker(self.session.run(), name="session", exit_on_error=True)

    def on_mount(self) -> None:
        self.set_interval(TICK, self._tick)
        self.call_after_refresh(self.settled)

    def _tick(self) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, Keyed) and screen.ready:
                screen.tick()

    # --- what the room says --------------------------------------------------------------------------------------

    def changed(self, change: Change) -> None:
        """Hand a change to every screen that can be seen (a dialog lets the one below shine through)."""
        if change.fleet and self.board.room is not None:
            WORDS.use_zone(self.board.room.timezone)
            self.call_after_refresh(self.settled)
        for screen in self.screen_stack:
            if isinstance(screen, Keyed) and screen.ready:
                screen.board_changed(change)
        if change.keys:
            self.questions()

    def link_state(self) -> None:
        """The link came or went."""
        for screen in self.screen_stack:
            if isinstance(screen, RoomScreen) and screen.ready:
                screen.frame()
                screen.tick()
        self.questions()

    def questions(self) -> None:
        """Ask what the room wants to know, but never into the middle of a dialog or of typing: which room to use, once which host keys."""
        screen = self.screen_stack[-1] if self.screen_stack else None
        if not isinstance(screen, RoomScreen) or not screen.ready or screen.prompt.active:
            return
        if self.session.other is not None:
            from tui.view.screens.version import VersionScreen

            self.push_screen(VersionScreen())
        elif self.board.host_keys and not self._asked_host_keys:
            self.ask_host_key()

    def ask_host_key(self) -> None:
        """Show the host keys that nobody has vouched for."""
        if self.board.host_keys:
            from tui.view.screens.hostkey import HostKeyDialog

            self._asked_host_keys = True
            self.push_screen(HostKeyDialog())
        else:
            self.tell("no host key waits for an answer")

    async def request(self, body: Body) -> Result:
        """The room's answer. Raises LinkError."""
        return await self.session.request(body)

    # --- moving about --------------------------------------------------------------------------------------------

    def go(self, view: View) -> None:
        """Show ``view``; the fleet is the ground, the wall stands right on it."""
        if isinstance(self.screen, RoomScreen) and self.screen.view != view:
            self.last = self.screen.view
        if view.ground:
            while len(self.screen_stack) > 1:
                self.pop_screen()
        if view.name != "fleet":
            self.push_screen(make(view))

    def back(self) -> None:
        """One view out; on the ground there is nowhere to go."""
        if len(self.screen_stack) > 1:
            if isinstance(self.screen, RoomScreen):
                self.last = self.screen.view
            self.pop_screen()
        else:
            self.tell("this is the outermost view; q leaves storewatch")

    def go_last(self) -> None:
        if self.last is None:
            self.tell("there is no last view yet")
        else:
            self.go(self.last)

    def action_leave(self) -> None:
        """Ask whether to leave; asked twice is yes."""
        from tui.view.screens.text import LeaveDialog

        if isinstance(self.screen, LeaveDialog):
            self.exit(0)
        else:
            self.push_screen(LeaveDialog())

    # --- telling -------------------------------------------------------------------------------------------------

    def tell(self, text: str, severity: SeverityLevel = "information") -> None:
        """A short word at the edge, never read as markup."""
        self.clear_notifications()
        self.notify(text, severity=severity, timeout=8 if severity != "information" else 4, markup=False)

    def attempt(self, work: Coroutine[Any, Any, object]) -> None:
        """Do ``work`` beside the keys; a lost room is told, not raised."""

        async def guarded() -> None:
            try:
                await work
            except LinkError as error:
                self.tell(" - ".join(str(part) for part in (error.message, error.remedy) if part), "error")

        self.run_worker(guarded())

    # --- faults of our own ---------------------------------------------------------------------------------------

    def _handle_exception(self, error: Exception) -> None:
        self._return_code = 1
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        self._fatal_error()

    def _fatal_error(self) -> None:
        """Textual would print a traceback with local variables, and with them what stores sent us, onto the screen."""
        from rich.text import Text

        from tui.view.crash import sentence, write_report

        error = self._exception or sys.exc_info()[1] or RuntimeError("unknown")
        if not self._exit_renderables:
            self._exit_renderables.append(Text(sentence(error, write_report(error, self.options.crash_folder))))
        self._close_messages_no_wait()


THEME = Theme(
    name="storewatch",
    primary="#5fafd7",
    secondary="#87d7ff",
    warning="#ffd75f",
    error="#ff5f5f",
    success="#5fd75f",
    accent="#5fafd7",
    foreground=look.TEXT,
    background=look.BACK,
    surface="#1c1c1c",
    panel="#303030",
    dark=True,
)


def _nothing() -> None:
    return


def _collect() -> None:
    """What was loaded stays: were the collector to look through thousands of readings again, a key would wait for it."""
    gc.freeze()
    gc.enable()


def over_ssh() -> bool:
    return any(os.environ.get(name) for name in ("SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"))


def run_viewer(dial: Dial, options: Options | None = None) -> int:
    """Run the viewer on this terminal until it is left; the exit code. ``dial`` opens the link and may start a room."""
    options = options or Options()
    if os.environ.get("TERM", "dumb") in ("dumb", "") or not (sys.stdin.isatty() and sys.stdout.isatty()):
        sys.stderr.write(
            "storewatch: this terminal cannot show the viewer (TERM is dumb, or input or output is not a terminal).\n"
            "Use `storewatch status`, `storewatch logs` and `storewatch run` here, or set TERM to what the terminal is.\n"
        )
        return 2
    gc.disable()  # until the first frame is painted: every sixth millisecond went into collecting what is all still in use
    hangup.watch()
    app = StorewatchApp(dial, options)
    app.settled = _collect
    mouse = options.mouse if options.mouse is not None else not over_ssh()
    result = app.run(mouse=mouse)
    return result if result is not None else (app.return_code or 0)
