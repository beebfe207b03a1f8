"""What probes and actions are called and how they are shown: sent to each viewer, which imports neither."""

from __future__ import annotations

import msgspec

from tui.model.message import Message


class Column(msgspec.Struct, frozen=True):
    """One figure as it is shown.

    ``key`` in ``Reading.values`` (or a row); ``title`` English, short; ``unit`` one of ``"" ms s % B /min at age level text days``:
    ``at`` is a Unix time shown as local time, ``age`` a Unix time shown as its age, ``B`` bytes; ``width`` in terminal cells.
    """

    key: str
    title: str
    unit: str = ""
    width: int = 8


class ProbeInfo(msgspec.Struct, frozen=True):
    """A probe's pane. ``key`` opens the pane from the site screen; ``fleet``: columns in the fleet table; ``facts``: figures
    above the pane's table; ``columns``: the table itself, from ``Reading.rows``; ``empty``: what is said when there are no rows.
    ``confirm``: how many CRITs in a row it takes (the second look comes at once)."""

    id: str
    title: str
    key: str = ""
    fleet: tuple[Column, ...] = ()
    facts: tuple[Column, ...] = ()
    columns: tuple[Column, ...] = ()
    empty: str = ""
    confirm: int = 1
    help: str = ""


class ActionInfo(msgspec.Struct, frozen=True):
    """What a key does. ``changes``: alters the store (passes plan and confirmation). ``streams``: output goes on until stopped.
    ``pane``: the probe id whose selected row gives the choice; ``chooses``: wants a choice (from ``choices``).
    ``then``: probe ids looked at again afterwards. ``many``: may be given several sites."""

    id: str
    title: str
    key: str
    help: str
    pane: str = ""
    chooses: bool = False
    changes: bool = True
    streams: bool = False
    many: bool = False
    then: tuple[str, ...] = ()


class Catalogue(msgspec.Struct, frozen=True):
    """Everything a viewer must know to draw what it never imports."""

    probes: tuple[ProbeInfo, ...] = ()
    actions: tuple[ActionInfo, ...] = ()


class Option(msgspec.Struct, frozen=True):
    """One thing an action may be done to. ``value`` is raw and goes back unchanged; ``label`` and ``note`` are cleaned text.
    ``refused`` says why it cannot be chosen, None when it can. ``preferred`` marks the one the cursor starts on."""

    value: str
    label: str
    note: Message | None = None
    refused: Message | None = None
    preferred: bool = False
