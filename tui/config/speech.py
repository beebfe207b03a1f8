"""What a validator found, said in the words of TOML."""

from __future__ import annotations

import datetime as dt
import types
from collections.abc import Iterable
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from tui.config.problems import nearest
from tui.config.tables import DATE

_WANTED = {
    "string_type": "a string",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "tuple_type": "an array",
    "list_type": "an array",
    "set_type": "an array",
    "frozen_set_type": "an array",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "dataclass_type": "a table",
    "none_required": "",
}
_SECRET = ("password", "passwd", "pass", "pwd", "secret", "token", "api_key", "apikey")


def kind_of(value: Any) -> str:
    """What TOML calls ``value``, with its article."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a date or time" if DATE in value else "a table"
    names: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (str, "a string"),
        (int, "a whole number"),
        (float, "a number with a fraction"),
        ((list, tuple), "an array"),
        ((dt.date, dt.time), "a date or time"),
    )
    return next((name for kind, name in names if isinstance(value, kind)), "something else")


def unknown_key(key: str, known: Iterable[str]) -> tuple[str, str]:
    """Message and hint for a key nobody knows; for one that would hold a secret, what to write instead."""
    names = sorted(known)
    if key.lower() in _SECRET:
        stems = sorted({name.removesuffix("_env") for name in names if name.endswith("_env")})
        if stems:
            return "a secret is never written here", "write " + " or ".join(f"{stem}_env, {stem}_file or {stem}_command" for stem in stems)
        return "a secret is never written here, and nothing here needs one", "remove the line"
    if not names:
        return "unknown key", "nothing can be set here"
    return "unknown key", nearest(key, names) or "known here: " + ", ".join(names)


def say(errors: list[ErrorDetails], field: str) -> tuple[str, str]:
    """Message and hint for all that a validator said of one place (a union says something for each of its kinds)."""
    wanted = list(dict.fromkeys(_WANTED[error["type"]] for error in errors if _WANTED.get(error["type"])))
    others = [error for error in errors if error["type"] not in _WANTED]
    if not others and wanted:
        return f"must be {' or '.join(wanted)}, is {kind_of(errors[0]['input'])}", ""
    error = others[0] if others else errors[0]
    return _one(error, field)


def _one(error: ErrorDetails, field: str) -> tuple[str, str]:
    given: dict[str, Any] = error.get("ctx", {})
    match error["type"]:
        case "missing":
            return "is missing", f"write {field} = …"
        case "value_error":
            return str(given.get("error", error["msg"])), ""
        case "literal_error" | "enum":
            choices = str(given.get("expected", "")).replace(" or ", ", ").replace("'", "").split(", ")
            return f"must be one of {', '.join(choices)}", nearest(str(error["input"])[:80], choices)
        case "greater_than_equal" | "greater_than" | "less_than_equal" | "less_than":
            return f"must be {_BOUND[error['type']]} {next(iter(given.values()), '')}", ""
        case "string_too_short":
            return "must not be empty", ""
        case "too_short":
            return f"needs at least {given.get('min_length')} {'entry' if given.get('min_length') == 1 else 'entries'}", ""
        case "too_long" | "string_too_long":
            return f"is longer than {given.get('max_length')}", ""
        case "string_pattern_mismatch":
            pattern = str(given.get("pattern", ""))
            return _PATTERNS.get(pattern, f"must look like the pattern {pattern}"), ""
    return error["msg"][:1].lower() + error["msg"][1:], ""


_PATTERNS = {"^/": "must be an absolute path on the site's host", "^[^/]+$": "must be a name without a slash"}
_BOUND = {"greater_than_equal": "at least", "greater_than": "more than", "less_than_equal": "at most", "less_than": "less than"}


def model_at(model: type[BaseModel], loc: tuple[str | int, ...]) -> type[BaseModel] | None:
    """The settings model that stands at ``loc`` below ``model``, through optional values and arrays; None when none does."""
    here: Any = model
    for part in loc:
        here = _model_in(here)
        if here is None:
            return None
        if isinstance(part, str):
            field = here.model_fields.get(part)
            if field is None:
                return None
            here = field.annotation
    return _model_in(here)


def _model_in(kind: Any) -> type[BaseModel] | None:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind
    if get_origin(kind) in (Union, types.UnionType, tuple, list) or hasattr(kind, "__metadata__"):
        return next((found for part in get_args(kind) if (found := _model_in(part)) is not None), None)
    return None
