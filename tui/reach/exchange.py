"""One HTTP/1.1 request over one fresh connection: asyncio protocol, TLS in memory, h11, every limit."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from typing import cast

import h11
import msgspec

HEAD_LIMIT = 65_536
"""Bytes of a response head (and of one chunk header or trailer block) that are accepted."""
SLACK = 262_144
"""Bytes beyond the body limit that framing and interim responses may cost before the shop counts as garbling."""


class Trace(msgspec.Struct):
    """What one request went through. Phases in seconds, None when not reached; ``phase`` is the one it is in now:
    ``dns connect tls first-byte body done``. ``der``: the peer's certificate."""

    phase: str = "dns"
    dns: float | None = None
    connect: float | None = None
    tls: float | None = None
    first_byte: float | None = None
    read: float | None = None
    total: float = 0.0
    address: str = ""
    der: bytes | None = None


class Reply(msgspec.Struct):
    """A whole response, or as much of its body as the limit allows (``cut``)."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    reason: bytes = b""
    cut: bool = False


class Overflow(Exception):
    """The shop sent more than any response needs: an endless head, endless interim responses or framing."""


class Closed(Exception):
    """The connection ended before the response did."""


class TlsPipe:
    """TLS as bytes in, bytes out. asyncio's own TLS protocol costs more than the handshake's arithmetic leaves us (P4)."""

    __slots__ = ("_in", "_out", "session")

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        self._in = ssl.MemoryBIO()
        self._out = ssl.MemoryBIO()
        self.session = context.wrap_bio(self._in, self._out, server_side=False, server_hostname=host)

    def take(self, data: bytes) -> None:
        self._in.write(data)

    def give(self) -> bytes:
        """What must go to the peer now."""
        return self._out.read()

    def handshake(self) -> bool:
        """Whether the handshake is over. Raises ssl.SSLError, of which SSLCertVerificationError is the interesting one."""
        try:
            self.session.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def read(self) -> tuple[bytes, bool]:
        """Plain bytes that arrived, and whether the peer ended the stream."""
        parts: list[bytes] = []
        try:
            while part := self.session.read(65_536):
                parts.append(part)
        except ssl.SSLWantReadError:
            return b"".join(parts), False
        except ssl.SSLZeroReturnError:
            pass
        return b"".join(parts), True

    def goodbye(self) -> bytes:
        """The close_notify to send."""
        with contextlib.suppress(ssl.SSLError):
            self.session.unwrap()
        return self.give()


class Exchange(asyncio.Protocol):
    """Sends ``request`` and reads the response into ``done``; with ``request`` None it stops after the TLS handshake.

    ``done`` gets a Reply (status 0 after a bare handshake) or one of ssl.SSLError, h11.RemoteProtocolError, Overflow, Closed, OSError.
    """

    def __init__(self, request: h11.Request | None, tls: TlsPipe | None, limit: int, trace: Trace) -> None:
        self._request = request
        self._tls = tls
        self._limit = limit
        self._trace = trace
        loop = asyncio.get_running_loop()
        self._clock: Callable[[], float] = loop.time
        self._since = loop.time()
        self.done: asyncio.Future[Reply] = loop.create_future()
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_LIMIT)
        self._response: h11.Response | None = None
        self._body: list[bytes] = []
        self._size = 0
        self._raw = 0
        self._shaking = tls is not None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._since = self._clock()
        if self._tls is None:
            self._ask(self._request)
        else:
            self._trace.phase = "tls"
            self._tls.handshake()
            self._write(self._tls.give())

    def data_received(self, data: bytes) -> None:
        if self.done.done():
            return
        try:
            if self._tls is None:
                self._parse(data)
            else:
                self._decrypt(self._tls, data)
        except (ssl.SSLError, h11.RemoteProtocolError, Overflow) as error:
            self._fail(error)

    def eof_received(self) -> bool:
        if not self.done.done():
            self._ended()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self._fail(exc or Closed("closed"))

    def close(self) -> None:
        """Leave politely after a whole response; otherwise just leave."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if not (self.done.done() and not self.done.cancelled() and self.done.exception() is None):
            transport.abort()
            return
        if self._tls is not None:
            self._write(self._tls.goodbye())
        transport.close()

    def _ask(self, request: h11.Request | None) -> None:
        if request is None:
            self._finish(Reply(0, [], b""))
            return
        self._trace.phase = "first-byte"
        head = (self._http.send(request) or b"") + (self._http.send(h11.EndOfMessage()) or b"")
        if self._tls is None:
            self._write(head)
            return
        self._tls.session.write(head)
        self._write(self._tls.give())

    def _decrypt(self, tls: TlsPipe, data: bytes) -> None:
        tls.take(data)
        if self._shaking:
            try:
                if not tls.handshake():
                    self._write(tls.give())
                    return
            except ssl.SSLError:
                self._write(tls.give())  # the alert, so that the shop's log says why we left
                raise
            self._shaken(tls)
            if self._request is None:
                return
        plain, ended = tls.read()
        if plain:
            self._parse(plain)
        if ended and not self.done.done():
            self._ended()

    def _shaken(self, tls: TlsPipe) -> None:
        now = self._clock()
        self._shaking = False
        self._trace.tls = now - self._since
        self._since = now
        self._trace.der = tls.session.getpeercert(binary_form=True)
        if self._request is None:
            self._write(tls.give())
        self._ask(self._request)

    def _parse(self, data: bytes) -> None:
        if self._trace.first_byte is None:
            now = self._clock()
            self._trace.first_byte = now - self._since
            self._since = now
            self._trace.phase = "body"
        self._raw += len(data)
        if self._raw > self._limit + HEAD_LIMIT + SLACK:
            raise Overflow("more bytes than body and framing may take")
        self._http.receive_data(data)
        self._events()

    def _events(self) -> None:
        while not self.done.done():
            event = self._http.next_event()
            if type(event) is h11.Data:
                self._keep(event.data)
            elif type(event) is h11.Response:
                self._response = event
            elif type(event) is h11.EndOfMessage:
                self._complete(cut=False)
            elif type(event) is h11.InformationalResponse:
                continue
            else:  # NEED_DATA, PAUSED, ConnectionClosed
                return

    def _keep(self, data: bytes) -> None:
        room = self._limit - self._size
        self._body.append(bytes(data[:room]))
        self._size += min(len(data), room)
        if len(data) > room:
            self._complete(cut=True)

    def _ended(self) -> None:
        """The peer sends no more: the end of a body without a length, else too early."""
        if self._shaking or self._trace.first_byte is None:
            self._fail(Closed("closed"))
            return
        try:
            self._http.receive_data(b"")
            self._events()
        except h11.RemoteProtocolError as error:
            self._fail(error if self._response is None and self._raw == 0 else Closed(str(error)))
            return
        if not self.done.done():
            self._fail(Closed("closed"))

    def _complete(self, cut: bool) -> None:
        now = self._clock()
        self._trace.read = now - self._since
        self._trace.phase = "done"
        head = cast(h11.Response, self._response)  # h11 gives no body before its head
        self._finish(Reply(head.status_code, list(head.headers), b"".join(self._body), bytes(head.reason), cut))

    def _finish(self, reply: Reply) -> None:
        self.done.set_result(reply)

    def _fail(self, error: BaseException) -> None:
        if not self.done.done():
            self.done.set_exception(error)

    def _write(self, data: bytes) -> None:
        if data and self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)
