"""Real little web servers on loopback, and certificates for them, good and bad."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import ipaddress
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = dt.timedelta(days=1)


class Authority:
    """Issues certificates; ``pem`` is what a client must trust. ``context(...)`` is a server's SSL context."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
        self.pem = folder / "ca.pem"
        built = self._build(self.name, self.name, self.key, -400, 400).add_extension(x509.BasicConstraints(True, None), True)
        self.pem.write_bytes(built.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        self._made = 0

    def context(self, *names: str, starts: float = -80, ends: float = 90, self_signed: bool = False) -> ssl.SSLContext:
        """Serves a certificate for ``names`` (host names or addresses), valid from ``starts`` to ``ends`` days from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        built = self._build(subject, subject if self_signed else self.name, key, starts, ends)
        built = built.add_extension(x509.SubjectAlternativeName([_alternative(name) for name in names]), False)
        leaf = built.sign(key if self_signed else self.key, hashes.SHA256())
        self._made += 1
        file = self.folder / f"leaf{self._made}.pem"
        private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        file.write_bytes(leaf.public_bytes(serialization.Encoding.PEM) + private)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    @staticmethod
    def _build(subject, issuer, key, starts, ends) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number())
        return builder.not_valid_before(now + starts * DAY).not_valid_after(now + ends * DAY)


def _alternative(name: str) -> x509.GeneralName:
    with contextlib.suppress(ValueError):
        return x509.IPAddress(ipaddress.ip_address(name))
    return x509.DNSName(name)


def response(body: bytes = b"hello", status: str = "200 OK", *headers: str) -> bytes:
    """A whole HTTP/1.1 response."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body


class Server:
    """Answers each connection's first request through ``answer(head) -> bytes`` (sync) or ``talk(reader, writer)`` (async).
    ``heads`` are the request heads seen; ``count`` the connections."""

    def __init__(self, answer=None, *, talk=None, context=None, host="127.0.0.1") -> None:
        self.answer, self.talk, self.context, self.host = answer, talk, context, host
        self.heads: list[bytes] = []
        self.count = 0
        self._tasks: set[asyncio.Task] = set()

    async def __aenter__(self) -> Server:
        self._server = await asyncio.start_server(self._serve, self.host, 0, ssl=self.context)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.context else 'http'}://{host}:{self.port}/"

    async def _serve(self, reader, writer) -> None:
        self.count += 1
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                if self.talk is not None:
                    await self.talk(reader, writer)
                else:
                    head = await reader.readuntil(b"\r\n\r\n")
                    self.heads.append(head)
                    writer.write(self.answer(head))
                    await writer.drain()
        finally:
            self._tasks.discard(task)
            writer.close()
