"""Plugins switched off and on through a stand-in wp behind real SSH, read back, and the page looked at."""

import pytest

from tests.actions.conftest import GUILTY
from tui.model.level import Level
from tui.wire.messages import No, Planned


async def test_the_guilty_plugin_is_switched_off_and_the_shop_recovers(room):
    room = await room()
    room.shop.plugin("good")
    room.shop.plugin("promo", GUILTY)
    await room.look("uptime")
    assert room.memory.get("eu", "uptime").level is Level.CRIT
    options = {option.value: option for option in await room.options("plugin-off")}
    assert options["promo"].refused is None
    planned = await room.plan("plugin-off", "promo")
    assert [step.argv[4:8] for step in planned.plan.steps] == [("deactivate", "promo", "--skip-plugins", "--skip-themes")]
    run = await room.run(planned)
    assert (run.state, run.verdict.level) == ("done", Level.OK)
    assert run.verdict.message.say().startswith("promo is inactive; home page: HTTP 200")
    assert room.shop.active == ["good"]
    assert run.detected is not None


async def test_undo_brings_it_back_and_says_that_the_shop_fails(room):
    room = await room()
    room.shop.plugin("promo", GUILTY)
    await room.do("plugin-off", "promo")
    undo = await room.undo()
    assert room.shop.active == ["promo"]
    assert undo.verdict.level is Level.CRIT
    assert undo.verdict.message.say().startswith("promo is active; home page: ")


async def test_on_and_what_stands_right_already(room):
    room = await room()
    room.shop.plugin("good", active=False)
    run = await room.do("plugin-on", "good")
    assert (run.state, room.shop.active) == ("done", ["good"])
    no = await room.plan("plugin-off", "nobody")
    assert isinstance(no, No) and "has no nobody" in no.message.say()
    room.shop.plugin("second", active=False)
    await room.look("plugins")
    no = await room.plan("plugin-off", "second")
    assert no.message.say() == "it is off already"
    assert (await room.plan("plugin-on", "good")).message.say() == "it is on already"


async def test_another_broken_plugin_keeps_the_shop_down_and_that_is_said(room):
    room = await room()
    room.shop.plugin("good")
    room.shop.plugin("promo", GUILTY)
    run = await room.do("plugin-off", "good")
    assert room.shop.active == ["promo"]
    assert run.state == "failed"
    assert run.verdict.level is Level.CRIT
    assert run.verdict.message.say().startswith("good is inactive; home page: the page is broken")


@pytest.mark.parametrize("name", ["x; rm -rf $HOME", "a b'\"`id`", "[bold]"])
async def test_a_hostile_name_arrives_whole(room, name):
    room = await room()
    room.shop.plugin(name)
    room.shop.plugin("good")
    run = await room.do("plugin-off", name)
    assert (run.state, room.shop.active) == ("done", ["good"])


async def test_a_name_that_reads_as_an_option_is_offered_as_a_rename(room):
    room = await room()
    room.shop.plugin("-rf")
    no = await room.plan("plugin-off", "-rf")
    assert isinstance(no, No) and "as an option" in no.message.say()
    assert "rename:-rf" in [option.value for option in await room.options("plugin-off")]


async def test_the_last_resort_is_offered_only_when_wp_cli_fails(room, tmp_path):
    room = await room()
    room.shop.plugin("promo", GUILTY)
    await room.look("plugins")
    assert "rename:promo" not in [option.value for option in await room.options("plugin-off")]
    assert isinstance(await room.plan("plugin-off", "rename:promo"), No)
    room.site.settings["platform"] = type(room.site.settings["platform"])(wp=("/nonexistent/wp",))
    await room.look("plugins")
    options = {option.value: option for option in await room.options("plugin-off")}
    assert "renaming the folder is a choice of its own" in options["promo"].refused.say()
    planned = await room.plan("plugin-off", "rename:promo")
    assert isinstance(planned, Planned)
    assert "behind the shop's back" in planned.plan.warnings[0].say()
    run = await room.run(planned)
    assert run.state == "done"
    assert run.verdict.message.say().startswith("promo is absent; home page: HTTP 200")
    assert sorted(path.name for path in (room.shop.content / "plugins").iterdir()) == ["promo.off"]
    await room.look("plugins")
    assert [option.value for option in await room.options("plugin-on") if option.refused is None] == ["promo.off"]
    await room.undo()
    assert sorted(path.name for path in (room.shop.content / "plugins").iterdir()) == ["promo"]


async def test_a_tool_that_says_success_and_did_nothing_is_found_out(room, tmp_path):
    room = await room()
    room.shop.plugin("good")
    await room.look("plugins")
    planned = await room.plan("plugin-off", "good")
    room.shop.database.chmod(0o400)
    room.shop.database.write_text('{"active_plugins": ["good"]}')
    liar = tmp_path / "wp"
    liar.write_text('case "$*" in *list*) echo \'[{"name":"good","status":"active"}]\';; *) echo "Success: Deactivated 1 of 1.";; esac')
    room.site.settings["platform"] = type(room.site.settings["platform"])(wp=("sh", str(liar)))
    planned = await room.plan("plugin-off", "good")
    run = await room.run(planned)
    assert [step.exit for step in run.steps] == [0]
    assert (run.state, run.verdict.level) == ("failed", Level.CRIT)
    assert run.verdict.message.say().startswith("good is still active")


async def test_a_platform_without_plugins_says_so(room):
    room = await room(platform="custom")
    assert await room.options("plugin-off") == ()
