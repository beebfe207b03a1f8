"""A changed file is taken up; a broken one is told once and changes nothing."""

import asyncio
import os

import pytest

from tui.config import load
from tui.config.watch import Watcher

GOOD = '[sites.eu]\nurl = "https://eu.example.com/"\n'


class Heard:
    """What a watcher called back, in order, to be waited for."""

    def __init__(self) -> None:
        self.all: asyncio.Queue[tuple[str, object]] = asyncio.Queue()

    def changed(self, fleet) -> None:
        self.all.put_nowait(("fleet", list(fleet.sites)))

    def broken(self, error) -> None:
        self.all.put_nowait(("broken", str(error)))

    async def next(self):
        return await asyncio.wait_for(self.all.get(), 10)


@pytest.fixture
async def watch(tmp_path):
    path = tmp_path / "sites.toml"
    path.write_text(GOOD)
    heard = Heard()
    watcher = Watcher(path, heard.changed, heard.broken, 0.02, digest=load(path).digest)
    watcher.start()
    yield path, heard
    await watcher.stop()


async def test_a_change_and_a_new_file_are_taken_up(watch):
    path, heard = watch
    path.write_text(GOOD + GOOD.replace("eu", "us"))
    assert await heard.next() == ("fleet", ["eu", "us"])
    (path.parent / "sites.d").mkdir()
    (path.parent / "sites.d" / "cn.toml").write_text(GOOD.replace("eu", "cn"))
    assert await heard.next() == ("fleet", ["eu", "us", "cn"])
    (path.parent / "sites.d" / "cn.toml").unlink()
    assert await heard.next() == ("fleet", ["eu", "us"])


async def test_a_broken_file_is_told_once_and_its_cure_too(watch):
    path, heard = watch
    path.write_text("[sites.eu")
    kind, text = await heard.next()
    assert kind == "broken" and "not TOML" in text
    os.utime(path, (1, 1))  # touched, not mended: nothing new to say
    path.write_text(GOOD)
    assert await heard.next() == ("fleet", ["eu"]), "whole again: said even though it is the fleet in force"
    assert heard.all.empty()


async def test_a_file_that_vanishes_is_broken(watch):
    path, heard = watch
    path.rename(path.with_suffix(".away"))
    kind, text = await heard.next()
    assert kind == "broken" and "no such file" in text
    path.with_suffix(".away").rename(path)
    assert await heard.next() == ("fleet", ["eu"])


async def test_a_touched_file_is_no_change(tmp_path):
    path = tmp_path / "sites.toml"
    path.write_text(GOOD)
    heard = Heard()
    watcher = Watcher(path, heard.changed, heard.broken, 0.02, digest=load(path).digest)
    await watcher.check()
    os.utime(path, (1, 1))
    await watcher.check()
    assert heard.all.empty()


async def test_what_changed_between_loading_and_watching_is_not_missed(tmp_path):
    path = tmp_path / "sites.toml"
    path.write_text(GOOD)
    digest = load(path).digest
    path.write_text(GOOD.replace("eu", "us"))
    heard = Heard()
    await Watcher(path, heard.changed, heard.broken, 0.02, digest=digest).check()
    assert await heard.next() == ("fleet", ["us"])
