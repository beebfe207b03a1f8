"""``storewatch demo`` as people run it: processes of their own, told apart by the temporary folder they are given."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE = 60
"""Seconds; a busy machine is no fault of the demo."""


def until(found, what, seconds=PATIENCE):
    """The first true value of ``found()``, asked again and again."""
    deadline = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.05)
    return value


def alive(pid):
    """Whether the process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Desk:
    """Runs storewatch with ``temporary`` as its folder for temporary files, so that nobody else's demo is seen or swept."""

    def __init__(self, folder):
        self.temporary = folder
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "VIRTUAL_ENV") if name in os.environ}
        self.env = kept | {"HOME": str(folder), "TMPDIR": str(folder), "PYTHONPATH": str(ROOT), "TERM": "dumb"}
        self.children = []

    def start(self, *words, **more):
        child = subprocess.Popen(
            (sys.executable, "-m", "tui", *words), env=self.env, cwd=self.temporary, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more
        )
        self.children.append(child)
        return child

    def run(self, *words):
        return subprocess.run(
            (sys.executable, "-m", "tui", *words), env=self.env, cwd=self.temporary, capture_output=True, text=True, timeout=PATIENCE
        )

    def folders(self):
        return sorted(self.temporary.glob("storewatch-demo-*"))

    def processes(self):
        """Process id and command line of everything of this desk that runs: it has our folder in its command line or environment."""
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes()
                ours = bytes(self.temporary) in words or b"TMPDIR=" + bytes(self.temporary) in (entry / "environ").read_bytes()
                if ours and alive(int(entry.name)):
                    found[int(entry.name)] = words.replace(b"\0", b" ").decode(errors="replace")
        return found

    def close(self):
        for child in self.children:
            child.kill()
            child.wait()
            for pipe in (child.stdin, child.stdout, child.stderr):
                if pipe is not None:
                    pipe.close()
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


class Demo:
    """A headless demo. ``sites`` is known once it is ready."""

    def __init__(self, desk, *flags):
        self.desk = desk
        self.child = desk.start("demo", "--headless", *flags)
        line = self.child.stdout.readline().decode().strip()
        assert line, self.child.communicate()[1].decode()
        self.sites = Path(line)

    def run(self, *words):
        return self.desk.run(*words, "--sites", str(self.sites))

    def status(self, wait=0):
        """Store to probe to (level, summary)."""
        done = self.run("status", "--json", "--wait", str(wait))
        return {
            site["id"]: {name: (probe["level"], probe["summary"]) for name, probe in site["probes"].items()}
            for site in json.loads(done.stdout)["sites"]
        }

    def until(self, site, probe, level, words=""):
        def found():
            seen = self.status().get(site, {}).get(probe, ("", ""))
            return seen if seen[0] == level and words in seen[1] else None

        return until(found, f"{probe} of {site} {level} {words}")

    def end(self, number=signal.SIGTERM):
        self.child.send_signal(number)
        return self.child.wait(PATIENCE)


@pytest.fixture
def desk(tmp_path_factory):
    desk = Desk(tmp_path_factory.mktemp("d"))
    yield desk
    desk.close()


@pytest.fixture
def demo(desk):
    return lambda *flags: Demo(desk, *flags)


@pytest.fixture(name="until")
def until_fixture():
    return until


@pytest.fixture(name="alive")
def alive_fixture():
    return alive
