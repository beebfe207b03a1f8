"""Which sites.toml is meant. Imports nothing heavy: the viewer asks first of all."""

from __future__ import annotations

import os
from pathlib import Path

from tui.config.problems import ConfigError, Problem

VARIABLE = "STOREWATCH_SITES"
NAME = "sites.toml"
SYSTEM = Path("/etc/storewatch") / NAME


def find(explicit: str | None = None) -> Path:
    """The real path of the sites.toml to use: ``explicit``, ``$STOREWATCH_SITES``, ``./sites.toml``, the user's config folder,
    ``/etc/storewatch``; the first found wins. Raises ConfigError when a named file does not exist or nothing is found."""
    if explicit is not None:
        return _named(explicit, "--sites")
    if from_environment := os.environ.get(VARIABLE):
        return _named(from_environment, f"${VARIABLE}")
    places = (Path(NAME), user_file(), SYSTEM)
    for place in places:
        if _is_there(place):
            return place.resolve()
    looked = ", ".join(str(place) for place in (Path.cwd() / NAME, *places[1:]))
    raise ConfigError(
        [
            Problem(
                NAME,
                0,
                "",
                f"not found (looked for {looked})",
                "name one with --sites FILE, copy sites.toml.example, or try `storewatch demo`",
            )
        ]
    )


def user_file() -> Path:
    """sites.toml in the user's config folder, there or not."""
    import platformdirs

    return platformdirs.user_config_path("storewatch") / NAME


def _named(name: str, by: str) -> Path:
    path = Path(name).expanduser() if name.startswith("~/") else Path(name)
    if "\0" in name or not _is_there(path):
        raise ConfigError(
            [Problem(name.replace("\0", "?"), 0, "", f"no such file (named by {by})", "check the path, or leave it out to search for one")]
        )
    return path.resolve()


def _is_there(path: Path) -> bool:
    """Whether something lies there; a folder we may not enter counts as there, so that the reader can say why it failed."""
    try:
        path.stat()
    except PermissionError:
        return True
    except (OSError, ValueError, RuntimeError):
        return False
    return True
