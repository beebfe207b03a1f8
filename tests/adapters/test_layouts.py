"""Layouts over real folders and real git, in each shell: seen, rolled back by the very words of the plan, and taken back."""

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tui.layouts import LAYOUTS
from tui.layouts._rows import deploys_of, row_of
from tui.model.command import HostFacts
from tui.model.plan import Refused
from tui.model.site import Site

CAPISTRANO, GIT = LAYOUTS[0], LAYOUTS[1]
OPS = HostFacts(user="ops", uid=1000)
OLD, LIVE, ODD = "20261101101010", "20261102101010", "odd name\n; rm -rf ~ [red]"


def site(layout, path, **more) -> Site:
    return Site("eu", "EU", layout=layout.id, settings={"layout": layout.settings(path=str(path))}, **more)


@pytest.fixture
def shop(tmp_path) -> Path:
    for name in (OLD, LIVE, ODD):
        folder = tmp_path / "releases" / name
        folder.mkdir(parents=True)
        (folder / "index.php").write_text("<?php\n")
        (folder / "REVISION").write_text("a" * 40)
    (tmp_path / "current").symlink_to(f"releases/{LIVE}")
    (tmp_path / "revisions.log").write_text(
        f"Branch main (at 1a2b3c4) deployed as release {OLD} by mei\nBranch main (at 1a2b3c5) deployed as release {LIVE} by jonas\n"
    )
    return tmp_path


def play(*commands: tuple[str, ...], path: str | None = None) -> None:
    """Run the words as the host would: as text, through its shell."""
    for argv in commands:
        env = {**os.environ, "PATH": path or os.environ["PATH"]}
        subprocess.run(["/bin/sh", "-c", shlex.join(argv)], check=True, capture_output=True, env=env)


def test_capistrano_is_seen_in_each_shell(shell, shop):
    found = CAPISTRANO.read(shell(CAPISTRANO.script(site(CAPISTRANO, shop))))
    assert (found.current, found.trouble) == (LIVE, "")
    assert {release.id for release in found.releases} == {OLD, LIVE, ODD}
    live = next(release for release in found.releases if release.current)
    assert (live.who, live.branch, live.commit) == ("jonas", "main", "a" * 40)
    assert deploys_of([row_of(release) for release in found.releases]) == found


@pytest.mark.parametrize("target", [OLD, ODD])
@pytest.mark.parametrize("modern", [True, False], ids=["mv-T", "old-mv"])
@pytest.mark.parametrize("tools", ["gnu", "busybox"])
def test_capistrano_is_rolled_back_and_forth(request, dash, shop, target, modern, tools):
    path = str(request.getfixturevalue("busybox")) if tools == "busybox" else None
    deploys = CAPISTRANO.read(dash(CAPISTRANO.script(site(CAPISTRANO, shop))))
    host = HostFacts(user="ops", uid=1000, mv_dash_t=modern)
    steps = CAPISTRANO.rollback(site(CAPISTRANO, shop), deploys, target, host)
    before = sorted(entry.name for entry in shop.iterdir())
    play(*[step.argv for step in steps], path=path)
    assert os.readlink(shop / "current") == f"releases/{target}"
    assert sorted(entry.name for entry in (shop / "releases" / LIVE).iterdir()) == ["REVISION", "index.php"]
    assert sorted(entry.name for entry in shop.iterdir()) == before
    play(*[step.undo for step in reversed(steps)], path=path)
    assert os.readlink(shop / "current") == f"releases/{LIVE}"
    assert sorted(entry.name for entry in shop.iterdir()) == before


def test_there_is_always_a_current_release(dash, shop):
    """Stopped after any step, ``current`` is the old release or the new one, and starting again finishes."""
    deploys = CAPISTRANO.read(dash(CAPISTRANO.script(site(CAPISTRANO, shop))))
    for modern in (True, False):
        steps = CAPISTRANO.rollback(site(CAPISTRANO, shop), deploys, OLD, HostFacts(user="ops", uid=1000, mv_dash_t=modern))
        for stop in range(1, len(steps) + 1):
            play(*[step.argv for step in steps[:stop]])
            assert (shop / "current" / "index.php").exists()
            play(*[step.undo for step in reversed(steps[:stop])])
            assert os.readlink(shop / "current") == f"releases/{LIVE}"


