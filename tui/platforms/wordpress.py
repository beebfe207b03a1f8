"""WordPress and WooCommerce through WP-CLI (checked with 2.12.0 on WordPress 6.1.9 and 7.1.1), and without it when the shop is fatal."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from tui.model.command import Command, HostFacts
from tui.model.message import msg
from tui.model.plan import Refused, Step
from tui.model.shop import Platform, Plugin, PluginList
from tui.model.site import Site
from tui.model.sweep import words
from tui.model.text import clean_bytes, one_line
from tui.platforms._shortinit import LIST_PLUGINS


class WordpressSettings(BaseModel):
    """Keys of a site whose platform is wordpress or woocommerce."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    wp: tuple[str, ...] = Field(("wp",), min_length=1, description="how WP-CLI is called on the host, when it is not on PATH")


_LIST = ("plugin", "list", "--format=json", "--fields=name,status,version,title,update,update_version")
_QUIET = ("--skip-update-check", "--skip-plugins", "--skip-themes", "--no-color")
_SKIP = ("--skip-plugins", "--skip-themes")

# Each part is ended by NUL: name, stdout, stderr with the exit code as its last line. stdout goes straight to fd 3, so that only stderr is
# captured. HOME: runuser keeps that of root, where WP-CLI may not look.
_SCRIPT = r"""
exec 3>&1; HOME=/tmp; export HOME
try() { printf '%s\0' "$1"; shift; e=$({ "$@" >&3; printf '\n%s' "$?"; } 2>&1 | tail -c 1500); printf '\0%s\0' "$e"; }
allow=; if [ -z "$o" ] && [ "$(id -u)" = 0 ]; then allow=--allow-root; fi
list() { as_owner "$o" 45 @WP@ $allow; }
short() { as_owner "$o" 20 @PHP@ -r "$code" -- "$root"; }
names() {
  as_owner "$o" 10 sh -c 'cd "$1" && for f in *; do
    if [ -d "$f" ] || [ "${f#*.php}" != "$f" ]; then printf "%s\n" "$f"; fi
  done' sh "$root/wp-content/plugins"
}
try wp list
case $e in *"
0") ;; *) try shortinit short ;; esac
try folders names
printf end
"""


def plugins_script(site: Site) -> str:
    """WP-CLI first; when it fails, a script that loads no plugin; and always the names of the folders."""
    wp = site.section("platform", WordpressSettings).wp
    root = site.root or "/nonexistent"
    # The interpreter that runs WP-CLI, where it is named, runs our script too.
    php = wp[0] if wp[0].rpartition("/")[2].startswith("php") else "php"
    body = _SCRIPT.replace("@WP@", words(*wp, f"--path={root}", *_LIST, *_QUIET)).replace("@PHP@", words(php))
    return f"(\no={words(site.owner or '')} root={words(root)} code={words(LIST_PLUGINS)}\n{body})"


def plugins_read(out: bytes) -> PluginList:
    """The fragment's answer: the best of its parts that is what it should be. Raises ValueError when it is not that, or not all of it."""
    parts: dict[str, tuple[bytes, bytes]] = {}
    fields = out.split(b"\0")
    if fields[-1].strip() != b"end" or len(fields) % 3 != 1:
        raise ValueError("no list of plugins")
    for at in range(0, len(fields) - 1, 3):
        parts[fields[at].strip().decode("ascii", "replace")] = (fields[at + 1], fields[at + 2])
    if "wp" not in parts or "folders" not in parts:
        raise ValueError("a list of plugins that is garbled")
    said, errors = parts["wp"]
    found = _json(said)
    if found is not None and _exit(errors) == 0:
        return PluginList(found)
    trouble = _why(errors, said)
    if "shortinit" in parts:
        found = _json(parts["shortinit"][0])
        if found is not None:
            return PluginList(found, how="shortinit", trouble=trouble)
    return PluginList(_folders(parts["folders"][0]), how="folders", trouble=trouble)


def _json(said: bytes) -> tuple[Plugin, ...] | None:
    """The plugins of a JSON answer; None when it is none. WP-CLI's own line is the last, behind what PHP may have to say."""
    for candidate in (said.strip(), said.strip().rpartition(b"\n")[2]):
        try:
            rows = json.loads(candidate)
        except (ValueError, RecursionError):
            continue
        if isinstance(rows, list) and all(isinstance(row, dict) and isinstance(row.get("name"), str) for row in rows):
            return tuple(_plugin(row) for row in rows)
    return None


_STATES = {"active", "inactive", "must-use", "dropin", "active-network"}


def _plugin(row: dict[str, Any]) -> Plugin:
    state = str(row.get("status") or "")
    name = str(row["name"]).encode("utf-8", "backslashreplace").decode()
    offered = row.get("update") == "available"
    return Plugin(
        name=name,
        title=one_line(str(row.get("title") or name), 100),
        version=one_line(str(row.get("version") or ""), 40),
        state=state if state in _STATES else "unknown",
        update=one_line(str(row.get("update_version") or "yes"), 40) if offered else "",
    )


