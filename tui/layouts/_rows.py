"""Releases as rows of a reading and back, so that an action plans on exactly what the pane shows."""

from __future__ import annotations

from collections.abc import Iterable

from tui.model.reading import Row
from tui.model.shop import Deploys, Release
from tui.model.text import one_line

NO_NAME = "not-utf8"
"""The mark of a release whose folder's name is not UTF-8."""


def name_of(data: bytes) -> str:
    """A folder's name. Bytes that are no UTF-8 become ``\\xNN``: such a release is shown, but no plan can name it (plans are text)."""
    return data.decode("utf-8", "backslashreplace")


def is_name(data: bytes) -> bool:
    """Whether :func:`name_of` gives the very name."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def short(name: str) -> str:
    """A release's id for people: a commit by its first 12 digits, anything else cleaned, on one line."""
    if len(name) in (40, 64) and all(digit in "0123456789abcdef" for digit in name):
        return name[:12]
    return one_line(name, 40)


def row_of(release: Release) -> Row:
    """``key`` is the raw id."""
    return {
        "key": release.id,
        "live": "live" if release.current else "",
        "id": short(release.id),
        "at": release.at,
        "who": release.who,
        "branch": release.branch,
        "commit": release.commit,
        "marks": " ".join(release.marks),
    }


def deploys_of(rows: Iterable[Row]) -> Deploys:
    """What :func:`row_of` made rows of. Rows without a key are left out."""
    releases = tuple(
        Release(
            id=str(row["key"]),
            commit=str(row.get("commit") or ""),
            branch=str(row.get("branch") or ""),
            who=str(row.get("who") or ""),
            at=float(at) if isinstance(at := row.get("at"), int | float) else None,
            current=bool(row.get("live")),
            marks=tuple(str(row.get("marks") or "").split()),
        )
        for row in rows
        if row.get("key")
    )
    return Deploys(releases, current=next((release.id for release in releases if release.current), ""))