def test_a_release_without_files_stops_the_plan(dash, shop):
    deploys = CAPISTRANO.read(dash(CAPISTRANO.script(site(CAPISTRANO, shop))))
    first = CAPISTRANO.rollback(site(CAPISTRANO, shop), deploys, OLD, OPS)[0]
    shutil.rmtree(shop / "releases" / OLD)
    assert subprocess.run(first.argv, check=False, capture_output=True).returncode != 0
    (shop / "releases" / OLD).mkdir()
    assert subprocess.run(first.argv, check=False, capture_output=True).returncode != 0


@pytest.mark.parametrize("target", ["", "..", "20991231000000", "../../etc", LIVE])
def test_what_cannot_be_rolled_back_to_is_refused(dash, shop, target):
    deploys = CAPISTRANO.read(dash(CAPISTRANO.script(site(CAPISTRANO, shop))))
    with pytest.raises(Refused):
        CAPISTRANO.rollback(site(CAPISTRANO, shop), deploys, target, OPS)


def test_it_is_done_by_the_owner(dash, shop):
    deploys = CAPISTRANO.read(dash(CAPISTRANO.script(site(CAPISTRANO, shop))))
    steps = CAPISTRANO.rollback(site(CAPISTRANO, shop, owner="www-data"), deploys, OLD, OPS)
    assert all(step.argv[:5] == ("sudo", "-n", "-u", "www-data", "--") for step in steps)
    assert all(step.undo[:5] == ("sudo", "-n", "-u", "www-data", "--") for step in steps if step.undo and step.undo != ("true",))


@pytest.fixture
def tree(tmp_path):
    env = {**os.environ, "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(tmp_path)}
    who = ("-c", "user.name=mei", "-c", "user.email=mei@example.com")
    folder = tmp_path / "a tree"
    folder.mkdir()

    def git(*argv: str) -> str:
        done = subprocess.run(["git", "-C", str(folder), *who, *argv], check=True, capture_output=True, text=True, env=env)
        return done.stdout.strip()

    git("init", "-q", "-b", "main")
    commits = []
    for number in range(3):
        (folder / "index.php").write_text(f"release {number}")
        git("add", "-A")
        git("commit", "-q", "-m", f"change {number}")
        commits.append(git("rev-parse", "HEAD"))
    return folder, commits, git


def test_git_is_rolled_back_and_forth(dash, tree):
    folder, commits, git = tree
    here = site(GIT, folder)
    found = GIT.read(dash(GIT.script(here)))
    assert found.current == commits[2] and {release.id for release in found.releases} == set(commits)
    assert next(release.branch for release in found.releases if release.current) == "main"
    steps = GIT.rollback(here, found, commits[0], OPS)
    play(*[step.argv for step in steps])
    assert (folder / "index.php").read_text() == "release 0"
    after = GIT.read(dash(GIT.script(here)))
    assert after.current == commits[0]
    assert {release.id for release in after.releases if "rolled-back" in release.marks} == {commits[1], commits[2]}
    play(*[step.undo for step in reversed(steps)])
    assert git("symbolic-ref", "--short", "HEAD") == "main" and git("status", "--porcelain") == ""
    with pytest.raises(Refused):
        GIT.rollback(here, found, "f" * 40, OPS)


def test_a_change_by_hand_is_seen_and_is_not_lost(dash, tree):
    folder, commits, _ = tree
    (folder / "index.php").write_text("by hand")
    found = GIT.read(dash(GIT.script(site(GIT, folder))))
    assert found.releases[0].marks == ("dirty",)
    checkout = GIT.rollback(site(GIT, folder), found, commits[0], OPS)[1]
    assert subprocess.run(checkout.argv, check=False, capture_output=True).returncode != 0
    assert (folder / "index.php").read_text() == "by hand"


def test_looking_does_not_touch_the_index(dash, tree):
    folder, _, _ = tree
    before = (folder / ".git" / "index").stat().st_mtime_ns
    os.utime(folder / "index.php")  # git status would refresh the index now
    dash(GIT.script(site(GIT, folder)))
    assert (folder / ".git" / "index").stat().st_mtime_ns == before


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to be somebody else")
def test_a_tree_of_another_user_is_read(dash, tree):
    folder, commits, _ = tree
    subprocess.run(["chown", "-R", "65534:65534", str(folder)], check=True)
    assert GIT.read(dash(GIT.script(site(GIT, folder)))).current == commits[2]
