"""The folder of one store as its host has it: Capistrano releases, dumps, an error log, a stand-in for WP-CLI's answers."""

from __future__ import annotations

import gzip
import json
import os
import time
from pathlib import Path

PLUGINS = [{"name": f"plugin-{number}", "status": "active", "update": "none", "version": f"1.{number}.0"} for number in range(25)]
LINE = (
    '{at} [error] 811#811: *{n} FastCGI sent in stderr: "PHP message: PHP Warning:  Undefined variable $a{n} in /srv/shop/current/'
    'wp-content/plugins/plugin-{n}/main.php on line {n}" while reading response header from upstream, client: 10.0.0.{n}, server: '
    'shop.example, request: "GET /product/{n} HTTP/1.1", upstream: "fastcgi://unix:/run/php/php-fpm.sock:", host: "shop.example"\n'
)


def lay(folder: Path) -> Path:
    """Make the store below ``folder``."""
    shop = folder / "shop"
    for number in range(8):
        release = shop / "releases" / f"202611{number + 10}100000"
        release.mkdir(parents=True)
        (release / "REVISION").write_text(f"{number:040x}\n")
    (shop / "current").symlink_to(release)
    (shop / "revisions.log").write_text(
        "".join(f"Branch main (at {n:040x}) deployed as release 202611{n + 10}100000 by mei\n" for n in range(8))
    )
    (folder / "backup").mkdir()
    for number in range(7):
        dump = gzip.compress(
            b"-- MariaDB dump\n" + b"INSERT INTO wp_options VALUES (1);\n" * 500 + b"-- Dump completed on 2026-11-22 03:00:00\n"
        )
        file = folder / "backup" / f"shop-{number}.sql.gz"
        file.write_bytes(dump)
        night = time.time() - 3600 - 86_400 * number  # one that was just changed counts as being written
        os.utime(file, (night, night))
    stamp = time.strftime("%Y/%m/%d %H:%M:%S")
    (folder / "error.log").write_text("".join(LINE.format(at=stamp, n=number % 40) for number in range(40)))
    (folder / "wp").write_text(f"cat <<'END'\n{json.dumps(PLUGINS)}\nEND\n")
    return folder
