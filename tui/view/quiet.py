"""The quiet driver: sends a terminal only the cells that changed. ``STOREWATCH_QUIET=0`` switches it off."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType
from typing import TYPE_CHECKING, Any

from textual import events
from textual.driver import Driver
from textual.message import Message

from tui.view.screenmodel import ScreenModel

if TYPE_CHECKING:
    _Base = Driver
else:
    _Base = object


class Quiet(_Base):
    """Mixin over a terminal driver whose ``write`` takes text. What it cannot read it passes on unchanged."""

    def __init__(self, *args: Any, **more: Any) -> None:
        self._model = ScreenModel(*self._cells())
        self._lost = threading.Event()
        self._writing = threading.Lock()
        super().__init__(*args, **more)

    def write(self, data: str) -> None:
        """Send what of ``data`` the terminal does not show yet. Called from the app's and from the input thread."""
        with self._writing:
            if self._lost.is_set():
                self._lost.clear()
                self._model.resize(*self._cells())
            if out := self._model.feed(data):
                super().write(out)  # type: ignore[safe-super]  # the real driver stands behind this mixin

    def forget(self) -> None:
        """What the terminal shows is no longer known (another program wrote over it): the next paint goes out whole."""
        self._lost.set()

    def start_application_mode(self) -> None:
        """As the driver; a resized terminal is no longer what we drew."""
        self.forget()
        super().start_application_mode()  # type: ignore[safe-super]
        resized = signal.getsignal(signal.SIGWINCH)

        def on_resize(number: int, frame: FrameType | None) -> None:
            self.forget()
            if callable(resized):
                resized(number, frame)

        signal.signal(signal.SIGWINCH, on_resize)

    def process_message(self, message: Message) -> None:
        """As the driver; terminals that tell their size in band send no signal."""
        if isinstance(message, events.Resize):
            self.forget()
        super().process_message(message)

    @staticmethod
    def _cells() -> tuple[int, int]:
        """Width and height of the terminal behind us, measured each time: the app learns of a change later than we draw."""
        for stream in (sys.__stderr__, sys.__stdin__, sys.__stdout__):
            try:
                size = os.get_terminal_size(stream.fileno()) if stream is not None else os.terminal_size((0, 0))
            except (OSError, ValueError):
                continue
            if size.columns and size.lines:
                return size.columns, size.lines
        return 80, 25


def quiet_driver() -> type[Driver] | None:
    """The driver class for ``App(driver_class=…)``; None where Textual's own choice should stand: switched off, another driver
    asked for by TEXTUAL_DRIVER, Windows, or no terminal."""
    if os.environ.get("STOREWATCH_QUIET", "1") == "0" or os.environ.get("TEXTUAL_DRIVER") or sys.platform == "win32":
        return None
    if sys.__stderr__ is None or not sys.__stderr__.isatty():
        return None
    from textual.drivers.linux_driver import LinuxDriver

    class QuietDriver(Quiet, LinuxDriver):
        """Textual's driver for Linux and macOS, quiet."""

    return QuietDriver
