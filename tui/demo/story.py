"""What happens to the demo fleet: shoppers, and the faults of its first two minutes."""

from __future__ import annotations

import asyncio
import contextlib
import random
import ssl
import time
from collections.abc import Sequence

from tui.demo.disk import BROKEN
from tui.demo.shop import PAGES, Shop

BAD_RELEASE_AT = 20.0
GUILTY_PLUGIN_AT = 50.0
"""Seconds after the start."""
REQUESTS_A_SECOND = 12.0
"""Of all shoppers together, whatever the number of stores: the demo shares the machine with the room."""
STORM_LINES = 200
"""Lines each stormy store writes every 20 ms: 10,000 a second."""


async def shoppers(shops: Sequence[Shop], dice: random.Random) -> None:
    """Walk through the stores for ever with real requests."""
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trust.check_hostname = False
    trust.verify_mode = ssl.CERT_NONE
    under_way: set[asyncio.Task[None]] = set()
    while True:
        await asyncio.sleep(dice.expovariate(REQUESTS_A_SECOND))
        if len(under_way) < 40:
            task = asyncio.ensure_future(_visit(dice.choice(shops), dice.choice(PAGES), trust))
            under_way.add(task)
            task.add_done_callback(under_way.discard)


async def _visit(shop: Shop, path: str, trust: ssl.SSLContext) -> None:
    with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
        async with asyncio.timeout(20):
            context = trust if shop.url.startswith("https") else None
            reader, writer = await asyncio.open_connection("127.0.0.1", shop.port, ssl=context)
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {shop.host}\r\nConnection: close\r\n\r\n".encode())
            await reader.read()
            writer.close()


async def grumble(shops: Sequence[Shop], dice: random.Random) -> None:
    """The everyday lines of an error log: missing files and slow upstreams, now and then."""
    while True:
        await asyncio.sleep(dice.uniform(1.0, 4.0))
        shop = dice.choice(shops)
        path = dice.choice(("/favicon-old.ico", "/apple-touch-icon.png", "/wp-content/uploads/2024/banner.webp"))
        missing = f'open() "{shop.disk.current}{path}" failed (2: No such file or directory)'
        shop.log_error("error", missing, f"GET {path} HTTP/1.1")


async def faults(shops: Sequence[Shop], dice: random.Random, pace: float = 1.0) -> None:
    """The scripted turns: a bad release, then a plugin update that kills its store. ``pace`` stretches the waits before them."""
    parts = {shop.disk.part.fault: shop for shop in shops}
    await asyncio.sleep(BAD_RELEASE_AT * pace)
    if (shop := parts.get("bad-release")) is not None:
        shop.disk.release(time.time(), "jonas", f"{dice.getrandbits(160):040x}", whole=False)
    await asyncio.sleep((GUILTY_PLUGIN_AT - BAD_RELEASE_AT) * pace)
    if (shop := parts.get("guilty-plugin")) is not None:
        shop.disk.install_plugin("promo-banner", "2.5.0", f"add_action('init', function () {{\n  {BROKEN}\n}});")


async def storm(shops: Sequence[Shop], dice: random.Random) -> None:
    """Flood the error logs of up to six stores with numbered lines."""
    loud = list(shops)[:6]
    count = 0
    while True:
        await asyncio.sleep(0.02)
        stamp = time.strftime("%Y/%m/%d %H:%M:%S")
        for shop in loud:
            lines = []
            for _ in range(STORM_LINES):
                count += 1
                what = dice.choice(("upstream timed out (110: Connection timed out)", "upstream prematurely closed connection"))
                doing = "while reading response header from upstream"
                lines.append(f"{stamp} [error] 642#642: *{count} {what} {doing}, client: 10.0.{count % 250}.7, server: {shop.host}\n")
            with shop.disk.errors.open("a") as log:
                log.writelines(lines)
