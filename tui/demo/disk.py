"""The folders of one demo store, as Capistrano and WordPress would leave them."""

from __future__ import annotations

import gzip
import json
import os
import random
import subprocess
import time
from pathlib import Path

from tui.demo.names import VERSIONS, Cast

DAY = 86_400
BROKEN = "promo_banner_render_legacy();"
"""A call to a function that does not exist: a plugin file that holds it kills every page."""


class Disk:
    """One store's part of the host's file system, below ``root`` (the demo's stand-in for ``/``)."""

    def __init__(self, root: Path, part: Cast) -> None:
        self.part = part
        self.deploy = root / "srv" / part.id
        self.current = self.deploy / "current"
        self.content = self.deploy / "shared" / "wp-content"
        self.plugins = self.content / "plugins"
        self.options = self.deploy / "shared" / "database.json"
        self.errors = root / "var" / "log" / "nginx" / f"{part.id}.error.log"
        self.access = root / "var" / "log" / "nginx" / f"{part.id}.access.log"
        self.debug = self.content / "debug.log"
        self.backups = root / "backup" / part.id

    def lay(self, dice: random.Random) -> None:
        """Create everything: releases, plugins, logs, seven nights of dumps."""
        for folder in (self.plugins, self.errors.parent, self.backups, self.deploy / "releases"):
            folder.mkdir(parents=True, exist_ok=True)
        for log in (self.errors, self.access, self.debug):
            log.touch()
        for name, version in VERSIONS.items():
            self.install_plugin(name, version)
        self.options.write_text(json.dumps({"active_plugins": list(VERSIONS)}))
        now = time.time()
        if self.part.git:
            self._lay_git(now)
        else:
            for age, who in ((21, "mei"), (12, "jonas"), (5, "mei"), (2, "aisha")):
                self.release(now - age * DAY + dice.randrange(3600), who, f"{dice.getrandbits(160):040x}")
        self._lay_backups(dice, now)

    def install_plugin(self, name: str, version: str, body: str = "") -> None:
        """Write a plugin's folder; ``body`` is the PHP that follows its header."""
        folder = self.plugins / name
        folder.mkdir(exist_ok=True)
        title = name.replace("-", " ").title()
        fresh = folder / f".{name}.php.new"
        fresh.write_text(f"<?php\n/*\nPlugin Name: {title}\nVersion: {version}\n*/\n{body}\n")
        fresh.replace(folder / f"{name}.php")

    def release(self, at: float, who: str, commit: str, whole: bool = True) -> str:
        """Deploy a release the way Capistrano does; one that is not ``whole`` lacks its vendor folder. Returns its id."""
        name = time.strftime("%Y%m%d%H%M%S", time.gmtime(at))
        folder = self.deploy / "releases" / name
        folder.mkdir()
        self._fill(folder)
        if whole:
            (folder / "vendor").mkdir()
            (folder / "vendor" / "autoload.php").write_text("<?php\n")
        (folder / "REVISION").write_text(commit + "\n")
        os.utime(folder, (at, at))
        fresh = self.deploy / "releases" / ".current"
        fresh.symlink_to(f"releases/{name}")
        fresh.replace(self.current)
        with (self.deploy / "revisions.log").open("a") as log:
            log.write(f"Branch main (at {commit[:7]}) deployed as release {name} by {who}\n")
        return name

    def _fill(self, folder: Path) -> None:
        (folder / "index.php").write_text("<?php require __DIR__ . '/vendor/autoload.php';\n")
        (folder / "wp-includes").mkdir()
        (folder / "wp-includes" / "version.php").write_text("<?php\n$wp_version = '7.1.1';\n$wp_db_version = 61833;\n")
        (folder / "wp-load.php").write_text("<?php\n")
        (folder / "wp-content").symlink_to(os.path.relpath(self.content, folder))

    def _lay_git(self, now: float) -> None:
        tree = self.current
        tree.mkdir()
        self._fill(tree)
        (tree / "vendor").mkdir()
        (tree / "vendor" / "autoload.php").write_text("<?php\n")

        def git(*argv: str, at: float = now) -> None:
            stamp = f"{int(at)} +0000"
            author = {"GIT_AUTHOR_NAME": "mei", "GIT_AUTHOR_EMAIL": "mei@example.com", "GIT_AUTHOR_DATE": stamp}
            committer = {"GIT_COMMITTER_NAME": "mei", "GIT_COMMITTER_EMAIL": "mei@example.com", "GIT_COMMITTER_DATE": stamp}
            env = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self.deploy), "GIT_CONFIG_NOSYSTEM": "1", **author, **committer}
            subprocess.run(["git", "-C", str(tree), *argv], check=True, capture_output=True, env=env)

        git("init", "-q", "-b", "main")
        for number, age in enumerate((30, 11, 3)):
            (tree / "CHANGES").write_text(f"change {number}\n")
            git("add", "-A", at=now - age * DAY)
            git("commit", "-q", "-m", f"change {number}", at=now - age * DAY)

    def _lay_backups(self, dice: random.Random, now: float) -> None:
        missing = 4 if self.part.fault == "stale-backup" else 0
        night = now - (now % DAY) + 2 * 3600
        if night > now:
            night -= DAY
        for age in range(8, missing - 1, -1):
            at = night - age * DAY
            file = self.backups / time.strftime(f"{self.part.id}-%Y-%m-%d.sql.gz", time.gmtime(at))
            packed = gzip.compress(_dump(self.part.id, dice, at), 6)
            if age == 0 and self.part.fault == "corrupt-backup":
                packed = packed[: len(packed) * 9 // 10]
            file.write_bytes(packed)
            os.utime(file, (at, at))


def _dump(name: str, dice: random.Random, at: float) -> bytes:
    """A dump as mariadb-dump writes it: head line, tables, rows, trailer."""
    lines = ["-- MariaDB dump 10.19  Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)", f"-- Host: localhost    Database: {name}"]
    for table in ("wp_options", "wp_posts", "wp_wc_orders"):
        lines.append(f"CREATE TABLE `{table}` (`id` bigint unsigned NOT NULL, `v` longtext);")
        rows = ",".join(f"({row},'{dice.getrandbits(256):064x}')" for row in range(250))
        lines.append(f"INSERT INTO `{table}` VALUES {rows};")  # noqa: S608 - text of a dump, nobody runs it
    lines.append(time.strftime("-- Dump completed on %Y-%m-%d %H:%M:%S", time.gmtime(at)))
    return ("\n".join(lines) + "\n").encode()
