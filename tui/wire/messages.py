"""Everything a viewer and a room can say to each other.

One message is one msgspec struct, MessagePack, behind a 4-byte big-endian length. The first message of a viewer is
:class:`Hello`; the room answers :class:`Welcome` or :class:`Bye`.
"""

from __future__ import annotations

import msgspec

from tui.model.catalogue import Catalogue, Option
from tui.model.level import Level
from tui.model.log import LogRecord
from tui.model.message import Message
from tui.model.plan import Plan, Verdict
from tui.model.reach import HostKey
from tui.model.reading import Reading

VERSION = 1
"""Matched exactly: a viewer of another version is told both numbers and how to restart the room."""

# --- what both sides know -------------------------------------------------------------------------------------------


class SiteCard(msgspec.Struct, frozen=True):
    """What a viewer knows of a site. ``absent``: probe id -> why this site has no such reading. ``logs``: names of its log sources."""

    id: str
    name: str
    url: str = ""
    platform: str = ""
    layout: str = ""
    host: str = ""
    production: bool = True
    tags: tuple[str, ...] = ()
    logs: tuple[str, ...] = ()
    absent: dict[str, Message] = {}


class RoomCard(msgspec.Struct, frozen=True):
    """What a viewer knows of its room. ``started`` Unix seconds; ``sites_path`` the sites.toml it serves; ``read_only``: why nobody may
    act here, None when they may; ``viewers`` now looking."""

    name: str
    pid: int
    started: float
    sites_path: str
    version: str
    demo: bool = False
    timezone: str = "UTC"
    read_only: Message | None = None
    viewers: int = 1


class Notice(msgspec.Struct, frozen=True):
    """Something the room wants everyone to know until it says otherwise: a broken sites.toml, a jump host that is down, a
    full disk. Equal ``id`` replaces; ``level`` OK takes it back."""

    id: str
    level: Level
    message: Message
    remedy: Message | None = None


class RunStep(msgspec.Struct, frozen=True):
    """``state``: ``waiting running done failed unknown undone``. ``out``: the end of what it printed, cleaned."""

    text: str
    state: str = "waiting"
    exit: int | None = None
    out: str = ""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """An action under way or done. ``state``: ``running proving done failed unknown undone refused``. The stopwatch, Unix seconds:
    ``detected`` (first bad reading, if any), ``decided`` (confirmed), ``acted`` (last step ended), ``verified`` (verdict)."""

    id: str
    plan: Plan
    who: str
    state: str
    steps: tuple[RunStep, ...]
    decided: float
    detected: float | None = None
    acted: float | None = None
    verified: float | None = None
    verdict: Verdict | None = None
    undo_of: str = ""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the timeline. ``kind``: ``level action config room host``. ``at`` Unix seconds."""

    at: float
    kind: str
    site: str = ""
    who: str = ""
    level: Level | None = None
    message: Message


class AuditLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the audit log as it is on disk. ``what``: ``intent outcome refused undo``. ``hash`` covers the line and ``before``."""

    at: str
    seq: int
    who: str
    uid: int
    what: str
    action: str
    site: str
    plan: str = ""
    commands: tuple[str, ...] = ()
    detail: str = ""
    run: str = ""
    reason: str = ""
    before: str = ""
    hash: str = ""


# --- viewer to room -------------------------------------------------------------------------------------------------


class Hello(msgspec.Struct, frozen=True, tag=True):
    """``read_only``: this viewer promises to change nothing and wants the room to hold it to that."""

    version: int
    read_only: bool = False
    client: str = "viewer"


class GetChoices(msgspec.Struct, frozen=True, tag=True):
    """Answered by :class:`Choices`."""

    action: str
    site: str


class GetPlan(msgspec.Struct, frozen=True, tag=True):
    """Answered by :class:`Planned`. Nothing runs."""

    action: str
    site: str
    choice: str = ""


class Confirm(msgspec.Struct, frozen=True, tag=True):
    """Yes to the plan with this hash. ``site_name`` typed by a person where the site is production. Answered by :class:`Started`."""

    hash: str
    site_name: str = ""
    reason: str = ""


class Undo(msgspec.Struct, frozen=True, tag=True):
    """Plan the undo of a run ("" for the last reversible one of ``site``). Answered by :class:`Planned`."""

    site: str
    run: str = ""


class ProbeNow(msgspec.Struct, frozen=True, tag=True):
    """Look again now. Empty ``probe``: all of the site; empty ``site``: all sites. Answered by :class:`Done`."""

    site: str = ""
    probe: str = ""


class StartTail(msgspec.Struct, frozen=True, tag=True):
    """Stream records of these sites (all their sources, or those named), beginning with the last ``lines`` of each or, when ``since``
    (Unix seconds) is given, with what the last 256 KiB of each file hold from then on. Answered by :class:`Tailing`."""

    sites: tuple[str, ...]
    sources: tuple[str, ...] = ()
    lines: int = 100
    since: float | None = None
    follow: bool = True


