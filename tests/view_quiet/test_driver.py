"""The driver in a real terminal: the same screen with it and without, through changes, a resize and a suspension."""

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

import pyte
import pytest

APP = """
from textual.app import App
from textual.widgets import Footer, Static
from tui.view.quiet import quiet_driver

class Small(App):
    CSS = "Static { height: 1; } #b { background: $panel; }"
    BINDINGS = [("n", "count", "数一下"), ("r", "again", "again"), ("q", "quit", "quit")]
    count = 0
    def compose(self):
        yield Static("店铺 one " * 5, id="a")
        yield Static("count 0 正常", id="b")
        yield Footer()
    def on_mount(self):
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))
    def action_count(self):
        self.count += 1
        self.query_one("#b").update(f"count {self.count} 正常")
    def action_again(self):
        self.query_one("#a").refresh()
    def on_resize(self, event):
        self.query_one("#a").update(f"店铺 width {event.size.width}")
Small(driver_class=quiet_driver()).run(mouse=False)
"""


class Pty:
    """The app in a pty and the screen its bytes make."""

    def __init__(self, quiet: str) -> None:
        self.master, slave = pty.openpty()
        self.size(60, 12)
        env = {**os.environ, "TERM": "xterm-256color", "TEXTUAL_ANIMATIONS": "none", "STOREWATCH_QUIET": quiet}
        env.pop("TEXTUAL_DRIVER", None)
        streams = {"stdin": slave, "stdout": slave, "stderr": slave}
        self.child = subprocess.Popen([sys.executable, "-c", APP], env=env, start_new_session=True, **streams)
        os.close(slave)
        self.screen = pyte.Screen(60, 12)
        self.stream = pyte.ByteStream(self.screen)
        self.seen = 0

    def size(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def resize(self, columns: int, lines: int) -> None:
        self.screen.resize(lines, columns)
        self.size(columns, lines)
        self.child.send_signal(signal.SIGWINCH)

    def key(self, key: str) -> None:
        os.write(self.master, key.encode())

    def read(self, wait: float) -> int:
        if not select.select([self.master], [], [], wait)[0]:
            return 0
        got = os.read(self.master, 65_536)
        self.seen += len(got)
        self.stream.feed(re.sub(rb"\x1b\[[<>]\d*u", b"", got))  # pyte takes kitty's key mode for "restore cursor"
        return len(got)

    def until(self, text: str) -> None:
        """Read until ``text`` is on the screen and nothing more comes."""
        deadline = time.monotonic() + 30
        while text not in "\n".join(self.screen.display).replace(" ", ""):
            assert time.monotonic() < deadline, (text, self.screen.display)
            self.read(0.2)
        while self.read(0.25):
            pass

    def picture(self) -> list[tuple]:
        return [tuple(self.screen.buffer[y][x] for x in range(self.screen.columns)) for y in range(self.screen.lines)]

    def close(self) -> None:
        self.child.kill()
        self.child.wait()
        os.close(self.master)


@pytest.fixture
def run():
    open_ptys = []

    def make(quiet: str) -> Pty:
        made = Pty(quiet)
        open_ptys.append(made)
        return made

    yield make
    for made in open_ptys:
        made.close()


def story(one: Pty) -> list:
    pictures = []
    one.until("width60")
    for turn in (1, 2, 3):
        one.key("n")
        one.until(f"count{turn}正常")
    pictures.append(one.picture())
    one.resize(44, 9)
    one.until("width44")
    pictures.append(one.picture())
    one.child.send_signal(signal.SIGTSTP)
    os.waitpid(one.child.pid, os.WUNTRACED)
    one.stream.feed(b"\x1b[0m\x1b[2J\x1b[Hshell$ ls")  # what the shell drew in between
    one.child.send_signal(signal.SIGCONT)
    one.until("count3正常")
    one.key("n")
    one.until("count4正常")
    pictures.append(one.picture())
    return pictures


def test_the_screen_is_the_same_with_and_without(run):
    assert story(run("0")) == story(run("1"))


def test_one_figure_costs_few_bytes_and_a_repaint_of_the_same_none(run):
    one = run("1")
    one.until("width60")
    for turn in (1, 2):
        one.key("n")
        one.until(f"count{turn}正常")
    before = one.seen
    one.key("n")
    one.until("count3正常")
    assert 0 < one.seen - before < 40
    before = one.seen
    one.key("r")
    one.key("n")
    one.until("count4正常")
    assert 0 < one.seen - before < 40


def test_it_stands_back_where_it_cannot_work(monkeypatch):
    from tui.view.quiet import quiet_driver

    monkeypatch.setenv("STOREWATCH_QUIET", "0")
    assert quiet_driver() is None
    monkeypatch.setenv("STOREWATCH_QUIET", "1")
    monkeypatch.setattr(sys, "__stderr__", None)
    assert quiet_driver() is None
