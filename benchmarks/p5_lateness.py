"""P5: how late checks begin, 1,000 sites each 10 s, through the real schedule with every probe on, beside raw asyncio and httpx."""

from __future__ import annotations

import asyncio
import ssl
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from benchmarks._common import cpu, helper, percentile, say
from benchmarks._tls_server import SERVER, certificate
from benchmarks.p4_https_check import Check, ours, raw, shared_httpx
from tui.model.reach import Reach
from tui.model.site import Fleet, HttpTarget, Site
from tui.probes import PROBES
from tui.reach.web import FreshWeb
from tui.room.history import History
from tui.room.hub import Hub
from tui.room.memory import Memory
from tui.room.notices import Notices
from tui.room.schedule import Schedule

SITES, INTERVAL = 1000, 10.0
SECONDS = 4.0
"""How long each client alone is watched."""
WARM, ROUNDS = 12.0, 11.0
"""Seconds for the first looks of all probes at all sites, and seconds watched after them: more than a whole round."""

Result = tuple[list[float], float]
"""Seconds late, and CPU seconds a second."""


async def paced(check: Check) -> Result:
    """The bare client: a timer for each check, nothing else."""
    loop = asyncio.get_running_loop()
    late: list[float] = []
    tasks: set[asyncio.Task[None]] = set()

    async def one(due: float) -> None:
        late.append(loop.time() - due)
        await check()

    def begin(due: float) -> None:
        task = asyncio.create_task(one(due))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    await check()
    start, before = loop.time() + 0.1, cpu()
    for number in range(int(SECONDS * SITES / INTERVAL)):
        due = start + number * INTERVAL / SITES
        loop.call_at(due, begin, due)
    await asyncio.sleep(SECONDS + 0.5)
    used = (cpu() - before) / SECONDS
    await asyncio.gather(*tasks, return_exceptions=True)
    return late, used


async def scheduled(port: int, ca: str, folder: str) -> tuple[Result, list[float], int]:
    """The real schedule over the real web, memory and history; the lateness of its start; and how many sites are OK."""
    target = HttpTarget(connect=f"127.0.0.1:{port}", ca=ca)
    sites = [Site(f"s{n}", f"Shop {n}", url="https://shop.example/", interval=INTERVAL, http=target) for n in range(SITES)]
    hub = Hub()
    memory, notices, history, web = Memory(hub), Notices(hub), History(Path(folder, "history.db")), FreshWeb()
    await history.open()
    fleet = Fleet(path="", sites={site.id: site for site in sites})
    schedule = Schedule(fleet, PROBES, cast(Reach, SimpleNamespace(web=web)), memory, notices, history)
    schedule.start()
    await asyncio.sleep(WARM)
    start = list(schedule.lateness)
    schedule.lateness.clear()
    before, began = cpu(), time.monotonic()
    await asyncio.sleep(ROUNDS)
    used = (cpu() - before) / (time.monotonic() - began)
    late = list(schedule.lateness)
    well = sum(reading.level.value == "OK" for reading in memory.all() if reading.probe == "uptime")
    await schedule.stop()
    await history.close()
    await web.close()
    return (late, used), start, well


def tell(name: str, result: Result) -> str:
    late, used = result
    p50, p99 = (percentile(late, part) * 1000 for part in (0.5, 0.99))
    return f"{name} p50 {p50:.1f} p99 {p99:.1f} worst {max(late) * 1000:.0f} ms, CPU {used * 100:.0f} %"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        ca, leaf = certificate(folder)
        context = ssl.create_default_context(cafile=ca)
        with helper(SERVER, leaf) as line:
            port = int(line)
            peers: dict[str, Any] = {"raw asyncio": raw(port, context), "httpx shared client": None, "our web alone": ours(port, ca)}
            for name, check in peers.items():
                say("P5", tell(name, asyncio.run(paced(check or shared_httpx(port, context)))))
            result, start, well = asyncio.run(scheduled(port, ca, folder))
    p99 = percentile(result[0], 0.99) * 1000
    text = f"lateness, {SITES} sites each {INTERVAL:.0f} s, {len(result[0])} looks, {well} shops OK: {tell('the schedule', result)}"
    say("P5", f"the first looks of all probes at start: {len(start)} in {WARM:.0f} s, p99 {percentile(start, 0.99) * 1000:.0f} ms late")
    say("P5", text, "p99 <= 50 ms", p99 <= 50 and well == SITES)


if __name__ == "__main__":
    main()
