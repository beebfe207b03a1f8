"""The looking side of a host: facts, sweeps, single looks and streams."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncssh

from tui.model.command import Command, HostFacts, Outcome
from tui.model.failure import ReachError
from tui.model.site import SshTarget
from tui.model.sweep import Answer, Ask
from tui.model.text import clean_bytes, one_line
from tui.reach import failures, script
from tui.reach.hosts import Hosts
from tui.reach.link import Link, Process
from tui.reach.round import START, Round
from tui.reach.slots import Use

CHUNK = 262_144
NOISE = 65_536
"""Bytes that a login shell may print around our output."""
ERRORS = 65_536
"""Bytes of stderr kept of a look."""
GRACE = 5.0
"""Seconds beyond its own limit after which a look is given up even if the host says nothing."""

_SUDO = re.compile(
    rb"sudo: .*(password is required|terminal is required|not in the sudoers|not allowed|no tty present)|is not (in the sudoers|allowed)"
)


class LiveShell:
    """``Shell`` over the shared connection of one host."""

    def __init__(self, hosts: Hosts, target: SshTarget) -> None:
        self._hosts = hosts
        self._target = target

    async def facts(self) -> HostFacts:
        """Who we are there and what it has; asked once per connection. Raises ReachError."""
        link = await self._hosts.link(self._target)
        await link.connection()  # a dead one takes its facts along
        async with link.asking:
            return link.facts or await ask_facts(link, Use.LOOK)

    async def sweep(self, asks: Sequence[Ask]) -> list[Answer]:
        """All fragments: the light ones in one round trip, each heavy one by itself and one at a time per host, answers in the order
        given. A fragment that was ended at its limit, or lost with the link after others had arrived, is an Answer that is not
        ``complete``. Raises ReachError when nothing arrived."""
        link = await self._hosts.link(self._target)
        light = [index for index, ask in enumerate(asks) if not ask.heavy]
        parts = ([light] if light else []) + [[index] for index, ask in enumerate(asks) if ask.heavy]
        rounds = await asyncio.gather(*(_part(link, [asks[index] for index in part]) for part in parts), return_exceptions=True)
        answers: dict[int, Answer] = {}
        errors: list[BaseException] = []
        for part, result in zip(parts, rounds, strict=True):
            if isinstance(result, BaseException):
                errors.append(result)
                result = [Answer(b"", None, time.time(), complete=False) for _ in part]
            answers.update(zip(part, result, strict=True))
        for error in errors:
            if len(errors) == len(parts) or not isinstance(error, ReachError):
                raise error
        return [answers[index] for index in range(len(asks))]

    async def look(self, command: Command, *, timeout: float = 20.0, limit: int = 1_048_576) -> Outcome:
        """Run words that only look. After ``timeout`` seconds or ``limit`` bytes (``cut``) the remote process is ended too. Raises
        ReachError."""
        link = await self._hosts.link(self._target)
        text = await self._text(link, command, timeout)
        mark, started = script.new_mark(), time.monotonic()
        secret = command.secret.reveal() if command.secret is not None else None
        source = script.look(mark, text, seconds=int(timeout) + 30, secret=secret)
        async with link.shell(Use.LOOK, source) as process:
            try:
                async with asyncio.timeout(timeout):
                    out, err = await read_both(link, process, limit + NOISE, ERRORS + NOISE)
            except TimeoutError as error:
                raise failures.failed("command", "timeout", link.where, what=text, seconds=timeout) from error
        return self._outcome(link, command, mark, (out, err), limit, time.monotonic() - started)

    def _outcome(self, link: Link, command: Command, mark: str, raw: tuple[bytes, bytes], limit: int, took: float) -> Outcome:
        found, errors = script.between(raw[0], mark), script.between(raw[1], mark)
        if found is None:
            raise no_shell(link, raw[0] + raw[1])
        (out, code), err = found, (errors or (b"", None))[0][:ERRORS]
        cut = len(out) > limit
        if code is None and not cut:
            raise link.lost()
        if code and command.user is not None and _SUDO.search(err):
            user = link.facts.user if link.facts else link.where.user
            args = {"login": user, "user": command.user, "what": command.argv[0], "detail": clean_bytes(err.strip(), 200)}
            raise failures.failed("command", "sudo", link.where, **args)
        return Outcome(None if cut else code, out[:limit], err, took, cut)

    @asynccontextmanager
    async def stream(self, command: Command) -> AsyncIterator[AsyncIterator[bytes]]:
        """Output as it comes, in chunks; leaving the context ends the remote process. The iterator ends when the command ends with exit 0,
        and raises ReachError when it ends otherwise or the link is lost."""
        link = await self._hosts.link(self._target)
        text = await self._text(link, command, None)
        mark = script.new_mark()
        async with link.shell(Use.STREAM, script.stream(mark, text)) as process:
            errors = asyncio.create_task(_last(process.stderr))
            try:
                yield _chunks(link, process, mark, text, errors)
            finally:
                errors.cancel()
                await asyncio.gather(errors, return_exceptions=True)

    async def _text(self, link: Link, command: Command, timeout: float | None) -> str:
        """The command line. The login user may not end sudo's child, so there ``timeout`` goes along if the host has it."""
        if command.user is None:
            return script.join(command.argv)
        facts = link.facts if link.is_open and link.facts else await self.facts()
        words = command.resolved(facts)
        if timeout is not None and words[0] == "sudo" and "timeout" in facts.tools:
            words = (*words[: len(words) - len(command.argv)], "timeout", "-k", "5", str(int(timeout) + 1), *command.argv)
        return script.join(words)


