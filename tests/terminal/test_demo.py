"""A newcomer at a terminal: one command, a store that hurts, a key that cures it, and out again."""

import os
import signal
import time

import pytest

MODES = ("?1049", "?1000", "?1003", "?1006", "?2004")
"""Alternate screen, mouse in three forms, bracketed paste."""


def restored(one):
    """Whether the last word about each mode was to switch it off."""
    said = bytes(one.bytes)
    for mode in MODES:
        on, off = said.rfind(b"\x1b[" + mode.encode() + b"h"), said.rfind(b"\x1b[" + mode.encode() + b"l")
        if on > off:
            return False
    return said.rfind(b"\x1b[?25h") > said.rfind(b"\x1b[?25l")


def leave(one):
    one.key("q")
    one.until("Leave storewatch?", "the question before leaving")
    one.key("y")
    return one.gone()


@pytest.mark.parametrize("size", [(80, 24), (200, 50)], ids=["80x24", "200x50"])
def test_a_bad_release_is_rolled_back_by_key(terminal, left, size):
    one = terminal(*size, "demo", "--stores", "6", "--pace", "0.1")
    one.until("DEMO", "the fleet")
    one.until(lambda _: "CRIT" in one.row("胡 同") or "CRIT" in one.row("胡同"), "the bad release")
    one.key("/hutong\r")
    one.until("1 of 6 shown", "only the store that hurts")
    one.key("\x0c")
    one.until("choose", "the releases")
    one.key("\r")
    one.still("run it", 0.6)
    one.key("y")
    one.until(lambda _: "done" in one.row("state"), "the verdict")
    assert "OK" in one.row("verdict"), one.text
    assert "jonas" not in one.row("state")
    one.key("q")
    one.until(lambda _: "200" in one.row("胡") and "500" not in one.row("胡"), "the cure on the fleet's screen")  # errors stay for a minute
    assert leave(one) == 0
    assert restored(one)
    deadline = time.monotonic() + 20
    while left():
        assert time.monotonic() < deadline, left()
        os.sched_yield()


def test_a_guilty_plugin_is_named_and_switched_off_by_key(terminal):
    one = terminal(120, 36, "demo", "--stores", "6", "--pace", "0.1")
    one.until(lambda _: "CRIT" in one.row("Saffron"), "the guilty plugin")
    one.key("/saffron\r")
    one.until("1 of 6 shown", "only the store that hurts")
    one.key("P")
    one.until(lambda _: "promo-banner" in one.text, "the plugins")
    deadline = time.monotonic() + 60
    one.key("g")
    while "promo-banner" not in selected(one):
        assert time.monotonic() < deadline, one.text
        one.key("j")
        one.read(0.3)
        while one.read(0.1):
            pass
    one.key("x")
    one.still("run it", 0.6)
    assert "deactivate promo-banner" in one.text
    one.key("y")
    one.until(lambda _: "done" in one.row("state"), "the verdict")
    one.key("qq")
    one.until(lambda _: "200" in one.row("Saffron"), "the cure")
    assert leave(one) == 0


def selected(one):
    """The line on which the cursor stands: the one on another ground than the rest."""
    grounds = {}
    for number in range(3, one.screen.lines - 3):
        grounds.setdefault(one.screen.buffer[number][4].bg, []).append(number)
    lone = min(grounds.values(), key=len)
    return one.screen.display[lone[0]] if len(grounds) > 1 else ""


def test_closing_the_terminal_ends_fleet_and_room(terminal, left):
    for number in (signal.SIGHUP, signal.SIGKILL):
        one = terminal(80, 24, "demo", "--stores", "1", "--calm")
        one.until(lambda _, one=one: "OK" in one.row("Nordlicht"), "the store")
        assert len(left()) == 4, "folder, viewer, fleet, room"
        one.child.send_signal(number)
        one.gone()
        deadline = time.monotonic() + 30
        while left():
            assert time.monotonic() < deadline, left()
            os.sched_yield()


def test_a_fleet_that_cannot_start_is_said(terminal, folder):
    one = terminal(80, 24, "demo", "--stores", "0")
    assert one.gone() == 2
    assert "from 1 to 1000" in one.text
