"""Down to the bytes a terminal gets: the viewer as a process in a pseudo terminal, its room as another, a store that means harm."""

import asyncio
import contextlib
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pyte
import pytest

from tests.support.web import Server, response
from tui.wire.paths import holder

ROOT = Path(__file__).parents[2]
EVIL = "EVIL\x1b]52;c;b3duZWQ=\x07\x1b]0;owned\x07\x1b[6n\x1b[31337m\x1bPowned\x1b\\\x9b5n\u202e[/nope][link=file:///x]{x}"
FORBIDDEN = (b"\x1b]", b"\x07", b"\x1b[6n", b"31337", b"\x1bP", b"\xc2\x9b", b"\xc2\x90", b"\xe2\x80\xae", b"\x00")
"""What the store wants the terminal to obey; the viewer itself sends none of it."""


def _own_terminal() -> None:
    """In the child: the terminal on stdin becomes its controlling one, whose end is a hang-up."""
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Terminal:
    """``storewatch`` in a terminal of that size; reading does not block the loop, in which the store's host lives."""

    def __init__(self, folder, columns, lines, *words, own=True, **env) -> None:
        self.master, slave = pty.openpty()
        self._size(slave, columns, lines)
        kept = {name: os.environ[name] for name in ("PATH", "VIRTUAL_ENV") if name in os.environ}
        env = {"HOME": str(folder), "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "LANG": "C.UTF-8", **env}
        self.child = subprocess.Popen(
            [sys.executable, "-m", "tui", *words],
            env=kept | env,
            cwd=folder,
            preexec_fn=_own_terminal if own else os.setsid,
            stdin=slave,
            stdout=slave,
            stderr=slave,
        )
        os.close(slave)
        os.set_blocking(self.master, False)
        self.screen = pyte.Screen(columns, lines)
        self.stream = pyte.ByteStream(self.screen)
        self.bytes = b""

    def _size(self, descriptor, columns, lines) -> None:
        fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def resize(self, columns, lines) -> None:
        self.screen.resize(lines, columns)
        self._size(self.master, columns, lines)
        self.child.send_signal(signal.SIGWINCH)

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.screen.display)

    def read(self) -> bool:
        try:
            got = os.read(self.master, 65_536)
        except BlockingIOError:
            return False
        except OSError:
            return False
        self.bytes += got
        self.stream.feed(re.sub(rb"\x1b\[[<>=]\d*u", b"", got))
        return bool(got)

    async def until(self, *wanted: str, seconds: float = 30.0) -> None:
        """Read until all of ``wanted`` stands on the screen."""
        end = time.monotonic() + seconds
        while not all(words in self.text for words in wanted):
            assert time.monotonic() < end, f"{wanted} not within {seconds} s\n{self.text}"
            assert self.child.poll() is None, f"it ended with {self.child.returncode}\n{self.text}"
            if not self.read():
                await asyncio.sleep(0.02)

    async def press(self, keys: str, *wanted: str) -> None:
        os.write(self.master, keys.encode())
        await self.until(*wanted)

    async def ended(self) -> int:
        end = time.monotonic() + 30
        while self.child.poll() is None:
            assert time.monotonic() < end, self.text
            if not self.read():
                await asyncio.sleep(0.02)
        while self.read():
            pass
        return self.child.returncode

    async def leave(self) -> int:
        os.write(self.master, b"\x03")
        await self.until("eave")
        os.write(self.master, b"\x03")
        return await self.ended()

    def close(self) -> None:
        self.child.kill()
        self.child.wait()
        os.close(self.master)


@pytest.fixture
async def terminal(house):
    """``terminal(columns, lines)`` opens the viewer on the house's sites.toml; viewers and their room end with the test."""
    opened = []

    def start(columns, lines, **env):
        house.write()
        one = Terminal(house.folder, columns, lines, "--sites", str(house.toml), "--state", str(house.state), **env)
        opened.append(one)
        return one

    yield start
    for one in opened:
        one.close()
    found = holder(house.paths.lock)
    if found is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(found.pid, signal.SIGKILL)


