"""The part of sites.toml.example that follows from the registries: ``python -m tui.config.example`` writes it anew.

The file is read by people first. Lines ``# key = value`` are keys that may be added where they stand; ``# or: key = value`` may
take the place of the line above it; both are tried one by one by the tests.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_origin

import tomli_w
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from tui.config import units
from tui.model.duration import UNITS, Duration

SITE = "eu"
FILE = Path("sites.toml.example")
MARKS = {
    "site": ("# --- what this version knows: platforms, layouts, vaults, log formats", "# --- end of what this version knows"),
    "units": ("# --- settings of single probes and actions, with their defaults", "# --- end of these settings"),
}
_DURATION = get_args(Duration)[1]
_SAMPLES: dict[str, Any] = {
    "deploy.path": "/srv/eu",
    "backup.path": "/backup/eu/*.sql.gz",
    "backup.incremental": "2h",
    "backup.incremental_path": "/backup/eu/incr/*.sql.gz",
    "user": "www-data",
    "expect": "Add to cart",
    "statuses": [401],
    "ignore": ["/mnt/scratch"],
}
"""What is shown for keys without a default whose unit gives no ``examples`` of its own."""


def block(name: str) -> str:
    """The text between the marks called ``name`` (``site`` or ``units``), with a newline behind each line."""
    lines = _site_lines() if name == "site" else _unit_lines()
    return "".join(line + "\n" for line in lines)


def renewed(text: str) -> str:
    """``text`` with both blocks as the registries have it now. Raises ValueError when a mark is missing."""
    for name, (start, end) in MARKS.items():
        before, found, rest = text.partition(start + "\n")
        old, ended, after = rest.partition(end + "\n")
        if not found or not ended:
            raise ValueError(f"sites.toml.example lacks the marks of block {name!r}")
        text = before + found + block(name) + ended + after
        del old
    return text


def _site_lines() -> Iterator[str]:
    for name, model in units.offered("platform").items():
        yield f'# or: platform = "{name}"'
        for key, field in model.model_fields.items() if model else ():
            yield f"#     {key} = {_value(key, field)}{_why(field)}"
    for outer, choice in (("deploy", "layout"), ("backup", "vault")):
        for name, model in units.offered(choice).items():
            fields = dict(model.model_fields) if model else {}
            needed = {key: _sample(f"{outer}.{key}", field) for key, field in fields.items() if field.is_required()}
            notes = "; ".join(f"{key}: {field.description}" for key, field in fields.items() if field.is_required() and field.description)
            yield _inline(outer, {choice: name, **needed}) + (f"   # {notes}" if notes else "")
            for key, field in fields.items():
                if not field.is_required():
                    yield _inline(outer, {choice: name, **needed, key: _sample(f"{outer}.{key}", field)}) + _why(field)
    yield f"# log formats: {', '.join(units.offered('log format'))}"


def _unit_lines() -> Iterator[str]:
    for outer, kind in (("probes", "probe"), ("actions", "action")):
        for name, model in units.offered(kind).items():
            if model is None or not model.model_fields:
                continue
            yield ""
            yield f"[sites.{SITE}.{outer}.{name}]"
            for key, field in model.model_fields.items():
                hidden = "" if field.is_required() else "# "
                yield f"{hidden}{key} = {_value(key, field)}{_why(field)}"


def _inline(key: str, table: dict[str, Any]) -> str:
    return f"# or: {key} = {{ " + ", ".join(f"{name} = {_toml(value)}" for name, value in table.items()) + " }"


def _why(field: FieldInfo) -> str:
    return f"   # {field.description}" if field.description else ""


def _value(key: str, field: FieldInfo) -> str:
    return _toml(_sample(key, field))


def _toml(value: Any) -> str:
    """``value`` as TOML on one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_toml(part)}" for name, part in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(part) for part in value) + "]"
    return tomli_w.dumps({"v": value}).removeprefix("v = ").rstrip("\n")


def _sample(key: str, field: FieldInfo) -> Any:
    """A value to show: the field's own example, its default, or one made up for its type."""
    if field.examples:
        return field.examples[0]
    default = None if field.is_required() else field.get_default(call_default_factory=True)
    if isinstance(default, BaseModel):
        default = default.model_dump(mode="json", exclude_none=True)
    if _DURATION in field.metadata and isinstance(default, int | float):
        return _span(float(default))
    if default is not None and default != ():
        return default.is_integer() and int(default) if isinstance(default, float) and default.is_integer() else default
    for name in (key, key.rpartition(".")[2]):
        if name in _SAMPLES:
            return _SAMPLES[name]
    return _made_up(field.annotation)


def _made_up(kind: Any) -> Any:
    if _DURATION in getattr(kind, "__metadata__", ()):
        return "1h"
    options = [part for part in get_args(kind) if part is not NoneType]
    origin = get_origin(kind)
    if origin in (tuple, list):
        return [_made_up(options[0])] if options else []
    if options and not isinstance(kind, type):
        return _made_up(options[0])
    return {int: 1, float: 1.0, bool: True}.get(kind, "text")


def _span(seconds: float) -> str:
    for unit in ("w", "d", "h", "m", "s"):
        if seconds >= UNITS[unit] and seconds % UNITS[unit] == 0:
            return f"{int(seconds / UNITS[unit])}{unit}"
    return f"{seconds:g}s"


def main() -> int:
    """Rewrite the blocks of sites.toml.example in the current folder."""
    FILE.write_text(renewed(FILE.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
