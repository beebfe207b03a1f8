"""``storewatch``: the viewer on the room of a sites.toml, which is started when none runs."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

from tui.view.app import Options, run_viewer
from tui.view.link import Link, LinkError, OtherVersion

if TYPE_CHECKING:  # the first frame is painted before the wire is needed
    from tui.view.link import Push
    from tui.wire.client import Client, WrongVersion
    from tui.wire.messages import Body, Result, Welcome


def run(args: argparse.Namespace) -> int:
    """Exit code of the viewer: 0 when it was left, 2 when there is no sites.toml or no terminal."""
    from tui.config.find import find

    sites = find(args.sites)
    read_only = bool(getattr(args, "read_only", False))
    room = RoomOf(sites, args.state, read_only)
    options = Options(read_only, mouse=args.mouse, ascii=args.ascii, crash_folder=args.state, restart=room.restart)
    return run_viewer(room.dial, options)


class RoomOf:
    """The way to one room, as the view wants it: its errors carry what to do next."""

    def __init__(self, sites: Path, state: Path | None, read_only: bool) -> None:
        self._sites, self._state, self._read_only = sites, state, read_only
        self._other: WrongVersion | None = None

    async def dial(self) -> Link:
        from tui.wire.client import RoomGone, WrongVersion
        from tui.wire.start import NoRoom, ensure_room

        try:
            return ClientLink(await ensure_room(self._sites, self._state, read_only=self._read_only))
        except WrongVersion as error:
            self._other = error
            raise OtherVersion(error.message, error.remedy, error.version, error.idle) from error
        except (RoomGone, NoRoom) as error:
            raise LinkError(error.message, error.remedy) from error

    async def restart(self) -> None:
        """End the room of the other version; the viewer dials again by itself."""
        from tui.wire.client import RoomGone
        from tui.wire.start import NoRoom, restart_room

        if self._other is None:
            return
        try:
            client = await restart_room(self._sites, self._state, self._other, read_only=self._read_only)
        except (RoomGone, NoRoom) as error:
            raise LinkError(error.message, error.remedy) from error
        await client.close()


class ClientLink:
    """A :class:`tui.wire.client.Client` as the view's :class:`~tui.view.link.Link`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def welcome(self) -> Welcome:
        return self._client.welcome

    async def request(self, body: Body) -> Result:
        from tui.wire.client import RoomGone

        try:
            return await self._client.request(body)
        except RoomGone as error:
            raise LinkError(error.message, error.remedy) from error

    async def pushes(self) -> AsyncIterator[Push]:
        from tui.wire.client import RoomGone
        from tui.wire.messages import Bye

        try:
            async for message in self._client.pushes():
                yield message
        except RoomGone as error:
            yield Bye(error.message, error.remedy)

    async def close(self) -> None:
        await self._client.close()
