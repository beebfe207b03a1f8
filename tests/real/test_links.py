"""What lies between the room and the stores: the jump host, host keys, a log that rotates, an sshd that dies."""

import asyncio

import pytest

from tui.config import load
from tui.model.level import Level
from tui.room.server import connect_in_process
from tui.wire.messages import AcceptHostKey, Done, StartTail
from tui.wire.paths import RoomPaths
from tui.wiring import build


async def test_every_probe_sees_a_healthy_store_through_the_jump_host(control):
    for probe in ("uptime", "tls", "host", "errors", "backups", "deploys", "plugins"):
        await control.until(lambda probe=probe: control.reading("acme", probe) is not None, f"first look of {probe}")
    await control.until_level("acme", "uptime", Level.OK)
    assert control.level("acme", "deploys") is Level.OK
    assert control.level("acme", "backups") is Level.OK
    assert {row["key"] for row in control.reading("acme", "plugins").rows} >= {"akismet", "hello"}
    assert control.reading("acme", "deploys").rows[0]["commit"].startswith("000000")
    assert control.reading("cedar", "deploys").level is Level.OK


def causes(control):
    found = [control.reading(store, "host").failure for store in ("acme", "bolt", "cedar")]
    return {failure.cause if failure else "" for failure in found}


async def looked(control, store, probe, seconds=40):
    """Wait for a look that came through, whatever it saw."""
    await control.until(lambda: control.level(store, probe) not in (None, Level.UNKNOWN), f"a look of {probe}", seconds)


async def test_a_dead_jump_host_makes_ssh_unknown_with_one_cause_and_uptime_keeps_its_own(control, lab):
    for store in ("acme", "bolt", "cedar"):
        await looked(control, store, "host")
        await control.until_level(store, "uptime", Level.OK)
    lab.kill_ssh("jump")
    try:
        for store in ("acme", "bolt", "cedar"):
            control.room.schedule.probe_now(store)
        for store in ("acme", "bolt", "cedar"):
            await control.until_level(store, "host", Level.UNKNOWN)
        await control.until(lambda: causes(control) == {f"jump:{lab.user}@{lab.jump_address}:{lab.jump_port}"}, "one shared cause")
        await control.until(
            lambda: any(lab.jump_address in f"{notice.message}" for notice in control.room.notices.current()), "one notice for all"
        )
        for store in ("acme", "bolt", "cedar"):
            assert control.level(store, "uptime") is Level.OK
    finally:
        lab.start_ssh("jump", lab.jump_address, lab.jump_port)
    await looked(control, "acme", "host", seconds=90)


async def test_a_tail_goes_on_through_rotation_and_a_cut_connection(control, lab):
    client = await connect_in_process(control.room)
    tailing = await client.request(StartTail(sites=("acme",), sources=("nginx",), lines=50))
    seen: list[str] = []
    arrived = asyncio.Event()

    async def listen() -> None:
        async for batch in client.tail(tailing.tail):
            seen.extend(record.fields.get("request", "") for record in batch.records)
            arrived.set()

    async def until_seen(path: str) -> None:
        async with asyncio.timeout(40):
            while not any(path in text for text in seen):
                arrived.clear()
                await arrived.wait()

    listener = asyncio.create_task(listen())
    try:
        lab.append_error("acme", "/n/1")
        await until_seen("/n/1")
        lab.append_error("acme", "/n/2")
        lab.rotate(lab.error_log("acme"))
        lab.append_error("acme", "/n/3")
        await until_seen("/n/3")
        lab.end_sessions("host")
        lab.append_error("acme", "/n/4")
        await until_seen("/n/4")
        numbers = [text.split()[1] for text in seen if "/n/" in text]
        assert numbers == ["/n/1", "/n/2", "/n/3", "/n/4"]
    finally:
        listener.cancel()
        await client.close()


@pytest.fixture
async def stranger(lab, tmp_path):
    """A room that has never seen the store host's key."""
    sites = lab.sites(tmp_path / "sites.toml", jump=False)
    text = sites.read_text().replace(str(lab.known_hosts), str(tmp_path / "known_hosts"))
    sites.write_text(text)
    room = build(load(sites), RoomPaths.of(sites))
    yield room, tmp_path / "known_hosts"
    await room.stop()


async def test_an_unknown_host_key_is_asked_for_once_and_then_used(stranger, lab):
    room, _ = stranger
    news = asyncio.Event()
    room.hub.subscribe(lambda _: news.set())
    await room.start()
    client = await connect_in_process(room)
    async with asyncio.timeout(30):
        while not room.host_keys:
            news.clear()
            await news.wait()
    (key,) = room.host_keys.values()
    assert not key.changed
    assert key.fingerprint == lab.fingerprint("host")
    assert isinstance(await client.request(AcceptHostKey(key.host, key.port, key.fingerprint)), Done)
    async with asyncio.timeout(60):
        while (reading := room.memory.latest("acme").get("host")) is None or reading.level is Level.UNKNOWN:
            news.clear()
            await news.wait()
    assert not room.host_keys
    await client.close()


async def test_a_changed_host_key_is_refused_with_both_fingerprints(stranger, lab):
    room, known_hosts = stranger
    other = (lab.root / "jump_key.pub").read_text().split()[:2]
    known_hosts.write_text(f"[{lab.host_address}]:{lab.host_port} {' '.join(other)}\n")
    news = asyncio.Event()
    room.hub.subscribe(lambda _: news.set())
    await room.start()
    async with asyncio.timeout(30):
        while (reading := room.memory.latest("acme").get("host")) is None:
            news.clear()
            await news.wait()
    assert reading.level is Level.UNKNOWN
    assert reading.failure.kind == "changed-key"
    said = reading.failure.message.say() + (reading.failure.remedy.say() if reading.failure.remedy else "")
    assert lab.fingerprint("host") in said
    assert lab.fingerprint("jump") in said
    client = await connect_in_process(room)
    answer = await client.request(AcceptHostKey(lab.host_address, lab.host_port, lab.fingerprint("host")))
    assert not isinstance(answer, Done)
    await client.close()