@pytest.fixture
async def evil(house):
    """Every text that a store gives is hostile: page, headers, plugins, releases, who deployed, backups, log lines."""
    name = EVIL.replace("/", "").replace("\x00", "")
    house.plugin(name)
    house.release(name)
    (house.root / "revisions.log").write_text(f"Branch {EVIL} (at abcdef1) deployed as release 20261121100000 by {EVIL}\n")
    backups = house.folder / "backups"
    backups.mkdir()
    (backups / f"{name}.sql").write_text("-- Dump completed\n")
    when = time.strftime("%Y/%m/%d %H:%M:%S")
    house.log.write_text(
        f'{when} [error] 1#1: *1 FastCGI sent in stderr: "PHP message: PHP Fatal error:  {EVIL} in /x/{EVIL}.php on line 1"\n'
    )
    body = f"<html><title>{EVIL}</title>{EVIL}</html>".encode()
    async with Server(lambda _head: response(body, f"500 {EVIL}".replace("\u202e", ""), f"X-Powered-By: {EVIL}")) as page:
        house.page = page
        lines = house.whole().replace('name = "EU store"', 'name = "EVIL [/nope][bold] store"')
        house.sites["eu"] = lines + f'backup = {{ vault = "dump", path = "{backups}/*.sql" }}\n'
        yield house


async def test_nothing_that_a_store_says_is_obeyed_by_the_terminal(evil, terminal):
    one = terminal(160, 50)
    await one.until("EVIL [/nope][bold] store", "CRIT")
    await one.press("w", "EVIL [/nope]")
    await one.press("w\r", "Plugins", "Deploys")
    for key, title in (("U", "500"), ("E", "EVIL"), ("P", "EVIL"), ("D", "EVIL"), ("B", "EVIL")):
        await one.press(key, title)
        await one.press("\x1b", "Plugins", "Deploys")
    await one.press("l", "PHP Fatal error: EVIL")
    await one.press("\x1b", "Plugins")
    await one.press("\x0c", "EVIL")  # the releases to roll back to
    await one.press("\x1b", "Plugins")
    await one.press("t", "EVIL")
    await one.press("\x1b", "Plugins")
    assert await one.leave() == 0
    sent = re.sub(rb"\x1b\]22;[a-z-]*\x07", b"", one.bytes)  # the one OSC that Textual itself sends: the shape of the pointer
    for sequence in FORBIDDEN:
        assert sequence not in sent, (sequence, sent[max(0, sent.find(sequence) - 60) :][:120])
    assert b"Traceback" not in sent


async def test_scripts_get_no_sequence_either(evil, tmp_path):
    """`status` and `logs`, as text: what a pipe or a terminal behind it gets."""
    evil.write()
    for words in (("status", "--wait", "20"), ("logs", "eu")):
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tui", *words, "--sites", str(evil.toml), "--state", str(evil.state)),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await asyncio.wait_for(child.communicate(), 60)
        assert b"EVIL" in out, (out, err)
        assert not [sequence for sequence in FORBIDDEN if sequence in out + err]


async def test_a_terminal_of_20_by_5_says_what_it_needs_and_recovers(house, terminal):
    one = terminal(20, 5)
    await one.until("too small")
    assert "60" in one.text and "20" in one.text, "how large it must be"
    one.resize(80, 24)
    await one.until("EU store")
    one.resize(20, 5)
    await one.until("too small")
    os.write(one.master, b"wPDl?\x1b\x1b:\x1b")  # keys do no harm in there
    one.resize(80, 24)
    await one.until("storewatch")
    assert await one.leave() == 0
    assert b"Traceback" not in one.bytes


@pytest.mark.parametrize("term", ["dumb", ""])
async def test_a_dumb_terminal_is_told_what_to_use_instead(house, terminal, term):
    one = terminal(80, 24, TERM=term)
    assert await one.ended() == 2
    assert "storewatch status" in one.text and "TERM" in one.text
    assert b"\x1b" not in one.bytes, "not one sequence"


@pytest.mark.parametrize("own", [True, False])
async def test_a_terminal_that_is_closed_ends_its_viewer_and_not_the_room(house, terminal, own):
    """Also where no hang-up is signalled (nohup, setsid): a viewer that nobody can see would read the end of its input for ever."""
    one, two = terminal(80, 24, own=own), terminal(80, 24)
    await asyncio.gather(one.until("EU store"), two.until("EU store"))
    os.close(one.master)
    one.master = os.open(os.devnull, os.O_RDONLY)
    end = time.monotonic() + 20
    while one.child.poll() is None:
        assert time.monotonic() < end, "the viewer outlives its terminal"
        two.read()
        await asyncio.sleep(0.05)
    await two.press("t", "the room opened")
    assert await two.leave() == 0
