"""``storewatch`` behind a real terminal: the process in a pseudo terminal, its bytes read back by a terminal emulator."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pyte
import pytest

ROOT = Path(__file__).parents[2]
PATIENCE = 60


def take_terminal():
    """The terminal is the child's own: closing it hangs the child up, as a terminal window does."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Terminal:
    """``words`` of storewatch at ``columns`` x ``lines``, with ``folder`` for all temporary files."""

    def __init__(self, folder, columns, lines, words):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.before = termios.tcgetattr(slave)
        kept = {name: os.environ[name] for name in ("PATH", "VIRTUAL_ENV") if name in os.environ}
        env = kept | {"HOME": str(folder), "TMPDIR": str(folder), "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "LANG": "C.UTF-8"}
        streams = {"stdin": slave, "stdout": slave, "stderr": slave}
        self.child = subprocess.Popen(
            [sys.executable, "-m", "tui", *words], env=env, cwd=folder, start_new_session=True, preexec_fn=take_terminal, **streams
        )
        self.slave = slave
        self.screen = pyte.Screen(columns, lines)
        self.stream = pyte.ByteStream(self.screen)
        self.bytes = bytearray()

    @property
    def text(self):
        """The screen as people read it: pyte leaves an empty cell behind a wide character."""
        return "\n".join(self.screen.display)

    def row(self, words):
        """The first line with ``words``; the line of the worst stores above a table is none."""
        return next((line for line in self.screen.display if words in line and "worst:" not in line), "")

    def key(self, keys):
        os.write(self.master, keys.encode())

    def read(self, wait):
        if not select.select([self.master], [], [], wait)[0]:
            return False
        try:
            got = os.read(self.master, 65_536)
        except OSError:  # the last process behind the terminal is gone
            return False
        self.bytes += got
        self.stream.feed(re.sub(rb"\x1b\[[<>=]\d*u", b"", got))  # pyte takes kitty's key mode for "restore cursor"
        return bool(got)

    def until(self, found, what, seconds=PATIENCE):
        """Read until ``found(text)``, or the text ``found``, is on the screen."""
        deadline = time.monotonic() + seconds
        looked = found if callable(found) else lambda text: found in text
        while not looked(self.text):
            assert time.monotonic() < deadline, f"{what}: not within {seconds} s\n{self.text}"
            assert self.child.poll() is None, f"{what}: it ended with {self.child.returncode}\n{self.text}"
            self.read(0.2)

    def still(self, found, seconds):
        """Read until ``found`` has stood on the screen for so long."""
        self.until(found, found)
        since = time.monotonic()
        while time.monotonic() - since < seconds:
            self.read(0.05)
            if found not in self.text:
                self.until(found, found)
                since = time.monotonic()

    def gone(self, seconds=PATIENCE):
        """Read to the end; the exit code."""
        deadline = time.monotonic() + seconds
        while self.child.poll() is None:
            assert time.monotonic() < deadline, f"it does not end\n{self.text}"
            self.read(0.1)
        while self.read(0):
            pass
        return self.child.returncode

    def close(self):
        self.child.kill()
        self.child.wait()
        os.close(self.slave)
        os.close(self.master)


def processes(folder):
    """Process ids whose environment names ``folder`` as theirs for temporary files."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if b"TMPDIR=" + bytes(folder) + b"\0" in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue  # it ended, or it is not ours
    return found


@pytest.fixture
def folder(tmp_path_factory):
    """A short one: it holds sockets."""
    folder = tmp_path_factory.mktemp("t")
    yield folder
    for pid in processes(folder):
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
def terminal(folder):
    opened = []

    def start(columns, lines, *words):
        opened.append(Terminal(folder, columns, lines, words))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


@pytest.fixture
def left(folder):
    """What of a demo is still there: folders and process ids."""
    return lambda: [*folder.glob("storewatch-demo-*"), *processes(folder)]
