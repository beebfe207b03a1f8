"""One demo store as the outside sees it: a real HTTP or HTTPS server that answers from what lies on the store's disk."""

from __future__ import annotations

import asyncio
import json
import random
import ssl
import time
from pathlib import Path

from tui.demo.disk import BROKEN, Disk

SLOW_SECONDS = 3.6
PAGES = ("/", "/shop/", "/product/boots/", "/cart/", "/checkout/", "/?s=tea")
_FATAL_PAGE = (
    '<!DOCTYPE html><html lang="en"><head><title>WordPress &rsaquo; Error</title></head><body id="error-page">'
    "<p>There has been a critical error on this website.</p></body></html>"
)


class Shop:
    """Serves one store on loopback. ``slow`` adds :data:`SLOW_SECONDS` to each page."""

    def __init__(self, disk: Disk, tls: ssl.SSLContext | None, dice: random.Random) -> None:
        self.disk = disk
        self.host = f"{disk.part.id}.example"
        self.slow = disk.part.fault == "slow"
        self.port = 0
        self._tls = tls
        self._dice = dice
        self._server: asyncio.Server | None = None
        self._number = 0

    async def start(self) -> None:
        """Listen on a free loopback port (``self.port``)."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls, limit=16_384, backlog=64)
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        if self._server is not None:
            self._server.close()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://{self.host}:{self.port}/"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(30):
                head = await reader.readuntil(b"\r\n\r\n")
                method, path, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
                status, body = await self._answer(method, path)
                reason = {200: "OK", 404: "Not Found", 500: "Internal Server Error", 503: "Service Unavailable"}[status]
                data = b"" if method == "HEAD" else body.encode()
                lines = (
                    f"HTTP/1.1 {status} {reason}",
                    "Server: nginx",
                    "Content-Type: text/html; charset=UTF-8",
                    f"Content-Length: {len(data)}",
                )
                writer.write("\r\n".join((*lines, "Connection: close", "", "")).encode() + data)
                await writer.drain()
        except (TimeoutError, OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # a client that went away or spoke no HTTP: nginx would close too
        except asyncio.CancelledError:
            pass  # the demo ends; asyncio's stream protocol would report the cancelled task as an error
        finally:
            writer.close()

    async def _answer(self, method: str, path: str) -> tuple[int, str]:
        began = time.monotonic()
        if self.slow:
            await asyncio.sleep(SLOW_SECONDS * self._dice.uniform(0.8, 1.2))
        status, body = self._render(method, path)
        took = time.monotonic() - began + self._dice.uniform(0.02, 0.09)
        stamp = time.strftime("%d/%b/%Y:%H:%M:%S %z")
        line = f'127.0.0.1 - - [{stamp}] "{method} {path} HTTP/1.1" {status} {len(body)} "-" "Mozilla/5.0" rt={took:.3f}\n'
        _append(self.disk.access, line)
        return status, body

    def _render(self, method: str, path: str) -> tuple[int, str]:
        try:
            release = self.disk.current.resolve(strict=True)
        except OSError:
            return 404, "<html><head><title>404 Not Found</title></head></html>"
        request = f"{method} {path} HTTP/1.1"
        if not (release / "vendor" / "autoload.php").exists():
            self._bad_release(release, request)
            return 500, ""
        guilty = self._guilty()
        if guilty:
            self._fatal_plugin(release, guilty, request)
            return 500, _FATAL_PAGE
        return 200, self._page(release.name, path)

    def _guilty(self) -> str:
        try:
            active = json.loads(self.disk.options.read_text())["active_plugins"]
        except (OSError, ValueError, KeyError):
            return ""
        for name in active:
            try:
                if BROKEN in (self.disk.plugins / name / f"{name}.php").read_text():
                    return str(name)
            except OSError:
                continue
        return ""

    def _page(self, release: str, path: str) -> str:
        goods = "".join(f"<li>{self._dice.choice(('Tea', 'Boots', 'Lamp', 'Scarf'))} {n}</li>" for n in range(40))
        return (
            f'<!DOCTYPE html><html><head><title>{self.disk.part.name}</title><meta name="release" content="{release}"></head>'
            f"<body><h1>{self.disk.part.name}</h1><p>{path[:80].replace('<', '&lt;')}</p><ul>{goods}</ul></body></html>"
        )

    def _bad_release(self, release: Path, request: str) -> None:
        file = release / "index.php"
        message = (
            f"PHP message: PHP Warning:  require({release}/vendor/autoload.php): "
            f"Failed to open stream: No such file or directory in {file} on line 1; "
            f"PHP message: PHP Fatal error:  Uncaught Error: Failed opening required '{release}/vendor/autoload.php' "
            f"(include_path='.:/usr/share/php') in {file}:1\n"
            f"Stack trace:\n#0 {{main}}\n  thrown in {file} on line 1"
        )
        self.log_error("error", f'FastCGI sent in stderr: "{message}" while reading response header from upstream', request)

    def _fatal_plugin(self, release: Path, name: str, request: str) -> None:
        file = release / "wp-content" / "plugins" / name / f"{name}.php"
        call = BROKEN[:-3]
        stamp = time.strftime("%d-%b-%Y %H:%M:%S UTC", time.gmtime())
        trace = f"Stack trace:\n#0 {release}/wp-includes/class-wp-hook.php(308): {{closure}}()\n#1 {{main}}\n  thrown in {file} on line 6"
        _append(self.disk.debug, f"[{stamp}] PHP Fatal error:  Uncaught Error: Call to undefined function {call}() in {file}:6\n{trace}\n")
        if self._number % 5 == 0:  # one in five reaches nginx too, as where display and log settings differ between pools
            said = f"PHP message: PHP Fatal error:  Uncaught Error: Call to undefined function {call}() in {file}:6"
            self.log_error("error", f'FastCGI sent in stderr: "{said}" while reading response header from upstream', request)
        self._number += 1

    def log_error(self, level: str, message: str, request: str) -> None:
        """Append one record to the store's nginx error log, in nginx's own form."""
        self._number += 1
        head = f"{time.strftime('%Y/%m/%d %H:%M:%S')} [{level}] 642#642: *{self._number} {message}"
        tail = f', client: 127.0.0.1, server: {self.host}, request: "{request}"'
        upstream = f', upstream: "fastcgi://unix:/run/php/php8.2-fpm.sock:", host: "{self.host}"'
        _append(self.disk.errors, f"{head}{tail}{upstream}\n")


def _append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)
