"""Releases put live by one rename behind real SSH, read back, and the page looked at."""

import os

import msgspec
import pytest

from tui.model.level import Level
from tui.wire.messages import No, Planned


async def test_the_bad_release_is_rolled_back_and_the_shop_recovers(room):
    room = await room()
    room.shop.release("20261122110000", broken=True)
    room.shop.live("20261122110000")
    await room.look("uptime")
    await room.look("deploys")
    options = await room.options("rollback")
    assert [option.value for option in options if option.preferred] == ["20261122100000"]
    assert [option.refused.say() for option in options if option.refused] == ["it is live already"]
    planned = await room.plan("rollback", "20261122100000")
    assert planned.plan.atomic and planned.plan.reversible
    assert planned.plan.warnings[-1].say() == "whether the database was migrated since that release is not looked at yet"
    run = await room.run(planned)
    assert (run.state, run.verdict.level) == ("done", Level.OK)
    assert run.verdict.message.say().startswith("20261122100000 is live; home page: HTTP 200")
    assert room.shop.current == "20261122100000"
    assert run.detected is not None and run.detected <= run.decided <= run.acted <= run.verified


async def test_undo_puts_the_former_release_back(room):
    room = await room()
    await room.do("rollback", "20261120100000")
    undo = await room.undo()
    assert (undo.state, room.shop.current) == ("done", "20261122100000")
    assert sorted(os.listdir(room.shop.root)) == ["current", "releases", "shared"]


async def test_undo_is_refused_when_somebody_deployed_since(room):
    room = await room()
    run = await room.do("rollback", "20261121100000")
    room.shop.live("20261120100000")
    await room.look("deploys")
    assert room.memory.get("eu", "deploys").at >= run.acted
    no = await room.gate.undo(room.me, "eu")
    assert isinstance(no, No)
    assert "20261120100000 is live, not 20261121100000" in no.message.say()


async def test_a_deploy_between_plan_and_yes_makes_the_plan_void(room):
    room = await room()
    planned = await room.plan("rollback", "20261121100000")
    room.shop.live("20261120100000")
    await room.look("deploys")
    no = await room.gate.confirm(room.me, planned.hash)
    assert "the store has changed" in no.message.say()
    assert room.shop.current == "20261120100000"


async def test_an_old_reading_is_taken_again_before_the_plan(room):
    room = await room()
    await room.look("deploys")
    old = room.memory.get("eu", "deploys")
    room.memory.put(msgspec.structs.replace(old, at=old.at - 60))
    room.shop.live("20261121100000")
    planned = await room.plan("rollback", "20261122100000")
    assert isinstance(planned, Planned)
    assert planned.plan.notes["was"] == "20261121100000"


async def test_old_code_still_served_is_found_out_and_cured_by_a_reload(room):
    room = await room()
    room.shop.stubborn = True
    room.shop.release("20261122110000", broken=True)
    room.shop.live("20261122110000")
    await room.look("uptime")
    run = await room.do("rollback", "20261122100000")
    assert room.shop.current == "20261122100000"
    assert (run.state, run.verdict.level, run.verdict.offer) == ("failed", Level.CRIT, "reload-php")
    assert "PHP may still serve the old code" in run.verdict.message.say()
    reload = await room.do(run.verdict.offer)
    assert (reload.state, reload.verdict.level) == ("done", Level.OK)
    assert not reload.plan.reversible


async def test_a_reload_that_nobody_configured_says_what_to_write(room):
    room = await room(php_reload=())
    no = await room.plan("reload-php")
    assert isinstance(no, No) and not no.gate
    assert "php = { reload = [" in no.remedy.say()


async def test_marks_are_shown_and_shunned(room):
    room = await room()
    (room.shop.root / "releases" / "20261121100000" / "BAD_RELEASE").touch()
    await room.look("deploys")
    options = {option.value: option for option in await room.options("rollback")}
    assert "bad" in options["20261121100000"].note.say()
    assert [option.value for option in options.values() if option.preferred] == ["20261120100000"]
    planned = await room.plan("rollback", "20261121100000")
    assert planned.plan.warnings[0].say() == "20261121100000 is marked bad"


@pytest.mark.parametrize("name", ["a\nb", "x; rm -rf $HOME", "$(reboot)", "-rf"])
async def test_a_hostile_release_arrives_whole(room, name):
    room = await room()
    room.shop.release(name)
    run = await room.do("rollback", name)
    assert (run.state, room.shop.current) == ("done", name)
    await room.undo()
    assert room.shop.current == "20261122100000"


async def test_an_empty_release_is_not_put_live(room):
    room = await room()
    (room.shop.root / "releases" / "20261119100000").mkdir()
    run = await room.do("rollback", "20261119100000")
    assert (run.state, run.steps[0].state, room.shop.current) == ("failed", "failed", "20261122100000")
    assert "20261122100000 is live, not 20261119100000" in run.verdict.message.say()


async def test_a_git_checkout_is_rolled_back_and_says_that_it_is_not_atomic(room, git):
    await git("init", "-q", "-b", "main")
    for text in ("one", "two"):
        (git.folder / "index.html").write_text(text)
        await git("add", "index.html")
        await git("commit", "-qm", text)
    first = await git("rev-parse", "HEAD~1")
    room = await room(layout="git", settings={"layout": git.settings})
    run = await room.do("rollback", first)
    assert run.state == "done"
    assert (git.folder / "index.html").read_text() == "one"
    assert any("not atomic" in warning.say() for warning in run.plan.warnings)
    assert (await room.undo()).state == "done"
    assert await git("symbolic-ref", "--short", "HEAD") == "main"


async def test_without_a_layout_there_is_nothing_to_roll_back(room):
    room = await room(layout=None)
    no = await room.plan("rollback", "x")
    assert isinstance(no, No)
