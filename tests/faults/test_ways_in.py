"""Every way in which a host keeps us out, beside one that lets us in: each its own clear sentence, and the one goes on."""

import asyncio
import socket

import asyncssh
import pytest

from tests.support.ssh_server import serve
from tui.config import inspect
from tui.model.level import Level
from tui.wire import messages as m


@pytest.fixture
def mute():
    """The port of a host that takes no connection and refuses none: its queue is full."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for one in fillers:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        yield full.getsockname()[1]
        for one in fillers:
            one.close()


@pytest.fixture
async def fleet(house, mute, tmp_path):
    """A room over a well site and one of each fault; ``fleet.faults`` are step, kind and words that must be said."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = closed.getsockname()[1]
    stranger = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    changed, unknown, open_key = tmp_path / "changed", tmp_path / "unknown", tmp_path / "open"
    others = [await serve(tmp_path / name) for name in ("liar", "new")]
    liar, new = others
    changed.write_text(f"[127.0.0.1]:{liar.port} {stranger}\n")
    unknown.touch()
    open_key.write_bytes(house.server.key.read_bytes())
    open_key.chmod(0o644)
    house.faults = {
        "gone": ({"key": str(tmp_path / "no-key")}, "login", "missing-key", (str(tmp_path / "no-key"),)),
        "open": ({"key": str(open_key)}, "login", "key-mode", (str(open_key), "chmod 600")),
        "who": ({"user": "nobody"}, "login", "denied", ("nobody@127.0.0.1",)),
        "shut": ({"port": nobody}, "connect", "refused", (str(nobody),)),
        "hole": ({"port": mute}, "connect", "timeout", (str(mute),)),
        "liar": (
            {"port": liar.port, "known_hosts": str(changed)},
            "hostkey",
            "changed-key",
            (liar.fingerprint, "CHANGED", "ssh-keygen -R"),
        ),
        "new": ({"port": new.port, "known_hosts": str(unknown)}, "hostkey", "unknown-key", (new.fingerprint, "accept")),
    }
    for name, (ssh, *_rest) in house.faults.items():
        house.sites[name] = f'ssh = {house.ssh(**ssh)}\ndeploy = {{ layout = "capistrano", path = "{house.root}" }}\n'
    await house.start()
    yield house
    for other in others:
        await other.close()


async def test_each_fault_is_told_and_the_others_go_on(fleet):
    assert (await fleet.well()).failure is None
    for name, (_ssh, step, kind, words) in fleet.faults.items():
        reading = await fleet.reading("deploys", name, lambda found: found.failure is not None)
        failure = reading.failure
        said = f"{failure.message.say()} {failure.remedy.say()}"
        assert (reading.level, failure.step, failure.kind) == (Level.UNKNOWN, step, kind), said
        assert all(word in said for word in words), (name, said)
        assert "{" not in said.replace("{ host", ""), said
        no = await fleet.client.request(m.GetPlan("rollback", name, "20261120100000"))
        assert isinstance(no, m.No) and no.message.say(), "nothing can be done there, and why is said"
    again = await asyncio.gather(fleet.again("deploys"), fleet.again("uptime"))
    assert [reading.level for reading in again] == [Level.OK, Level.OK], "the well one is still looked at"
    assert {key.changed for key in fleet.room.host_keys.values()} == {True, False}, "both are put before a person"
    assert fleet.room.notices.current() == (), "one machine that lets some users in is not told as down for all"


def test_a_key_that_others_can_read_is_noted_before_anybody_connects(house, tmp_path):
    """Missing and open keys are told by ``storewatch check --offline`` too, with file and line."""
    key = tmp_path / "open"
    key.write_bytes(house.server.key.read_bytes())
    key.chmod(0o644)
    house.sites = {"a": f"ssh = {house.ssh(key=str(key))}\n", "b": f"ssh = {house.ssh(key=str(tmp_path / 'none'))}\n"}
    house.write()
    notes = [str(note) for note in inspect(house.toml).notes]
    assert len(notes) == 2
    assert "chmod 600" in notes[0] and str(key) in notes[0] and "sites.toml:2" in notes[0]
    assert str(tmp_path / "none") in notes[1] and "sites.toml:5" in notes[1]
