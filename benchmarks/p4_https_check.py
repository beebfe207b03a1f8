"""P4: CPU of one fresh, verified HTTPS check, ours beside raw asyncio and httpx, against one TLS server in another process."""

from __future__ import annotations

import asyncio
import ssl
import tempfile
from collections.abc import Awaitable, Callable

import httpx

from benchmarks._common import cpu, helper, rounds, say
from benchmarks._tls_server import SERVER, certificate
from tui.model.site import HttpTarget, Site
from tui.reach.web import FreshWeb

CHECKS = 100
"""Checks of one round: enough that the clock's grain and one slow task do not matter."""
ROUNDS = 5
TOGETHER = 10
"""Checks under way at a time, as in a room."""

Check = Callable[[], Awaitable[None]]


async def spend(check: Check) -> float:
    """CPU ms per check over CHECKS of them."""
    gate = asyncio.Semaphore(TOGETHER)

    async def one() -> None:
        async with gate:
            await check()

    await one()
    before = cpu()
    await asyncio.gather(*(one() for _ in range(CHECKS)))
    return (cpu() - before) / CHECKS * 1000


def ours(port: int, ca: str) -> Check:
    web = FreshWeb()
    site = Site("s", "s", url="https://shop.example/", http=HttpTarget(connect=f"127.0.0.1:{port}", ca=ca))

    async def check() -> None:
        result = await web.check(site)
        if result.status != 200 or result.certificate is None or result.tls is None:
            raise RuntimeError(f"not a whole check: {result}")

    return check


def raw(port: int, context: ssl.SSLContext) -> Check:
    """The least that asyncio's own streams can do: handshake, request, status, headers, body by its length, close."""

    async def check() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="shop.example")
        writer.write(b"GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n")
        status = int((await reader.readline()).split()[1])
        length = 0
        while (line := await reader.readline()) != b"\r\n":
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        body = await reader.readexactly(length)
        writer.close()
        await writer.wait_closed()
        if status != 200 or not body:
            raise RuntimeError(f"HTTP {status}")

    return check


def shared_httpx(port: int, context: ssl.SSLContext) -> Check:
    """One client, its pool told to keep nothing: a fresh connection each time."""
    client = httpx.AsyncClient(verify=context, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))

    async def check() -> None:
        response = await client.get(
            f"https://127.0.0.1:{port}/", headers={"Host": "shop.example"}, extensions={"sni_hostname": "shop.example"}
        )
        if response.status_code != 200:
            raise RuntimeError(f"HTTP {response.status_code}")

    return check


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        ca, leaf = certificate(folder)
        context = ssl.create_default_context(cafile=ca)
        with helper(SERVER, leaf) as line:
            port = int(line)
            runs = {
                "ours": lambda: asyncio.run(spend(ours(port, ca))),
                "raw asyncio": lambda: asyncio.run(spend(raw(port, context))),
                "httpx shared client": lambda: asyncio.run(spend(shared_httpx(port, context))),
            }
            for run in runs.values():
                run()  # what is loaded and cached once does not count
            found = rounds(runs, ROUNDS)
    ratio = found["ours"] / found["raw asyncio"]
    text = ", ".join(f"{name} {value:.2f} ms" for name, value in found.items())
    say("P4", f"https check CPU: {text}, ratio to raw asyncio {ratio:.2f}", "<= 1.10", ratio <= 1.10)


if __name__ == "__main__":
    main()
