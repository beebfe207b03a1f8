"""Looking at shops from outside: single fresh checks, and walks that follow redirects with cookies."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import httpx

from tui.model.failure import Failure
from tui.model.message import msg
from tui.model.reach import Certificate, WebCheck
from tui.model.site import HttpTarget, Site
from tui.model.text import clean_bytes, one_line
from tui.reach import certs
from tui.reach.exchange import Trace
from tui.reach.resolver import Resolver
from tui.reach.transport import Ask, FreshTransport, WebFault

REDIRECTS = 10
"""Redirects followed by a walk. Browsers give up at 20; a shop that needs ten is broken for its shoppers."""
HEADERS = {
    "User-Agent": "Mozilla/5.0 (compatible; storewatch)",
    "Accept": "text/html,*/*;q=0.8",
    "Accept-Encoding": "identity",
    "Connection": "close",
}


class FreshWeb:
    """The Web of model.reach: each check on a connection of its own, through one SSL context per CA file. Reads no proxy variables."""

    def __init__(self, resolver: Resolver | None = None) -> None:
        self._transport = FreshTransport(resolver)

    async def check(self, site: Site, path: str = "", *, timeout: float | None = None, limit: int = 262_144) -> WebCheck:
        """One request, not followed. ``timeout`` is for everything, default the site's; ``limit`` bytes of body are kept."""
        url = address(site, path)
        if isinstance(url, Failure):
            return WebCheck(url=site.url or "", failure=url)
        try:
            request = _request(url, site.url or "", site.http, timeout or site.http.timeout, limit)
            response = await self._transport.handle_async_request(request)
        except WebFault as fault:
            return _failed(url, fault.failure, fault.trace)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, ValueError) as error:  # ValueError: urlsplit
            return WebCheck(url=one_line(url), failure=_bad_url(url, error))
        return _whole(url, response)

    async def walk(self, site: Site, path: str = "", *, limit: int = 262_144) -> WebCheck:
        """The page a shopper ends on: at most ten redirects, cookies kept within this walk, the site's timeout for all of it."""
        url = address(site, path)
        if isinstance(url, Failure):
            return WebCheck(url=site.url or "", failure=url)
        seen = [url]
        # The client neither owns nor closes the transport, so it is not used as a context manager.
        client = httpx.AsyncClient(
            transport=self._transport, trust_env=False, max_redirects=REDIRECTS, event_hooks={"request": [_note(seen)]}
        )
        try:
            request = _request(url, site.url or "", site.http, site.http.timeout, limit)
        except (httpx.InvalidURL, ValueError) as error:
            return WebCheck(url=one_line(url), failure=_bad_url(url, error))
        try:
            async with asyncio.timeout(site.http.timeout):
                response = await client.send(request, stream=True, follow_redirects=True)
        except WebFault as fault:
            return _failed(seen[-1], fault.failure, fault.trace)
        except TimeoutError:
            return WebCheck(url=one_line(seen[-1]), failure=_slow_walk(len(seen) - 1), total=site.http.timeout)
        except httpx.TooManyRedirects:
            return WebCheck(url=one_line(seen[-1]), failure=_loop(seen[-1]))
        except (httpx.HTTPError, httpx.InvalidURL) as error:  # a Location that is no URL, or no web address
            return WebCheck(url=one_line(seen[-1]), failure=_bad_redirect(error))
        return _whole(str(response.url), response)

    async def close(self) -> None:
        """Give up what is still being resolved."""
        await self._transport.aclose()


def address(site: Site, path: str) -> str | Failure:
    """The site's URL, or ``path`` below it; a Failure when the site has none."""
    if site.url is None:
        return Failure("config", "no-url", msg("this site has no url"), msg('add url = "https://…" to the site in sites.toml'))
    return site.url if not path else site.url.rstrip("/") + "/" + path.lstrip("/")


def _note(seen: list[str]) -> Callable[[httpx.Request], Awaitable[None]]:
    async def note(request: httpx.Request) -> None:
        if str(request.url) != seen[-1]:
            seen.append(str(request.url))

    return note


@functools.lru_cache(maxsize=8192)
def _request(url: str, origin: str, target: HttpTarget, total: float, limit: int) -> httpx.Request:
    """Made once per site: building URL and headers costs as much as parsing the response."""
    ask = Ask(total=total, limit=limit, ca=target.ca, origin=urlsplit(origin).hostname or "", connect=_split(target.connect, origin))
    return httpx.Request("GET", url, headers=HEADERS, extensions={"storewatch": ask})


def _split(connect: str | None, origin: str) -> tuple[str, int] | None:
    """``host:port``, ``host`` or ``[v6]:port`` as a pair; without a port, that of the URL."""
    if not connect:
        return None
    parts, own = urlsplit("//" + connect), urlsplit(origin)
    port = parts.port or own.port or (443 if own.scheme == "https" else 80)
    return (parts.hostname or own.hostname or "", port)


def _whole(url: str, response: httpx.Response) -> WebCheck:
    extensions = response.extensions
    trace: Trace = extensions["trace"]
    return WebCheck(
        url=one_line(url, 2000),
        status=response.status_code,
        headers=tuple((clean_bytes(name, 200), clean_bytes(value, 2000)) for name, value in extensions["raw_headers"][:200]),
        body=extensions["body"],
        dns=trace.dns,
        connect=trace.connect,
        tls=trace.tls,
        first_byte=trace.first_byte,
        read=trace.read,
        total=trace.total,
        address=trace.address,
        certificate=_certificate(trace, ""),
    )


def _failed(url: str, failure: Failure, trace: Trace) -> WebCheck:
    return WebCheck(
        url=one_line(url, 2000),
        dns=trace.dns,
        connect=trace.connect,
        tls=trace.tls,
        first_byte=trace.first_byte,
        read=trace.read,
        total=trace.total,
        address=trace.address,
        certificate=_certificate(trace, failure.kind if failure.step == "tls" and trace.tls is None else ""),
        failure=failure,
    )


def _certificate(trace: Trace, fault: str) -> Certificate | None:
    return certs.read(trace.der, fault) if trace.der else None


def _bad_url(url: str, error: Exception) -> Failure:
    return Failure(
        "config", "url", msg("{url} is not a URL: {error}", url=one_line(url), error=one_line(str(error))), msg("correct url in sites.toml")
    )


def _slow_walk(redirects: int) -> Failure:
    return Failure(
        "http",
        "timeout",
        msg("no page came in time, after {count} redirects", count=redirects),
        msg("PHP workers may be busy or stuck: look at the error log and the host"),
    )


def _loop(url: str) -> Failure:
    return Failure(
        "http",
        "redirect-loop",
        msg("more than {count} redirects, the last to {url}", count=REDIRECTS, url=one_line(url)),
        msg("check the shop's own base URL and the proxy's X-Forwarded-Proto"),
    )


def _bad_redirect(error: Exception) -> Failure:
    return Failure(
        "http", "redirect", msg("a redirect that cannot be followed: {error}", error=one_line(str(error))), msg("check the shop's base URL")
    )
