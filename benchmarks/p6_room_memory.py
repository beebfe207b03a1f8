"""P6, the room's half: memory per site at 1,000 sites, beyond the base that a room of a few sites costs."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks._common import ROOT, helper, say
from benchmarks._store import lay
from benchmarks._tls_server import SERVER, certificate

FEW, MANY = 20, 1000
EVERY = 20.0
"""Seconds between checks. Lateness is another figure, P5; here the first look at everything should soon be over."""
WATCH = 10.0
"""Seconds watched after everything was seen once: checks come round again, with history written meanwhile."""
GOAL = 100.0
"""KiB a site."""


def room_of(count: int, port: str, ca: str, store: Path) -> dict[str, Any]:
    """What a room of ``count`` sites says of itself."""
    command = [
        sys.executable,
        "-m",
        "benchmarks._room_watch",
        str(count),
        str(EVERY),
        str(WATCH if count == MANY else 2),
        port,
        ca,
        str(store),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        ca, leaf = certificate(folder)
        store = Path(folder) / "store"
        store.mkdir()
        lay(store)
        with helper(SERVER, leaf) as port, ThreadPoolExecutor() as both:
            few, many = both.map(lambda count: room_of(count, port, ca, store), (FEW, MANY))
    each = (many["rss"] - few["rss"]) / (MANY - FEW)
    text = f"room memory: {few['rss'] / 1024:.0f} MiB with {FEW} sites, {many['rss'] / 1024:.0f} MiB with {MANY}, {each:.0f} KiB a site"
    say("P6", text, f"<= {GOAL:.0f} KiB", each <= GOAL)
    p50, p99, worst = many["late"]
    text = f"that room saw all in {many['all_seen']} s, then all probes took CPU {many['cpu']:.0%}"
    say("P6", f"{text}, {many['looks']} checks began late by p50 {p50} ms, p99 {p99} ms, worst {worst} ms")


if __name__ == "__main__":
    main()
