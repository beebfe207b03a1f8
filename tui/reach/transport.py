"""The httpx transport of this house: a fresh connection for each request, so that the shop is measured and not a pool."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import socket
import ssl
import zlib
from collections.abc import AsyncIterator

import h11
import httpx
import msgspec

from tui.model.failure import Failure
from tui.reach import webfaults
from tui.reach.certs import Contexts
from tui.reach.exchange import Closed, Exchange, Overflow, Reply, TlsPipe, Trace
from tui.reach.resolver import Address, ResolveError, Resolver

HEAD_START = 0.25
"""Seconds one address gets before the next is tried beside it (RFC 8305, section 8)."""
PEEK = 5.0
"""Seconds for the second handshake that only reads a certificate which did not verify."""


class Ask(msgspec.Struct, frozen=True):
    """What a request wants of the transport, as ``request.extensions["storewatch"]``. ``total``: seconds for everything.
    ``origin``: the host that ``connect`` (host, port) stands in for; both forms with and without ``www.`` count as that host."""

    total: float = 10.0
    limit: int = 262_144
    ca: str | None = None
    origin: str = ""
    connect: tuple[str, int] | None = None


class WebFault(httpx.TransportError):
    """No whole response came. Carries why, and the phases up to there."""

    def __init__(self, failure: Failure, trace: Trace, request: httpx.Request) -> None:
        super().__init__(failure.message.say(), request=request)
        self.failure = failure
        self.trace = trace


_FAULTS = (OSError, ssl.SSLError, h11.RemoteProtocolError, Overflow, Closed, ResolveError)


class FreshTransport(httpx.AsyncBaseTransport):
    """One connection per request over asyncio and h11. Reads no proxy variables, follows nothing, keeps nothing open.

    The response's ``extensions`` hold ``trace`` (Trace), ``raw_headers``, ``body`` (bounded, decoded when the shop compressed it
    unasked) and ``cut``. Raises WebFault, and httpx.UnsupportedProtocol for other schemes than http and https.
    """

    def __init__(self, resolver: Resolver | None = None, contexts: Contexts | None = None) -> None:
        self._resolver = resolver or Resolver()
        self._contexts = contexts or Contexts()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request`` (GET or HEAD; it may have no body) and return its response, wholly read."""
        if request.url.scheme not in ("http", "https"):
            raise httpx.UnsupportedProtocol(f"no web address: {request.url}", request=request)
        ask: Ask = request.extensions.get("storewatch") or Ask()
        trace = Trace()
        clock = asyncio.get_running_loop().time
        started = clock()
        try:
            async with asyncio.timeout(ask.total):
                reply = await self._fetch(request, ask, trace)
        except _FAULTS as error:
            trace.total = clock() - started
            failure = error.failure if isinstance(error, ResolveError) else webfaults.of(error, trace)
            raise WebFault(failure, trace, request) from error
        trace.total = clock() - started
        return _response(reply, trace, ask.limit)

    async def aclose(self) -> None:
        await self._resolver.close()

    async def _fetch(self, request: httpx.Request, ask: Ask, trace: Trace) -> Reply:
        url = request.url
        host = url.raw_host.decode("ascii").strip("[]")
        secure = url.scheme == "https"
        where, port = _target(host, url.port or (443 if secure else 80), ask)
        event = _event(request.method, url.raw_path, tuple(request.headers.raw))
        clock = asyncio.get_running_loop().time
        context = self._context(ask, trace, request) if secure else None
        started = clock()
        addresses = await self._resolver.resolve(where)
        resolved = clock()
        trace.dns = resolved - started
        trace.phase = "connect"
        sock = await _connect(addresses, port)
        trace.connect = clock() - resolved
        trace.address = _shown(sock)
        tls = TlsPipe(context, host) if context else None
        try:
            return await _exchange(sock, Exchange(event, tls, ask.limit, trace))
        except ssl.SSLCertVerificationError:
            await self._peek(sock_address(trace.address), host, trace)
            raise

    def _context(self, ask: Ask, trace: Trace, request: httpx.Request) -> ssl.SSLContext:
        try:
            return self._contexts.checking(ask.ca)
        except OSError as error:
            raise WebFault(webfaults.bad_ca(ask.ca, error), trace, request) from error

    async def _peek(self, address: tuple[str, int], host: str, trace: Trace) -> None:
        """Read the certificate that did not verify, on a connection that verifies nothing and asks for nothing."""
        with contextlib.suppress(*_FAULTS):
            async with asyncio.timeout(PEEK):
                seen = Trace()
                sock = await _connect([_family(address[0])], address[1])
                await _exchange(sock, Exchange(None, TlsPipe(self._contexts.blind(), host), 0, seen))
                trace.der = seen.der


