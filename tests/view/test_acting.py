"""From the key to the request: plan, confirmation, and the ways to say no."""

import time

import msgspec
import pytest
from textual import events

from tui.model.message import msg
from tui.model.reach import HostKey
from tui.view.commands import offers
from tui.view.keys import find
from tui.view.link import LinkError, OtherVersion
from tui.view.screens.plan import Guard
from tui.wire import messages as m


def asked(room, kind):
    return [body for body in room.asked if isinstance(body, kind)]


async def test_a_rollback_of_a_production_store_wants_its_name(stage, room):
    async with stage(room) as here:
        await here.press("ctrl+l")
        await here.sees("roll back at Shop 02: which?", "not possible: it is live", "❯ 20261121")
        await here.press("enter")
        await here.sees("PRODUCTION", "$ ln -sfn /srv/x/releases/1 /srv/x/current", "undo: ln -sfn old cur", "type Shop 02 ›")
        await here.press("enter", "ctrl+y")
        assert not asked(room, m.Confirm)
        await here.press(*"Shop", "space", *"02", "ctrl+y")
        await here.until(lambda: asked(room, m.Confirm))
        assert asked(room, m.Confirm)[0].site_name == "Shop 02"
        await here.sees("Run › roll back", "▸ 1.")


async def test_cancel_is_the_default_and_enter_runs_nothing(stage, room):
    async with stage(room) as here:
        await here.press("slash", *"03", "enter", "ctrl+l", "enter")
        await here.sees("Plan: roll back", "y run it")
        await here.press("enter")
        await here.told("cancelled")
        assert asked(room, m.GetPlan) and not asked(room, m.Confirm)
        await here.press("ctrl+l", "enter", "y")
        await here.until(lambda: asked(room, m.Confirm))


async def test_a_yes_that_comes_at_once_is_not_a_yes(stage, room):
    async with stage(room, guard=30.0) as here:
        await here.press("slash", *"03", "enter", "ctrl+l", "enter")
        await here.sees("Plan: roll back")
        await here.press("y", "y", "y")
        await here.told("too soon")
        assert not asked(room, m.Confirm)


def test_a_held_key_never_passes_the_guard():
    guard = Guard(0.05)
    presses = []
    end = time.monotonic() + 0.15
    while time.monotonic() < end:
        presses.append(guard.passes())
    assert not any(presses)
    guard._last -= 0.06
    assert guard.passes()


async def test_x_switches_the_selected_plugin_whichever_way_it_stands(stage, room):
    async with stage(room) as here:
        await here.press("P", "x")
        await here.until(lambda: asked(room, m.GetPlan))
        assert asked(room, m.GetPlan)[-1] == m.GetPlan("plugin-off", "s2", "p0")
        await here.press("escape", "j", "x")
        await here.until(lambda: len(asked(room, m.GetPlan)) == 2)
        assert asked(room, m.GetPlan)[-1] == m.GetPlan("plugin-on", "s2", "p1")


async def test_a_refusal_says_why_and_what_would_allow_it(stage, room):
    room.answers[m.GetPlan] = m.No(msg("frozen until Monday"), msg("an approver may lift it"))
    async with stage(room) as here:
        await here.press("f")
        await here.told("Refused: frozen until Monday → an approver may lift it")


async def test_read_only_says_so_and_asks_nothing(stage, room):
    async with stage(room, read_only=True) as here:
        await here.sees("READ-ONLY")
        await here.press("ctrl+l")
        await here.told("read-only")
        room.push(m.FleetChanged(msgspec.structs.replace(room.card, read_only=msg("the peak froze it")), room.sites))
        assert not room.asked


async def test_a_room_that_is_read_only_says_why(stage, room):
    room.card = msgspec.structs.replace(room.card, read_only=msg("the audit file cannot be written"))
    async with stage(room) as here:
        await here.press("x")
        await here.told("the audit file cannot be written")


async def test_marks_and_an_action_for_one_store(stage, room):
    async with stage(room) as here:
        await here.press("space", "space", "ctrl+l")
        await here.told("acts on one store at a time")


@pytest.mark.parametrize("key", ["ctrl+d", "ctrl+k", "y", "F", "f9"])
async def test_no_key_is_silent(stage, room, key):
    async with stage(room) as here:
        await here.press(key)
        await here.told("nothing")
        assert not room.asked


async def test_every_key_of_the_screen_stands_in_help(stage, room):
    async with stage(room, (200, 50)) as here:
        for keys in ((), ("enter",), ("enter",), ("l",), ("at",)):
            await here.press(*keys)
            screen = here.app.screen
            table = [*screen.keys(), *screen.shared()]
            await here.press("question_mark")
            said = here.app.screen.view.text()
            assert all(key.label in said for key in table), [key.label for key in table if key.label not in said]
            await here.press("escape")


async def test_actions_and_panes_of_the_catalogue_need_no_screen(stage, room):
    from tui.model.catalogue import ActionInfo, Catalogue, ProbeInfo

    new = Catalogue(
        (*room.catalogue.probes, ProbeInfo("seo", "Seo", "S")), (*room.catalogue.actions, ActionInfo("purge", "purge cache", "c", "purges"))
    )
    room.catalogue = new
    async with stage(room, (200, 50)) as here:
        await here.sees("c purge cache", "S Seo")
        await here.press("c")
        await here.until(lambda: m.GetPlan("purge", "s2") in room.asked)
        await here.press("escape", "S")
        await here.sees("Shop 02 › Seo")
        assert find(here.app.screen.keys(), "c").name == "purge"


