"""Redirects and cookies, as a shopper's browser would follow them."""

from tests.support.web import Server, response
from tui.model.site import HttpTarget, Site


def site(url: str, **http) -> Site:
    return Site("s", "Shop", url=url, http=HttpTarget(**({"timeout": 5.0} | http)))


def to(where: str, *headers: str) -> bytes:
    return response(b"", "302 Found", f"Location: {where}", *headers)


async def test_redirects_and_cookies_are_followed_on_fresh_connections(web):
    def answer(head: bytes) -> bytes:
        if head.startswith(b"GET / "):
            return to("/en/", "Set-Cookie: lang=en; Path=/")
        return response(b"cookie kept" if b"lang=en" in head.lower() else b"cookie lost")

    async with Server(answer) as server:
        check = await web.walk(site(server.url))
        assert server.count == 2
        await web.walk(site(server.url))
        assert b"lang=en" not in server.heads[2].lower()  # each walk is a new shopper
    assert (check.status, check.body, check.failure) == (200, b"cookie kept", None)
    assert check.url == server.url + "en/"
    assert check.first_byte is not None


async def test_a_check_does_not_follow(web):
    async with Server(lambda head: to("/en/")) as server:
        assert (await web.check(site(server.url))).status == 302


async def test_a_loop_is_found(web):
    async with Server(lambda head: to("/")) as server:
        check = await web.walk(site(server.url))
        assert server.count == 11
    assert (check.failure.step, check.failure.kind) == ("http", "redirect-loop")


async def test_a_redirect_to_no_web_address(web):
    for where in ("ftp://127.0.0.1/", "http://shop.example:port/", "file:///etc/passwd"):
        async with Server(lambda head, where=where: to(where)) as server:
            check = await web.walk(site(server.url))
        assert (check.failure.step, check.failure.kind) == ("http", "redirect"), where


async def test_a_fault_behind_a_redirect_names_where(web):
    async with Server(lambda head: to("http://127.0.0.1:1/gone")) as server:
        check = await web.walk(site(server.url))
    assert (check.failure.kind, check.url) == ("refused", "http://127.0.0.1:1/gone")


async def test_connect_covers_www_and_nothing_else(web):
    seen = []

    def answer(head: bytes) -> bytes:
        seen.append(head.lower())
        return to("http://www.shop.example/") if b"host: shop.example" in head.lower() else response(b"home")

    async with Server(answer) as server:
        check = await web.walk(site("http://shop.example/", connect=f"127.0.0.1:{server.port}"))
        assert (check.status, check.body) == (200, b"home")
        server.answer = lambda head: to("http://elsewhere.invalid/")
        check = await web.walk(site("http://shop.example/", connect=f"127.0.0.1:{server.port}"))
    assert check.failure.step == "dns"


async def test_a_slow_walk_is_bounded_as_a_whole(web):
    import asyncio

    async def talk(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.1)
        writer.write(to("/"))
        await writer.drain()

    async with Server(talk=talk) as server:
        check = await web.walk(site(server.url, timeout=0.35))
    assert (check.failure.step, check.failure.kind) == ("http", "timeout")
