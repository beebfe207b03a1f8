"""Names: a dead name server may stall only the names it serves."""

import asyncio
import socket
import threading

import pytest

from tests.support.web import Server, response
from tui.model.site import HttpTarget, Site
from tui.reach import resolver as module
from tui.reach.resolver import ResolveError, Resolver
from tui.reach.web import FreshWeb

V4 = (socket.AF_INET, "127.0.0.1")


class NameServer:
    """``dead*`` names hang until ``release``; others answer at once. Counts what was asked, and how many hung at a time."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.release = threading.Event()
        self.hanging = 0
        self.most = 0
        self._lock = threading.Lock()

    def __call__(self, host: str) -> list[tuple[int, str]]:
        with self._lock:
            self.asked.append(host)
        if host.startswith("dead"):
            with self._lock:
                self.hanging += 1
                self.most = max(self.most, self.hanging)
            self.release.wait(20)
            with self._lock:
                self.hanging -= 1
            raise socket.gaierror(socket.EAI_AGAIN, "temporary failure")
        if host.startswith("no"):
            raise socket.gaierror(socket.EAI_NONAME, "not known")
        return [V4]


@pytest.fixture
def names():
    made = NameServer()
    yield made
    made.release.set()


async def test_numeric_addresses_ask_nobody(names):
    found = Resolver(names)
    assert await found.resolve("127.0.0.1") == [V4]
    assert await found.resolve("::1") == [(socket.AF_INET6, "::1")]
    assert names.asked == []


async def test_an_answer_is_kept_for_a_short_time(names, monkeypatch):
    found = Resolver(names)
    for _ in range(3):
        assert await found.resolve("shop.example") == [V4]
    assert names.asked == ["shop.example"]
    monkeypatch.setattr(module, "KEEP", -1.0)
    found = Resolver(names)
    await found.resolve("shop.example")
    await found.resolve("shop.example")
    assert len(names.asked) == 3


async def test_one_name_is_asked_for_once_however_many_wait(names):
    found = Resolver(names)
    await asyncio.gather(*(found.resolve("shop.example") for _ in range(50)))
    assert names.asked == ["shop.example"]


async def test_absent_and_unanswered_are_told_apart(names):
    names.release.set()
    found = Resolver(names)
    for host, kind in (("nope.example", "not-found"), ("dead.example", "no-answer")):
        for _ in range(2):
            with pytest.raises(ResolveError) as caught:
                await found.resolve(host)
            assert (caught.value.failure.step, caught.value.failure.kind) == ("dns", kind)
    assert len(names.asked) == 2  # failures are kept too, for a moment


async def test_a_dead_name_server_stalls_nobody_else(names, monkeypatch):
    """After the first round the dead names are known to be slow and may take only their share of the places."""
    monkeypatch.setattr(module, "SLOW", 0.05)
    found = Resolver(names, limit=8, slow_limit=2)
    first = [asyncio.create_task(found.resolve(f"dead{i}.example")) for i in range(8)]
    async with asyncio.timeout(5):
        while len(found._slow) < 8:
            await asyncio.sleep(0.01)
    names.release.set()
    await asyncio.gather(*first, return_exceptions=True)
    names.release.clear()
    names.most = 0
    monkeypatch.setattr(module, "KEEP_FAILURE", 0.0)
    found._known.clear()
    second = [asyncio.create_task(found.resolve(f"dead{i}.example")) for i in range(8)]
    async with asyncio.timeout(2):
        healthy = await asyncio.gather(*(found.resolve(f"shop{i}.example") for i in range(50)))
    assert healthy == [[V4]] * 50
    assert names.most <= 2
    names.release.set()
    await asyncio.gather(*second, return_exceptions=True)


async def test_a_check_of_a_dead_name_ends_in_time_and_the_others_do_not_notice(names):
    web = FreshWeb(Resolver(names, limit=4))
    async with Server(lambda head: response()) as server:
        dead = [web.check(Site("d", "d", url=f"http://dead{i}.example/", http=HttpTarget(timeout=0.3))) for i in range(3)]
        alive = Site("a", "a", url=f"http://shop.example:{server.port}/")
        *lost, good = await asyncio.gather(*dead, web.check(alive))
    assert good.status == 200
    assert {(check.failure.step, check.failure.kind) for check in lost} == {("dns", "timeout")}
    names.release.set()
    await web.close()


async def test_the_second_address_is_tried_when_the_first_is_dead(authority):
    with socket.socket() as hole, socket.socket() as first, socket.socket() as second:
        async with Server(lambda head: response()) as server:
            hole.bind(("127.0.0.2", server.port))
            hole.listen(0)
            for filler in (first, second):
                filler.setblocking(False)
                filler.connect_ex(hole.getsockname())
            web = FreshWeb(Resolver(lambda host: [(socket.AF_INET, "127.0.0.2"), V4]))
            check = await web.check(Site("a", "a", url=f"http://shop.example:{server.port}/", http=HttpTarget(timeout=3)))
            await web.close()
    assert (check.status, check.address) == (200, f"127.0.0.1:{server.port}")
    assert 0.2 < check.connect < 2


async def test_when_every_address_refuses_it_is_refused():
    web = FreshWeb(Resolver(lambda host: [(socket.AF_INET, "127.0.0.2"), V4]))
    check = await web.check(Site("a", "a", url="http://shop.example:1/"))
    await web.close()
    assert check.failure.kind == "refused"


def test_the_systems_resolver():
    assert V4 in module.system_lookup("localhost")
    with pytest.raises(socket.gaierror):
        module.system_lookup("a" * 70 + ".example")
