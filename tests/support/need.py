"""A program that a test needs and this machine lacks: a skip that says so, except in CI, where it is a failure."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def lacking(reason: str) -> NoReturn:
    """Skip with ``reason``; with CI=true fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
