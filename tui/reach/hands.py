"""The writing side of a host: steps that run to their end whatever becomes of us."""

from __future__ import annotations

import asyncio
import time

from tui.model.failure import ReachError
from tui.model.plan import Plan
from tui.model.reach import StepState
from tui.model.site import SshTarget
from tui.reach import failures, journal, script
from tui.reach.hosts import Hosts
from tui.reach.link import Link
from tui.reach.shell import no_shell, read_both
from tui.reach.slots import Use

TURNS = 50
"""Turns of one watch, about ten seconds; then the same script is sent again."""
TURN = 30.0
"""Seconds after which a watch that does not come back is asked again."""
_HOPELESS = frozenset(
    {"denied", "unknown-key", "changed-key", "revoked-key", "missing-key", "key-mode", "unreadable-key", "encrypted-key", "no-shell"}
)


class LiveHands:
    """``Hands`` over the shared connection of one host; two of its sessions are kept for them."""

    def __init__(self, hosts: Hosts, target: SshTarget) -> None:
        self._hosts = hosts
        self._target = target

    async def run_step(self, plan: Plan, run: str, step: int, argv: tuple[str, ...]) -> StepState:
        """Run one step to its end, over reconnects; see ``tui.model.reach.Hands``. Raises ReachError: the host was out of reach for
        too long (the step may still be running), its journal could not be written (the step did not begin), or it belongs to
        another plan."""
        link = await self._hosts.link(self._target)
        heard = time.monotonic()
        pause, sent = 0.2, False
        while True:
            mark = script.new_mark()
            try:
                out = await self._turn(link, journal.start(mark, plan, run, step, argv, TURNS), mark)
            except ReachError as error:
                sent = sent or error.failure.step == "session"
                if not sent and (error.failure.step == "config" or error.failure.kind in _HOPELESS):
                    raise
                if time.monotonic() - heard > link.limits.hands_patience:
                    raise
                await asyncio.sleep(pause)
                pause = min(pause * 2, 2.0)
                continue
            heard, pause, sent = time.monotonic(), 0.2, True
            state, trouble = journal.read(out, mark, step)
            if trouble:
                raise failures.failed("command", "other-plan" if trouble == "other plan" else "journal", link.where, detail=trouble)
            if state.began and not state.running:
                return state

    async def look_back(self, run: str, step: int) -> StepState:
        """What the journal says of a step, now. Raises ReachError."""
        link = await self._hosts.link(self._target)
        mark = script.new_mark()
        return journal.read(await self._turn(link, journal.look_back(mark, run, step), mark), mark, step)[0]

    async def forget(self, run: str) -> None:
        """Remove the journal of a finished run. Raises ReachError."""
        link = await self._hosts.link(self._target)
        mark = script.new_mark()
        await self._turn(link, journal.forget(mark, run), mark)

    async def _turn(self, link: Link, source: bytes, mark: str) -> bytes:
        async with link.shell(Use.HANDS, source) as process:
            try:
                async with asyncio.timeout(TURN):
                    out, err = await read_both(link, process, 4 * journal.TAIL, journal.TAIL)
            except TimeoutError as error:
                raise link.lost("no answer") from error
        if not journal.is_whole(out, mark):
            raise no_shell(link, out + err)
        return out
