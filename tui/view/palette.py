"""The palette's entries: the same table as ``?`` and ``:``, and every store. Names from stores are plain text, never markup."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from tui.view.cells import safe
from tui.view.commands import run_entry, views
from tui.view.screens.base import RoomScreen
from tui.view.views import View

if TYPE_CHECKING:
    from tui.view.app import StorewatchApp


class Commands(Provider):
    """What can be done from the screen below the palette."""

    def _entries(self) -> Iterator[tuple[str, str, Callable[[], object]]]:
        screen = self.screen
        if not isinstance(screen, RoomScreen):
            return
        for name, go in views(screen).items():
            yield name, "view" if name != "quit" else "leave storewatch", go
        for key in [*screen.keys(), *screen.shared()]:
            if key.name:
                yield f"{key.label} ({key.sign})", key.help or f":{key.name}", partial(run_entry, screen, key)

    def _stores(self) -> Iterator[tuple[str, str, Callable[[], object]]]:
        viewer = cast("StorewatchApp", self.app)
        for site, card in viewer.board.sites.items():
            yield card.name, f"store {site}", partial(viewer.go, View("site", (site,)))

    async def discover(self) -> Hits:
        for text, note, run in self._entries():
            yield DiscoveryHit(Content(safe(text)), _call(run), text=safe(text), help=plain_help(note))

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for source in (self._entries(), self._stores()):
            for text, note, run in source:
                score = matcher.match(safe(text))
                if score > 0:
                    yield Hit(score, Content(safe(text)), _call(run), text=safe(text), help=plain_help(note))


def _call(run: Callable[[], object]) -> Callable[[], None]:
    def call() -> None:
        run()

    return call


def plain_help(text: str) -> str:
    """Help travels as a string that Textual reads as markup, so it may hold no bracket."""
    return safe(text).replace("[", "(").replace("]", ")")
