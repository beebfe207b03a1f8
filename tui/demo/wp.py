"""A stand-in for WP-CLI 2.12, for demo stores only.

It reads and changes the demo store's own files (``shared/database.json`` holds the option ``active_plugins``) and speaks
as the real one does: the same JSON, the same lines, the same exit codes, and an empty answer with a
stack trace while a plugin is fatal and not skipped.
Run as a script with nothing but the standard library, so that it starts fast.
"""

import json
import os
import re
import sys

BROKEN = "promo_banner_render_legacy();"


def fail(text: str, code: int = 1) -> int:
    sys.stderr.write(text + "\n")
    return code


class Shop:
    """The store below ``path`` (its WordPress root)."""

    def __init__(self, path: str) -> None:
        self.folder = os.path.join(path, "wp-content", "plugins")  # noqa: PTH118 - pathlib costs 15 ms at start
        content = os.path.realpath(os.path.join(path, "wp-content"))  # noqa: PTH118
        self.database = os.path.join(os.path.dirname(content), "database.json")  # noqa: PTH118, PTH120

    def active(self) -> list[str]:
        with open(self.database, encoding="utf-8") as file:  # noqa: PTH123
            return list(json.load(file)["active_plugins"])

    def save(self, active: list[str]) -> None:
        fresh = self.database + ".new"
        with open(fresh, "w", encoding="utf-8") as file:  # noqa: PTH123
            json.dump({"active_plugins": active}, file)
        os.replace(fresh, self.database)  # noqa: PTH105

    def source(self, name: str) -> str:
        try:
            with open(os.path.join(self.folder, name, f"{name}.php"), encoding="utf-8") as file:  # noqa: PTH118, PTH123
                return file.read()
        except OSError:
            return ""

    def names(self) -> list[str]:
        return sorted(name for name in os.listdir(self.folder) if os.path.isdir(os.path.join(self.folder, name)))  # noqa: PTH118, PTH112, PTH208

    def fatal(self) -> str:
        present = set(self.names())
        return next((name for name in self.active() if name in present and BROKEN in self.source(name)), "")


def listing(shop: Shop) -> int:
    active = set(shop.active())
    rows = []
    for name in shop.names():
        source = shop.source(name)
        found = dict(re.findall(r"^(Plugin Name|Version): (.+)$", source, re.M))
        state = "active" if name in active else "inactive"
        title = found.get("Plugin Name", name)
        rows.append({"name": name, "status": state, "update": "none", "version": found.get("Version", ""), "title": title})
    sys.stdout.write(json.dumps(rows) + "\n")
    return 0


def switch(shop: Shop, name: str, on: bool) -> int:
    active = shop.active()
    if name not in shop.names():
        fail(f"Warning: The '{name}' plugin could not be found.")
        return fail("Error: No plugins activated." if on else "Error: No plugins deactivated.")
    verb = "activated" if on else "deactivated"
    if (name in active) == on:
        fail(f"Warning: Plugin '{name}' is already active." if on else f"Warning: Plugin '{name}' isn't active.")
        sys.stdout.write(f"Success: Plugin already {verb}." + "\n")
        return 0
    shop.save([*active, name] if on else [other for other in active if other != name])
    sys.stdout.write(f"Plugin '{name}' {verb}.\nSuccess: {verb.capitalize()} 1 of 1 plugins." + "\n")
    return 0


def main(argv: list[str]) -> int:
    words = [word for word in argv if not word.startswith("--")]
    flags = dict(word[2:].partition("=")[::2] for word in argv if word.startswith("--"))
    shop = Shop(flags.get("path", os.getcwd()))  # noqa: PTH109
    if words[:2] == ["core", "version"]:
        sys.stdout.write("7.1.1" + "\n")
        return 0
    if not os.path.isdir(shop.folder):  # noqa: PTH112
        return fail("Error: This does not seem to be a WordPress installation.")
    guilty = shop.fatal()
    if guilty and "skip-plugins" not in flags:
        return fail(
            f"PHP Fatal error:  Uncaught Error: Call to undefined function {BROKEN[:-3]}() in {shop.folder}/{guilty}/{guilty}.php:6", 255
        )
    if words[:2] == ["plugin", "list"]:
        return listing(shop)
    if len(words) == 3 and words[0] == "plugin" and words[1] in ("activate", "deactivate"):
        return switch(shop, words[2], words[1] == "activate")
    return fail(f"Error: '{' '.join(words)}' is not a registered wp command of the demo.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
