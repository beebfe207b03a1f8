"""One viewer's connection, seen from the room."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial

import msgspec

from tui.model.message import msg
from tui.model.reading import Reading
from tui.room.desk import Desk
from tui.room.hub import Change
from tui.room.person import Person
from tui.wire.framing import FrameError, pack, pack_split, read_body, unpack_to_room
from tui.wire.messages import Bye, Done, Hello, LogBatch, No, Reply, Request, Result, StopTail, Tailing, ToViewer, Welcome
from tui.wire.pending import Batches, Changes

log = logging.getLogger(__name__)

HELLO_SECONDS = 5.0
BEAT = 0.1
"""Seconds between two deltas: at most ten a second."""
AT_ONCE = 32
"""Requests of one viewer under way; the next is not read before one of them is answered."""
GOODBYE_SECONDS = 1.0


class Visit:
    """What waits for a viewer is bounded: changes coalesce, log records are dropped and counted, answers wait for its reading.

    ``tell`` may be called at any time after construction and never blocks. ``counts``: somebody looks (presence).
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, desk: Desk) -> None:
        self.counts = False
        self._reader, self._writer, self._desk = reader, writer, desk
        self._changes = Changes()
        self._batches = Batches()
        self._replies: list[Reply] = []
        self._tails: set[int] = set()
        self._tasks: set[asyncio.Task[Result]] = set()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._wake = asyncio.Event()
        self._viewers = 0
        self._beat_due = False

    async def hello(self) -> Hello | None:
        """The first message; None when it did not come or was no hello, and then that was said."""
        try:
            async with asyncio.timeout(HELLO_SECONDS):
                body = await read_body(self._reader)
                first = None if body is None else unpack_to_room(body)
        except TimeoutError:
            first = None
        except FrameError as error:
            await self.end(Bye(error.message))
            return None
        if not isinstance(first, Hello):
            await self.end(Bye(msg("a viewer says hello first, within {seconds} s", seconds=round(HELLO_SECONDS))))
            return None
        return first

    async def run(self, who: Person, welcome: Welcome) -> None:
        """Talk until the viewer leaves or :meth:`end`."""
        talking = asyncio.create_task(self._talk(welcome))
        listening = asyncio.create_task(self._listen(who))
        try:
            await asyncio.wait((talking, listening), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (talking, listening):
                task.cancel()
            ends = await asyncio.gather(talking, listening, return_exceptions=True)
        wrong = next((end for end in ends if isinstance(end, FrameError)), None)
        if wrong is not None:
            await self.end(Bye(wrong.message))
        for end in ends:
            if isinstance(end, Exception) and not isinstance(end, OSError | FrameError):
                raise end

    def tell(self, change: Change) -> None:
        """Something changed."""
        self._changes.put(msgspec.structs.replace(change, carry={}) if isinstance(change, Reading) and change.carry else change)
        self._wake.set()

    def tell_viewers(self, viewers: int, *, news: bool) -> None:
        """How many look now; said by itself only when it is ``news``."""
        self._viewers = viewers
        if news:
            self._changes.put_viewers(viewers)
            self._wake.set()

    async def end(self, bye: Bye) -> None:
        """Say good-bye, as far as the viewer still reads, and cut the connection."""
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                self._writer.write(pack(bye))
                self._writer.close()
                await self._writer.wait_closed()
        except (OSError, TimeoutError):
            pass  # it does not listen: cut below
        self._writer.transport.abort()

    async def close(self, stop_tail: Callable[[int], None]) -> None:
        """End what it had asked for. Actions go on: they are the gate's, not the viewer's."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for tail in self._tails:
            stop_tail(tail)
        self._writer.transport.abort()

    # --- within ---------------------------------------------------------------------------------------------------

    async def _talk(self, welcome: Welcome) -> None:
        """Answers at once, the rest on the beat, nothing when there is nothing. Waiting for a slow viewer happens here alone."""
        loop = asyncio.get_running_loop()
        await self._send(welcome)
        next_beat = 0.0
        while True:
            await self._wake.wait()
            self._wake.clear()
            replies, self._replies = self._replies, []
            for reply in replies:
                await self._send(reply)
                self._slots.release()
            if not (self._changes or self._batches):
                continue
            if loop.time() < next_beat:
                if not self._beat_due:
                    self._beat_due = True
                    loop.call_at(next_beat, self._beat)
                continue
            next_beat = loop.time() + BEAT
            for change in self._changes.take(self._viewers):
                await self._send(change)
            for batch in self._batches.take():
                await self._send(batch)

    def _beat(self) -> None:
        self._beat_due = False
        self._wake.set()

    async def _send(self, message: ToViewer) -> None:
        frames, errors = pack_split(message)
        for error in errors:
            log.warning("not sent to a viewer: %s", error)
        if errors and isinstance(message, Reply):
            frames = [pack(Reply(message.id, No(errors[0].message, gate=False)))]
        for frame in frames:
            self._writer.write(frame)
            await self._writer.drain()

    async def _listen(self, who: Person) -> None:
        while (body := await read_body(self._reader)) is not None:
            request = unpack_to_room(body)
            if not isinstance(request, Request):
                raise FrameError(msg("one hello is enough"))
            await self._slots.acquire()
            task = asyncio.create_task(self._handle(who, request))
            self._tasks.add(task)
            task.add_done_callback(partial(self._answer, request))

    async def _handle(self, who: Person, request: Request) -> Result:
        if isinstance(request.body, StopTail) and request.body.tail not in self._tails:
            return Done()  # over already, or another viewer's
        return await self._desk.handle(who, request.body, self._emit)

    def _answer(self, request: Request, task: asyncio.Task[Result]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:  # a fault of ours: on record in the room's log, and the viewer is not left waiting
            log.error("a request failed: %r", request.body, exc_info=error)
            self._replies.append(Reply(request.id, No(msg("the room failed on this: {error}", error=type(error).__name__), gate=False)))
        else:
            result = task.result()
            self._mind_tails(request, result)
            self._replies.append(Reply(request.id, result))
        self._wake.set()

    def _mind_tails(self, request: Request, result: Result) -> None:
        if isinstance(result, Tailing):
            self._tails.add(result.tail)
        elif isinstance(request.body, StopTail):
            self._tails.discard(request.body.tail)
            self._batches.forget(request.body.tail)

    def _emit(self, batch: LogBatch) -> None:
        self._changes.dropped += self._batches.put(batch)
        self._wake.set()
