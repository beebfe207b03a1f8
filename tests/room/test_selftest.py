"""Before many stores are blamed at once, the room looks at itself."""

import asyncio
import socket

import pytest

from tui.model.level import Level
from tui.room import selftest
from tui.room.hub import Hub
from tui.room.notices import Notices
from tui.room.selftest import SelfTest


class Net:
    """What answers. ``asked``: the addresses that were tried."""

    def __init__(self, *up, route=True):
        self.up = set(up)
        self.route = route
        self.asked = []
        self.now = 1000.0

    async def answers(self, host, port):
        self.asked.append((host, port))
        return host in self.up

    def test_of(self, fleet):
        test = SelfTest(Notices(Hub()), self.answers, lambda: self.route, lambda: self.now)
        test.watch(fleet)
        return test


@pytest.fixture
def three(make):
    return [make.site(name, host=f"10.0.0.{number}") for number, name in enumerate(("eu", "cn", "us"), 1)]


async def blamed(test, make, *sites, **more):
    return [await test.own_fault(site, make.failure(**more)) for site in sites]


async def test_two_of_three_sites_down_is_not_doubted(make, three):
    net = Net()
    assert await blamed(net.test_of(make.fleet(*three)), make, "eu", "cn", "eu", "cn") == [False] * 4
    assert net.asked == []


async def test_all_sites_at_once_and_no_host_answers_is_our_own_network(make, three):
    net = Net()
    test = net.test_of(make.fleet(*three))
    assert await blamed(test, make, "eu", "cn", "us", "eu") == [False, False, True, True]
    (notice,) = test._notices.current()
    assert (notice.id, notice.level) == ("room-network", Level.UNKNOWN)
    assert sorted(net.asked) == [(f"10.0.0.{number}", 22) for number in (1, 2, 3)]  # once, not once a look
    assert await test.own_fault("cn", None) is False
    assert test._notices.current() == ()
    assert not test.down


async def test_an_ssh_host_that_answers_clears_us(make, three):
    test = Net("10.0.0.2").test_of(make.fleet(*three))
    assert await blamed(test, make, "eu", "cn", "us") == [False] * 3


async def test_a_host_looked_at_meanwhile_clears_us_and_takes_the_notice_back(make, three):
    net = Net()
    test = net.test_of(make.fleet(*three))
    await blamed(test, make, "eu", "cn", "us")
    assert test.down
    test.host_answered()
    assert not test.down
    assert test._notices.current() == ()
    net.now += 60
    assert await blamed(test, make, "eu", "cn", "us") == [False] * 3


async def test_a_success_in_between_is_no_outage_of_ours(make, three):
    test = Net().test_of(make.fleet(*three))
    assert await blamed(test, make, "eu", "cn") == [False] * 2
    await test.own_fault("jp", None)
    assert await blamed(test, make, "us", "eu") == [False] * 2


async def test_an_answer_of_the_shop_is_its_own_fault(make, three):
    test = Net().test_of(make.fleet(*three))
    assert await blamed(test, make, "eu", "cn", "us", "eu", step="http", kind="status") == [False] * 4
    assert await blamed(test, make, "eu", "cn", "us", step="tls", kind="expired") == [False] * 3
    assert await blamed(test, make, "eu", "cn", step="http", kind="timeout") == [False] * 2
    assert await blamed(test, make, "us", step="http", kind="timeout") == [True]


async def test_one_machine_that_is_silent_is_a_store_that_is_down(make):
    from tui.model.site import HttpTarget

    one = make.site("eu", host="10.0.0.1", http=HttpTarget(connect="10.0.0.1:443"))
    test = Net().test_of(make.fleet(one))
    assert await blamed(test, make, "eu", "eu") == [False, False]
    assert await blamed(Net(route=False).test_of(make.fleet(one)), make, "eu") == [True]


async def test_the_jump_host_is_asked_not_what_lies_behind_it(make):
    from tui.model.site import SshTarget

    site = make.site("eu", host=None)
    site = type(site)(id="eu", name="eu", url="https://eu.example/", ssh=SshTarget("web1", jump=("ops@10.9.9.9:2222", "inner")))
    net = Net("10.9.9.9")
    assert await blamed(net.test_of(make.fleet(site)), make, "eu") == [False]
    assert net.asked == [("10.9.9.9", 2222)]


async def test_stores_on_loopback_are_never_our_network(make):
    from tui.model.site import HttpTarget

    sites = [make.site(name, host=None, http=HttpTarget(connect="127.0.0.1:8443")) for name in "abc"]
    net = Net(route=False)
    assert await blamed(net.test_of(make.fleet(*sites)), make, *"abc") == [False] * 3


async def test_the_addresses_of_the_settings_decide_alone(make, three):
    net = Net("always.example")
    fleet = make.fleet(*three, self_test=("always.example:443", "[2001:db8::7]:53"))
    assert await blamed(net.test_of(fleet), make, "eu", "cn", "us") == [False] * 3
    assert sorted(net.asked) == [("2001:db8::7", 53), ("always.example", 443)]
    net.up.clear()
    assert (await blamed(net.test_of(fleet), make, "eu", "cn", "us"))[-1] is True


async def test_the_verdict_is_asked_for_again_after_a_while(make, three):
    net = Net()
    test = net.test_of(make.fleet(*three))
    await blamed(test, make, "eu", "cn", "us")
    net.up.add("10.0.0.1")
    assert await blamed(test, make, "eu") == [True]
    net.now += selftest.KEEP + 1
    assert await blamed(test, make, "eu") == [False]
    assert test._notices.current() == ()


async def test_an_address_answers_when_it_accepts_or_refuses(monkeypatch):
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    assert await selftest.answers("127.0.0.1", port)
    server.close()
    await server.wait_closed()
    assert await selftest.answers("localhost", port)
    with socket.socket() as full:  # a full backlog stays silent
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        monkeypatch.setattr(selftest, "TIMEOUT", 0.2)
        socks = []
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(full.getsockname())
            socks.append(one)
        assert not await selftest.answers("127.0.0.1", full.getsockname()[1])
        for one in socks:
            one.close()
    assert not await selftest.answers("no such host.invalid", 1)


async def test_while_our_network_is_gone_stores_are_unknown_with_one_cause(watching, make):
    sites = [make.site(name, host=f"10.0.0.{number}") for number, name in enumerate("abcd", 1)]
    for site in sites:
        watching.reach.shell(site).fault = make.lost("connect", "timeout", cause=f"host:{site.id}")
    watching.answers = False
    down = True

    def look(site, last):
        return make.reading(Level.CRIT, "cannot connect", failure=make.failure()) if down else make.reading()

    watching.start(make.fleet(*sites), [make.web(look, confirm=2), make.sweep()])
    await watching.until(lambda: all((r := watching.memory.get(s.id, "uptime")) and r.level is Level.UNKNOWN for s in sites))
    causes = {watching.memory.get(site.id, "uptime").failure.cause for site in sites}
    assert causes == {"room-network"}
    assert [notice.id for notice in watching.notices.current()] == ["room-network"]
    assert Level.CRIT not in {reading.level for reading in watching.readings()}
    down = False
    await watching.until(lambda: watching.notices.current() == ())
    await watching.until(lambda: all(watching.memory.get(s.id, "uptime").level is Level.OK for s in sites))
