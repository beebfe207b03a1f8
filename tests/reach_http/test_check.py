"""Single checks against real servers: phases, limits, and every way in which an answer can be wrong."""

import asyncio
import contextlib
import gzip
import socket
import struct
import time

import pytest

from tests.support.web import Server, response
from tui.model.site import HttpTarget, Site


def site(url: str, **http) -> Site:
    return Site("s", "Shop", url=url, http=HttpTarget(**({"timeout": 5.0} | http)))


async def kind_of(web, server: Server, **http) -> tuple[str, str]:
    check = await web.check(site(server.url, **http))
    assert check.failure is not None, check
    assert check.failure.remedy is not None
    return check.failure.step, check.failure.kind


async def test_a_check_has_its_phases_and_asks_plainly(web):
    async with Server(lambda head: response(b"hello", "200 OK", "Server: nginx")) as server:
        check = await web.check(site(server.url))
    assert (check.status, check.body, check.failure) == (200, b"hello", None)
    assert ("server", "nginx") in check.headers
    assert check.address == f"127.0.0.1:{server.port}"
    assert check.tls is None
    parts = [check.dns, check.connect, check.first_byte, check.read]
    assert all(part is not None and part >= 0 for part in parts)
    assert sum(parts) <= check.total < 5
    head = server.heads[0].lower()
    assert b"gzip" not in head
    assert b"accept-encoding: identity" in head
    assert b"connection: close" in head


async def test_each_check_has_a_connection_of_its_own(web):
    async with Server(lambda head: response()) as server:
        for _ in range(3):
            await web.check(site(server.url))
        assert server.count == 3


async def test_a_path_lies_below_the_url(web):
    async with Server(lambda head: response()) as server:
        await web.check(site(server.url + "shop"), "/cart/?a=1")
    assert server.heads[0].startswith(b"GET /shop/cart/?a=1 HTTP/1.1\r\n")


async def test_the_first_byte_is_waited_for_by_the_shop_not_by_us(web):
    async def talk(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.15)  # the shop thinks; this is the thing measured
        writer.write(response())
        await writer.drain()

    async with Server(talk=talk) as server:
        check = await web.check(site(server.url))
    assert 0.14 < check.first_byte < 2
    assert check.connect < 0.14


async def test_ipv6(web):
    try:
        async with Server(lambda head: response(), host="::1") as server:
            check = await web.check(site(server.url))
    except OSError:
        pytest.skip("no IPv6 on this machine's loopback")
    assert check.status == 200
    assert check.address == f"[::1]:{server.port}"


async def test_connect_stands_in_for_the_sites_host_as_curl_does(web):
    async with Server(lambda head: response()) as server:
        check = await web.check(site("http://shop.example/", connect=f"127.0.0.1:{server.port}"))
    assert check.status == 200
    assert b"host: shop.example\r\n" in server.heads[0].lower()


async def test_proxy_variables_are_not_read(web, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    async with Server(lambda head: response()) as server:
        assert (await web.check(site(server.url))).status == 200
        assert (await web.walk(site(server.url))).status == 200


async def test_chunked(web):
    body = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
    async with Server(lambda head: body) as server:
        assert (await web.check(site(server.url))).body == b"hello world"


async def test_a_body_without_a_length_ends_with_the_connection(web):
    async with Server(lambda head: b"HTTP/1.0 200 OK\r\n\r\nold") as server:
        check = await web.check(site(server.url))
    assert (check.body, check.failure) == (b"old", None)


async def test_a_body_compressed_unasked_is_read_within_the_limit(web):
    bomb = gzip.compress(b"\0" * 20_000_000)
    async with Server(lambda head: response(bomb, "200 OK", "Content-Encoding: gzip")) as server:
        for look in (web.check, web.walk):
            check = await look(site(server.url), limit=100_000)
            assert (check.failure, len(check.body)) == (None, 100_000)


async def test_a_line_of_5_mb_is_cut(web):
    async with Server(lambda head: response(b"x" * 5_000_000)) as server:
        check = await web.check(site(server.url), limit=1000)
    assert (check.status, check.body, check.failure) == (200, b"x" * 1000, None)


async def test_an_endless_body_is_left(web):
    sent = 0

    async def talk(reader, writer):
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2000000000\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()
            sent += 65536

    async with Server(talk=talk) as server:
        check = await web.check(site(server.url), limit=4096)
    assert (check.status, len(check.body)) == (200, 4096)
    assert sent < 50_000_000


async def test_endless_headers_are_left(web):
    async def talk(reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"Set-Cookie: a=" + b"b" * 1000 + b"\r\n")
            await writer.drain()

    async with Server(talk=talk) as server:
        assert await kind_of(web, server) == ("http", "too-large")


async def test_endless_interim_responses_are_left(web):
    async def talk(reader, writer):
        while True:
            writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 100)
            await writer.drain()

    async with Server(talk=talk) as server:
        assert await kind_of(web, server) == ("http", "too-large")