async def _exchange(sock: socket.socket, exchange: Exchange) -> Reply:
    loop = asyncio.get_running_loop()
    try:
        await loop.create_connection(lambda: exchange, sock=sock)
        return await exchange.done
    finally:
        exchange.close()


def _target(host: str, port: int, ask: Ask) -> tuple[str, int]:
    """Where to connect for ``host``: the stand-in for the site's own host, else the host itself."""
    if ask.connect is None or host.removeprefix("www.") != ask.origin.removeprefix("www."):
        return host, port
    return ask.connect


async def _connect(addresses: list[Address], port: int) -> socket.socket:
    """A connected socket to the first address that answers; later ones start HEAD_START seconds apart. Raises OSError."""
    if len(addresses) == 1:
        return await _connect_one(addresses[0], port)
    waiting: set[asyncio.Task[socket.socket]] = set()
    fault: OSError | None = None
    rest = iter(addresses[:6])
    more = True
    try:
        while more or waiting:
            if more and (address := next(rest, None)) is not None:
                waiting.add(asyncio.create_task(_connect_one(address, port)))
            else:
                more = False
            if not waiting:
                break
            done, waiting = await asyncio.wait(waiting, timeout=HEAD_START if more else None, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                error = task.exception()
                if error is None:
                    return task.result()
                fault = fault or (error if isinstance(error, OSError) else OSError(str(error)))
    finally:
        await _drop(waiting)
    raise fault or OSError(errno.EHOSTUNREACH, "no address answered")


async def _drop(tasks: set[asyncio.Task[socket.socket]]) -> None:
    for task in tasks:
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, socket.socket):
            result.close()


async def _connect_one(address: Address, port: int) -> socket.socket:
    family, host = address
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        where: tuple[str, int] | tuple[str, int, int, int] = (host, port)
        if "%" in host:
            bare, _, zone = host.partition("%")
            where = (bare, port, 0, int(zone) if zone.isdigit() else socket.if_nametoindex(zone))
        await asyncio.get_running_loop().sock_connect(sock, where)
    except BaseException:
        sock.close()
        raise
    return sock


def _shown(sock: socket.socket) -> str:
    try:
        peer = sock.getpeername()
    except OSError:  # reset between connect and here: the exchange will say so
        return ""
    return f"[{peer[0]}]:{peer[1]}" if sock.family == socket.AF_INET6 else f"{peer[0]}:{peer[1]}"


def sock_address(shown: str) -> tuple[str, int]:
    """Host and port of a Trace's ``address``."""
    host, _, port = shown.rpartition(":")
    return host.strip("[]"), int(port or 0)


def _family(host: str) -> Address:
    return (socket.AF_INET6 if ":" in host else socket.AF_INET, host)


@functools.lru_cache(maxsize=8192)
def _event(method: str, target: bytes, headers: tuple[tuple[bytes, bytes], ...]) -> h11.Request:
    """The h11 event, checked and normalised once: a site asks the same thing at each check."""
    return h11.Request(method=method, target=target, headers=list(headers))


class _Read(httpx.AsyncByteStream):
    """A body that is already here."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body


def _response(reply: Reply, trace: Trace, limit: int) -> httpx.Response:
    encoding = b""
    for name, value in reply.headers:
        if name == b"content-encoding":
            encoding = value.lower()
    # Decoded here within the limit; httpx would inflate a bomb whole.
    body = unpacked(reply.body, encoding, limit) if encoding else reply.body
    headers = [pair for pair in reply.headers if pair[0] not in (b"content-encoding", b"content-length", b"transfer-encoding")]
    extensions = {"trace": trace, "raw_headers": reply.headers, "body": body, "cut": reply.cut, "reason_phrase": reply.reason}
    return httpx.Response(reply.status, headers=headers, stream=_Read(body), extensions=extensions)


def unpacked(body: bytes, encoding: bytes, limit: int) -> bytes:
    """``body`` without gzip or deflate, at most ``limit`` bytes; as it came when it is neither or broken."""
    if encoding not in (b"gzip", b"x-gzip", b"deflate"):
        return body
    for window in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS):  # gzip or zlib by its header, then bare deflate
        with contextlib.suppress(zlib.error):
            return zlib.decompressobj(window).decompress(body, limit)
    return body
