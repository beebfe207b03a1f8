"""The room that runs is of another version than this viewer."""

from __future__ import annotations

from tui.model.message import msg
from tui.view.keys import Key
from tui.view.screens.base import Dialog, text_keys
from tui.view.widgets.lines import Spans, TextView

RESTART = "R"


class VersionScreen(Dialog):
    """Names both versions; restarts the room when it is idle and somebody asks for it."""

    title_words = "The room is of another version"

    @property
    def text(self) -> TextView:
        return self.query_one("#text", TextView)

    def draw(self) -> None:
        super().draw()
        self.text.show(self._lines())

    def _lines(self) -> list[Spans]:
        from tui.wire.messages import VERSION

        other = self.viewer.session.other
        if other is None:
            return [[("the room answers again", "ok")]]
        lines: list[Spans] = [
            [(other.message.say(), "text")],
            [],
            [("this viewer speaks version  ", "dim"), (str(VERSION), "bold")],
            [("the room speaks version     ", "dim"), (str(other.theirs), "bold")],
            [],
        ]
        if other.idle:
            lines.append(
                [
                    ("→ ", "accent"),
                    (f"The room is idle: {RESTART} ends it and starts one of this version. Its history and audit stay.", "text"),
                ]
            )
        else:
            lines.append([("→ ", "accent"), ("An action runs in it, so it is not restarted now. Wait, or use the other version.", "text")])
        if other.remedy is not None:
            lines.append([("  ", "accent"), (other.remedy.say(), "text")])
        return lines

    def _why_not(self) -> str | None:
        other = self.viewer.session.other
        if other is None:
            return "the room answers again"
        if self.viewer.options.restart is None:
            return "this viewer may not restart a room; whoever started it can"
        return None if other.idle else "an action runs in the room"

    async def restart(self) -> None:
        if self.viewer.options.restart is not None:
            await self.viewer.options.restart()
        self.viewer.session.other = None
        self.viewer.session.again()
        self.dismiss(None)

    def retry(self) -> None:
        self.viewer.session.again()
        self.viewer.tell(str(msg("dialling again")))

    def keys(self) -> list[Key]:
        return [
            Key((RESTART,), "restart the room", self.restart, shown=True, why=self._why_not),
            Key(("r",), "try again", self.retry, shown=True),
            Key(("escape", "q"), "leave storewatch", lambda: self.viewer.exit(2), shown=True),
            *text_keys(self.text),
        ]
