"""What every proof ends with: a look at the shop as a shopper sees it."""

from __future__ import annotations

import asyncio

from tui.model.level import Level
from tui.model.message import Message, msg
from tui.model.plan import Verdict
from tui.model.reach import Reach
from tui.model.reading import Reading
from tui.model.site import Site
from tui.probes import uptime

PAUSES = [0.5, 1.0, 1.5]
"""Seconds before each new look at a page that fails: PHP looks for changed files only every 2 s (opcache.revalidate_freq)."""


async def home_page(site: Site, reach: Reach) -> Reading | None:
    """The uptime probe's own reading, taken again while the page fails; None when the site has no ``url``."""
    if site.url is None:
        return None
    reading = await uptime.PROBE.probe(site, reach, None)
    for pause in PAUSES:
        if reading.level is not Level.CRIT:
            break
        await asyncio.sleep(pause)
        reading = await uptime.PROBE.probe(site, reach, None)
    return reading


def verdict(level: Level, state: Message, page: Reading | None, offer: str = "") -> Verdict:
    """What was read back (``state``, ``level``) and what a shopper gets, in one sentence; the worse level of both."""
    if page is None:
        return Verdict(level, state, offer=offer)
    worst = Level.worst((level, page.level)) or level
    message = msg("{state}; home page: {page}", state=state.say(), page=page.summary.say())
    return Verdict(worst, message, () if page.level is Level.OK else page.evidence, offer)
