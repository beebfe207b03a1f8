"""Getting in, and being told exactly why not."""

import asyncio
import socket

import asyncssh
import pytest

from tests.support.ssh_server import serve
from tui.model.failure import ReachError
from tui.reach.dial import Limits


async def failure(reach, site):
    with pytest.raises(ReachError) as caught:
        await reach.shell(site).facts()
    assert caught.value.failure.remedy is not None
    assert "{" not in caught.value.failure.message.say() + caught.value.failure.remedy.say().replace("{ host", "")
    return caught.value.failure


@pytest.fixture
def fails(tools, reach):
    async def fails(target, through=reach):
        found = await failure(through, tools.site(target))
        return found.step, found.kind

    return fails


async def test_sites_of_one_host_share_one_connection(server, reach, tools):
    shells = [reach.shell(tools.site(server.target(), name)) for name in ("eu", "us", "cn")]
    facts = await asyncio.gather(*(shell.facts() for shell in shells for _ in range(5)))
    assert server.logins == len(server.connections) == 1
    assert {one.home for one in facts} == {str(server.home)}
    assert reach.hosts() == [f"deploy@127.0.0.1:{server.port}"]
    assert len(server.commands) == 1, "facts are asked once per connection"


async def test_a_site_without_ssh_says_which_key_is_missing(reach, tools):
    with pytest.raises(ReachError) as caught:
        reach.shell(tools.site(None))
    failure = caught.value.failure
    assert (failure.step, failure.kind) == ("config", "no-ssh")
    assert failure.remedy.say() == 'Add to [sites.eu]: ssh = { host = "..." }'


async def test_through_a_jump_host_that_is_opened_once(server, jump, tmp_path, make_reach, tools):
    others = [await serve(tmp_path / f"host{number}") for number in range(3)]
    known = tmp_path / "known"
    known.write_text("".join(one.known_hosts.read_text() for one in (server, jump, *others)))
    for one in (*others, jump):
        (one.folder / "id_ed25519.pub").write_text((server.folder / "id_ed25519.pub").read_text())
    reach = make_reach()
    hop = f"hop@127.0.0.1:{jump.port}"
    sites = [tools.site(one.target(jump=(hop,), key=str(server.key), known_hosts=str(known)), str(one.port)) for one in (server, *others)]
    assert reach.jumps(sites[0]) == (hop,)
    facts = await asyncio.gather(*(reach.shell(site).facts() for site in sites))
    assert {one.user for one in facts} != set()
    assert (jump.logins, [one.logins for one in (server, *others)]) == (1, [1, 1, 1, 1])
    assert jump.commands == []
    for one in others:
        await one.close()


async def test_all_behind_a_dead_jump_host_tell_one_cause(server, jump, make_reach, tools):
    await jump.close()
    reach = make_reach(tools.QUICK)
    found = []
    for port in (server.port, 1):
        site = tools.site(server.target(port=port, jump=(f"hop@127.0.0.1:{jump.port}",)))
        found.append(await failure(reach, site))
    assert {one.cause for one in found} == {f"jump:hop@127.0.0.1:{jump.port}"}
    assert {(one.step, one.kind) for one in found} == {("connect", "refused")}
    assert found[0].message.say().startswith("Jump host: hop@127.0.0.1")
    await jump.start()


async def test_a_host_that_refuses_behind_a_good_jump_host_is_its_own_fault(server, jump, make_reach, tools, tmp_path):
    (jump.folder / "id_ed25519.pub").write_text((server.folder / "id_ed25519.pub").read_text())
    known = tmp_path / "known"
    known.write_text(jump.known_hosts.read_text())
    site = tools.site(server.target(port=1, jump=(f"hop@127.0.0.1:{jump.port}",), known_hosts=str(known)))
    found = await failure(make_reach(), site)
    assert (found.cause, found.step) == ("host:127.0.0.1:1", "connect")


