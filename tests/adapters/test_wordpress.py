"""Plugins: listed by whatever still works, switched by exact words, renamed as the last resort. The real WP-CLI is in tests/real."""

import json
import os
import shlex
import subprocess
import time
from pathlib import Path

import pytest

from tui.model.command import HostFacts
from tui.model.level import Level
from tui.model.plan import Refused
from tui.model.site import Site, SshTarget
from tui.model.sweep import Answer
from tui.platforms import PLATFORMS
from tui.platforms.wordpress import WordpressSettings
from tui.probes import plugins

WORDPRESS = next(platform for platform in PLATFORMS if platform.id == "wordpress")
OPS = HostFacts(user="ops", uid=1000)
ROWS = [
    {"name": "x; rm -rf $HOME", "status": "active", "version": "1.2", "title": "[red]Promo", "update": "available", "update_version": "2"}
]


@pytest.fixture
def root(tmp_path) -> Path:
    folder = tmp_path / "my shop" / "wp-content" / "plugins"
    for name in ("akismet", "x; rm -rf $HOME", "-rf"):
        (folder / name).mkdir(parents=True)
    (folder / "hello.php").write_text("<?php\n")
    (folder / "index.php").write_text("<?php\n")
    (folder / "readme.txt").write_text("no plugin")
    return tmp_path / "my shop"


def site(root, *wp: str, owner: str | None = None) -> Site:
    settings = {"platform": WordpressSettings(wp=wp or ("wp",))}
    return Site("eu", "EU", platform="wordpress", root=str(root), owner=owner, ssh=SshTarget("web1"), settings=settings)


def look(run, here: Site):
    return plugins.read(here, Answer(run(plugins.ask(here, None).script), 0, time.time()), None)


def test_wp_cli_is_asked_first(shell, root, tmp_path):
    tool = tmp_path / "wp"
    tool.write_text(
        f"#!/bin/sh\nprintf '%s\\n' \"$@\" >{shlex.quote(str(tmp_path / 'args'))}\nprintf '%s' {shlex.quote(json.dumps(ROWS))}\n"
    )
    tool.chmod(0o755)
    reading = look(shell, site(root, str(tool)))
    assert (reading.level, reading.values["how"], reading.summary.say()) == (Level.OK, "wp", "1 of 1 active, updates: 1")
    assert reading.rows[0]["key"] == "x; rm -rf $HOME" and reading.rows[0]["update"] == "2"
    words = (tmp_path / "args").read_text().split("\n")
    assert {f"--path={root}", "--skip-update-check", "--skip-plugins", "--skip-themes", "--format=json"} <= set(words)


@pytest.mark.parametrize(
    "said", ["echo '<html>Database Error</html>'", "echo 'PHP Fatal error:  boom in /x.php:1' >&2; exit 255", "exit 1"]
)
def test_names_of_folders_are_what_is_left(shell, root, tmp_path, said):
    tool = tmp_path / "wp"
    tool.write_text(f"#!/bin/sh\n{said}\n")
    tool.chmod(0o755)
    reading = look(shell, site(root, str(tool)))
    assert (reading.level, reading.values["how"]) == (Level.WARN, "folders")
    assert {row["key"] for row in reading.rows} == {"akismet", "x; rm -rf $HOME", "-rf", "hello"}
    assert "boom" not in said or "boom" in reading.summary.say()


def test_nothing_to_list_is_unknown(dash, tmp_path):
    reading = look(dash, site(tmp_path / "nowhere", "wp-that-is-not-there"))
    assert reading.level is Level.UNKNOWN and reading.failure is not None and reading.failure.remedy is not None


def words(name: str, on: bool, last_resort: bool, host: HostFacts = OPS, owner: str | None = "www-data"):
    (step,) = WORDPRESS.switch(site("/srv/eu/current", owner=owner), name, on, last_resort, host)
    return step


def test_the_words_of_a_switch():
    wp = "sudo -n -u www-data -- wp --path=/srv/eu/current plugin"
    off = words("akismet", False, False)
    assert off.text == f"{wp} deactivate akismet --skip-plugins --skip-themes"
    assert off.undo_text == f"{wp} activate akismet --skip-plugins --skip-themes"
    on = words("akismet", True, False)
    assert (on.text, on.undo_text) == (f"{wp} activate akismet", f"{wp} deactivate akismet --skip-plugins --skip-themes")
    assert words("x; rm -rf $HOME", False, False).argv[-3] == "x; rm -rf $HOME"
    root = words("akismet", False, False, HostFacts(user="root", uid=0))
    assert root.argv[:4] == ("runuser", "-u", "www-data", "--") and "--allow-root" not in root.argv
    assert words("akismet", False, False, HostFacts(user="root", uid=0), owner=None).argv[-1] == "--allow-root"
    assert all("toggle" not in step.argv for step in (off, on))


@pytest.mark.parametrize("name", ["-rf", "--exec=x", "", "..", "a/b"])
def test_names_that_are_no_names_are_refused(name):
    with pytest.raises(Refused):
        words(name, False, False)


@pytest.mark.parametrize("name", ["akismet", "x; rm -rf $HOME", "hello", "-rf"])
@pytest.mark.parametrize("tools", ["gnu", "busybox"])
def test_the_last_resort_renames_and_renames_back(request, root, name, tools):
    path = str(request.getfixturevalue("busybox")) if tools == "busybox" else os.environ["PATH"]
    folder = root / "wp-content" / "plugins"
    before = sorted(entry.name for entry in folder.iterdir())
    (off,) = WORDPRESS.switch(site(root), name, False, True, OPS)

    def run(argv) -> int:
        return subprocess.run(["/bin/sh", "-c", shlex.join(argv)], env={"PATH": path}, capture_output=True, check=False).returncode

    assert run(off.argv) == 0
    gone = "hello.php" if name == "hello" else name
    assert not (folder / gone).exists() and (folder / f"{gone}.off").exists()
    assert run(off.argv) == 3  # done already: nothing is moved into anything
    (on,) = WORDPRESS.switch(site(root), f"{name}.off", True, True, OPS)
    assert on.argv == off.undo
    assert run(off.undo) == 0
    assert sorted(entry.name for entry in folder.iterdir()) == before
