"""How a folder's units are listed: one name, one line."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def load(package: str, attribute: str, names: tuple[str, ...]) -> tuple[Any, ...]:
    """``attribute`` of each module ``package.NAME``, in order; where it is a tuple (a file that holds several units) all of them.

    Names rather than imports, so that a new unit is one line. Raises ImportError or AttributeError for a wrong name: a fault of
    the program, found by the first test.
    """
    units: list[Any] = []
    for name in names:
        module = import_module(f"{package}.{name}")
        units += getattr(module, f"{attribute}S", None) or (getattr(module, attribute),)
    return tuple(units)
