"""Ends a viewer whose terminal is gone.

The kernel's hang-up does that already, but it reaches no viewer under nohup or setsid, and that one would read the end of its input
for ever, with a whole processor.
"""

from __future__ import annotations

import os
import select
import threading

HUNG_UP = 129
"""Exit code of a viewer whose terminal is gone, as of one that SIGHUP ended."""


def watch() -> None:
    """End this process when its terminal (standard input) is gone."""
    threading.Thread(target=_wait, name="terminal", daemon=True).start()


def _wait() -> None:
    poll = select.poll()
    poll.register(0, 0)  # a hang-up is told unasked
    if os.isatty(0) and any(mask & select.POLLHUP for _, mask in poll.poll()):
        os._exit(HUNG_UP)  # there is nothing to put right: no screen is left
