"""Writes one site's file into sites.d. A file that a person wrote is never touched."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w

from tui.config.problems import ConfigError, Problem, shown
from tui.config.tables import SITE_ID

HEADER = "# Written by storewatch. Remove this line and the file is yours: it will not be written again."


def write_site(folder: Path, site_id: str, table: Mapping[str, Any]) -> Path:
    """Write ``[sites.SITE_ID]`` to ``folder/SITE_ID.toml``, whole or not at all, and return its path.

    Raises ConfigError for an unusable id, for a file there without our first line, and when the disk refuses.
    """
    path = folder / f"{site_id}.toml"
    if not SITE_ID.fullmatch(site_id):
        raise ConfigError(
            [Problem(shown(folder), 0, f"sites.{site_id[:64]}", "is no usable site id", "use letters, digits, dot, dash, underscore")]
        )
    text = f"{HEADER}\n" + tomli_w.dumps({"sites": {site_id: dict(table)}})
    try:
        _make(folder)
        ours = _is_ours(path)
        if ours is False:
            raise ConfigError(
                [Problem(shown(path), 1, "", "was not written by storewatch and is left alone", "edit it by hand, or move it away")]
            )
        _put(path, text.encode(), replace=ours is True)
    except FileExistsError:
        raise ConfigError([Problem(shown(path), 0, "", "was made by somebody else just now", "look at it, then try again")]) from None
    except OSError as error:
        raise ConfigError(
            [Problem(shown(path), 0, "", f"cannot be written ({error.strerror})", "check the folder, its owner and the disk")]
        ) from None
    return path


def _make(folder: Path) -> None:
    if not folder.is_dir():
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except FileExistsError as error:
            raise NotADirectoryError(20, "there is a file of that name", str(folder)) from error


def _is_ours(path: Path) -> bool | None:
    """Whether the file there begins with our line; None when there is none."""
    try:
        with path.open("rb") as file:
            return file.readline(400).decode("utf-8", "replace").rstrip("\r\n") == HEADER
    except FileNotFoundError:
        return False if path.is_symlink() else None


def _put(path: Path, data: bytes, *, replace: bool) -> None:
    """A new file takes the name by a hard link, which fails where a rename would overwrite what came there meanwhile."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(descriptor, 0o644)
            os.fsync(descriptor)
        if replace:
            Path(name).replace(path)
        else:
            path.hardlink_to(name)
    finally:
        Path(name).unlink(missing_ok=True)