def _folders(said: bytes) -> tuple[Plugin, ...]:
    found = []
    for line in said.decode("utf-8", "backslashreplace").split("\n"):
        name = line.removesuffix(".php")
        if name and name not in ("index", "."):
            found.append(Plugin(name=name, title=one_line(name, 100), state="inactive" if name.endswith(".off") else "unknown"))
    return tuple(found)


def _exit(errors: bytes) -> int | None:
    last = errors.strip().rpartition(b"\n")[2]
    return int(last) if last.isdigit() and len(last) < 4 else None


def _why(errors: bytes, said: bytes) -> str:
    """The line of ``errors`` that says most, else what came in place of JSON."""
    lines = [line.strip() for line in clean_bytes(errors, 2000).split("\n")[:-1] if line.strip()]
    for mark in ("password is required", "terminal is required", "Fatal error", "Parse error", "Error:", "not found", "No such file"):
        told = next((line for line in lines if mark in line), None)
        if told is not None:
            return one_line(told, 200)
    if lines:
        return one_line(lines[-1], 200)
    return "WP-CLI answered with something that is no JSON" if said.strip() else "WP-CLI did not answer"


_RENAME = (
    'cd "$1" && if [ -e "./$2{a}" ] && [ ! -e "./$2{b}" ]; then mv "./$2{a}" "./$2{b}"; '
    'elif [ -f "./$2.php{a}" ] && [ ! -e "./$2.php{b}" ]; then mv "./$2.php{a}" "./$2.php{b}"; '
    'else echo "nothing to rename" >&2; exit 3; fi'
)


def switch(site: Site, plugin: str, on: bool, last_resort: bool, host: HostFacts) -> tuple[Step, ...]:
    """Switch ``plugin`` ``on`` or off: never by ``toggle``, which says Success whatever happened. ``last_resort`` renames its folder, which
    needs neither PHP nor the database. Raises Refused when it cannot be named safely."""
    if site.root is None:
        raise Refused(msg("no root in sites.toml"), msg("set root to the folder in which wp-load.php lies"))
    if "/" in plugin or plugin in ("", ".", "..") or "\0" in plugin:
        raise Refused(msg("{name} cannot be the name of a plugin", name=one_line(plugin, 60)))
    if last_resort:
        return (_renamed(site, site.root, plugin.removesuffix(".off"), on, host),)
    if plugin.startswith("-"):
        raise Refused(
            msg("WP-CLI would read the name {name} as an option", name=one_line(plugin, 60)), msg("rename its folder instead (last resort)")
        )
    wp = (*site.section("platform", WordpressSettings).wp, f"--path={site.root}", "plugin")
    root = ("--allow-root",) if host.uid == 0 and site.owner in (None, "root") else ()

    def words_of(verb: str, *skip: str) -> tuple[str, ...]:
        return Command((*wp, verb, plugin, *skip, *root), user=site.owner).resolved(host)

    # Off and its undo skip plugins and themes: one of them may be what is fatal. On must load them: a plugin may need another.
    if on:
        return (Step(words_of("activate"), msg("switch {name} on", name=one_line(plugin, 60)), undo=words_of("deactivate", *_SKIP)),)
    why = msg("switch {name} off without loading plugins or theme (its own clean-up does not run)", name=one_line(plugin, 60))
    return (Step(words_of("deactivate", *_SKIP), why, undo=words_of("activate", *_SKIP)),)


def _renamed(site: Site, root: str, name: str, on: bool, host: HostFacts) -> Step:
    folder = f"{root}/wp-content/plugins"

    def rename(to_on: bool) -> tuple[str, ...]:
        script = _RENAME.format(a=".off", b="") if to_on else _RENAME.format(a="", b=".off")
        return Command(("sh", "-c", script, "sh", folder, name), user=site.owner).resolved(host)

    why = (
        msg("rename the plugin's folder back: WordPress finds it again")
        if on
        else msg("rename the plugin's folder: WordPress skips it then")
    )
    return Step(rename(on), why, undo=rename(not on))


_MARKS = (
    (b"There has been a critical error on this website", "WordPress critical error"),
    (b"Error establishing a database connection", "no database connection"),
    (b"<title>Database Error</title>", "no database connection"),
    (b"Briefly unavailable for scheduled maintenance", "WordPress maintenance mode"),
    (b'<body id="error-page">', "WordPress error page"),
    (b"<b>Fatal error</b>:", "PHP fatal error"),
    (b"<b>Parse error</b>:", "PHP parse error"),
)


def _platform(name: str, title: str) -> Platform:
    return Platform(
        id=name,
        title=title,
        settings=WordpressSettings,
        plugins_script=plugins_script,
        plugins_read=plugins_read,
        switch=switch,
        fatal_marks=_MARKS,
    )


PLATFORMS = (_platform("woocommerce", "WooCommerce"), _platform("wordpress", "WordPress"))
