"""Run all benchmarks, or those named: ``python -m benchmarks [P4 P5 …]``. One that fails or hangs is said so; the rest go on."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

LIMIT = 60.0
"""Seconds one benchmark may take."""
HERE = Path(__file__).parent


def found() -> dict[str, Path]:
    """Benchmark files by title: ``p4_https_check.py`` is ``P4 HTTPS_CHECK``. Several files may share a figure."""
    files = sorted(HERE.glob("p[0-9]*_*.py"), key=lambda path: (int(path.stem[1:].partition("_")[0]), path.stem))
    return {path.stem.replace("_", " ", 1).upper(): path for path in files}


def chosen(names: list[str]) -> list[tuple[str, Path]]:
    """Those whose figure or title is named; all when none is."""
    wanted = [name.upper().replace("_", " ") for name in names]
    return [(title, path) for title, path in found().items() if not wanted or title in wanted or title.partition(" ")[0] in wanted]


def run(title: str, path: Path) -> str:
    """Run one benchmark in a process group of its own; "" or what went wrong. Its lines go straight to our output."""
    command = [sys.executable, "-c", f"import benchmarks.{path.stem} as one; one.main()"]
    child = subprocess.Popen(command, cwd=HERE.parent, start_new_session=True)
    try:
        code = child.wait(LIMIT)
    except subprocess.TimeoutExpired:
        code = None
    finally:
        end(child)
    if code is None:
        return f"{title}: not finished after {LIMIT:.0f} s"
    return "" if code == 0 else f"{title}: failed with exit code {code}"


def end(child: subprocess.Popen[bytes]) -> None:
    """End the child and the servers it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def main(names: list[str]) -> int:
    todo = chosen(names)
    if not todo:
        print(f"no such benchmark: {' '.join(names)}; there are: {', '.join(found())}", file=sys.stderr)
        return 2
    faults = []
    for title, path in todo:
        started = time.monotonic()
        fault = run(title, path)
        print(fault or f"({title}: {time.monotonic() - started:.0f} s)", flush=True)
        if fault:
            faults.append(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
