"""``storewatch check`` against a real SSH server and a real web server."""

import asyncio
import getpass
import json
import os
import pty
import sys

import pytest

from tests.cli.conftest import environment
from tests.support.web import Server, response

ME = getpass.getuser()


@pytest.fixture
async def shop():
    async with Server(lambda _head: response(b"<html>shop</html>" * 20)) as server:
        yield server


@pytest.fixture
def site(tmp_path, host, shop):
    """Write sites.toml with one site on that host; more lines may be added, words replaced."""

    def write(more: str = "", known: str | None = None, **replace: str) -> None:
        known = str(host.known_hosts) if known is None else known
        text = (
            f'[sites.eu]\nurl = "{shop.url}"\nssh = {{ host = "127.0.0.1", port = {host.port}, user = "{host.user}", '
            f'key = "{host.key}", known_hosts = "{known}", config = "none" }}\n{more}'
        )
        for old, new in replace.items():
            text = text.replace(old, new)
        (tmp_path / "sites.toml").write_text(text)

    return write


def checks(out: str) -> dict[str, dict]:
    return {check["what"]: check for check in json.loads(out)["sites"][0]["checks"]}


def shell_tool(host, name: str, text: str) -> None:
    """A stand-in on the host's PATH."""
    folder = host.folder / "bin"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)
    host.shell_env["PATH"] = f"{folder}:{os.environ['PATH']}"


async def test_everything_is_fine(run, site, host):
    (host.home / "www").mkdir()
    (host.home / "error.log").touch()
    site(f'root = "{host.home}/www"\nowner = "{ME}"\n[[sites.eu.log]]\nformat = "nginx-error"\npath = "{host.home}/error.log"\n')
    code, out, err = await run("check")
    assert (code, err) == (0, ""), out + err
    assert out.startswith("OK  eu: uptime HTTP 200") and "ssh logged in as" in out and "2 paths readable" in out
    assert out.splitlines()[-1].endswith("1 site, 1 looked at, 0 with something to mend")
    assert host.logins == 1, "one connection does for everything"


async def test_what_is_missing_on_the_host(run, site, host):
    site(
        f'root = "{host.home}/gone"\ndeploy = {{ layout = "capistrano", path = "{host.home}/srv" }}\n'
        f'[[sites.eu.log]]\nformat = "nginx-error"\npath = "{host.home}"\n'
    )
    code, out, _ = await run("check")
    assert code == 3, "the releases could not be looked at, which is worse than a path to correct"
    assert f"root: {host.home}/gone does not exist" in out and "-> check the path" in out
    assert f"log: {host.home} is a folder, not a file" in out and "deploy: " in out


async def test_the_sudoers_line_that_is_missing(run, site, host):
    shell_tool(host, "id", 'case "$1" in -u) echo 1000;; -un) echo deploy;; *) exec /usr/bin/id "$@";; esac')
    shell_tool(host, "sudo", 'echo "sudo: a password is required" >&2; exit 1')
    shell_tool(host, "systemctl", "true")
    site('owner = "www-data"\nphp.reload = ["sudo", "-n", "systemctl", "reload", "php8.2-fpm"]\n')
    code, out, _ = await run("check", "--json")
    found = checks(out)
    assert (code, found["ssh"]["level"], found["owner"]["level"]) == (3, "OK", "UNKNOWN")
    assert found["owner"]["remedy"].endswith("(visudo): deploy ALL=(www-data) NOPASSWD: ALL")
    assert found["php"]["remedy"].endswith(f"deploy ALL=(root) NOPASSWD: {host.folder}/bin/systemctl reload php8.2-fpm")


async def test_a_shop_that_is_down_and_a_host_that_is_not_there(run, site, host, shop):
    shop.answer = lambda _head: response(b"oops", "500 Internal Server Error")
    await host.close()
    site()
    code, out, _ = await run("check", "--json")
    found = checks(out)
    assert code == 1, "CRIT comes before UNKNOWN"
    assert found["uptime"]["level"] == "CRIT" and "500" in found["uptime"]["message"]
    assert (found["ssh"]["level"], found["ssh"]["step"], found["ssh"]["kind"]) == ("UNKNOWN", "connect", "refused")
    assert found["ssh"]["remedy"]
    shop.answer = lambda _head: response(b"<html>shop</html>" * 20)
    code, _, _ = await run("check")
    assert code == 3, "could not look"


