"""Real servers on loopback: two sshd (jump and store host), nginx with TLS, php-fpm, MariaDB, three WordPress stores, WP-CLI.

Everything runs as one plain user: a throw-away user when the tests run as root, else ourselves. Ended by pid.

    acme    capistrano, nginx with $realpath_root (a switch is seen at once)
    bolt    capistrano, nginx with $document_root (old code is served until php-fpm is reloaded)
    cedar   git checkout
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import tomli_w

from tests.real import conf
from tui.demo.certs import Authority

CACHE = Path(__file__).parents[2] / ".cache" / "wp"
TOOLS = ("sshd", "nginx", "php-fpm8.2", "php", "mariadbd", "mariadb-install-db", "mariadb", "mariadb-dump", "ssh-keygen")
STORES = ("acme", "bolt", "cedar")
RELEASES = ("20261118090000", "20261120101500", "20261122090000")
PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"


def missing() -> str:
    """What the lab lacks here, "" when it can run."""
    gone = [tool for tool in TOOLS if shutil.which(tool, path=PATH) is None]
    if not (CACHE / "wp-cli.phar").exists():
        gone.append("wp-cli (npm package wp-studio)")
    return ", ".join(gone)


def _descendants(pid: int) -> list[int]:
    try:
        children = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
    return [found for child in children for found in (*_descendants(child), child)]


def free_port(address: str) -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


class Lab:
    """``start`` builds everything below ``root``; ``stop`` ends every daemon by pid and removes user and folder."""

    jump_address, host_address, shop_address = "127.77.0.2", "127.77.0.3", "127.77.0.4"

    def __init__(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="swlab-"))
        self.root.chmod(0o755)
        self.user = f"swlab{os.getpid() % 100000}" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
        self.run_dir, self.logs, self.stores = self.root / "run", self.root / "log", self.root / "stores"
        self.jump_port, self.host_port, self.shop_port = (
            free_port(address) for address in (self.jump_address, self.host_address, self.shop_address)
        )
        self.daemons: dict[str, subprocess.Popen[bytes]] = {}
        self.php_reload = [str(self.root / "bin" / "reload-fpm")]

    # --- words ---------------------------------------------------------------------------------------------------------

    def as_user(self, *argv: str) -> list[str]:
        return ["runuser", "-u", self.user, "--", *argv] if os.getuid() == 0 else list(argv)

    def run(self, *argv: str, data: bytes | None = None, check: bool = True) -> subprocess.CompletedProcess[bytes]:
        env = {"PATH": PATH, "HOME": str(self.root / "home"), "LC_ALL": "C"}
        done = subprocess.run(self.as_user(*argv), input=data, capture_output=True, env=env, timeout=60)
        if check and done.returncode:
            raise RuntimeError(f"{argv}: {done.returncode}\n{done.stdout[-2000:]!r}\n{done.stderr[-2000:]!r}")
        return done

    def wp(self, store: str, *words: str, check: bool = True) -> subprocess.CompletedProcess[bytes]:
        return self.run("php", str(self.root / "wp-cli.phar"), f"--path={self.current(store)}", *words, check=check)

    def deploy(self, store: str) -> Path:
        return self.stores / store

    def current(self, store: str) -> Path:
        return self.deploy(store) / "current"

    def content(self, store: str) -> Path:
        return self.deploy(store) / "shared" / "wp-content"

    def error_log(self, store: str) -> Path:
        return self.logs / f"{store}.error.log"

    def write(self, path: Path, text: str, mode: int = 0o644) -> None:
        """Write as the shop's user: a new file and a rename, never in place."""
        fresh = path.with_name(f".{path.name}.new")
        fresh.write_text(text)
        fresh.chmod(mode)
        self._own(fresh)
        fresh.replace(path)

    def _own(self, *paths: Path) -> None:
        if os.getuid() == 0:
            entry = pwd.getpwnam(self.user)
            for path in paths:
                os.chown(path, entry.pw_uid, entry.pw_gid, follow_symlinks=False)

    # --- up and down ---------------------------------------------------------------------------------------------------

    def start(self) -> None:
        if os.getuid() == 0:
            subprocess.run(["useradd", "-M", "-d", str(self.root / "home"), "-s", "/bin/sh", self.user], check=True, capture_output=True)
            subprocess.run(["usermod", "-p", "*", self.user], check=True, capture_output=True)
        for folder in ("home", "home/.ssh", "run", "log", "stores", "bin", "tls", "tmp", "backup"):
            (self.root / folder).mkdir()
        shutil.copytree(CACHE / "wordpress", self.root / "core", symlinks=True)
        shutil.copy(CACHE / "wp-cli.phar", self.root / "wp-cli.phar")
        self.authority = Authority(self.root / "tls")
        for store in STORES:
            self.authority.issue(f"{store}.test", 90)
        if os.getuid() == 0:
            subprocess.run(["chown", "-R", f"{self.user}:", str(self.root)], check=True)
        self._keys()
        self.start_ssh("jump", self.jump_address, self.jump_port)
        self.start_ssh("host", self.host_address, self.host_port)
        self._database()
        for store in STORES:
            self._store(store)
        self._web()

    def stop(self) -> None:
        for name in reversed(list(self.daemons)):
            self.end(name)
        if os.getuid() == 0:
            self._end_stragglers()
            subprocess.run(["userdel", self.user], check=False, capture_output=True)
        shutil.rmtree(self.root, ignore_errors=True)

    def _end_stragglers(self) -> None:
        """Whatever the throw-away user still runs (sessions of a killed sshd): its uid is ours alone."""
        uid = pwd.getpwnam(self.user).pw_uid
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    if entry.stat().st_uid == uid:
                        os.kill(int(entry.name), signal.SIGKILL)
                except (FileNotFoundError, ProcessLookupError):
                    continue

    def spawn(self, name: str, *argv: str) -> None:
        env = {"PATH": PATH, "HOME": str(self.root / "home"), "LC_ALL": "C"}
        log = (self.logs / f"{name}.out").open("ab")
        self.daemons[name] = subprocess.Popen(self.as_user(*argv), stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env)
        log.close()

    def end(self, name: str, number: int = signal.SIGTERM) -> None:
        daemon = self.daemons.pop(name)
        pid = self.pid(daemon)
        try:
            os.kill(pid, signal.SIGCONT)
            os.kill(pid, number)
        except ProcessLookupError:
            pass
        try:
            daemon.wait(timeout=10)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()

    def pid(self, daemon: subprocess.Popen[bytes]) -> int:
        """The daemon itself: under runuser it is the child."""
        if os.getuid() != 0:
            return daemon.pid
        children = Path(f"/proc/{daemon.pid}/task/{daemon.pid}/children").read_text().split()
        return int(children[0]) if children else daemon.pid

    def wait_port(self, address: str, port: int, name: str) -> None:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            with socket.socket() as probe:
                probe.settimeout(1)
                if probe.connect_ex((address, port)) == 0:
                    return
            if name in self.daemons and self.daemons[name].poll() is not None:
                break
            time.sleep(0.02)
        raise RuntimeError(f"{name} did not come up: {(self.logs / f'{name}.out').read_text()[-2000:]}")

    # --- parts ---------------------------------------------------------------------------------------------------------

    def _keys(self) -> None:
        ssh = self.root / "home" / ".ssh"
        self.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(ssh / "id"))
        self.run("cp", str(ssh / "id.pub"), str(ssh / "authorized_keys"))
        for name in ("jump", "host"):
            self.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.root / f"{name}_key"))
        self.key = self.root / "client_key"
        shutil.copy(ssh / "id", self.key)
        os.chown(self.key, os.getuid(), os.getgid())
        self.key.chmod(0o600)
        self.known_hosts = self.root / "known_hosts"
        lines = []
        for name, address, port in (("jump", self.jump_address, self.jump_port), ("host", self.host_address, self.host_port)):
            kind, key = (self.root / f"{name}_key.pub").read_text().split()[:2]
            lines.append(f"[{address}]:{port} {kind} {key}\n")
        self.known_hosts.write_text("".join(lines))
        os.chown(self.known_hosts, os.getuid(), os.getgid())

    def start_ssh(self, name: str, address: str, port: int) -> None:
        text = conf.sshd(
            address, port, self.root / f"{name}_key", self.root / "home" / ".ssh" / "authorized_keys", self.run_dir / f"{name}.pid"
        )
        config = self.root / f"sshd_{name}.conf"
        self.write(config, text)
        self.spawn(name, str(shutil.which("sshd", path=PATH)), "-D", "-e", "-f", str(config))
        self.wait_port(address, port, name)

    def _database(self) -> None:
        data, config = self.root / "mysql", self.root / "my.cnf"
        self.socket = self.run_dir / "mysqld.sock"
        self.write(config, conf.mariadb(self.root, data, self.socket))
        auth = ("--auth-root-authentication-method=socket", f"--auth-root-socket-user={self.user}", "--skip-test-db")
        self.run("mariadb-install-db", "--no-defaults", f"--datadir={data}", "--innodb-log-file-size=8M", *auth)
        self.spawn("mariadbd", str(shutil.which("mariadbd", path=PATH)), f"--defaults-file={config}")
        until = time.monotonic() + 20
        while self.run("mariadb", "--no-defaults", f"--socket={self.socket}", "-u", self.user, "-e", "select 1", check=False).returncode:
            if time.monotonic() > until:
                raise RuntimeError((self.logs / "mariadbd.out").read_text()[-2000:])
            time.sleep(0.05)

    def sql(self, text: str) -> bytes:
        return self.run("mariadb", "--no-defaults", f"--socket={self.socket}", "-u", self.user, "-N", data=text.encode()).stdout

    def _store(self, store: str) -> None:
        self.sql(
            f"create database wp_{store}; create user wp_{store}@localhost identified by 'pw_{store}';"
            f"grant all on wp_{store}.* to wp_{store}@localhost;"
        )
        shared = self.content(store)
        script = [
            f"mkdir -p {shared} {self.root}/backup/{store}",
            f"cp -r {self.root}/core/wp-content/. {shared}",
            f"mkdir -p {shared}/uploads",
        ]
        self.run("sh", "-c", "\n".join(["set -e", *script]))
        if store == "cedar":
            self._git_tree(store)
        else:
            for number, release in enumerate(RELEASES):
                self.release(store, release, f"{number + 1:040x}")
        home = f"--url=https://{store}.test:{self.shop_port}"
        self.wp(
            store,
            "core",
            "install",
            home,
            f"--title={store}",
            "--admin_user=admin",
            "--admin_password=x",
            "--admin_email=a@example.com",
            "--skip-email",
        )
        self.wp(store, "plugin", "activate", "hello")
        dump = f"mariadb-dump --no-defaults --socket={self.socket} -u {self.user} wp_{store}"
        file = f"{self.root}/backup/{store}/{store}-1.sql.gz"
        self.run("sh", "-c", f"{dump} | gzip > {file}; touch -d '1 hour ago' {file}")

    def _lay(self, store: str, folder: Path) -> list[str]:
        content = os.path.relpath(self.content(store), folder)
        return [
            f"cp {self.root}/core/*.php {folder}/",
            f"ln -s {self.root}/core/wp-includes {folder}/wp-includes",
            f"ln -s {self.root}/core/wp-admin {folder}/wp-admin",
            f"ln -s {content} {folder}/wp-content",
            f"printf '%s' {folder.name} > {folder}/release.txt",
        ]

    def release(self, store: str, name: str, commit: str, *, broken: bool = False) -> None:
        """Deploy a release as Capistrano does. A ``broken`` one requires a file that is not there."""
        folder = self.deploy(store) / "releases" / name
        self.run("sh", "-c", "\n".join(["set -e", f"mkdir -p {folder}", *self._lay(store, folder)]))
        self.write(folder / "wp-config.php", conf.wp_config(store, self.socket, self.shop_port, self.logs / f"{store}.debug.log"))
        self.write(folder / "REVISION", commit + "\n")
        if broken:
            self.write(folder / "index.php", "<?php\nrequire __DIR__ . '/vendor/autoload.php';\n")
        self.run("ln", "-s", f"releases/{name}", str(self.deploy(store) / "current.new"))
        self.run("mv", "-T", str(self.deploy(store) / "current.new"), str(self.current(store)))
        line = f"Branch main (at {commit[:7]}) deployed as release {name} by mei\n"
        self.run("sh", "-c", f"cat >> {self.deploy(store)}/revisions.log", data=line.encode())

    def _git_tree(self, store: str) -> None:
        folder = self.current(store)
        self.run("sh", "-c", "\n".join(["set -e", f"mkdir -p {folder}", *self._lay(store, folder)]))
        self.write(folder / "wp-config.php", conf.wp_config(store, self.socket, self.shop_port, self.logs / f"{store}.debug.log"))
        self.write(folder / ".gitignore", "wp-content\nwp-includes\nwp-admin\n")
        self.run("git", "-C", str(folder), "init", "-q", "-b", "main")
        self.git_commit(store, "first")

    def git_commit(self, store: str, message: str) -> None:
        folder = str(self.current(store))
        who = ("-c", "user.name=mei", "-c", "user.email=mei@example.com")
        self.run("git", "-C", folder, "add", "-A")
        self.run("git", "-C", folder, *who, "commit", "-q", "--allow-empty", "-m", message)

    def _web(self) -> None:
        self.fpm_socket = self.run_dir / "fpm.sock"
        self.write(self.root / "fpm.conf", conf.php_fpm(self.root, self.fpm_socket))
        self.write(self.root / "bin" / "reload-fpm", f'#!/bin/sh\nexec kill -USR2 "$(cat {self.run_dir}/fpm.pid)"\n', 0o755)
        self.start_fpm()
        self.write(self.root / "nginx.conf", conf.nginx(self.root, self.shop_address, self.shop_port, self.fpm_socket, STORES))
        self.spawn("nginx", str(shutil.which("nginx", path=PATH)), "-e", str(self.logs / "nginx.log"), "-c", str(self.root / "nginx.conf"))
        self.wait_port(self.shop_address, self.shop_port, "nginx")

    def start_fpm(self) -> None:
        self.spawn("fpm", str(shutil.which("php-fpm8.2", path=PATH)), "-F", "-y", str(self.root / "fpm.conf"))
        until = time.monotonic() + 20
        while not self.fpm_socket.exists():
            if time.monotonic() > until:
                raise RuntimeError((self.logs / "fpm.out").read_text()[-2000:])
            time.sleep(0.02)

    # --- faults --------------------------------------------------------------------------------------------------------

    def install_plugin(self, store: str, name: str, body: str) -> None:
        folder = self.content(store) / "plugins" / name
        self.run("mkdir", "-p", str(folder))
        self.write(folder / f"{name}.php", f"<?php\n/*\nPlugin Name: {name}\nVersion: 1.0\n*/\n{body}\n")

    def append_error(self, store: str, path: str) -> None:
        """One more record in nginx's error log, in nginx's own words, written as nginx's user."""
        stamp = time.strftime("%Y/%m/%d %H:%M:%S")
        what = f'open() "{self.current(store)}{path}" failed (2: No such file or directory)'
        tail = f'client: 127.0.0.1, server: {store}.test, request: "GET {path} HTTP/1.1", host: "{store}.test"'
        line = f"{stamp} [error] 1#1: *1 {what}, {tail}\n"
        self.run("sh", "-c", f"cat >> {self.error_log(store)}", data=line.encode())

    def end_sessions(self, name: str) -> None:
        """Cut every SSH session that this sshd serves: its children die, the listener stays."""
        for pid in _descendants(self.pid(self.daemons[name])):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def kill_ssh(self, name: str) -> None:
        """End an sshd and all its sessions at once; nobody logs in between."""
        os.kill(self.pid(self.daemons[name]), signal.SIGSTOP)
        self.end_sessions(name)
        self.end(name, signal.SIGKILL)

    def fingerprint(self, name: str) -> str:
        """SHA256 of a host key as ssh-keygen prints it."""
        return self.run("ssh-keygen", "-lf", str(self.root / f"{name}_key.pub")).stdout.decode().split()[1]

    def rotate(self, path: Path) -> None:
        """Rotate by create, as logrotate with nginx -s reopen."""
        path.rename(path.with_name(path.name + ".1"))
        os.kill(int((self.run_dir / "nginx.pid").read_text()), signal.SIGUSR1)

    # --- the fleet -----------------------------------------------------------------------------------------------------

    def sites(self, path: Path, *, jump: bool = True, production: bool = False) -> Path:
        """Write a sites.toml for the three stores."""
        ssh: dict[str, object] = {
            "host": self.host_address,
            "port": self.host_port,
            "user": self.user,
            "key": str(self.key),
            "known_hosts": str(self.known_hosts),
            "config": "none",
        }
        if jump:
            ssh["jump"] = f"{self.user}@{self.jump_address}:{self.jump_port}"
        table = {
            "room": {"name": "lab", "state": str(path.parent / "state"), "timezone": "UTC"},
            "defaults": {"interval": "2s", "production": production, "platform": "wordpress", "ssh": ssh},
            "sites": {store: self._site(store) for store in STORES},
        }
        path.write_text(tomli_w.dumps(table))
        return path

    def _site(self, store: str) -> dict[str, object]:
        deploy = (
            {"layout": "git", "path": str(self.current(store))}
            if store == "cedar"
            else {"layout": "capistrano", "path": str(self.deploy(store))}
        )
        return {
            "name": f"{store.title()} Store",
            "url": f"https://{store}.test:{self.shop_port}/",
            "root": str(self.current(store)),
            "http": {"connect": f"{self.shop_address}:{self.shop_port}", "ca": str(self.root / "tls" / "ca.pem")},
            "deploy": deploy,
            "backup": {"vault": "dump", "path": f"{self.root}/backup/{store}/*.sql.gz", "full": "1d"},
            "wp": ["php", str(self.root / "wp-cli.phar")],
            "php": {"reload": self.php_reload},
            "log": [
                {"name": "nginx", "format": "nginx-error", "path": str(self.error_log(store))},
                {"name": "debug", "format": "php-error", "path": str(self.logs / f"{store}.debug.log")},
            ],
        }
