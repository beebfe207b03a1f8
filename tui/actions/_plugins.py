"""What switching a plugin off and on share. A choice is the plugin's raw name, or ``rename:NAME`` for the last resort."""

from __future__ import annotations

from tui.actions._after import home_page, verdict
from tui.model.action import Readings
from tui.model.catalogue import Option
from tui.model.command import HostFacts
from tui.model.level import Level
from tui.model.message import Message, msg
from tui.model.plan import Plan, Refused, Verdict
from tui.model.reach import Reach
from tui.model.reading import Reading, Row
from tui.model.shop import Platform, PluginList
from tui.model.site import Site
from tui.model.sweep import Ask
from tui.model.text import one_line
from tui.platforms import PLATFORMS

PANE = "plugins"
RENAME = "rename:"
OFF = ".off"
"""What a folder's name ends in once it was renamed."""

_LIVE = frozenset({"active", "active-network", "must-use", "dropin"})
_STILL = frozenset({"inactive", "must-use", "dropin", "active-network"})  # renaming their folder is no way to switch them off
_FIXED = {
    "must-use": msg("a must-use plugin is always on; only its file can be moved"),
    "dropin": msg("a drop-in is always on; only its file can be moved"),
    "active-network": msg("it is on for the whole network; switch it there"),
}


def options(readings: Readings, *, on: bool) -> list[Option]:
    """Every plugin of the last reading; those that stand the other way already are refused, with the reason."""
    reading = readings.get(PANE)
    if reading is None:
        return []
    broken = _broken(reading)
    found = [_option(row, on, broken) for row in reading.rows]
    if not on:
        found += [_rename(row) for row in reading.rows if (broken or str(row["key"]).startswith("-")) and _state(row) not in _STILL]
    return found


def _option(row: Row, on: bool, broken: Message | None) -> Option:
    name, state = str(row["key"]), _state(row)
    if on and name.endswith(OFF):
        return Option(name, one_line(name), msg("its folder was renamed; this renames it back"))
    note = msg("{state} {version}", state=state, version=str(row.get("version") or ""))
    return Option(name, one_line(name), note, refused=_refusal(name, state, on) or broken)


def _refusal(name: str, state: str, on: bool) -> Message | None:
    if name.startswith(RENAME):
        return msg("its name cannot be told from a choice of this program; switch it on the host")
    if state in _FIXED:
        return _FIXED[state]
    if on and state == "active":
        return msg("it is on already")
    if not on and state == "inactive":
        return msg("it is off already")
    return None


def _rename(row: Row) -> Option:
    name = str(row["key"])
    label = f"{one_line(name)}: rename the folder"
    return Option(
        RENAME + name, label, msg("the last resort: needs neither PHP nor the database"), refused=_refusal(name, _state(row), on=False)
    )


def _broken(reading: Reading) -> Message | None:
    """Why WP-CLI and its like cannot switch here, None when they answered."""
    if reading.values.get("how", "wp") == "wp":
        return None
    trouble = one_line(reading.evidence[0] if reading.evidence else "no answer", 120)
    return msg("the shop's own tool does not work here ({trouble}); renaming the folder is a choice of its own", trouble=trouble)


def _state(row: Row) -> str:
    return str(row.get("state") or "unknown")


def plan(site: Site, readings: Readings, choice: str, host: HostFacts, *, on: bool) -> Plan:
    """Steps as the platform words them. Raises Refused when it cannot switch plugins or the choice is none."""
    platform = platform_of(site)
    if platform is None or platform.switch is None:
        raise Refused(msg("plugins of {platform} cannot be switched from here", platform=site.platform))
    option = next((option for option in options(readings, on=on) if option.value == choice), None)
    if option is None:
        raise Refused(msg("there is no plugin {plugin} on {site}", plugin=one_line(choice), site=site.name))
    if option.refused is not None:
        raise Refused(option.refused)
    last_resort = choice.startswith(RENAME) or (on and choice.endswith(OFF))
    name = choice.removeprefix(RENAME).removesuffix(OFF) if last_resort else choice
    shown = one_line(name)
    title = (
        msg("switch {plugin} on at {site}", plugin=shown, site=site.name)
        if on
        else msg("switch {plugin} off at {site}", plugin=shown, site=site.name)
    )
    return Plan(
        action="plugin-on" if on else "plugin-off",
        site=site.id,
        title=title,
        steps=platform.switch(site, name, on, last_resort, host),
        choice=choice,
        subject=shown,
        warnings=_warnings(on, last_resort),
        notes={"plugin": name, "want": "on" if on else "off", "was": "off" if on else "on"},
    )


def _warnings(on: bool, last_resort: bool) -> tuple[Message, ...]:
    if last_resort:
        return (msg("the folder is renamed behind the shop's back; the undo renames it again"),)
    if on:
        return (msg("a plugin that breaks the shop does so at once; the undo switches it off again"),)
    return (msg("the plugin's own clean-up on deactivation does not run"),)


def platform_of(site: Site) -> Platform | None:
    return next((platform for platform in PLATFORMS if platform.id == site.platform), None)


async def prove(site: Site, reach: Reach, plan: Plan) -> Verdict:
    """Read the list of plugins back, then look at the home page. Raises ReachError."""
    name, want = plan.notes["plugin"], plan.notes["want"]
    listed = await _listed(site, reach)
    page = await home_page(site, reach)
    shown = one_line(name)
    if isinstance(listed, Message):
        return verdict(Level.UNKNOWN, msg("{plugin}: {why}", plugin=shown, why=listed.say()), page)
    state = next((plugin.state for plugin in listed.plugins if plugin.name == name), "absent")
    if state == "unknown":
        why = listed.trouble or "only folders could be listed"
        return verdict(Level.UNKNOWN, msg("whether {plugin} is on could not be read: {why}", plugin=shown, why=one_line(why)), page)
    reached = (state in _LIVE) == (want == "on") and not (want == "on" and state == "absent")
    words = (
        msg("{plugin} is {state}", plugin=shown, state=state) if reached else msg("{plugin} is still {state}", plugin=shown, state=state)
    )
    return verdict(Level.OK if reached else Level.CRIT, words, page)


async def _listed(site: Site, reach: Reach) -> PluginList | Message:
    platform = platform_of(site)
    if platform is None or platform.plugins_script is None or platform.plugins_read is None:
        return msg("its plugins cannot be listed")
    answer = (await reach.shell(site).sweep([Ask(platform.plugins_script(site), every=0, timeout=40, heavy=True)]))[0]
    if not answer.complete:
        return msg("the list of plugins did not come in time")
    try:
        return platform.plugins_read(answer.out)
    except ValueError as error:
        return msg("the list of plugins cannot be read: {error}", error=one_line(str(error)))
