"""Logs followed over a real SSH server: nothing lost and nothing doubled, whatever happens."""

import asyncio
import os

import pytest

from tui.model.plan import Refused
from tui.model.site import Fleet, LogSource, Site
from tui.reach.live import LiveReach
from tui.room.tails import Tails


def line(number):
    clock = f"{10 + number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}"
    return f'2026/11/22 {clock} [error] 1#1: *{number} open() "/srv/{number}" failed (2: No such file)\n'


class Ear:
    """Hears one tail."""

    def __init__(self):
        self.batches = []
        self.heard = asyncio.Event()

    def __call__(self, batch):
        self.batches.append(batch)
        self.heard.set()

    @property
    def records(self):
        return [record for batch in self.batches for record in batch.records]

    @property
    def numbers(self):
        return [int(record.raw.split("*")[1].split()[0]) for record in self.records]

    @property
    def notes(self):
        return [note.say() for batch in self.batches for note in batch.notes]

    @property
    def done(self):
        return bool(self.batches) and self.batches[-1].done

    async def until(self, fits, timeout=15.0):
        async with asyncio.timeout(timeout):
            while not fits():
                self.heard.clear()
                await self.heard.wait()


class Logs:
    def __init__(self, folder, server):
        self.server = server
        self.paths = [folder / "eu.log", folder / "us.log"]
        self.sites = {
            name: Site(id=name, name=f"{name} store", ssh=server.target(), logs=(LogSource("error", "nginx-error", str(path)),))
            for name, path in zip(("eu", "us"), self.paths, strict=True)
        }
        self.reach = LiveReach(folder / "room")
        self.tails = Tails(lambda: Fleet("sites.toml", self.sites), self.reach)

    def write(self, *numbers, to=0):
        with self.paths[to].open("a") as file:
            file.write("".join(line(number) for number in numbers))

    def start(self, *sites, sources=(), lines=100, since=None, follow=True):
        ear = Ear()
        ear.tail = self.tails.start(sites or ("eu",), sources, lines, since, follow, ear)
        return ear


@pytest.fixture
async def logs(tmp_path, server):
    logs = Logs(tmp_path, server)
    yield logs
    await logs.tails.close()
    await logs.reach.close()


async def test_the_last_lines_and_then_what_comes(logs):
    logs.write(*range(10))
    ear = logs.start(lines=3)
    await ear.until(lambda: len(ear.records) == 3)
    logs.write(10, 11)
    await ear.until(lambda: len(ear.records) == 5)
    assert ear.numbers == [7, 8, 9, 10, 11]
    record = ear.records[0]
    assert (record.site, record.source, record.level) == ("eu", "error", "error")
    assert not ear.done


async def test_a_tail_does_not_begin_in_the_middle_of_a_record(logs):
    stamp = "2026/11/22 10:00:00 [error] 1#1: *1 FastCGI sent in stderr: "
    logs.paths[0].write_text(f'{stamp}"PHP message: one\nStack trace:\n#0 x\n", client: 127.0.0.1\n' + line(2) + line(3))
    ear = logs.start(lines=3, follow=False)
    await ear.until(lambda: ear.done)
    assert ear.numbers == [2, 3]
    whole = logs.start(lines=100, follow=False)
    await whole.until(lambda: whole.done)
    assert whole.numbers == [1, 2, 3]


async def test_without_following_it_ends_at_the_end(logs):
    logs.write(*range(5000))
    ear = logs.start(lines=2000, follow=False)
    await ear.until(lambda: ear.done)
    assert ear.numbers == list(range(3000, 5000))


async def test_since_a_moment(logs):
    logs.write(*range(600))
    first = logs.start(lines=600, follow=False)
    await first.until(lambda: first.done)
    moment = next(record.at for record in first.records if "*400 " in record.raw)
    ear = logs.start(since=moment, follow=False)
    await ear.until(lambda: ear.done)
    assert ear.numbers == list(range(400, 600))


async def test_several_sites_are_merged_by_time(logs):
    logs.write(1, 3, 5)
    logs.write(2, 4, 6, to=1)
    ear = logs.start("eu", "us", follow=False)
    await ear.until(lambda: ear.done)
    assert ear.numbers == [1, 2, 3, 4, 5, 6]
    assert [record.site for record in ear.records] == ["eu", "us"] * 3


