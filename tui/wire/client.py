"""A viewer's side of the connection to a room."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from tui.model.message import Message, msg
from tui.wire.framing import FrameError, pack, read_body, unpack_to_viewer
from tui.wire.messages import (
    VERSION,
    Body,
    Bye,
    Delta,
    FleetChanged,
    Hello,
    LogBatch,
    Reply,
    Request,
    Result,
    StopTail,
    ToRoom,
    ToViewer,
    Welcome,
)
from tui.wire.pending import Batches, Changes

Heard = Delta | FleetChanged | LogBatch


class RoomGone(Exception):
    """The room ended the connection or died. ``message`` says how, ``remedy`` what to do, None when there is nothing to say."""

    def __init__(self, message: Message, remedy: Message | None = None) -> None:
        super().__init__(message.say())
        self.message = message
        self.remedy = remedy


class WrongVersion(RoomGone):
    """The room speaks another version. ``version`` is its own; ``idle``: it could be restarted now."""

    def __init__(self, bye: Bye) -> None:
        super().__init__(bye.message, bye.remedy)
        self.version = bye.version
        self.idle = bye.idle


class Client:
    """One connection. ``welcome`` is the room as it was when we came.

    What changed since is either handed to ``on_message`` as it comes (a function that returns at once), or, while that is None, kept
    until :meth:`events` or :meth:`tail` take it: coalesced and bounded, so nobody has to take it. ``on_gone`` is called once when
    the room is gone and we did not close.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.on_message: Callable[[Heard], None] | None = None
        self.on_gone: Callable[[RoomGone], None] | None = None
        self.gone: RoomGone | None = None
        self._reader, self._writer = reader, writer
        self._ids = itertools.count(1)
        self._replies: dict[int, asyncio.Future[Result]] = {}
        self._changes = Changes()
        self._tails: dict[int, Batches] = {}
        self._stopped: set[int] = set()
        self._news = asyncio.Event()
        self._pump: asyncio.Task[None] | None = None
        self._closing = False
        self._welcome: Welcome | None = None

    @classmethod
    async def connect(cls, socket: Path, *, read_only: bool = False, name: str = "viewer", timeout: float = 10.0) -> Client:
        """Connect and say hello. Raises OSError when nobody listens there, WrongVersion, or RoomGone when it does not answer as a
        room does within ``timeout`` seconds."""
        reader, writer = await asyncio.open_unix_connection(str(socket))
        return await cls(reader, writer).hello(read_only=read_only, name=name, timeout=timeout)

    async def hello(self, *, read_only: bool = False, name: str = "viewer", timeout: float = 10.0) -> Client:
        """Say hello on a fresh connection and listen from then on; returns self. Raises as :meth:`connect` does."""
        try:
            async with asyncio.timeout(timeout):
                await self._send(Hello(VERSION, read_only, name))
                self._welcome = _expect_welcome(await self._read())
        except (TimeoutError, RoomGone) as error:
            self._writer.transport.abort()
            if isinstance(error, RoomGone):
                raise
            raise RoomGone(msg("the room did not answer within {seconds} s", seconds=round(timeout))) from error
        except BaseException:
            self._writer.transport.abort()
            raise
        self._pump = asyncio.create_task(self._listen())
        return self

    @property
    def welcome(self) -> Welcome:
        if self._welcome is None:
            raise RuntimeError("hello() comes first")
        return self._welcome

    async def request(self, body: Body) -> Result:
        """Ask and wait for the answer. Raises RoomGone when the room goes first."""
        if self.gone is not None:
            raise self.gone
        number = next(self._ids)
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._replies[number] = answer
        try:
            await self._send(Request(number, body))
            return await answer
        finally:
            self._replies.pop(number, None)

    async def events(self) -> AsyncIterator[Delta | FleetChanged]:
        """What changed since the last one taken, coalesced when nobody took it for long. Ends when we close; raises RoomGone when
        the room goes."""
        while True:
            for change in self._changes.take():
                yield change
            if not await self._more(lambda: bool(self._changes)):
                return

    async def pushes(self) -> AsyncIterator[Heard]:
        """Everything the room says by itself: changes, and the batches of all tails. As :meth:`events` otherwise."""
        while True:
            for change in self._changes.take():
                yield change
            for waiting in tuple(self._tails.values()):
                for batch in waiting.take():
                    yield batch
            if not await self._more(lambda: bool(self._changes) or any(self._tails.values())):
                return

    async def tail(self, number: int) -> AsyncIterator[LogBatch]:
        """Batches of one tail, to the one that says ``done``. Raises RoomGone when the room goes. Leaving it early does not end
        the tail: see :meth:`stop_tail`."""
        waiting = self._tails.setdefault(number, Batches())
        while True:
            for batch in waiting.take():
                yield batch
                if batch.done:
                    self._tails.pop(number, None)
                    return
            if number in self._stopped or not await self._more(lambda: bool(waiting)):
                return

    async def stop_tail(self, number: int) -> None:
        """End a tail and drop what waits of it. Raises RoomGone."""
        self._stopped.add(number)
        self._tails.pop(number, None)
        self._wake()
        await self.request(StopTail(number))

    async def close(self) -> None:
        """Leave. Never raises; may be called twice."""
        self._closing = True
        self._writer.close()
        if self._pump is not None:
            self._pump.cancel()
            await asyncio.gather(self._pump, return_exceptions=True)
        self._end(RoomGone(msg("this viewer left the room")))
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # --- within ---------------------------------------------------------------------------------------------------

    async def _more(self, ready: Callable[[], bool]) -> bool:
        """Wait until ``ready``; False when we closed."""
        while not ready():
            if self._closing:
                return False
            if self.gone is not None:
                raise self.gone
            news = self._news
            await news.wait()
        return True

    def _wake(self) -> None:
        """Let everyone who waits look again: each waits on the event of his time, so none can miss it."""
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def _send(self, message: ToRoom) -> None:
        try:
            self._writer.write(pack(message))
            await self._writer.drain()
        except OSError as error:
            raise self.gone or _lost(error) from error

    async def _read(self) -> ToViewer:
        """The next message. Raises RoomGone at the end of the connection or of sense in it."""
        try:
            body = await read_body(self._reader)
            if body is None:
                raise _lost(None)
            return unpack_to_viewer(body)
        except OSError as error:
            raise _lost(error) from error
        except FrameError as error:
            raise RoomGone(error.message) from error

    async def _listen(self) -> None:
        try:
            while True:
                message = await self._read()
                if isinstance(message, Bye):
                    raise RoomGone(message.message, message.remedy)
                self._take(message)
        except RoomGone as gone:
            self._writer.close()
            self._end(gone)
            if self.on_gone is not None and not self._closing:
                self.on_gone(gone)

    def _take(self, message: ToViewer) -> None:
        if isinstance(message, Reply):
            waiting = self._replies.get(message.id)
            if waiting is not None and not waiting.done():
                waiting.set_result(message.result)
        elif isinstance(message, Delta | FleetChanged | LogBatch):
            if self.on_message is not None:
                self.on_message(message)
            else:
                self._keep(message)
                self._wake()

    def _keep(self, message: Heard) -> None:
        if isinstance(message, LogBatch):
            if message.tail not in self._stopped:
                self._tails.setdefault(message.tail, Batches()).put(message)
        elif isinstance(message, FleetChanged):
            self._changes.put(message)
        else:
            self._changes.put_delta(message)

    def _end(self, gone: RoomGone) -> None:
        if self.gone is None:
            self.gone = gone
        for waiting in self._replies.values():
            if not waiting.done():
                waiting.set_exception(self.gone)
        self._wake()


def _lost(error: OSError | None) -> RoomGone:
    if error is None:
        return RoomGone(msg("the room went away without a word"))
    return RoomGone(msg("the connection to the room broke: {error}", error=error.strerror or type(error).__name__))


def _expect_welcome(message: ToViewer) -> Welcome:
    if isinstance(message, Welcome):
        return message
    if isinstance(message, Bye):
        raise WrongVersion(message) if message.version != VERSION else RoomGone(message.message, message.remedy)
    raise RoomGone(msg("the room did not begin with a welcome"))
