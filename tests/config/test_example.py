"""sites.toml.example tells every key the reader knows, and each of its alternatives loads."""

import re
import tomllib
from pathlib import Path

import pytest

from tui.config import ConfigError, load, units
from tui.config.example import FILE, renewed
from tui.config.tables import (
    DatabaseTable,
    HttpTable,
    JourneyTable,
    LogTable,
    PeakTable,
    PhpTable,
    RolesTable,
    RoomTable,
    SiteTable,
    SshTable,
)

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / FILE).read_text(encoding="utf-8")
LINES = TEXT.splitlines()
KEY = r"[A-Za-z0-9_.-]+"
ALTERNATIVE = re.compile(rf"# (or: )?({KEY}) = ")
TOGETHER = re.compile(rf"#     ({KEY} = .*)")


def alternatives() -> list[int]:
    return [number for number, line in enumerate(LINES) if ALTERNATIVE.match(line)]


def key_of(line: str) -> str | None:
    found = re.match(rf"({KEY}) = ", line)
    return found[1] if found else None


def with_alternative(number: int) -> str:
    """The example with the alternative on line ``number`` (from 0) and what goes with it uncommented."""
    lines = list(LINES)
    found = ALTERNATIVE.match(lines[number])
    lines[number] = lines[number].removeprefix("# ").removeprefix("or: ")
    after = number + 1
    while after < len(lines) and (more := TOGETHER.match(lines[after])):
        lines[after] = more[1]
        after += 1
    if found[1]:
        lines[replaced_by(number, found[2])] = ""
    return "\n".join(lines)


def replaced_by(number: int, key: str) -> int:
    """The line an "or" stands for: the one with its key in the same table, else the nearest one above."""
    above = []
    for place in range(number - 1, -1, -1):
        if LINES[place].startswith("["):
            break
        if key_of(LINES[place]):
            above.append(place)
    return next((place for place in above if key_of(LINES[place]) == key), above[0])


def read(text: str, folder: Path):
    path = folder / "sites.toml"
    path.write_text(text, encoding="utf-8")
    return load(path)


def test_the_example_loads(tmp_path):
    fleet = read(TEXT, tmp_path)
    assert list(fleet.sites) == ["eu", "us"]
    site = fleet.sites["eu"]
    assert (site.ssh.user, site.ssh.jump, site.interval) == ("deploy", ("jump.example.com",), 20.0)
    assert (site.layout, site.vault, site.platform) == ("capistrano", "dump", "wordpress")
    assert fleet.sites["us"].ssh is None, "defaults alone name no host"
    assert fleet.peaks[0].name == "Black Friday" and fleet.peaks[0].ends > fleet.peaks[0].starts
    assert fleet.roles.operator == ("shop-ops",)


@pytest.mark.parametrize("number", alternatives(), ids=lambda number: f"line{number + 1}")
def test_each_alternative_loads(number, tmp_path):
    read(with_alternative(number), tmp_path)


def test_each_alternative_is_really_read(tmp_path):
    """A key that is not known would be refused: the test above is no formality."""
    with pytest.raises(ConfigError, match="unknown key"):
        read(TEXT.replace("# warn_days = ", "warn_dyas = "), tmp_path)


def test_the_blocks_are_those_of_the_registries():
    assert renewed(TEXT) == TEXT, "run: python -m tui.config.example"


def test_each_key_is_explained():
    """Behind the key, or in the comment above it."""
    silent = []
    for number, line in enumerate(LINES):
        body = line.removeprefix("# ").removeprefix("or: ").removeprefix("    ").lstrip()
        if not key_of(body) or "platform = " in body or body.startswith(("ssh.jump", "path = ", "format = ", "url = ")):
            continue
        if "   #" not in line and " # " not in line and not LINES[number + 1].startswith("#     "):
            silent.append(f"{number + 1}: {line}")
    assert silent == []


def test_the_example_names_every_key_and_every_unit():
    told: set[str] = set()
    for text in (TEXT, *(with_alternative(number) for number in alternatives())):
        told |= keys_in(tomllib.loads(text))
    assert known_keys() - told == set()
    for kind in ("platform", "layout", "vault", "log format"):
        for name in units.offered(kind):
            assert name in TEXT, f"{kind} {name} is not in the example"


def known_keys() -> set[str]:
    tables = {"room": RoomTable, "roles": RolesTable, "peak": PeakTable, "site": SiteTable}
    tables |= {"site.ssh": SshTable, "site.http": HttpTable, "site.database": DatabaseTable, "site.php": PhpTable}
    tables |= {"site.log": LogTable, "site.journey": JourneyTable}
    tables |= {f"site.probes.{name}": model for name, model in units.offered("probe").items() if model}
    tables |= {f"site.actions.{name}": model for name, model in units.offered("action").items() if model}
    tables |= {f"site.deploy.{name}": model for name, model in units.offered("layout").items() if model}
    tables |= {f"site.backup.{name}": model for name, model in units.offered("vault").items() if model}
    found = {f"{table}.{key}" for table, model in tables.items() for key in model.model_fields}
    if not any(units.offered("action").values()):
        found.remove("site.actions")  # no action of this version has settings
    return found | {f"site.{key}" for key in units.platform_keys()}


def keys_in(table: dict) -> set[str]:
    found = {f"{name}.{key}" for name in ("room", "roles") for key in table.get(name, {})}
    found |= {f"peak.{key}" for peak in table.get("peak", ()) for key in peak}
    for site in table["sites"].values():
        for key, value in site.items():
            found.add(f"site.{key}")
            if key in ("deploy", "backup"):
                unit = value["layout" if key == "deploy" else "vault"]
                found |= {f"site.{key}.{unit}.{part}" for part in value}
            elif key in ("probes", "actions"):
                found |= {f"site.{key}.{unit}.{part}" for unit, settings in value.items() for part in settings}
            else:
                tables = value if isinstance(value, list) else [value]
                found |= {f"site.{key}.{part}" for inner in tables if isinstance(inner, dict) for part in inner}
    return found
