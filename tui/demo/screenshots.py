"""Draws ``screenshots/``: the real viewer on the real room of a demo fleet, driven by keys. ``python -m tui.demo.screenshots``.

A development tool, no part of the program: the one file of this folder that sees the viewer.
"""

from __future__ import annotations

import asyncio
import html
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cairosvg

from tui.commands.viewer import RoomOf
from tui.model.level import Level
from tui.view.app import Options, StorewatchApp
from tui.view.cells import width_of

FOLDER = Path(__file__).parents[2] / "screenshots"
FONT, CJK_FONT = "DejaVu Sans Mono", "Noto Sans Mono CJK SC"
CELL = 12.2
"""Width of a cell in the drawing, in its own units."""
HURT = (Level.WARN, Level.CRIT)
WIDE, NARROW = (120, 36), (80, 24)
PACE = "0.1"
PATIENCE = 120.0
WIDTH = 1400
"""Pixels of a PNG: sharp beside the text of a README."""
STORY = (("hutong", "errors"), ("saffron", "errors"), ("fjord", "backups"), ("sakura", "tls"), ("yunnan", "uptime"))
"""Stores and the probes that must say so before the first picture."""
WEB_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


class Camera:
    """Hands and eye at one viewer."""

    def __init__(self, sites: Path) -> None:
        self.app = StorewatchApp(RoomOf(sites, None, False).dial, Options(quiet=False, guard=0.0))

    async def until(self, found: Callable[[], bool], what: str) -> None:
        """Wait for something on the screen. Raises TimeoutError."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not found():  # noqa: ASYNC110 - the screen has no event for "this is drawn"
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise TimeoutError(f"{what}: not seen; the screen is {self.app.screen!r}") from None

    def level(self, site: str, probe: str) -> Level | None:
        reading = self.app.board.reading(site, probe)
        return reading.level if reading else None

    def showing(self, name: str) -> Callable[[], bool]:
        return lambda: type(self.app.screen).__name__ == name

    def take(self, name: str) -> None:
        """Write the screen as SVG and PNG."""
        drawing = WEB_FONTS.sub("", self.app.export_screenshot(title="storewatch"))
        drawing = re.sub(r"font-family:\s*[^;]+;", "", drawing)
        drawing = respaced(drawing.replace("<svg ", f'<svg font-family="{FONT}" ', 1))
        (FOLDER / f"{name}.svg").write_text(drawing, encoding="utf-8")
        cairosvg.svg2png(bytestring=drawing.encode(), write_to=str(FOLDER / f"{name}.png"), output_width=WIDTH)
        sys.stdout.write(f"screenshots/{name}.png\n")


def respaced(drawing: str) -> str:
    """Every character that is not ASCII at its own column, in a font that has it: renderers know no fallback within one text."""

    def split(found: re.Match[str]) -> str:
        head, at, rest, content = found.groups()
        pieces, column = [], 0
        for run in re.findall(r"[\x21-\x7e]+|.", html.unescape(content).replace("\u00a0", " ")):
            wide = sum(width_of(char) for char in run)
            family = f' font-family="{CJK_FONT}"' if wide == 2 * len(run) else ""
            if run.strip():
                places = " ".join(f"{float(at) + (column + number) * CELL:.1f}" for number in range(len(run)))
                pieces.append(f'<text{head} x="{places}"{family}{rest}>{html.escape(run)}</text>')
            column += wide
        return "".join(pieces)

    text = r'<text( class="[^"]*-r\d+") x="([\d.]+)"( y="[\d.]+") textLength="[\d.]+"(?: clip-path="[^"]*")>([^<\n]*)</text>'
    return re.sub(text, split, drawing)


async def _shoot(sites: Path) -> None:
    wide = Camera(sites)
    async with wide.app.run_test(size=WIDE) as pilot:

        async def press(*keys: str) -> None:
            await pilot.press(*keys)
            await pilot.pause(0.2)

        await wide.until(lambda: wide.app.board.linked, "the room")
        await wide.until(lambda: all(wide.level(*where) in HURT for where in STORY), "the whole story")
        await pilot.pause(3.0)
        wide.take("fleet")
        await press("w")
        wide.take("wall")
        await press("w", "/", *"saffron", "enter", "enter")
        await wide.until(wide.showing("SiteScreen"), "the store")
        await pilot.pause(1.0)
        wide.take("site")
        await press("q", "/", *["backspace"] * 7, *"hutong", "enter", "ctrl+l")
        await wide.until(wide.showing("ChoiceDialog"), "the releases")
        await press("enter")
        await wide.until(wide.showing("PlanDialog"), "the plan")
        wide.take("plan")
        await press("y")
        await wide.until(lambda: any(run.verdict is not None for run in wide.app.board.runs.values()), "the verdict")
        await pilot.pause(0.5)
        wide.take("run")
    logs = Camera(sites)
    async with logs.app.run_test(size=WIDE) as pilot:
        await logs.until(lambda: logs.app.board.linked, "the room")
        await pilot.press("/", *"level:crit", "enter", *["space"] * 4, "l")
        await logs.until(logs.showing("LogsScreen"), "the logs")
        await pilot.pause(4.0)
        logs.take("logs")
    narrow = Camera(sites)
    async with narrow.app.run_test(size=NARROW) as pilot:
        await narrow.until(lambda: narrow.app.board.linked, "the room")
        await pilot.pause(1.0)
        narrow.take("narrow")


def main() -> int:
    """Exit code 0, or 1 when the demo did not start."""
    FOLDER.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "tui", "demo", "--headless", "--follow-stdin", "--pace", PACE]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout  # noqa: S101 - asked for above
        sites = demo.stdout.readline().strip()
        if not sites:
            return 1
        try:
            asyncio.run(_shoot(Path(sites)))
        finally:
            demo.send_signal(signal.SIGTERM)
    return 0


if __name__ == "__main__":
    sys.exit(main())