async def test_the_command_line_goes_places_and_names_the_nearest_word(stage, room):
    async with stage(room) as here:
        assert "site s3" in offers(here.app.screen, "site s")
        await here.press("colon", *"site", "space", *"shop", "enter")
        await here.sees("Shop 00")
        await here.press("colon", *"flet", "enter")
        await here.told("did you mean :fleet?")
        await here.press("colon", *"wa", "tab", "enter")
        await here.until(lambda: here.app.screen.view.name == "wall")
        await here.press("colon", *"faults", "enter")
        await here.sees("faults only")
        await here.press("colon", "q", "enter")
        await here.until(lambda: not here.app.is_running)


async def test_the_palette_lists_the_same(stage, room):
    async with stage(room) as here:
        await here.press("ctrl+p")
        await here.sees("Search for commands")
        await here.press(*"roll")
        await here.sees("roll back (ctrl+l)")
        await here.press(*["backspace"] * 4, *"Shop", "space", "0", "5")
        await here.until(lambda: "Shop 05" in here.text() and "roll back (" not in here.text())
        await here.press("down")
        await here.press("enter")
        await here.until(lambda: getattr(here.app.screen, "view", None) and here.app.screen.view.site == "s5")


async def test_the_last_view_and_the_question_before_leaving(stage, room):
    async with stage(room) as here:
        await here.press("minus")
        await here.told("no last view")
        await here.press("enter", "q", "minus")
        await here.until(lambda: here.app.screen.view.name == "site")
        await here.press("q", "q")
        await here.sees("Leave storewatch?")
        await here.press("n", "q", "y")
        await here.until(lambda: not here.app.is_running)
        assert here.app.return_code == 0


async def test_a_key_typed_ahead_reaches_the_view_that_came_meanwhile(stage, room):
    async with stage(room) as here:
        await here.press("t")
        timeline = here.app.screen
        here.app.pop_screen()
        timeline.post_message(events.Key("w", "w"))
        await here.until(lambda: here.app.screen.view.name == "wall")


async def test_look_again(stage, room):
    async with stage(room) as here:
        await here.press("r")
        await here.told("looking again at Shop 02")
        assert room.asked == [m.ProbeNow("s2", "")]


async def test_a_room_that_is_gone_is_said_at_once_and_dialled_again(stage, room):
    async with stage(room) as here:
        dial, here.app.session._dial = here.app.session._dial, None
        fails = [LinkError(msg("no room answers"), msg("start one"))]

        async def again():
            if fails:
                raise fails[0]
            return await dial()

        here.app.session._dial = again
        room.die()
        await here.sees("NO ROOM", "No room answers.", "What you see is from", "Start one.")
        await here.press("ctrl+l")
        await here.told("does not answer")
        fails.clear()
        here.app.session.again()
        await here.until(lambda: here.app.board.linked and "NO ROOM" not in here.text())


async def test_a_room_of_another_version_is_named_and_restarted_when_asked(stage, room):
    restarted = []

    async def restart():
        restarted.append(1)

    dial = room.dial

    async def other():
        if not restarted:
            raise OtherVersion(msg("versions differ"), None, 99, True)
        return await dial()

    room.dial = other
    async with stage(room, ready=False, restart=restart) as here:
        await here.sees("another version", "99", "R restart the room")
        await here.press("R")
        await here.until(lambda: here.app.board.linked)
        assert restarted == [1]


async def test_a_busy_room_of_another_version_is_left_alone(stage, room):
    async def other():
        raise OtherVersion(msg("versions differ"), None, 99, False)

    room.dial = other
    async with stage(room, ready=False) as here:
        await here.sees("An action runs in it")
        await here.press("R")
        await here.told("may not restart")


async def test_an_unknown_host_key_is_asked_once_and_only_a_accepts(stage, room):
    room.host_keys = (HostKey("web1", 22, "ssh-ed25519", "SHA256:abc"),)
    async with stage(room) as here:
        await here.sees("ssh-ed25519 SHA256:abc", "Nobody has vouched")
        await here.press("enter")
        await here.sees("K looks at it")
        assert not room.asked
        await here.press("K", "A")
        await here.until(lambda: room.asked == [m.AcceptHostKey("web1", 22, "SHA256:abc")])
        await here.until(lambda: "HOST KEY" not in here.text())


async def test_a_changed_host_key_is_refused_whatever_is_pressed(stage, room):
    room.host_keys = (HostKey("web1", 2222, "ssh-ed25519", "SHA256:new", ("SHA256:old",), True),)
    async with stage(room) as here:
        await here.sees("REFUSED", "SHA256:new", "SHA256:old", "ssh-keygen -R '[web1]:2222'")
        await here.press("A", "y")
        await here.told("nothing")
        assert not room.asked


async def test_a_fault_of_the_viewer_leaves_a_private_report_and_no_traceback(room, tmp_path, capsys):
    from tui.view.app import Options, StorewatchApp

    app = StorewatchApp(room.dial, Options(quiet=False, crash_folder=tmp_path))
    with pytest.raises(ZeroDivisionError):
        async with app.run_test() as pilot:
            secret = "hunter2"  # noqa: F841 - a local that must not be written
            app.call_next(lambda: 1 / 0)
            await pilot.pause()
            await pilot.pause()
    (report,) = tmp_path.glob("storewatch-crash-*.txt")
    assert report.stat().st_mode & 0o777 == 0o600
    assert "ZeroDivisionError" in report.read_text() and "hunter2" not in report.read_text()
    said = " ".join(capsys.readouterr().err.split())
    assert "start storewatch again" in said and report.name in said.replace(" ", "") and "Traceback" not in said


def test_no_probe_or_action_takes_a_key_that_belongs_to_the_screens():
    from tui.actions import ACTIONS
    from tui.probes import PROBES
    from tui.view.frame import RESERVED

    taken = {unit.info.id: unit.info.key for unit in (*PROBES, *ACTIONS) if unit.info.key in RESERVED}
    assert not taken