async def ask_facts(link: Link, use: Use) -> HostFacts:
    """One round trip; remembered on the link. Raises ReachError."""
    mark, sent = script.new_mark(), time.time()
    async with link.shell(use, script.facts(mark)) as process:
        try:
            async with asyncio.timeout(link.limits.login):
                out, err = await read_both(link, process, NOISE, NOISE)
        except TimeoutError as error:
            raise failures.failed("command", "timeout", link.where, what="sh", seconds=link.limits.login) from error
    found = script.between(out, mark)
    if found is None or found[1] is None:
        raise no_shell(link, out + err)
    link.facts = script.read_facts(found[0], sent, time.time())
    return link.facts


def no_shell(link: Link, said: bytes) -> ReachError:
    """Our marks did not come: no sh ran, or the connection went before it began."""
    if not link.is_open:
        return link.lost()
    return failures.failed("session", "no-shell", link.where, detail=one_line(clean_bytes(said.strip(), 400), 200) or "no output")


async def _part(link: Link, asks: Sequence[Ask]) -> list[Answer]:
    if asks[0].heavy:
        async with link.heavy:
            return await _round(link, asks)
    return await _round(link, asks)


async def _round(link: Link, asks: Sequence[Ask]) -> list[Answer]:
    """One exec. We keep the time of each fragment and tell the guard on the host to end one that takes too long."""
    loop = asyncio.get_running_loop()
    mark = script.new_mark()
    turn = Round(mark, asks, loop.time)
    async with link.shell(Use.LOOK, script.sweep(mark, asks)) as process:
        pids = asyncio.create_task(_pids(process, turn))
        turn.sent = time.time()
        try:
            while not turn.done:
                try:
                    async with asyncio.timeout_at(turn.deadline):
                        with link.told():
                            data = await process.stdout.read(CHUNK)
                except TimeoutError:
                    with link.told():
                        if not _end_overdue(process, turn, loop.time()):
                            break
                    continue
                except ReachError:
                    if not turn.arrived:
                        raise
                    break
                if not data:
                    break
                turn.feed(data)
        finally:
            pids.cancel()
            await asyncio.gather(pids, return_exceptions=True)
    if not turn.arrived and not turn.expired:
        if link.is_open and loop.time() >= turn.deadline:
            raise failures.failed("command", "timeout", link.where, what=script.COMMAND, seconds=START)
        raise no_shell(link, turn.noise)
    return turn.answers()


def _end_overdue(process: Process, turn: Round, now: float) -> bool:
    """Have the fragment that runs too long ended; False when that was asked already, or cannot be, and the whole round is given up."""
    pid = turn.expire(now + GRACE)
    if pid is None:
        return False
    process.stdin.write(b"%d\n" % pid)
    return True


async def _pids(process: Process, turn: Round) -> None:
    while data := await process.stderr.read(CHUNK):
        turn.feed_pids(data)


async def read_both(link: Link, process: Process, most: int, most_errors: int) -> tuple[bytes, bytes]:
    """stdout and stderr to their end, or stdout to just over ``most`` bytes; of stderr the first ``most_errors`` are kept. Raises
    ReachError when the connection breaks."""
    errors = bytearray()
    aside = asyncio.create_task(_drain(process.stderr, errors, most_errors))
    try:
        parts: list[bytes] = []
        with link.told():
            while sum(map(len, parts)) <= most:
                if not (data := await process.stdout.read(CHUNK)):
                    await aside
                    break
                parts.append(data)
        return b"".join(parts), bytes(errors)
    finally:
        aside.cancel()
        await asyncio.gather(aside, return_exceptions=True)


async def _drain(reader: asyncssh.SSHReader[bytes], into: bytearray, most: int) -> None:
    """Reading never stops, else a talkative command would block on stderr."""
    while data := await reader.read(CHUNK):
        into += data[: most - len(into)]


async def _last(reader: asyncssh.SSHReader[bytes]) -> bytes:
    """The last words on stderr, read on so that they never block the command."""
    last = b""
    with contextlib.suppress(OSError, asyncssh.Error):  # stdout tells of a broken connection
        while data := await reader.read(CHUNK):
            last = (last + data)[-4096:]
    return last


async def _chunks(link: Link, process: Process, mark: str, text: str, errors: asyncio.Task[bytes]) -> AsyncIterator[bytes]:
    begin, head = f"\n{mark} begin 0\n".encode(), b""
    while begin not in head:
        data = await _chunk(link, process)
        head += data
        if not data or len(head) > NOISE + CHUNK:
            raise no_shell(link, head)
    data = head.partition(begin)[2] or await _chunk(link, process)
    while data:
        yield data
        data = await _chunk(link, process)
    await process.wait_closed()
    if process.exit_status is None and not link.is_open:
        raise link.lost()
    if process.exit_status != 0:
        said = script.between(await errors, mark)
        detail = one_line(clean_bytes((said or (b"",))[0].strip()[-400:]), 200)
        raise failures.failed(
            "command", "ended", link.where, what=text, code=process.exit_status or -1, detail=detail, user=link.where.user
        )


async def _chunk(link: Link, process: Process) -> bytes:
    with link.told():
        return await process.stdout.read(CHUNK)
