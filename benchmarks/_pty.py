"""A program under a pseudo terminal, as the figures of the viewer need it: bytes as they come, with the time they came."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator

from benchmarks._common import ROOT


class Terminal:
    """A child of ``size`` (columns, rows). ``seen``: all bytes so far."""

    def __init__(self, command: list[str], size: tuple[int, int] = (120, 40), env: dict[str, str] | None = None) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        surroundings = {name: value for name, value in os.environ.items() if not name.startswith(("SSH_", "TEXTUAL", "NO_COLOR"))}
        surroundings |= {"TERM": "xterm-256color", "TEXTUAL_ANIMATIONS": "none", "PYTHONPATH": str(ROOT), **(env or {})}
        self.started = time.perf_counter()
        self.child = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=surroundings, cwd=ROOT, start_new_session=True)
        os.close(slave)
        self.seen = bytearray()

    def read(self, seconds: float) -> bytes:
        """What comes within ``seconds``; returns with the first chunk."""
        if not select.select([self.master], [], [], seconds)[0]:
            return b""
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return b""
        self.seen += data
        return data

    def wait_for(self, text: bytes, limit: float = 20.0) -> float:
        """Seconds from now until ``text`` has come, looked for in what comes from now on."""
        begin, start = time.perf_counter(), len(self.seen)
        while time.perf_counter() - begin < limit:
            self.read(0.2)
            if text in self.seen[max(0, start - len(text)) :]:
                return time.perf_counter() - begin
        raise RuntimeError(f"{text!r} did not come within {limit} s; the end of what did: {bytes(self.seen[-400:])!r}")

    def drain(self, seconds: float) -> None:
        """Take everything for ``seconds``."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            self.read(left)

    def key(self, data: bytes) -> None:
        os.write(self.master, data)

    def cpu(self) -> float:
        """CPU seconds of the child so far (Linux's /proc, else 0)."""
        try:
            with open(f"/proc/{self.child.pid}/stat") as file:
                fields = file.read().rsplit(")", 1)[1].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()
        os.close(self.master)


@contextlib.contextmanager
def terminal(code: str, *args: str, size: tuple[int, int] = (120, 40)) -> Iterator[Terminal]:
    """``code`` in a Python of its own behind a terminal."""
    here = Terminal([sys.executable, "-c", code, *args], size)
    try:
        yield here
    finally:
        here.close()