async def test_a_lost_link_loses_and_doubles_nothing(logs):
    logs.write(1)
    ear = logs.start()
    await ear.until(lambda: ear.numbers == [1])
    await logs.server.close()
    logs.write(2, 3)
    await ear.until(lambda: any("trying again" in note for note in ear.notes))
    await logs.server.start()
    await ear.until(lambda: len(ear.records) == 3, timeout=40)
    logs.write(4)
    await ear.until(lambda: len(ear.records) == 4)
    assert ear.numbers == [1, 2, 3, 4]
    assert ear.notes[-1] == "error of eu store: back again"
    assert sum("trying again" in note for note in ear.notes) == 1


@pytest.mark.parametrize("drops", [1, 3])
async def test_links_that_drop_while_it_storms(logs, drops):
    ear = logs.start()
    for number in range(0, 3000, 100):
        logs.write(*range(number, number + 100))
        if number % (3000 // drops) == 500:
            logs.server.drop()
        await asyncio.sleep(0)
    await ear.until(lambda: 2999 in ear.numbers, timeout=40)
    assert ear.numbers == list(range(ear.numbers[0], 3000))


async def test_rotation_by_rename_and_by_copytruncate(logs):
    logs.write(*range(5))
    ear = logs.start()
    await ear.until(lambda: len(ear.records) == 5)
    path = logs.paths[0]
    logs.write(5)
    os.rename(path, f"{path}.1")
    logs.write(6, 7)
    await ear.until(lambda: len(ear.records) == 8)
    logs.write(8)
    await ear.until(lambda: len(ear.records) == 9)
    (path.parent / "eu.log.2").write_bytes(path.read_bytes())
    os.rename(f"{path}.2", f"{path}.1")
    os.truncate(path, 0)
    logs.write(9, 10, 11)
    await ear.until(lambda: len(ear.records) == 12)
    assert ear.numbers == list(range(12))
    assert "error of eu store was rotated" in ear.notes


async def test_a_log_that_is_not_there_yet(logs):
    ear = logs.start()
    await ear.until(lambda: ear.notes == ["error of eu store is not there"])
    logs.write(1)
    await ear.until(lambda: ear.numbers == [1])
    gone = logs.start("us", follow=False)
    await gone.until(lambda: gone.done)
    assert gone.notes == ["error of us store is not there"]


async def test_a_host_that_cannot_be_reached_ends_a_look_that_does_not_follow(logs):
    await logs.server.close()
    ear = logs.start(follow=False)
    await ear.until(lambda: ear.done)
    assert len(ear.notes) == 1


async def test_many_viewers_cost_one_look(logs):
    """Both sites of the host and four tails of one log: one command a tick, and the caught-up ones share one read."""
    logs.write(1)
    logs.write(2, to=1)
    ears = [logs.start(), logs.start(), logs.start(), logs.start("eu", "us")]
    for ear in ears:
        await ear.until(lambda ear=ear: ear.numbers[:1] == [1])
    logs.write(3)
    for ear in ears:
        await ear.until(lambda ear=ear: 3 in ear.numbers)
    assert len(logs.tails._hosts) == 1
    (host,) = logs.tails._hosts.values()
    assert len({stream.place for stream in host._streams}) == 2


async def test_a_stopped_tail_is_silent_and_the_others_go_on(logs):
    logs.write(1)
    one, two = logs.start(), logs.start()
    await one.until(lambda: one.numbers == [1])
    logs.tails.stop(one.tail)
    logs.tails.stop(999)
    logs.write(2)
    await two.until(lambda: two.numbers == [1, 2])
    assert one.numbers == [1]


async def test_control_signs_binary_and_a_line_of_a_megabyte(logs):
    path = logs.paths[0]
    path.write_bytes(b"\x1b]0;owned\x07\xff\xfe\x00 junk [bold]\n" + b"y" * 1_000_000 + b"\n" + line(7).encode())
    ear = logs.start(lines=100, follow=False)
    await ear.until(lambda: ear.done)
    logs.write(8)
    ear = logs.start(since=0.0)
    await ear.until(lambda: ear.records and "*8 " in ear.records[-1].raw)
    assert all(sign.isprintable() or sign in "\n\t" for record in ear.records for sign in record.raw)


async def test_what_does_not_exist_is_refused(logs):
    for sites, sources in ((("xx",), ()), (("eu",), ("access",)), ((), ())):
        with pytest.raises(Refused):
            logs.tails.start(sites, sources, 1, None, True, Ear())