class StopTail(msgspec.Struct, frozen=True, tag=True):
    tail: int


class GetSeries(msgspec.Struct, frozen=True, tag=True):
    """A figure over time, at most ``points`` points. Answered by :class:`Series`."""

    site: str
    probe: str
    key: str
    start: float
    end: float
    points: int = 240


class GetTimeline(msgspec.Struct, frozen=True, tag=True):
    since: float = 0.0
    site: str = ""
    limit: int = 200


class GetAudit(msgspec.Struct, frozen=True, tag=True):
    limit: int = 200


class GetRuns(msgspec.Struct, frozen=True, tag=True):
    """Answered by :class:`Runs`: those under way and the last 20."""


class AcceptHostKey(msgspec.Struct, frozen=True, tag=True):
    """An operator vouches for an unknown key whose fingerprint was shown. Answered by :class:`Done`."""

    host: str
    port: int
    fingerprint: str


class StopRoom(msgspec.Struct, frozen=True, tag=True):
    """Ask the room to leave; refused while an action runs. Answered by :class:`Done`."""


Body = (
    GetChoices | GetPlan | Confirm | Undo | ProbeNow | StartTail | StopTail | GetSeries | GetTimeline | GetAudit | GetRuns
    | AcceptHostKey | StopRoom
)  # fmt: skip


class Request(msgspec.Struct, frozen=True, tag=True):
    """``id`` comes back in the answer."""

    id: int
    body: Body


ToRoom = Hello | Request

# --- room to viewer -------------------------------------------------------------------------------------------------


class Welcome(msgspec.Struct, frozen=True, tag=True):
    version: int
    room: RoomCard
    catalogue: Catalogue
    sites: tuple[SiteCard, ...]
    readings: tuple[Reading, ...]
    notices: tuple[Notice, ...] = ()
    runs: tuple[Run, ...] = ()
    host_keys: tuple[HostKey, ...] = ()


class Bye(msgspec.Struct, frozen=True, tag=True):
    """The room ends this connection. ``version`` is its own; ``idle`` whether it could be restarted now."""

    message: Message
    remedy: Message | None = None
    version: int = VERSION
    idle: bool = False


class Delta(msgspec.Struct, frozen=True, tag=True):
    """Readings that changed or were taken again since the last delta; at most ten deltas a second. ``dropped``: messages this viewer
    was too slow for (log lines), since the last delta."""

    readings: tuple[Reading, ...] = ()
    notices: tuple[Notice, ...] = ()
    runs: tuple[Run, ...] = ()
    events: tuple[Event, ...] = ()
    host_keys: tuple[HostKey, ...] = ()
    viewers: int = 0
    dropped: int = 0


class FleetChanged(msgspec.Struct, frozen=True, tag=True):
    """sites.toml changed: the new sites; readings of sites that are gone are forgotten."""

    room: RoomCard
    sites: tuple[SiteCard, ...]


class LogBatch(msgspec.Struct, frozen=True, tag=True):
    """Records of a tail, merged in time order within the batch. ``skipped``: records not sent because this viewer was too slow.
    ``notes``: what happened to a source (rotated, unreachable, back again). ``done``: nothing more will come."""

    tail: int
    records: tuple[LogRecord, ...] = ()
    skipped: int = 0
    notes: tuple[Message, ...] = ()
    done: bool = False


class Choices(msgspec.Struct, frozen=True, tag=True):
    options: tuple[Option, ...]


class Planned(msgspec.Struct, frozen=True, tag=True):
    """``confirm``: the word that must be typed (the site's name) or "". ``last``: how long it took and ended the last time, if ever."""

    plan: Plan
    hash: str
    confirm: str = ""
    last: Message | None = None


class Started(msgspec.Struct, frozen=True, tag=True):
    run: Run


class Tailing(msgspec.Struct, frozen=True, tag=True):
    tail: int


class Series(msgspec.Struct, frozen=True, tag=True):
    """(Unix seconds, value or None for unknown time)."""

    points: tuple[tuple[float, float | None], ...]


class Timeline(msgspec.Struct, frozen=True, tag=True):
    events: tuple[Event, ...]


class Audit(msgspec.Struct, frozen=True, tag=True):
    """``broken``: number of the first line that does not fit the chain, None when it is whole."""

    lines: tuple[AuditLine, ...]
    broken: int | None = None


class Runs(msgspec.Struct, frozen=True, tag=True):
    runs: tuple[Run, ...]


class Done(msgspec.Struct, frozen=True, tag=True):
    pass


class No(msgspec.Struct, frozen=True, tag=True):
    """A request that was refused (``gate`` True: by a rule; False: it could not be done) with what would allow it."""

    message: Message
    remedy: Message | None = None
    gate: bool = True


Result = Choices | Planned | Started | Tailing | Series | Timeline | Audit | Runs | Done | No


class Reply(msgspec.Struct, frozen=True, tag=True):
    id: int
    result: Result


ToViewer = Welcome | Bye | Delta | FleetChanged | LogBatch | Reply