async def test_a_missing_key_file(run, site, host):
    site(id_ed25519="id_gone")
    code, out, _ = await run("check")
    assert code == 3, "without its key nobody gets in"
    assert "sites.toml:3: sites.eu.ssh.key: " in out and "id_gone does not exist" in out
    code, out, _ = await run("check", "--offline")
    assert code == 1 and "id_gone does not exist" in out


async def test_offline_looks_at_nothing(run, site, host, shop):
    site()
    code, out, _ = await run("check", "--offline")
    assert code == 0 and out.endswith("1 site, the file is fine\n")
    assert (host.logins, shop.count) == (0, 0)


async def test_an_unknown_site(run, site):
    site()
    code, _, err = await run("check", "us")
    assert code == 2 and "there are: eu" in err


async def test_an_unknown_key_without_a_person_is_shown_not_taken(run, site, host, tmp_path):
    site(known=str(tmp_path / "empty"))
    code, out, _ = await run("check", "--json")
    assert code != 0
    assert json.loads(out)["keys"][0]["fingerprint"] == host.fingerprint and checks(out)["ssh"]["kind"] == "unknown-key"
    code, out, _ = await run("check")
    assert code == 3 and "run this in a terminal to be asked" in out and host.fingerprint in out
    code, out, err = await run("check", "--accept-keys")
    assert host.fingerprint in err and "logged in as" in out
    (tmp_path / "empty").touch()
    code, out, _ = await run("check")
    assert code == 0, "kept for the next time"


async def test_a_changed_key_is_never_taken(run, site, host, tmp_path):
    other = tmp_path / "known_other"
    site(known=str(other))
    key = (host.folder / "id_ed25519.pub").read_text()
    other.write_text(f"[127.0.0.1]:{host.port} {key}")
    code, out, err = await run("check", "--accept-keys")
    assert code == 3 and "CHANGED" in out and host.fingerprint in out and "accepted" not in err
    assert out.count("SHA256:") >= 2, "both fingerprints are shown"


@pytest.mark.parametrize(("answer", "code"), [(b"y\n", 0), (b"\n", 3)])
async def test_a_person_is_asked(answer, code, site, host, tmp_path):
    known = tmp_path / "empty"
    known.touch()
    site(known=str(known))
    ours, theirs = pty.openpty()
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tui", "check"), cwd=tmp_path, env=environment(tmp_path), stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    said = b""
    while b"[y/N]" not in said:
        said += await asyncio.wait_for(asyncio.to_thread(os.read, ours, 4096), 30)
    assert host.fingerprint.encode() in said and b"Nobody has vouched" in said
    os.write(ours, answer)
    reader = asyncio.create_task(asyncio.to_thread(rest, ours))
    assert await asyncio.wait_for(child.wait(), 30) == code
    assert (b"logged in as" in await asyncio.wait_for(reader, 30)) is (code == 0)
    os.close(ours)


def rest(descriptor: int) -> bytes:
    """What comes until the other end is closed (EIO on Linux)."""
    data = b""
    try:
        while more := os.read(descriptor, 4096):
            data += more
    except OSError:
        pass
    return data


async def test_one_host_that_is_down_is_told_once(run, tmp_path, host):
    await host.close()
    lines = [f'[defaults]\nssh = {{ host = "127.0.0.1", port = {host.port}, user = "x", key = "{host.key}", config = "none" }}']
    (tmp_path / "sites.toml").write_text("\n".join(lines + [f"[sites.s{number}]\nroot = '/srv'" for number in range(9)]))
    code, out, _ = await run("check")
    assert code == 3 and out.count("refused the connection") == 1
    assert "s0, s1, s2, s3, s4 and 4 more: ssh: " in out
