"""Certificates, good and bad: what is wrong is told apart, and the bad one is shown too."""

import asyncio
import time

import pytest

from tests.support.web import Server, response
from tui.model.site import HttpTarget, Site


def site(server: Server, authority, **http) -> Site:
    target = HttpTarget(**({"timeout": 5.0, "connect": f"127.0.0.1:{server.port}", "ca": str(authority.pem)} | http))
    return Site("s", "Shop", url="https://shop.example/", http=target)


def hello(_head: bytes) -> bytes:
    return response(b"secure")


async def test_a_good_certificate_and_the_tls_phase(web, authority):
    async with Server(hello, context=authority.context("shop.example")) as server:
        check = await web.check(site(server, authority))
    assert (check.status, check.body, check.failure) == (200, b"secure", None)
    assert check.tls > 0
    found = check.certificate
    assert (found.subject, found.issuer, found.names, found.fault) == ("shop.example", "test authority", ("shop.example",), "")
    assert 89 < (found.ends - time.time()) / 86400 < 91
    assert len(found.sha256) == 64


async def test_sni_is_the_sites_name(web, authority):
    asked = []
    context = authority.context("shop.example")
    context.sni_callback = lambda _sock, name, _context: asked.append(name)
    async with Server(hello, context=context) as server:
        await web.check(site(server, authority))
    assert asked == ["shop.example"]


async def test_an_address_as_host(web, authority):
    async with Server(hello, context=authority.context("127.0.0.1")) as server:
        check = await web.check(Site("s", "s", url=server.url, http=HttpTarget(ca=str(authority.pem))))
    assert (check.status, check.certificate.names) == (200, ("127.0.0.1",))


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        ("expired", {"names": ["shop.example"], "starts": -90, "ends": -3}),
        ("not-yet", {"names": ["shop.example"], "starts": 2}),
        ("name", {"names": ["other.example"]}),
        ("self-signed", {"names": ["shop.example"], "self_signed": True}),
    ],
)
async def test_what_is_wrong_is_told_apart_and_the_certificate_shown(web, authority, fault, options):
    names = options.pop("names")
    async with Server(hello, context=authority.context(*names, **options)) as server:
        check = await web.check(site(server, authority))
        assert server.heads == []  # nothing was asked of a shop that is not proven to be the shop
    assert (check.failure.step, check.failure.kind) == ("tls", fault)
    assert check.failure.remedy is not None
    assert (check.certificate.subject, check.certificate.fault) == (names[0], fault)
    assert check.connect is not None
    assert (check.status, check.first_byte) == (None, None)


async def test_an_unknown_authority(web, authority):
    async with Server(hello, context=authority.context("shop.example")) as server:
        check = await web.check(site(server, authority, ca=None))
    assert (check.failure.kind, check.certificate.fault, check.certificate.issuer) == ("untrusted", "untrusted", "test authority")


async def test_a_ca_file_that_cannot_be_used(web, authority, tmp_path):
    (tmp_path / "bad.pem").write_text("no certificate")
    async with Server(hello, context=authority.context("shop.example")) as server:
        for path in (tmp_path / "missing.pem", tmp_path / "bad.pem"):
            check = await web.check(site(server, authority, ca=str(path)))
            assert (check.failure.step, check.failure.kind) == ("config", "ca")


async def test_plain_http_on_the_port(web, authority):
    async with Server(lambda head: b"HTTP/1.1 400 Bad Request\r\n\r\n", talk=None) as server:
        server.talk = _plain
        check = await web.check(site(server, authority))
    assert (check.failure.step, check.failure.kind) == ("tls", "garbled")


async def _plain(reader, writer):
    await reader.read(10)
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await writer.drain()


async def test_a_handshake_that_never_ends(web, authority):
    async def talk(reader, writer):
        await asyncio.Event().wait()

    async with Server(talk=talk) as server:
        check = await web.check(site(server, authority, timeout=0.2))
    assert (check.failure.step, check.failure.kind) == ("tls", "timeout")
    assert (check.connect is not None, check.tls) == (True, None)


async def test_closed_during_the_handshake(web, authority):
    async def talk(reader, writer):
        await reader.read(10)

    async with Server(talk=talk) as server:
        check = await web.check(site(server, authority))
    assert check.failure.step == "tls"
    assert check.failure.kind in ("closed", "reset")


async def test_a_big_page_over_tls(web, authority):
    async with Server(lambda head: response(b"y" * 300_000), context=authority.context("shop.example")) as server:
        check = await web.check(site(server, authority), limit=1_000_000)
        cut = await web.check(site(server, authority), limit=1000)
    assert (len(check.body), check.failure) == (300_000, None)
    assert (len(cut.body), cut.failure) == (1000, None)


async def test_one_context_serves_all_sites_of_a_ca_file(authority):
    from tui.reach.certs import Contexts

    contexts = Contexts()
    assert contexts.checking(str(authority.pem)) is contexts.checking(str(authority.pem))
    assert contexts.checking(None) is contexts.checking(None)
    assert contexts.checking(None) is not contexts.checking(str(authority.pem))
