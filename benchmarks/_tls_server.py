"""A local HTTPS server for the benchmarks, in a process of its own, and its certificate."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

SERVER = """
import asyncio, ssl, sys
BODY = b"<html><body>" + b"boots " * 1000 + b"</body></html>"
HEADERS = b"Server: nginx\\r\\nContent-Type: text/html; charset=UTF-8\\r\\nX-Powered-By: PHP/8.2\\r\\nVary: Accept\\r\\n"
ANSWER = b"HTTP/1.1 200 OK\\r\\n" + HEADERS + b"Content-Length: %d\\r\\nConnection: close\\r\\n\\r\\n" % len(BODY) + BODY
async def serve(reader, writer):
    try:
        await reader.readuntil(b"\\r\\n\\r\\n")
        writer.write(ANSWER)
        await writer.drain()
        writer.close()
    except (OSError, asyncio.IncompleteReadError):
        writer.transport.abort()
async def main():
    context = None
    if sys.argv[1]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[1])
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""
"""Prints its port. Serves HTTPS with the PEM file given as first argument (certificate and key), HTTP when that is empty."""


def certificate(folder: str) -> tuple[str, str]:
    """PEM files of an authority and of a leaf (with its key) for shop.example that it signed."""
    authority, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "benchmark authority")])
    root = _build(name, name, authority).add_extension(x509.BasicConstraints(True, None), True).sign(authority, hashes.SHA256())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shop.example")])
    alternative = x509.SubjectAlternativeName([x509.DNSName("shop.example")])
    leaf = _build(subject, name, key).add_extension(alternative, False).sign(authority, hashes.SHA256())
    ca, both = Path(folder, "ca.pem"), Path(folder, "leaf.pem")
    ca.write_bytes(root.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    both.write_bytes(leaf.public_bytes(serialization.Encoding.PEM) + private)
    return str(ca), str(both)


def _build(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=90))
