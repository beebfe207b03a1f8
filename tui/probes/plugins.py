"""The plugins of a shop, through its platform: also while the shop is fatal."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from tui import platforms
from tui.model.catalogue import Column, ProbeInfo
from tui.model.duration import Duration
from tui.model.failure import Failure
from tui.model.level import Level
from tui.model.message import Message, msg
from tui.model.probe import SweepProbe
from tui.model.reading import Reading, Row, unknown
from tui.model.shop import Platform, Plugin, PluginList
from tui.model.site import Site
from tui.model.sweep import Answer, Ask
from tui.model.text import one_line
from tui.probes._reading import Finding, garbled, worst

ID = "plugins"
_SHOWN = 400  # rows of the pane
_ORDER = {"active": 0, "active-network": 0, "unknown": 1, "inactive": 2, "must-use": 3, "dropin": 4}


class PluginsSettings(BaseModel):
    """How often plugins are listed; it starts PHP on the host, so not often."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    every: Duration = Field(600.0, description="time between looks; after each switch they are looked at again anyway")


def platform_of(site: Site) -> Platform | None:
    """The platform the site names, None when it is none of ours."""
    return next((platform for platform in platforms.PLATFORMS if platform.id == site.platform), None)


def absent(site: Site) -> Message | None:
    if site.ssh is None:
        return msg("no ssh in sites.toml")
    platform = platform_of(site)
    if platform is None or platform.plugins_script is None:
        return msg("plugins of the platform {platform} are not known", platform=site.platform)
    return msg("no root in sites.toml") if site.root is None else None


def ask(site: Site, _last: Reading | None) -> Ask:
    platform = platform_of(site)
    script = "" if platform is None or platform.plugins_script is None else platform.plugins_script(site)
    return Ask(script, every=site.section(f"probe.{ID}", PluginsSettings).every, timeout=90.0, heavy=True)


def read(site: Site, answer: Answer, last: Reading | None) -> Reading:
    every = site.section(f"probe.{ID}", PluginsSettings).every
    platform = platform_of(site)
    if platform is None or platform.plugins_read is None:
        return garbled(ID, site.id, answer, every, "the platform lists no plugins", last)
    try:
        found = platform.plugins_read(answer.out)
    except ValueError as error:
        return garbled(ID, site.id, answer, every, str(error), last)
    if not found.plugins and found.how != "wp":
        return unknown(ID, site.id, answer.at, _failure(found.trouble), took=answer.took, every=every)
    plugins = sorted(found.plugins, key=lambda plugin: (_ORDER.get(plugin.state, 5), plugin.title.casefold(), plugin.name))
    active = sum(plugin.state in ("active", "active-network") for plugin in plugins)
    updates = sum(bool(plugin.update) for plugin in plugins)
    good = msg("{active} of {count} active", active=active, count=len(plugins))
    if updates:
        good = msg("{active} of {count} active, updates: {updates}", active=active, count=len(plugins), updates=updates)
    level, summary = worst(_judge(found), good)
    return Reading(
        probe=ID,
        site=site.id,
        level=level,
        summary=summary,
        at=answer.at,
        took=answer.took,
        every=every,
        values={"active": active, "plugins": len(plugins), "updates": updates, "how": found.how},
        rows=tuple(_row(plugin) for plugin in plugins[:_SHOWN]),
        evidence=(one_line(found.trouble),) if found.trouble else (),
    )


def _failure(trouble: str) -> Failure:
    sudo = "password is required" in trouble or "terminal is required" in trouble
    remedy = (
        msg("let the login user run WP-CLI as the owner without a password (sudoers; storewatch check prints the line)")
        if sudo
        else msg("check root, owner and wp of this site in sites.toml")
    )
    message = msg("plugins cannot be listed: {trouble}", trouble=one_line(trouble, 160))
    return Failure(step="command", kind="sudo" if sudo else "failed", message=message, remedy=remedy)


def _judge(found: PluginList) -> list[Finding]:
    trouble = one_line(found.trouble, 120)
    if found.how == "shortinit":
        return [Finding(Level.WARN, msg("WordPress does not start; plugins are read from its database ({trouble})", trouble=trouble))]
    if found.how == "folders":
        return [Finding(Level.WARN, msg("only the names of plugin folders are known ({trouble})", trouble=trouble))]
    return []


def _row(plugin: Plugin) -> Row:
    return {
        "key": plugin.name,
        "name": one_line(plugin.name, 60),
        "title": plugin.title,
        "version": plugin.version,
        "state": plugin.state,
        "update": plugin.update,
    }


PROBE = SweepProbe(
    info=ProbeInfo(
        id=ID,
        title="Plugins",
        key="P",
        facts=(
            Column("active", "active", "", 6),
            Column("plugins", "installed", "", 9),
            Column("updates", "updates", "", 8),
            Column("how", "read by", "text", 10),
        ),
        columns=(
            Column("title", "plugin", "text", 30),
            Column("state", "state", "text", 14),
            Column("version", "version", "text", 10),
            Column("update", "update", "text", 10),
            Column("name", "folder", "text", 24),
        ),
        empty="this shop has no plugins",
        help="Plugins of this shop with their state; also read while the shop is fatal.",
    ),
    ask=ask,
    read=read,
    absent=absent,
    settings=PluginsSettings,
)
