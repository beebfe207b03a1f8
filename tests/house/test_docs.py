"""The documents are held to the code."""

import re
import tomllib
from pathlib import Path

from tui.cli import COMMANDS
from tui.layouts import LAYOUTS
from tui.logs import FORMATS
from tui.platforms import PLATFORMS
from tui.probes import PROBES
from tui.vaults import VAULTS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text()


def test_each_dependency_has_its_reason():
    libraries = ARCHITECTURE.partition("## Libraries, and why")[2].partition("\n## ")[0].lower()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    missing = [name for line in wanted if (name := re.match(r"[\w-]+", line)[0].lower()) not in libraries]

    assert missing == []


def test_each_dependency_is_pinned_without_an_address():
    constraints = (ROOT / "constraints.txt").read_text()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pinned = {line.partition("==")[0].lower().replace("_", "-") for line in constraints.split()}
    wanted = {re.match(r"[\w-]+", line)[0].lower() for line in (*project["dependencies"], *project["optional-dependencies"]["dev"])}

    assert wanted - pinned == set()
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in constraints.split())


def test_the_readme_names_each_command_probe_and_adapter():
    missing = [name for name in COMMANDS if f"storewatch {name}" not in README]
    missing += [entry.info.id for entry in PROBES if f"`{entry.info.id}`" not in README]
    missing += [entry.id for entry in (*PLATFORMS, *LAYOUTS, *VAULTS, *FORMATS) if f"`{entry.id}`" not in README]

    assert missing == []


def test_pictures_in_the_readme_are_there():
    pictures = re.findall(r"\]\((screenshots/[^)]+)\)", README)

    assert len(pictures) >= 4
    assert [picture for picture in pictures if not (ROOT / picture).exists()] == []


def test_each_room_of_the_house_is_on_the_map():
    rooms = {path.name for path in (ROOT / "tui").iterdir() if path.is_dir() and (path / "__init__.py").exists()}

    assert [room for room in sorted(rooms) if f"`{room}`" not in ARCHITECTURE] == []
