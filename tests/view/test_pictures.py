"""Each screen as it is drawn, in plain text and runs of style: small enough to be read in a review."""

import pytest

NOW = 1_795_000_000.0
SCREENS = {
    "fleet": (),
    "wall": ("w",),
    "store": ("enter",),
    "pane": ("P",),
    "choice": ("ctrl+l",),
    "plan": ("ctrl+l", "enter"),
    "audit": ("at",),
    "leave": ("q",),
}


def runs(app):
    """Lines of text, each followed by the places where its colours change."""
    drawn = []
    for strip in app.screen._compositor.render_strips():
        at, marks, before = 0, [], None
        for segment in strip:
            style = segment.style
            look = f"{'b' if style and style.bold else ''}{style.color.name if style and style.color else ''}"
            look += f"/{style.bgcolor.name}" if style and style.bgcolor and style.bgcolor.name != "#121212" else ""
            if look != before:
                marks.append(f"{at}{look}")
            before, at = look, at + segment.cell_length
        drawn.append(strip.text.rstrip())
        drawn.append("    ~ " + " ".join(marks))
    return "\n".join(drawn)


@pytest.mark.parametrize("size", [(80, 24), (200, 50)], ids=["80x24", "200x50"])
@pytest.mark.parametrize("screen", SCREENS)
async def test_a_screen_looks_as_it_did(stage, fake_room, snapshot, monkeypatch, screen, size):
    monkeypatch.setattr("time.time", lambda: NOW)
    async with stage(fake_room(now=NOW), size) as here:
        await here.press(*SCREENS[screen])
        await here.until(lambda: here.app.screen.ready)
        await here.pilot.pause(0.1)
        picture = runs(here.app) if size[0] == 80 else here.text()
        assert picture == snapshot
