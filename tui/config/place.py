"""Where a value came from, once [defaults] lie under each site; and what is found wrong with it there."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import msgspec
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tui.config import speech
from tui.config.problems import Problem, dotted
from tui.config.source import Document
from tui.config.tables import DATE

M = TypeVar("M", bound=BaseModel)
Path = tuple[str | int, ...]

DEEPEST = 16
"""Levels of tables and arrays; settings need five, and the validator's own parser gives up at some hundred."""

TOO_LARGE, TOO_DEEP = UNUSABLE = ("is a number too large", "is nested too deeply")
"""Findings that the validator must not be shown at all."""


class Place(msgspec.Struct, frozen=True):
    """A table of a file: ``prefix`` is its key path there, ``table`` what it says, ``beneath`` the defaults merged under it."""

    document: Document
    prefix: Path
    table: Mapping[str, Any]
    beneath: Place | None = None

    def depth(self, path: Path) -> int:
        """How many leading parts of ``path`` stand in this very table."""
        here: Any = self.table
        for number, part in enumerate(path):
            in_table = isinstance(here, Mapping) and part in here
            in_array = isinstance(here, list) and isinstance(part, int) and part < len(here)
            if in_table or in_array:
                here = here[part]
            else:
                return number
        return len(path)

    def problem(self, path: Path, message: str, hint: str = "") -> Problem:
        """A problem with the value at ``path``, told where a person wrote it."""
        place = self
        if self.beneath is not None and self.beneath.depth(path) > self.depth(path):
            place = self.beneath
        key = (*place.prefix, *path)
        return place.document.problem(key, place.document.lines.find(key), message, hint)


class Findings:
    """Collects problems; the same mistake in [defaults] of a hundred sites is one."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def add(self, place: Place, path: Path, message: str, hint: str = "") -> None:
        self.problems.append(place.problem(path, message, hint))

    def validate(self, model: type[M], data: Any, place: Place, at: Path = (), known: Iterable[str] = ()) -> M | None:
        """``data`` as ``model``, None when it does not fit: then everything that is wrong was added. ``at`` is where ``data``
        stands below ``place``; ``known`` are more keys that a wrong one may have meant."""
        try:
            return model.model_validate_json(json.dumps(data, default=_as_json), strict=True)
        except ValidationError as error:
            grouped: dict[Path, list[ErrorDetails]] = {}
            for detail in error.errors(include_url=False):
                grouped.setdefault(_real(detail["loc"], data, detail["type"]), []).append(detail)
        for loc, details in grouped.items():
            self.add(place, at + loc, *_words(model, loc, details, known, (*place.prefix, *at, *loc)))
        return None


def _words(model: type[BaseModel], loc: Path, details: list[ErrorDetails], known: Iterable[str], key: Path) -> tuple[str, str]:
    field = str(loc[-1]) if loc else ""
    if details[0]["type"] == "extra_forbidden":
        parent = speech.model_at(model, loc[:-1])
        names = set(parent.model_fields) if parent else set()
        return speech.unknown_key(field, names | set(known) if len(loc) == 1 else names)
    message, hint = speech.say(details, field)
    if details[0]["type"] == "missing" and (parent := speech.model_at(model, loc[:-1])) and field in parent.model_fields:
        hint += f" ({parent.model_fields[field].description})" if parent.model_fields[field].description else ""
    if message.startswith("must be an array, is") and speech.model_at(model, loc):
        hint = f"write [[{dotted(key)}]]"
    elif message == "must be an array, is a string":
        hint = f'write {field} = ["…", "…"]'
    return message, hint


def _real(loc: Path, data: Any, kind: str) -> Path:
    """``loc`` without what only the validator knows (the branches of a union): as far as it stands in ``data``."""
    here = data
    for number, part in enumerate(loc):
        try:
            here = here[part]
        except (KeyError, IndexError, TypeError):
            return loc[: number + 1] if kind == "missing" else loc[:number]
    return loc


def _as_json(value: Any) -> Any:
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return {DATE: value.isoformat()}
    raise TypeError(f"{type(value).__name__} does not come from TOML")


def strange_values(place: Place) -> list[Problem]:
    """Values that TOML allows and nothing here can use: numbers without end or beyond 64 bits, depths, text that a terminal would obey."""
    found: list[Problem] = []
    waiting: list[tuple[Path, Any]] = [((), place.table)]
    while waiting:
        path, value = waiting.pop()
        if len(path) > DEEPEST:
            found.append(place.problem(path[:3], TOO_DEEP))
        elif isinstance(value, dict):
            waiting.extend(((*path, key), part) for key, part in value.items())
            found.extend(place.problem(path, f"has a key with a control character ({_plain(key)})") for key in value if _controls(key))
        elif isinstance(value, list):
            waiting.extend(((*path, number), part) for number, part in enumerate(value))
        elif isinstance(value, str) and _controls(value):
            found.append(place.problem(path, "holds a control character"))
        elif isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
            found.append(place.problem(path, "must be a finite number"))
        elif isinstance(value, int) and not -(2**63) <= value < 2**63:
            found.append(place.problem(path, TOO_LARGE))
    return found


def _controls(text: str) -> bool:
    return not text.isprintable() and any((ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160 for c in text)


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text[:60])
