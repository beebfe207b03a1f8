"""A room that only talks: it welcomes a viewer to N stores over the real wire and then changes a tenth of them each second."""

from __future__ import annotations

SERVER = r"""
import asyncio, contextlib, os, sys, tempfile, time
from tui.model.catalogue import Catalogue, Column, ProbeInfo
from tui.model.level import Level
from tui.model.message import msg
from tui.model.reading import Reading
from tui.wire.framing import pack
from tui.wire.messages import VERSION, Delta, RoomCard, SiteCard, Welcome

COUNT, CHANGING = int(sys.argv[1]), sys.argv[2] == "changing"
PROBES = tuple(ProbeInfo(name, name.title(), name[0].upper(), fleet=(Column("a", name, "ms", 8), Column("b", name[:3], "%", 6)))
               for name in ("uptime", "errors", "backups", "deploys", "host"))
SITES = tuple(SiteCard(f"s{i}", f"Shop {i:05d}", f"https://s{i}.example.com/", "woocommerce", "capistrano", f"web{i % 50}")
              for i in range(COUNT))

def reading(number, probe, turn):
    level = Level.WARN if (number + turn) % 17 == 0 else Level.OK
    return Reading(probe=probe, site=f"s{number}", level=level, summary=msg("{n} ms", n=100 + turn % 900), at=time.time(), every=10.0,
                   values={"a": 100 + (number * 7 + turn) % 900, "b": (number + turn) % 100})

async def serve(reader, writer):
    with contextlib.suppress(ConnectionError):
        await talk(reader, writer)

async def talk(reader, writer):
    await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big"))
    readings = tuple(reading(number, probe.id, 0) for number in range(COUNT) for probe in PROBES)
    writer.write(pack(Welcome(VERSION, RoomCard("bench", os.getpid(), time.time(), "sites.toml", "0"), Catalogue(PROBES), SITES, readings)))
    turn = 0
    while CHANGING:
        await asyncio.sleep(0.1)
        turn += 1
        some = range(turn * 37 % 100, COUNT, 100)
        writer.write(pack(Delta(tuple(reading(number, PROBES[turn % 5].id, turn) for number in some))))
        await writer.drain()
    await reader.read()

async def main():
    path = os.path.join(tempfile.mkdtemp(), "room")
    server = await asyncio.start_unix_server(serve, path)
    print(path, flush=True)
    await server.serve_forever()

asyncio.run(main())
"""
"""Arguments: number of stores, ``changing`` or ``still``. Prints the path of its socket."""

VIEWER = r"""
import sys
from pathlib import Path
from tui.commands.viewer import ClientLink
from tui.view.app import Options, run_viewer

async def dial():
    from tui.wire.client import Client
    return ClientLink(await Client.connect(Path(sys.argv[1])))

run_viewer(dial, Options(mouse=False))
"""