async def test_a_body_that_drips_is_bounded_in_time(web):
    async def talk(reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0.02)

    async with Server(talk=talk) as server:
        started = time.monotonic()
        assert await kind_of(web, server, timeout=0.3) == ("http", "timeout-body")
    assert time.monotonic() - started < 2


async def test_a_shop_that_never_answers(web):
    async def talk(reader, writer):
        await asyncio.Event().wait()

    async with Server(talk=talk) as server:
        check = await web.check(site(server.url, timeout=0.2))
    assert (check.failure.step, check.failure.kind) == ("http", "timeout")
    assert check.connect is not None
    assert check.first_byte is None


async def test_a_black_hole():
    """A listener whose queue is full answers no SYN, as a firewall that drops."""
    from tui.reach.web import FreshWeb

    with socket.socket() as hole, socket.socket() as first, socket.socket() as second:
        hole.bind(("127.0.0.1", 0))
        hole.listen(0)
        for filler in (first, second):
            filler.setblocking(False)
            filler.connect_ex(hole.getsockname())
        web = FreshWeb()
        check = await web.check(site(f"http://127.0.0.1:{hole.getsockname()[1]}/", timeout=0.3))
        await web.close()
    assert (check.failure.step, check.failure.kind) == ("connect", "timeout")
    assert check.connect is None


async def test_refused(web):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        check = await web.check(site(f"http://127.0.0.1:{free.getsockname()[1]}/"))
    assert (check.failure.step, check.failure.kind) == ("connect", "refused")


async def test_reset_in_the_middle_of_the_body(web):
    async def talk(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
        await writer.drain()
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async with Server(talk=talk) as server:
        step, kind = await kind_of(web, server)
    assert step == "http"
    assert kind in ("reset", "closed")


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"])
async def test_closed_too_early(web, sent):
    async with Server(lambda head: sent) as server:
        assert await kind_of(web, server) == ("http", "closed")


@pytest.mark.parametrize(
    "sent",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"\xff\xfe\x00 garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
async def test_what_is_not_http_is_said_so(web, sent):
    async with Server(lambda head: sent) as server:
        assert await kind_of(web, server) == ("http", "garbled")


async def test_text_from_the_shop_is_harmless(web):
    evil = "X-Evil: \x1b]52;c;aGk=\x07\x1b[2Jred\udcff\u202e[/nope]"
    async with Server(lambda head: response(b"\x1b[2J\xff\xfe", "200 OK", evil)) as server:
        check = await web.check(site(server.url))
    value = dict(check.headers)["x-evil"]
    assert "red" in value
    assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or c == "\u202e" for c in value)
    assert check.body == b"\x1b[2J\xff\xfe"


async def test_a_site_without_a_url_or_with_a_bad_one(web):
    assert (await web.check(Site("s", "s"))).failure.step == "config"
    assert (await web.walk(Site("s", "s"))).failure.step == "config"
    assert (await web.check(site("http://[broken/"))).failure.step == "config"
    assert (await web.walk(site("http://[broken/"))).failure.step == "config"


async def test_cancelling_a_check_leaves_nothing_open(web):
    async def talk(reader, writer):
        heard.set()
        with contextlib.suppress(ConnectionError):
            await reader.read()
        gone.set_result("closed")

    heard, gone = asyncio.Event(), asyncio.get_running_loop().create_future()
    async with Server(talk=talk) as server:
        task = asyncio.create_task(web.check(site(server.url)))
        await heard.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(5):
            assert await gone == "closed"