async def test_an_unknown_key_is_asked_for_once_and_then_accepted(server, make_reach, tools, tmp_path):
    empty = tmp_path / "empty"
    empty.write_text("")
    site = tools.site(server.target(known_hosts=str(empty)))
    reach = make_reach(tools.QUICK)
    found = await failure(reach, site)
    assert (found.step, found.kind) == ("hostkey", "unknown-key")
    assert server.fingerprint in found.message.say()
    await failure(make_reach(tools.QUICK), site)
    asked = make_reach.asked[0]
    assert (asked.host, asked.port, asked.fingerprint, asked.changed) == ("127.0.0.1", server.port, server.fingerprint, False)
    with pytest.raises(ReachError):
        await reach.accept("127.0.0.1", server.port, "SHA256:other")
    await reach.accept(asked.host, asked.port, asked.fingerprint)
    ours = make_reach.state / "known_hosts"
    assert ours.stat().st_mode & 0o777 == 0o600
    assert await reach.shell(site).facts()
    assert await make_reach().shell(site).facts(), "kept for the next start"
    assert empty.read_text() == ""


async def test_a_changed_key_is_told_apart_and_cannot_be_accepted(server, make_reach, tools):
    known, port = server.known_hosts.read_text(), server.port
    (server.folder / "host_key").unlink()
    await server.close()
    other = await serve(server.folder, port=port)
    other.known_hosts.write_text(known)
    reach = make_reach(tools.QUICK)
    found = await failure(reach, tools.site(other.target()))
    assert (found.step, found.kind) == ("hostkey", "changed-key")
    asked = make_reach.asked[0]
    assert asked.changed
    assert asked.known
    assert {asked.fingerprint, *asked.known} == {other.fingerprint, *asked.known}
    assert asked.fingerprint in found.message.say()
    assert asked.known[0] in found.message.say()
    with pytest.raises(ReachError):
        await reach.accept(asked.host, asked.port, asked.fingerprint)
    await other.close()
    await server.start()


async def test_an_entry_of_the_bare_name_is_not_taken_for_another_port(server, make_reach, tools, tmp_path):
    stranger = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    known = tmp_path / "known"
    known.write_text(f"127.0.0.1 {stranger}\nrubbish\n" + server.known_hosts.read_text())
    assert await make_reach().shell(tools.site(server.target(known_hosts=str(known)))).facts()


async def test_user_known_hosts_file_none_is_still_checked(server, make_reach, tools, tmp_path):
    config = tmp_path / "config"
    config.write_text("Host *\n UserKnownHostsFile none\n StrictHostKeyChecking no\n")
    found = await failure(make_reach(), tools.site(server.target(config=str(config), known_hosts=None)))
    assert found.kind == "unknown-key"


async def test_the_ssh_config_names_host_port_user_key_and_jump(server, jump, make_reach, tools, tmp_path):
    (jump.folder / "id_ed25519.pub").write_text((server.folder / "id_ed25519.pub").read_text())
    home = tmp_path / "me" / ".ssh"
    home.mkdir(mode=0o700)
    (home / "known_hosts").write_text(server.known_hosts.read_text() + jump.known_hosts.read_text())
    (home / "config").write_text(
        f"Host web\n Hostname 127.0.0.1\n Port {server.port}\n User deploy\n IdentityFile {server.key}\n ProxyJump gate\n"
        f"Host gate\n Hostname 127.0.0.1\n Port {jump.port}\n User hop\n IdentityFile {server.key}\n"
    )
    reach = make_reach()
    site = tools.site(server.target(host="web", port=None, user=None, key=None, known_hosts=None, config=None))
    assert (await reach.shell(site).facts()).home == str(server.home)
    assert (jump.logins, server.logins) == (1, 1)
    assert reach.jumps(site) == (f"hop@127.0.0.1:{jump.port}",)


