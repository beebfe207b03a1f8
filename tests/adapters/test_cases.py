"""Every case of tests/cases: what a host said (or might say), and what an adapter must make of it. A bug report is a new file there."""

import json
from pathlib import Path

import pytest

from tui import layouts, logs, platforms, vaults
from tui.model.failure import ReachError
from tui.model.site import LogSource, Site
from tui.probes import host

CASES = Path(__file__).parents[1] / "cases"


def load(*folders: str) -> list:
    found = [path for folder in folders for path in sorted((CASES / folder).glob("*.json"))]
    return [pytest.param(json.loads(path.read_text()), id=f"{path.parent.name}/{path.stem}") for path in found]


def unit(registry, name):
    return next(entry for entry in registry if entry.id == name)


def test_no_folder_of_cases_is_forgotten():
    ours = {"nginx_error", "php_error", "capistrano", "git", "wordpress", "dump", "host"}
    assert ours <= {folder.name for folder in CASES.iterdir()}
    for folder in ours:
        for path in (CASES / folder).glob("*.json"):
            assert json.loads(path.read_text())["origin"].startswith(("captured", "constructed")), path


def records_of(form, case, pieces):
    source = LogSource("log", form.id, "/x", case.get("timezone"))
    parser = form.parser(source, case.get("offset", 0))
    found = [record for piece in pieces for record in parser.feed(piece)]
    return found + parser.flush()


@pytest.mark.parametrize("case", load("nginx_error", "php_error"))
def test_logs(case, request):
    name = request.node.callspec.id.split("/")[0].replace("_", "-")
    form = unit(logs.FORMATS, name)
    data = case["input"].encode()
    found = records_of(form, case, [data])
    assert len(found) == len(case["expect"])
    for record, expected in zip(found, case["expect"], strict=True):
        for key, value in expected.items():
            if key == "fields":
                assert {name: record.fields.get(name) for name in value} == value
            else:
                assert getattr(record, key) == value, key
        assert "\x1b" not in record.raw + record.text + "".join(record.fields.values())
    for size in (1, 7, 100):  # in whatever pieces the bytes come, the records are the same
        assert records_of(form, case, [data[at : at + size] for at in range(0, len(data), size)]) == found


@pytest.mark.parametrize("case", load("capistrano", "git"))
def test_layouts(case, request):
    layout = unit(layouts.LAYOUTS, request.node.callspec.id.split("/")[0])
    data = case["input"].encode()
    if case["expect"] == "ValueError":
        with pytest.raises(ValueError, match=r"\w"):
            layout.read(data)
        return
    found = layout.read(data)
    assert (found.current, found.trouble) == (case["expect"]["current"], case["expect"]["trouble"])
    seen = [[release.id, release.who, [" ".join(sorted(release.marks))]] for release in found.releases]
    wanted = [[name, who, [" ".join(sorted(mark for mark in marks if mark))]] for name, who, marks in case["expect"]["releases"]]
    assert sorted(seen) == sorted(wanted)
    moments = [release.at for release in found.releases if release.at is not None and not release.current]
    assert moments == sorted(moments, reverse=True)
    assert [release.id for release in found.releases if release.current] == (
        [found.current] if found.current in {s[0] for s in seen} else []
    )


@pytest.mark.parametrize("case", load("wordpress"))
def test_plugins(case):
    platform = unit(platforms.PLATFORMS, "wordpress")
    data = case["input"].encode()
    if case["expect"] == "ValueError":
        with pytest.raises(ValueError, match=r"\w"):
            platform.plugins_read(data)
        return
    found = platform.plugins_read(data)
    assert found.how == case["expect"]["how"]
    assert case["expect"]["trouble"] in found.trouble
    assert bool(case["expect"]["trouble"]) == bool(found.trouble)
    assert [[plugin.name, plugin.state, plugin.version] for plugin in found.plugins] == case["expect"]["plugins"]
    assert all(plugin.title.isprintable() for plugin in found.plugins)


@pytest.mark.parametrize("case", load("dump"))
def test_dumps(case):
    vault = unit(vaults.VAULTS, "dump")
    site = Site("eu", "EU", vault="dump", settings={"vault": vault.settings(path="/b/*", **case["settings"])})
    data = case["input"].encode()
    if isinstance(case["expect"], str):
        with pytest.raises({"ValueError": ValueError, "ReachError": ReachError}[case["expect"]]):
            vault.read(site, data, 0.0)
        return
    assert [[backup.name, backup.state, backup.kind] for backup in vault.read(site, data, 0.0)] == case["expect"]


@pytest.mark.parametrize("case", load("host"))
def test_hosts(case):
    data = case["input"].encode()
    if case["expect"] == "ValueError":
        with pytest.raises(ValueError, match=r"\w"):
            host.parse(data)
        return
    machine = host.parse(data)
    expect = case["expect"]
    assert machine.cores == expect["cores"]
    assert len(machine.jiffies) == 8 and sum(machine.jiffies) > 0
    assert machine.memory is not None and machine.memory_used is not None and 0 < machine.memory_used < machine.memory
    for key in ("memory_used", "swap_used"):
        assert key not in expect or getattr(machine, key) == expect[key]
    assert [mount.name for mount in machine.mounts] == expect["mounts"]
    assert all(0 <= mount.used <= 100 for mount in machine.mounts)
