"""A whole watching room (real config, schedule, probes, memory, history, HTTPS checks) over N stores, in a process of its own.

Arguments: number of stores, seconds between checks, seconds to watch after everything was seen once, port and CA of the shop server,
folder of the store that all of them read. Answers of fragments are captured once, by running them in the local sh, and given to all
stores alike. Prints one JSON object.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import tomli_w

from benchmarks._common import cpu, percentile
from tui.config import load
from tui.model.reading import Reading
from tui.model.site import Site
from tui.model.sweep import PRELUDE, Answer, Ask
from tui.probes import PROBES
from tui.reach.web import FreshWeb
from tui.room.history import History
from tui.room.hub import Hub
from tui.room.memory import Memory
from tui.room.notices import Notices
from tui.room.schedule import Schedule
from tui.room.timeline import Timeline

PER_HOST = 20
SETTLE = 3.0
"""Seconds after everything was seen for the first time, which costs far more than any later round."""
_MARK = re.compile(r"\b[0-9a-f]{16}\b")
_MARK_BYTES = re.compile(rb"\b[0-9a-f]{16}\b")


class Captured:
    """Shell and reach in one: what the first store's fragments printed is the answer to all that are equal."""

    def __init__(self) -> None:
        self.web = FreshWeb()
        self._answers: dict[str, tuple[bytes, int]] = {}

    def shell(self, _site: Site) -> Captured:
        return self

    async def sweep(self, asks: Sequence[Ask]) -> list[Answer]:
        await asyncio.sleep(0.005)
        return [self._answer(ask) for ask in asks]

    def _answer(self, ask: Ask) -> Answer:
        mark = _MARK.search(ask.script)  # some fragments set their answers between marks of chance
        shape = _MARK.sub("MARK", ask.script)
        found = self._answers.get(shape)
        if found is None:
            done = subprocess.run(["sh"], input=f"{PRELUDE}\n{ask.script}\n".encode(), capture_output=True, timeout=60)
            found = self._answers[shape] = (_MARK_BYTES.sub(b"MARK", done.stdout[: ask.limit]) if mark else done.stdout, done.returncode)
        out = found[0].replace(b"MARK", mark[0].encode()) if mark else found[0]
        return Answer(out, found[1], time.time(), took=0.005, skew=0.0)


def sites_toml(folder: Path, count: int, every: float, port: int, ca: str, store: Path) -> Path:
    """A sites.toml of ``count`` stores on ``count / PER_HOST`` hosts."""
    log = [{"name": "nginx", "format": "nginx-error", "path": str(store / "error.log")}]
    common = {
        "url": "https://shop.example/",
        "platform": "woocommerce",
        "production": False,
        "root": str(store / "shop" / "current"),
        "deploy": {"layout": "capistrano", "path": str(store / "shop")},
        "backup": {"vault": "dump", "path": str(store / "backup" / "*.sql.gz")},
        "http": {"connect": f"127.0.0.1:{port}", "ca": ca},
        "wp": ["sh", str(store / "wp")],
        "log": log,
    }
    sites = {f"s{number}": {"name": f"Shop {number}", "ssh": {"host": f"web{number // PER_HOST}"}, **common} for number in range(count)}
    path = folder / "sites.toml"
    path.write_text(tomli_w.dumps({"defaults": {"interval": every}, "sites": sites}))
    return path


def rss() -> int:
    """Resident memory of this process in KiB."""
    gc.collect()
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


async def watch(path: Path, folder: Path, seconds: float) -> dict[str, object]:
    fleet = load(path)
    hub = Hub()
    seen: set[tuple[str, str]] = set()
    hub.subscribe(lambda change: seen.add((change.site, change.probe)) if isinstance(change, Reading) else None)
    memory, notices, history = Memory(hub), Notices(hub), History(folder / "history.db")
    Timeline(hub, history)
    await history.open()
    reach = Captured()
    schedule = Schedule(fleet, PROBES, reach, memory, notices, history)  # type: ignore[arg-type]
    began = time.monotonic()
    schedule.start()
    wanted = sum(len(PROBES) - len(schedule.absent(site)) for site in fleet.sites.values())
    while len(seen) < wanted:
        await asyncio.sleep(0.1)
    all_seen = time.monotonic() - began
    await asyncio.sleep(SETTLE)
    schedule.lateness.clear()
    used = cpu()
    await asyncio.sleep(seconds)
    used = (cpu() - used) / seconds
    late = list(schedule.lateness) or [0.0]
    levels: dict[str, int] = {}
    for reading in memory.all():
        name = f"{reading.probe} {reading.level.value}"
        levels[name] = levels.get(name, 0) + 1
    found = {
        "rss": rss(),
        "sites": len(fleet.sites),
        "all_seen": round(all_seen, 1),
        "looks": len(late),
        "late": [round(percentile(late, part) * 1000, 1) for part in (0.5, 0.99, 1.0)],
        "cpu": round(used, 3),
        "levels": levels,
    }
    await schedule.stop()
    await history.close()
    return found


def main(argv: list[str]) -> None:
    logging.disable()
    count, every, seconds, port, ca, store = argv
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = sites_toml(folder, int(count), float(every), int(port), ca, Path(store))
        print(json.dumps(asyncio.run(watch(path, folder, float(seconds)))), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
