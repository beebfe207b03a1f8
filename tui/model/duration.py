"""Spans of time as people write them: ``"30s"``, ``"5m"``, ``"2h"``, ``"1d"``, ``"1w"``, also ``"1h30m"`` and plain numbers of seconds."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
PATTERN = r"^\s*([0-9]+(\.[0-9]+)?\s*(ms|s|m|h|d|w)\s*)+$"
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(ms|s|m|h|d|w)\s*")
_LONGEST = 100 * 365 * 86400.0


def seconds(value: Any) -> float:
    """Seconds of ``value``: text with units or a number of seconds. Raises ValueError for anything else, also negative or endless."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError('must be a span of time such as "30s", "5m", "2h" or "1d"')
    if isinstance(value, str):
        if len(value) > 40 or not re.fullmatch(PATTERN, value, re.ASCII):
            raise ValueError('must be a span of time such as "30s", "5m", "2h" or "1d"')
        found = sum(float(number) * UNITS[unit] for number, unit in _PART.findall(value))
    else:
        found = float(value) if abs(value) <= _LONGEST else math.inf
    if not 0 <= found <= _LONGEST:
        raise ValueError("must be a span of time from 0 to 100 years")
    return found


class _AsSeconds:
    """Teaches pydantic the type without importing it: the model stays free of it, and settings models get text, number and schema."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> dict[str, Any]:
        return {"type": "function-before", "function": {"type": "no-info", "function": seconds}, "schema": handler(source)}

    def __get_pydantic_json_schema__(self, _core: Any, _handler: Any) -> dict[str, Any]:
        return {"anyOf": [{"type": "string", "pattern": PATTERN}, {"type": "number", "minimum": 0}]}


Duration = Annotated[float, _AsSeconds()]
"""The type of a span of time in a settings model: seconds in code, ``"5m"`` or a number in sites.toml."""