async def test_what_keeps_us_out_is_told_apart(server, make_reach, tools, tmp_path):
    locked, rubbish, open_key = tmp_path / "locked", tmp_path / "rubbish", tmp_path / "open"
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(str(locked), "pkcs8-pem", passphrase="x")
    rubbish.write_text("not a key")
    open_key.write_bytes(server.key.read_bytes())
    for path, mode in ((locked, 0o600), (rubbish, 0o600), (open_key, 0o640)):
        path.chmod(mode)
    stranger = tmp_path / "stranger"
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(str(stranger))
    stranger.chmod(0o600)
    broken = tmp_path / "config"
    broken.write_text("Port many\n")
    for target, kind in (
        (server.target(user="nobody"), "denied"),
        (server.target(key=str(stranger)), "denied"),
        (server.target(key=str(tmp_path / "gone")), "missing-key"),
        (server.target(key=str(open_key)), "key-mode"),
        (server.target(key=str(locked)), "encrypted-key"),
        (server.target(key=str(rubbish)), "unreadable-key"),
        (server.target(port=1), "refused"),
        (server.target(host="no-such-host.invalid"), None),
        (server.target(config=str(broken)), "ssh-config"),
        (server.target(jump=("a b@@:x:",)), "ssh-config"),
    ):
        found = await failure(make_reach(tools.QUICK), tools.site(target))
        assert kind is None or found.kind == kind
        if kind is None:
            assert found.step == "dns"


async def test_a_listener_that_never_speaks_is_given_up(make_reach, tools, server):
    with socket.create_server(("127.0.0.1", 0)) as mute:
        found = await failure(make_reach(tools.QUICK), tools.site(server.target(port=mute.getsockname()[1])))
    assert (found.step, found.kind) == ("login", "no-banner")


async def test_a_host_that_answers_nothing_at_all_is_given_up(make_reach, tools, server):
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for one in fillers:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        found = await failure(make_reach(tools.QUICK), tools.site(server.target(port=full.getsockname()[1])))
        for one in fillers:
            one.close()
    assert (found.step, found.kind) == ("connect", "timeout")


async def test_something_else_behind_the_port_is_named(make_reach, tools, server):
    async def web(reader, writer):
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n" + b"x" * 100_000)
        writer.close()

    http = await asyncio.start_server(web, "127.0.0.1", 0)
    found = await failure(make_reach(tools.QUICK), tools.site(server.target(port=http.sockets[0].getsockname()[1])))
    assert found.step == "login"
    http.close()


async def test_a_failed_host_is_not_hammered_and_says_when_it_is_tried_next(make_reach, tools, server):
    knocks = 0

    async def slam(reader, writer):
        nonlocal knocks
        knocks += 1
        writer.close()

    door = await asyncio.start_server(slam, "127.0.0.1", 0)
    reach = make_reach(Limits(connect=1, login=1))
    site = tools.site(server.target(port=door.sockets[0].getsockname()[1]))
    found = [await failure(reach, site) for _ in range(20)]
    door.close()
    assert knocks == 1
    assert {(one.step, one.kind, one.cause) for one in found} == {("login", "dropped", found[0].cause)}
    assert "next try in 1 s" in found[-1].message.say()


async def test_logins_through_one_jump_host_are_few_at_a_time(jump, make_reach, tools, tmp_path):
    """Twelve hosts behind one jump host: never more than five of them are being logged in to."""
    first = await serve(tmp_path / "first")
    (jump.folder / "id_ed25519.pub").write_text((first.folder / "id_ed25519.pub").read_text())
    known = tmp_path / "known"
    known.write_text(jump.known_hosts.read_text() + f"* {(first.folder / 'host_key.pub').read_text()}\n")
    hop = f"hop@127.0.0.1:{jump.port}"
    reach = make_reach()
    sites = [tools.site(first.target(host=f"127.0.1.{n}", jump=(hop,), known_hosts=str(known)), str(n)) for n in range(1, 13)]
    await first.close()
    first.host = "0.0.0.0"
    await first.start()
    await asyncio.gather(*(reach.shell(site).facts() for site in sites))
    assert (first.logins, jump.logins) == (12, 1)
    assert 1 <= first.peak_pending <= 5
    await first.close()


async def test_a_loop_of_jump_hosts_is_found(make_reach, tools, server, tmp_path):
    config = tmp_path / "config"
    config.write_text("Host a\n ProxyJump b\nHost b\n ProxyJump a\n")
    found = await failure(make_reach(), tools.site(server.target(host="a", config=str(config))))
    assert (found.step, found.kind) == ("config", "jump-loop")
