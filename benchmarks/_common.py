"""What benchmarks share: the line they print, medians over interleaved rounds, a child process that says when it is ready."""

from __future__ import annotations

import contextlib
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]


def say(figure: str, text: str, goal: str = "", ok: bool | None = None) -> None:
    """One line: ``P4 https check CPU: ours 2.9 ms, …, ratio 1.07, goal <= 1.10: reached``."""
    verdict = {None: "", True: ": reached", False: ": MISSED"}[ok]
    print(f"{figure} {text}" + (f", goal {goal}{verdict}" if goal else ""), flush=True)


def cpu() -> float:
    """CPU seconds (user and system) this process has used, all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def rounds(runs: Mapping[str, Callable[[], float]], count: int) -> dict[str, float]:
    """The median of ``count`` results of each run. Runs take turns, so that a noisy neighbour hits all alike."""
    seen: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(count):
        order = list(runs) if turn % 2 == 0 else list(runs)[::-1]
        for name in order:
            seen[name].append(runs[name]())
    return {name: statistics.median(values) for name, values in seen.items()}


def percentile(values: list[float], part: float) -> float:
    """The value below which ``part`` (0 to 1) of ``values`` lie; the nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


@contextlib.contextmanager
def helper(code: str, *args: str) -> Iterator[str]:
    """Run ``code`` in another Python process; gives the first line it prints (such as a port). It is ended on leaving."""
    child = subprocess.Popen([sys.executable, "-c", code, *args], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        line = child.stdout.readline().strip()
        if not line:
            raise RuntimeError(f"the helper process ended with {child.wait()}")
        yield line
    finally:
        child.kill()
        child.wait()
