"""One sweep's answers as they come in. Pure: bytes and times in, answers out."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence

from tui.model.sweep import Answer, Ask
from tui.reach.script import skew

START = 30.0
"""Seconds for sh to begin."""
NOISE = 65_536


class Round:
    """``deadline``: when the next thing must have happened (``clock``'s time). ``sent``: Unix seconds when the script went out."""

    def __init__(self, mark: str, asks: Sequence[Ask], clock: Callable[[], float]) -> None:
        self._asks = asks
        self._clock = clock
        self._line = re.compile(rb"\n" + mark.encode() + rb" (head|begin|end|done) ?([0-9]*) ?([0-9]*)\n")
        self._pid = re.compile(mark.encode() + rb" pid ([0-9]+) ([0-9]+)\n")
        self._longest = len(mark) + 60
        self._most = sum(ask.limit for ask in asks) + NOISE + 200 * len(asks)
        self._buffer = bytearray()
        self._scan = 0
        self._size = 0
        self._pids: dict[int, int] = {}
        self._errors = b""
        self._at = -1
        self._from = 0
        self._began = 0.0
        self._answers: dict[int, Answer] = {}
        self._skew: float | None = None
        self.expired: set[int] = set()
        self.noise = b""
        self.sent = 0.0
        self.done = False
        self.deadline = clock() + START

    @property
    def arrived(self) -> bool:
        """Whether any whole answer came."""
        return bool(self._answers)

    def feed(self, data: bytes) -> None:
        """More of stdout. More than all limits together ends the round: then something else than our script is talking."""
        self._buffer += data
        self._size += len(data)
        while (found := self._line.search(self._buffer, self._scan)) is not None and not self.done:
            self._mark(found)
            # A mark's last newline may be the first of the next one.
            self._scan = found.end() - 1
        if self._at < 0 and self._skew is None:
            self.noise = bytes(self._buffer[:400])
        self._scan = max(self._scan, len(self._buffer) - self._longest)
        self.done = self.done or self._size > self._most

    def feed_pids(self, data: bytes) -> None:
        """More of stderr, where the process id of each fragment stands."""
        self._errors = (self._errors + data)[-8192:]
        for index, pid in self._pid.findall(self._errors):
            self._pids[int(index)] = int(pid)

    def expire(self, until: float) -> int | None:
        """The current fragment is over its time: its process id, once; it then has until ``until`` to be gone."""
        pid = self._pids.get(self._at)
        if pid is None or self._at in self.expired:
            return None
        self.expired.add(self._at)
        self.deadline = until
        return pid

    def answers(self) -> list[Answer]:
        """One for each ask; not ``complete`` where its end did not come by itself."""
        if self._at >= 0:
            out = bytes(self._buffer[self._from :])
            self._answers[self._at] = self._answer(self._at, out, None)
            self._at = -1
        missing = Answer(b"", None, time.time(), complete=False, skew=self._skew)
        return [self._answers.get(index, missing) for index in range(len(self._asks))]

    def _mark(self, found: re.Match[bytes]) -> None:
        kind, number, more = found[1], found[2], found[3]
        if kind == b"head":
            self._skew = skew(int(number), self.sent, time.time()) if number else None
        elif kind == b"begin" and self._at < 0 and number and int(number) == len(self._answers):
            self._at, self._from, self._began = int(number), found.end(), self._clock()
            self.deadline = self._began + self._asks[self._at].timeout
        elif kind == b"end" and number and int(number) == self._at:
            out = bytes(self._buffer[self._from : found.start()])
            self._answers[self._at] = self._answer(self._at, out, int(more or 1))
            self._at = -1
            self.deadline = self._clock() + START
        elif kind == b"done":
            self.done = True

    def _answer(self, index: int, out: bytes, code: int | None) -> Answer:
        limit = self._asks[index].limit
        complete = code is not None and index not in self.expired
        took = self._clock() - self._began
        return Answer(out[:limit], code if complete else None, time.time(), took, complete, len(out) > limit, self._skew)
