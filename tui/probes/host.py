"""The machine under a store: processor, load, memory, swap, disks, inodes, in one fragment that needs nothing but a shell and /proc."""

from __future__ import annotations

from typing import Any

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from tui.model.catalogue import Column, ProbeInfo
from tui.model.duration import Duration
from tui.model.level import Level
from tui.model.message import Message, msg
from tui.model.probe import SweepProbe
from tui.model.reading import Reading, Row
from tui.model.site import Site
from tui.model.sweep import Answer, Ask
from tui.probes._mounts import Mount, parse_mounts
from tui.probes._reading import Finding, garbled, number, worst

ID = "host"
_JIFFIES = 100  # hundredths of a second on every Linux we may meet


class HostSettings(BaseModel):
    """Thresholds of the host probe; percent unless said otherwise."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    every: Duration = Field(30.0, description="time between looks")
    cpu_warn: float = Field(80.0, ge=0, le=101, description="processor use in percent from which it is WARN; 101: never")
    cpu_crit: float = Field(85.0, ge=0, le=100, description="processor use in percent that is CRIT when it lasts for cpu_for")
    cpu_for: Duration = Field(300.0, description="how long cpu_crit must last")
    memory_warn: float = Field(80.0, ge=0, le=100, description="memory in use in percent (without caches) from which it is WARN")
    memory_crit: float = Field(95.0, ge=0, le=100, description="memory in use in percent from which it is CRIT")
    disk_warn: float = Field(80.0, ge=0, le=100, description="fullest disk (space or inodes) in percent from which it is WARN")
    disk_crit: float = Field(95.0, ge=0, le=100, description="fullest disk (space or inodes) in percent from which it is CRIT")
    load_warn: float = Field(2.0, ge=0, description="load of the last 5 minutes per core from which it is WARN")
    steal_warn: float = Field(10.0, ge=0, le=100, description="processor time in percent taken by the hypervisor from which it is WARN")
    ignore: tuple[str, ...] = Field((), description="mount points that are left out")


_SCRIPT = r"""
_p() { echo "@@$1"; }
_p load; cat /proc/loadavg; _p uptime; cat /proc/uptime
_p stat; grep -E '^cpu[0-9]* ' /proc/stat; _p mem; cat /proc/meminfo
cd /sys/fs/cgroup && { _p limit; cat memory.max; _p current; cat memory.current; _p cache; grep '^inactive_file ' memory.stat; }
_p mounts; cat /proc/mounts
_d() { if command -v timeout >/dev/null; then timeout 5 df "$@"; else df "$@"; fi; }
_p df; _d -Pk; _p dfi; _d -Pi || _d -i; _p end
"""


class Machine(msgspec.Struct, frozen=True):
    """One look. Processor fields are jiffies since boot; memory and swap bytes; what could not be read is None."""

    jiffies: tuple[int, ...] = ()
    cores: int = 0
    load: tuple[float, float, float] | None = None
    uptime: float | None = None
    memory: float | None = None
    memory_used: float | None = None
    swap: float | None = None
    swap_used: float | None = None
    mounts: tuple[Mount, ...] = ()


def ask(site: Site, _last: Reading | None) -> Ask:
    settings = site.section(f"probe.{ID}", HostSettings)
    return Ask("(" + _SCRIPT + ") 2>/dev/null", every=settings.every, timeout=15.0)


def parse(out: bytes) -> Machine:
    """What the fragment printed. Raises ValueError when its end is missing or nothing in it can be read."""
    sections: dict[str, list[str]] = {}
    current: list[str] = []
    for line in out.decode("utf-8", "surrogateescape").split("\n"):
        if line.startswith("@@"):
            current = sections.setdefault(line[2:].strip(), [])
        else:
            current.append(line)
    if "end" not in sections:
        raise ValueError("the end is missing")
    jiffies, cores = _processor(sections.get("stat", []))
    memory, used, swap, swap_used = _memory(sections)
    machine = Machine(
        jiffies=jiffies,
        cores=cores,
        load=_load(sections.get("load", [])),
        uptime=_first(sections.get("uptime", [])),
        memory=memory,
        memory_used=used,
        swap=swap,
        swap_used=swap_used,
        mounts=parse_mounts(sections.get("df", []), sections.get("dfi", []), sections.get("mounts", [])),
    )
    if not machine.jiffies and machine.memory is None and not machine.mounts:
        raise ValueError("neither /proc nor df can be read")
    return machine


def _first(lines: list[str]) -> float | None:
    try:
        return number(float(lines[0].split()[0]), 0)
    except (ValueError, IndexError):
        return None


def _load(lines: list[str]) -> tuple[float, float, float] | None:
    try:
        one, five, fifteen = (number(float(word), 0) for word in lines[0].split()[:3])
    except (ValueError, IndexError):
        return None
    return None if one is None or five is None or fifteen is None else (one, five, fifteen)


def _processor(lines: list[str]) -> tuple[tuple[int, ...], int]:
    """user nice system idle iowait irq softirq steal of all cores together, and how many cores there are."""
    total: tuple[int, ...] = ()
    cores = 0
    for line in lines:
        name, _, rest = line.partition(" ")
        if name == "cpu":
            figures = [int(word) for word in rest.split()[:8] if word.isascii() and word.isdigit() and len(word) < 20]
            total = tuple(figures + [0] * (8 - len(figures))) if len(figures) >= 4 else ()
        elif name.startswith("cpu"):
            cores += 1
    return total, cores


def _memory(sections: dict[str, list[str]]) -> tuple[float | None, float | None, float | None, float | None]:
    """Total and used memory and swap in bytes; those of the container where it has a limit."""
    kib: dict[str, float] = {}
    for line in sections.get("mem", []):
        key, _, rest = line.partition(":")
        word = rest.split()[:1]
        if word and word[0].isascii() and word[0].isdigit() and len(word[0]) < 16:
            kib[key] = float(word[0])
    total = kib.get("MemTotal")
    free = kib.get("MemAvailable", kib.get("MemFree", 0.0) + kib.get("Buffers", 0.0) + kib.get("Cached", 0.0))
    memory = None if not total else total * 1024
    used = None if memory is None or "MemFree" not in kib else max(0.0, memory - free * 1024)
    swap = kib.get("SwapTotal")
    swap_used = None if swap is None else max(0.0, swap - kib.get("SwapFree", swap)) * 1024
    limit, current = _first(sections.get("limit", [])), _first(sections.get("current", []))
    if limit and current is not None and (memory is None or limit < memory):
        cache = number(next((float(line.split()[1]) for line in sections.get("cache", []) if line[14:].isdigit()), 0.0), 0) or 0.0
        memory, used = limit, max(0.0, current - cache)
    return memory, used, None if swap is None else swap * 1024, swap_used


def _shares(now: tuple[int, ...], last: Reading | None) -> tuple[dict[str, float], tuple[int, ...]]:
    """Percent busy, waiting for disks and stolen since the last look, and the counters to compare with next time. Empty when there is
    nothing to compare with (first look, reboot); the last figures again when the two looks are too close to tell (under a second)."""
    before = () if last is None else last.carry.get("jiffies")
    if last is None or not isinstance(before, list | tuple) or len(before) != 8 or not now or not all(type(old) is int for old in before):
        return {}, now
    steps = [new - old for new, old in zip(now, before, strict=True)]
    total: int = sum(steps)
    if total < 0 or steps[3] < 0 or min(steps) < -100:  # iowait may step back a little
        return {}, now
    if total < _JIFFIES:
        kept = {key: number(last.values.get(key), 0) for key in ("cpu", "iowait", "steal")}
        return {key: value for key, value in kept.items() if value is not None}, tuple(before)

    def percent(part: int) -> float:
        return round(float(min(100.0, max(0.0, 100.0 * part / total))), 1)

    return {"cpu": percent(total - steps[3] - steps[4]), "iowait": percent(steps[4]), "steal": percent(steps[7])}, now


def _share(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else round(100.0 * part / whole, 1)


def read(site: Site, answer: Answer, last: Reading | None) -> Reading:
    settings = site.section(f"probe.{ID}", HostSettings)
    try:
        machine = parse(answer.out)
    except ValueError as error:
        return garbled(ID, site.id, answer, settings.every, str(error), last)
    carry = {} if last is None else last.carry
    shares, jiffies = _shares(machine.jiffies, last)
    mounts = [mount for mount in machine.mounts if mount.name not in settings.ignore]
    hot = number(carry.get("hot")) if shares.get("cpu", 0.0) >= settings.cpu_crit else None
    if hot is None and shares.get("cpu", 0.0) >= settings.cpu_crit:
        hot = answer.at
    values: dict[str, Any] = {
        "cpu": shares.get("cpu"),
        "iowait": shares.get("iowait"),
        "steal": shares.get("steal"),
        "cores": machine.cores,
    }
    values["load"] = machine.load[1] if machine.load else None
    values["memory"] = _share(machine.memory_used, machine.memory)
    values["swap"] = _share(machine.swap_used, machine.swap)
    values["disk"] = max((mount.used for mount in mounts), default=None)
    values["inodes"] = max((mount.inodes for mount in mounts if mount.inodes is not None), default=None)
    values["uptime"] = None if machine.uptime is None else round(answer.at - machine.uptime)
    findings = _judge(settings, values, mounts, machine.cores, 0.0 if hot is None else answer.at - hot)
    good = msg("cpu {cpu} %, memory {memory} %, disk {disk} %", **{key: _word(values[key]) for key in ("cpu", "memory", "disk")})
    level, summary = worst(findings, good)
    return Reading(
        probe=ID,
        site=site.id,
        level=level,
        summary=summary,
        at=answer.at,
        took=answer.took,
        every=settings.every,
        values=values,
        rows=tuple(_row(mount) for mount in mounts),
        evidence=tuple(finding.message.say() for finding in findings),
        carry={"jiffies": list(jiffies), "hot": hot},
    )


def _word(value: object) -> str | int:
    return "–" if value is None else round(value) if isinstance(value, float) else str(value)


def _judge(settings: HostSettings, values: dict[str, Any], mounts: list[Mount], cores: int, hot: float) -> list[Finding]:
    found: list[Finding] = []

    def grade(value: float | None, warn: float, crit: float, template: str, **words: str | float) -> None:
        if value is not None and value >= min(warn, crit):
            level = Level.CRIT if value >= crit else Level.WARN
            found.append(Finding(level, msg(template, value=round(value), **words)))

    for mount in mounts:
        grade(mount.used, settings.disk_warn, settings.disk_crit, "disk {mount} is {value} % full", mount=mount.shown)
        grade(mount.inodes, settings.disk_warn, settings.disk_crit, "disk {mount}: {value} % of its inodes are used", mount=mount.shown)
    cpu = values["cpu"]
    if cpu is not None and cpu >= settings.cpu_crit and hot >= settings.cpu_for:
        found.append(Finding(Level.CRIT, msg("cpu at {value} % for {minutes} min", value=round(cpu), minutes=int(hot // 60))))
    else:
        grade(cpu, settings.cpu_warn, 1000.0, "cpu at {value} %")
    grade(values["memory"], settings.memory_warn, settings.memory_crit, "memory at {value} %")
    grade(values["steal"], settings.steal_warn, 1000.0, "{value} % of the processor is taken by other machines")
    load = values["load"]
    if load is not None and cores and load / cores >= settings.load_warn:
        found.append(Finding(Level.WARN, _load_words(load, cores)))
    return found


def _load_words(load: float, cores: int) -> Message:
    return msg("load {load} on {cores} cores", load=round(load, 1), cores=cores)


def _row(mount: Mount) -> Row:
    return {"key": mount.name, "mount": mount.shown, "used": mount.used, "inodes": mount.inodes, "free": mount.free, "size": mount.size}


PROBE = SweepProbe(
    info=ProbeInfo(
        id=ID,
        title="Host",
        key="h",
        fleet=(Column("cpu", "cpu", "%", 5), Column("disk", "disk", "%", 5)),
        facts=(
            Column("cpu", "cpu", "%", 6),
            Column("iowait", "iowait", "%", 6),
            Column("steal", "steal", "%", 6),
            Column("load", "load 5m", "", 8),
            Column("cores", "cores", "", 6),
            Column("memory", "memory", "%", 6),
            Column("swap", "swap", "%", 6),
            Column("uptime", "up", "age", 8),
        ),
        columns=(
            Column("mount", "mounted on", "text", 30),
            Column("used", "used", "%", 6),
            Column("inodes", "inodes", "%", 7),
            Column("free", "free", "B", 9),
            Column("size", "size", "B", 9),
        ),
        empty="no disks were listed",
        confirm=2,
        help="Processor, load, memory and swap of the store's host, and how full each of its disks is.",
    ),
    ask=ask,
    read=read,
    absent=lambda site: msg("no ssh in sites.toml") if site.ssh is None else None,
    settings=HostSettings,
)
