"""sites.toml and sites.d to a Fleet: every problem at once, each with file, line, key and the nearest right word.

Importing this package costs next to nothing: ``find`` and ``ConfigError`` are here at once for the viewer, while
``load``, ``inspect`` and ``schema`` bring pydantic and the registries with them when they are first called.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui.config.find import find
from tui.config.problems import ConfigError, Problem

if TYPE_CHECKING:
    from tui.config.reader import Loaded
    from tui.model.site import Fleet

__all__ = ["ConfigError", "Problem", "find", "inspect", "load", "schema"]


def load(path: Path) -> Fleet:
    """The fleet of ``path`` and the ``sites.d`` beside it. Raises ConfigError with every problem found."""
    from tui.config.reader import inspect as read

    return read(path).fleet


def inspect(path: Path) -> Loaded:
    """The fleet and what is worth mending on this machine (a missing key file, a key others can read). Raises ConfigError."""
    from tui.config.reader import inspect as read

    return read(path)


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of sites.toml, with the settings of every registered unit."""
    from tui.config.jsonschema import schema as build

    return build()
