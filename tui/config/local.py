"""Files of this machine that sites.toml names: missing, or open to others. Nothing here keeps a fleet from loading: a key may lie
on a disk that is mounted later, and one missing file must not stop the watch over ninety-nine other stores."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tui.config.place import Place
from tui.config.problems import Problem
from tui.model.site import Fleet, Site

MISSING = "does not exist"


def notes_on(fleet: Fleet, places: Mapping[str, Place]) -> tuple[Problem, ...]:
    """What to mend before each site can be reached, in the order of files and lines, each told once."""
    found: set[Problem] = set()
    for site_id, site in fleet.sites.items():
        for path, name, private in _files(site):
            fault = _fault(Path(name), private)
            if fault and not (fault[0].endswith(MISSING) and path == ("ssh", "known_hosts")):  # one that is not there yet knows nobody
                found.add(places[site_id].problem(path, *fault))
    return tuple(sorted(found))


def _files(site: Site) -> list[tuple[tuple[str, str], str, bool]]:
    """Key, path, and whether nobody else may read it."""
    found: list[tuple[tuple[str, str], str | None, bool]] = [(("http", "ca"), site.http.ca, False)]
    if site.ssh is not None:
        found.append((("ssh", "key"), site.ssh.key, True))
        found.append((("ssh", "known_hosts"), site.ssh.known_hosts, False))
        found.append((("ssh", "config"), site.ssh.config if site.ssh.config != "none" else None, False))
    if site.database is not None and site.database.password is not None and site.database.password.kind == "file":
        found.append((("database", "password_file"), site.database.password.value[0], True))
    return [(key, name, private) for key, name, private in found if name is not None]


def _fault(path: Path, private: bool) -> tuple[str, str] | None:
    try:
        mode = path.stat().st_mode
        with path.open("rb"):
            pass
    except FileNotFoundError:
        return f"{path} {MISSING}", "check the path"
    except (OSError, ValueError) as error:
        return f"{path} cannot be read ({getattr(error, 'strerror', None) or error})", "check its owner and mode"
    if private and mode & 0o077:
        return f"{path} may be read by others (mode {mode & 0o777:04o})", f"chmod 600 {path}"
    return None
