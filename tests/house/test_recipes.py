"""The recipes of ARCHITECTURE.md, done: a new unit is one new file and one registry line, and everything else follows."""

import filecmp
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PROBE = '''
"""How full the moon is."""
from pydantic import BaseModel, Field
from tui.model.catalogue import Column, ProbeInfo
from tui.model.level import Level
from tui.model.message import msg
from tui.model.probe import SweepProbe
from tui.model.reading import Reading
from tui.model.sweep import Ask


class Settings(BaseModel, extra="forbid"):
    fullness: int = Field(90, description="per cent from which a moon is full")


def read(site, answer, last):
    return Reading(probe="moon", site=site.id, level=Level.OK, summary=msg("waxing"), at=answer.at, values={"full": 42})


PROBE = SweepProbe(
    info=ProbeInfo("moon", "Moon", key="M", fleet=(Column("full", "MOON", "%"),), help="how full the moon is"),
    ask=lambda site, last: Ask("echo 42", every=60), read=read, settings=Settings,
)
'''
ACTION = '''
"""Howl."""
from tui.model.action import Action
from tui.model.catalogue import ActionInfo
from tui.model.message import msg
from tui.model.plan import Plan, Step


def plan(site, readings, choice, host):
    return Plan(action="howl", site=site.id, title=msg("howl"), steps=(Step(("echo", "howl"), msg("the moon is full")),))


ACTION = Action(info=ActionInfo("howl", "Howl", "H", "howls at the moon"), plan=plan)
'''
PLATFORM = '''
"""A shop of the moon."""
from pydantic import BaseModel, Field
from tui.model.shop import Platform


class Settings(BaseModel, extra="forbid"):
    crater: str = Field("tycho", description="where the shop stands")


PLATFORM = Platform(id="lunar", title="Lunar", settings=Settings)
'''
LAYOUT = '''
"""Releases that lie in craters."""
from pydantic import BaseModel, Field
from tui.model.shop import Deploys, Layout


class Settings(BaseModel, extra="forbid"):
    path: str = Field(description="the crater")


LAYOUT = Layout(id="crater", title="Crater", settings=Settings, script=lambda site: "ls", read=lambda data: Deploys(()))
'''
RECIPES = {"probes": ("moon", PROBE), "actions": ("howl", ACTION), "platforms": ("lunar", PLATFORM), "layouts": ("crater", LAYOUT)}

SITES = """
[sites.one]
name = "One"
url = "http://127.0.0.1:9/"
production = false
platform = "lunar"
crater = "copernicus"
ssh = { host = "127.0.0.1" }
deploy = { layout = "crater", path = "/c" }
probes.moon = { fullness = 80 }
"""

LOOK = """
import json, sys, pathlib
from tui.actions import ACTIONS
from tui.config import load, schema
from tui.probes import PROBES
fleet = load(pathlib.Path(sys.argv[1]))
site = fleet.sites["one"]
moon = next(p for p in PROBES if p.info.id == "moon")
from tui.model.sweep import Answer
reading = moon.read(site, Answer(b"42", 0, 1.0), None)
print(json.dumps({
    "probes": [p.info.id for p in PROBES], "keys": [a.info.key for a in ACTIONS], "schema": json.dumps(schema()),
    "settings": site.section("probe.moon", moon.settings).fullness, "crater": site.settings["platform"].crater,
    "layout": site.layout, "values": reading.values,
}))
"""


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the house with one unit more in four folders, made as the recipes say."""
    shutil.copytree(ROOT / "tui", tmp_path / "tui", ignore=shutil.ignore_patterns("__pycache__"))
    for folder, (name, text) in RECIPES.items():
        (tmp_path / "tui" / folder / f"{name}.py").write_text(text)
        registry = tmp_path / "tui" / folder / "__init__.py"
        head, end, tail = registry.read_text().rpartition("    ),\n")
        assert end, f"{folder}: the registry is not a tuple of names, one a line"
        registry.write_text(f'{head}        "{name}",\n{end}{tail}')
    return tmp_path


def run(house: Path, *argv: str) -> subprocess.CompletedProcess:
    env = {**os.environ, "PYTHONPATH": str(house), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run([sys.executable, *argv], capture_output=True, text=True, cwd=house, env=env, check=False)


def changed(one: Path, other: Path) -> list[str]:
    found = []
    stack = [filecmp.dircmp(one, other, ignore=["__pycache__"])]
    while stack:
        pair = stack.pop()
        found += [str(Path(pair.right, name).relative_to(other)) for name in (*pair.diff_files, *pair.right_only, *pair.left_only)]
        stack += pair.subdirs.values()
    return sorted(found)


def test_one_file_and_one_line_each(house: Path):
    expected = sorted(str(Path(folder) / file) for folder, (name, _) in RECIPES.items() for file in (f"{name}.py", "__init__.py"))

    assert changed(ROOT / "tui", house / "tui") == expected
    for folder in RECIPES:
        before = (ROOT / "tui" / folder / "__init__.py").read_text().splitlines()
        after = (house / "tui" / folder / "__init__.py").read_text().splitlines()
        assert len(after) == len(before) + 1


def test_catalogue_config_schema_and_json_follow(house: Path):
    (house / "sites.toml").write_text(SITES)
    done = run(house, "-c", LOOK, str(house / "sites.toml"))
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)

    assert "moon" in seen["probes"]
    assert "H" in seen["keys"]
    assert "per cent from which a moon is full" in seen["schema"]
    assert "where the shop stands" in seen["schema"]
    assert seen["settings"] == 80
    assert seen["crater"] == "copernicus"
    assert seen["layout"] == "crater"
    assert seen["values"] == {"full": 42}


def test_a_wrong_value_for_the_new_unit_is_a_clear_error(house: Path):
    (house / "sites.toml").write_text(SITES.replace("fullness = 80", "fulness = 80"))
    done = run(house, "-m", "tui", "--sites", str(house / "sites.toml"), "check", "--offline")

    assert done.returncode == 2
    assert "fullness" in done.stderr
    assert "Traceback" not in done.stderr
