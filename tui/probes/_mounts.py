"""What ``df`` says, without the file systems that cannot fill up or are not the host's."""

from __future__ import annotations

import re

import msgspec

from tui.model.text import one_line

_ROW = re.compile(r"^(?P<source>.+?) +(?P<size>\d{1,19}) +(?P<used>\d{1,19}) +(?P<free>-?\d{1,19}) +(?:\d+%|-) +(?P<name>/.*)$")
_NEVER = {"squashfs", "iso9660", "erofs", "udf", "cramfs", "proc", "sysfs", "devtmpfs", "devpts", "cgroup", "cgroup2", "efivarfs"}
_SOURCES = {"devtmpfs", "udev", "none", "shm"}
_BELOW = ("/proc", "/sys", "/dev", "/run", "/snap", "/var/lib/docker", "/var/lib/containers", "/var/lib/kubelet")
_MOST = 200
_ESCAPE = re.compile(r"\\([0-7]{3})")


class Mount(msgspec.Struct, frozen=True):
    """One file system. ``name``: raw mount point, ``shown`` its cleaned form; ``used`` and ``inodes`` percent (inodes None where the file
    system has no fixed number of them); ``free`` and ``size`` bytes."""

    name: str
    shown: str
    used: float
    inodes: float | None
    free: int
    size: int


def parse_mounts(space: list[str], inodes: list[str], mounts: list[str]) -> tuple[Mount, ...]:
    """Lines of ``df -Pk``, ``df -Pi`` and /proc/mounts (which may be missing) to the mounts worth watching, fullest first."""
    kinds = _kinds(mounts)
    shares = {name: _percent(used, free) for _, size, used, free, name in _rows(inodes) if size > 0}
    seen: set[tuple[str, int, int]] = set()
    found: list[Mount] = []
    for source, size, used, free, name in sorted(_rows(space), key=lambda row: len(row[4])):
        if size <= 0 or _left_out(source, name, *kinds.get(name, ("", False))) or (source, size, used) in seen:
            continue
        seen.add((source, size, used))  # bind mounts show one disk many times
        found.append(Mount(name, one_line(name, 80), _percent(used, free), shares.get(name), max(0, free) * 1024, size * 1024))
    return tuple(sorted(found, key=lambda mount: -mount.used)[:_MOST])


def _rows(lines: list[str]) -> list[tuple[str, int, int, int, str]]:
    """(source, size, used, free, mount point) of each line that is a row; both may hold spaces."""
    found = []
    for line in lines:
        row = _ROW.match(line) if len(line) < 9000 else None
        if row is not None:
            found.append((row["source"], int(row["size"]), int(row["used"]), int(row["free"]), row["name"]))
    return found


def _percent(used: int, free: int) -> float:
    """As df itself counts: what is reserved for root belongs to neither."""
    whole = used + max(0, free)
    return round(100.0 * used / whole, 1) if whole else 0.0


def _kinds(lines: list[str]) -> dict[str, tuple[str, bool]]:
    """Type and "read only" by mount point, from /proc/mounts, where space, tab and backslash are octal."""
    found = {}
    for line in lines:
        words = line.split(" ")
        if len(words) >= 4:
            name = _ESCAPE.sub(lambda match: chr(int(match[1], 8)), words[1])
            found[name] = (words[2], "ro" in words[3].split(","))
    return found


def _left_out(source: str, name: str, kind: str, read_only: bool) -> bool:
    if name == "/":
        return False
    if read_only or kind in _NEVER or kind == "overlay" or source in _SOURCES:
        return True
    if source.startswith("/dev/loop") and kind == "":  # a snap, and nobody to say so
        return True
    return any(name == folder or name.startswith(folder + "/") for folder in _BELOW)
