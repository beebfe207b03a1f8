"""``storewatch schema``: the JSON Schema of sites.toml."""

from __future__ import annotations

import argparse
import json
import sys


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """It takes none."""


def run(_args: argparse.Namespace) -> int:
    """Prints the schema; an editor finds it by the line ``#:schema FILE`` at the head of sites.toml."""
    from tui.config import schema

    sys.stdout.write(json.dumps(schema(), indent=2, ensure_ascii=False) + "\n")
    return 0
