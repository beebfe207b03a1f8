"""What may follow ``:``, and the same list for the palette: everything the screen's key table names, and the stores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

from tui.view.keys import Key
from tui.view.views import View

if TYPE_CHECKING:
    from tui.view.screens.base import RoomScreen

ALIASES = {"q": "quit", "exit": "quit", "log": "logs", "f": "fleet", "help": "keys", "h": "keys"}


def views(screen: RoomScreen) -> dict[str, Callable[[], object]]:
    """Views without a store."""
    viewer = screen.viewer
    return {
        "fleet": lambda: viewer.go(View("fleet")),
        "wall": lambda: viewer.go(View("wall")),
        "quit": lambda: viewer.exit(0),
        "last": viewer.go_last,
    }


def named(screen: RoomScreen) -> dict[str, Key]:
    """The key table's entries that have a name."""
    return {key.name: key for key in reversed([*screen.keys(), *screen.shared()]) if key.name}


def offers(screen: RoomScreen, text: str) -> list[str]:
    """Whole commands that begin with ``text``: names, and after ``site`` or ``logs`` the stores."""
    word, space, rest = text.partition(" ")
    if space:
        sites = screen.viewer.board.sites
        return [f"{word} {site}" for site in sites if site.startswith(rest)] if word in ("site", "logs") else []
    names = sorted({*views(screen), *named(screen), "site", "logs", "keys"})
    return [name for name in names if name.startswith(text)]


def ask(screen: RoomScreen) -> None:
    """Open the command line."""

    def done(text: str | None) -> None:
        if text and text.strip():
            obey(screen, text.strip())

    screen.prompt.open(":", done, offers=lambda text: offers(screen, text))


def find_sites(screen: RoomScreen, words: Sequence[str]) -> tuple[str, ...]:
    """Ids for what was typed: an id, or the start of a name, in any case."""
    sites = screen.viewer.board.sites
    found = []
    for word in words:
        low = word.lower()
        exact = word if word in sites else next((site for site, card in sites.items() if low in (site.lower(), card.name.lower())), "")
        found.append(
            exact or next((site for site, card in sites.items() if site.lower().startswith(low) or card.name.lower().startswith(low)), "")
        )
    return tuple(site for site in found if site)


def obey(screen: RoomScreen, text: str) -> None:
    """Do what ``text`` says; an unknown word names the nearest one."""
    viewer = screen.viewer
    name, *words = text.split()
    name = ALIASES.get(name.rstrip("!"), name.rstrip("!"))
    if name in ("site", "logs"):
        sites = find_sites(screen, words) or (screen.view.sites if not words else ())
        if sites:
            viewer.go(View(name, sites if name == "logs" else sites[:1]))
        elif name == "logs" and not words and (entry := named(screen).get("tail")):
            run_entry(screen, entry)
        else:
            viewer.tell(f":{name} wants a store: {' '.join(words) or 'none was named'} is not one", "warning")
    elif name == "keys":
        from tui.view.frame import helped

        helped(screen)
    elif name in views(screen):
        views(screen)[name]()
    elif (entry := named(screen).get(name)) is not None:
        run_entry(screen, entry)
    else:
        near = get_close_matches(name, offers(screen, ""), 1)
        viewer.tell(f"there is no command {name}" + (f"; did you mean :{near[0]}?" if near else "; ? lists what there is"), "warning")


def run_entry(screen: RoomScreen, entry: Key) -> None:
    """Do what a key of the table does, or say why it cannot."""
    reason = entry.why() if entry.why else None
    if reason is not None:
        screen.viewer.tell(f"{entry.label}: {reason}", "warning")
        return
    result = entry.run()
    if hasattr(result, "__await__"):
        screen.viewer.attempt(result)  # type: ignore[arg-type]
