"""The bars around every screen and the keys that work on each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.view.keys import Key
from tui.view.views import View
from tui.view.words import local, style_of

if TYPE_CHECKING:
    from textual.driver import Driver

    from tui.view.app import StorewatchApp
    from tui.view.screens.base import RoomScreen
    from tui.view.widgets.lines import Spans


def driver(quiet: bool) -> type[Driver] | None:
    """The driver that sends only cells that changed; None for Textual's own."""
    if not quiet:
        return None
    from tui.view.quiet import quiet_driver

    return quiet_driver()


def title(viewer: StorewatchApp, crumbs: str) -> Spans:
    room = viewer.board.room
    return (" storewatch ", "bar-bold"), (f" {room.name if room else 'connecting…'} ", "bar-key"), (f" {crumbs}", "bar-bold")


def badges(viewer: StorewatchApp) -> Spans:
    """What must never be overlooked, at the right of the top bar."""
    board, found = viewer.board, []
    room = board.room
    if room is not None and not board.linked:
        found.append((" NO ROOM ", "badge-crit"))
    if viewer.options.read_only or (room is not None and room.read_only is not None):
        found.append((" READ-ONLY ", "badge-lock"))
    if room is not None and room.demo:
        found.append((" DEMO ", "badge-demo"))
    if board.viewers > 1:
        found.append((f" {board.viewers} viewers ", "bar"))
    return found


def banner(viewer: StorewatchApp) -> list[Spans]:
    """A lost room first, then what the room wants everyone to know, then host keys that wait for an answer."""
    session, board = viewer.session, viewer.board
    lines: list[Spans] = []
    if session.lost is not None:
        since = f" What you see is from {local(session.lost_at)}." if session.lost_at and board.room else ""
        text = f" {_sentence(session.lost.say())}{since} {_sentence(session.remedy.say()) if session.remedy else 'Dialling again.'}"
        lines.append(((text, "badge-crit"),))
    for notice in sorted(board.notices.values(), key=lambda notice: -notice.level.rank):
        remedy = f" → {notice.remedy}" if notice.remedy else ""
        lines.append(
            ((f" {notice.level.value} ", f"badge-{style_of(notice.level)}"), (f" {notice.message}{remedy}", style_of(notice.level)))
        )
    if board.host_keys:
        first = next(iter(board.host_keys.values()))
        word = "shows another host key than the known one" if first.changed else "shows a host key nobody has vouched for"
        more = f" (and {len(board.host_keys) - 1} more)" if len(board.host_keys) > 1 else ""
        lines.append(((" HOST KEY ", "badge-warn"), (f" {first.host}:{first.port} {word}{more}; K looks at it", "warn")))
    return lines


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "…", "!", "?")) else text + "."


RESERVED = frozenset("?:/-@tiKqorzd!wpeE jkgG123456789") | {
    "escape",
    "enter",
    "space",
    "tab",
    "ctrl+p",
    "ctrl+z",
    "ctrl+q",
    "ctrl+c",
    "ctrl+d",
    "ctrl+k",
}
"""Keys that belong to the screens: no probe or action may take one."""


def shared_keys(screen: RoomScreen) -> list[Key]:
    """Keys of every whole screen."""
    viewer = screen.viewer
    return [
        Key(("q", "escape"), "back", lambda: leave(screen), shown=True),
        Key((":",), "command", lambda: command(screen), shown=True),
        Key(("?",), "keys", lambda: helped(screen), shown=True),
        Key(("ctrl+p",), "palette", viewer.action_command_palette),
        Key(("i",), "explain this screen", lambda: explained(screen)),
        Key(("t",), "timeline", lambda: viewer.go(View("timeline", screen.view.sites)), name="timeline"),
        Key(("@",), "audit and command log", lambda: viewer.go(View("audit", screen.view.sites)), name="audit"),
        Key(("-",), "last view", viewer.go_last),
        Key(("w",), "wall or fleet", lambda: viewer.go(View("fleet" if screen.view.name == "wall" else "wall"))),
        Key(("K",), "host key question", lambda: viewer.ask_host_key(), name="hostkey"),
        Key(("ctrl+z",), "suspend", viewer.action_suspend_process),
        Key(("ctrl+c", "ctrl+q"), "leave", viewer.action_leave, name="quit"),
    ]


def leave(screen: RoomScreen) -> None:
    """``q`` and Esc: one view out; on the ground ``q`` asks."""
    if len(screen.viewer.screen_stack) > 1:
        screen.viewer.back()
    else:
        screen.viewer.action_leave()


def command(screen: RoomScreen) -> None:
    from tui.view import commands

    commands.ask(screen)


def helped(screen: RoomScreen) -> None:
    from tui.view.screens.text import HelpDialog

    screen.viewer.push_screen(HelpDialog(screen))


def explained(screen: RoomScreen) -> None:
    from tui.view.screens.text import TextDialog

    screen.viewer.push_screen(TextDialog(screen.title_words or screen.view.name, [((screen.explain, "text"),)]))
