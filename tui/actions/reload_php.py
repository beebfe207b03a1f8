"""Have php-fpm take up new code."""

from __future__ import annotations

from tui.actions._after import home_page, verdict
from tui.model.action import Action, Readings
from tui.model.catalogue import ActionInfo
from tui.model.command import HostFacts
from tui.model.level import Level
from tui.model.message import msg
from tui.model.plan import Plan, Refused, Step, Verdict
from tui.model.reach import Reach
from tui.model.site import Site


def plan(site: Site, _readings: Readings, _choice: str, _host: HostFacts) -> Plan:
    """One step: the words of ``php.reload``. Raises Refused when sites.toml has none."""
    if not site.php_reload:
        raise Refused(
            msg("sites.toml does not say how PHP is reloaded on {site}", site=site.name),
            msg('add to the site: php = { reload = ["sudo", "-n", "systemctl", "reload", "php8.2-fpm"] } and the sudoers line for it'),
        )
    return Plan(
        action="reload-php",
        site=site.id,
        title=msg("reload PHP at {site}", site=site.name),
        steps=(Step(site.php_reload, msg("php-fpm starts its workers anew and forgets compiled code and resolved paths")),),
        warnings=(
            msg("every shop of this php-fpm is reloaded with it"),
            msg("requests that run longer than php-fpm's process_control_timeout (0 by default) are cut off"),
        ),
    )


async def prove(site: Site, reach: Reach, _plan: Plan) -> Verdict:
    """Nothing on the host tells that a reload took place, so the home page must."""
    page = await home_page(site, reach)
    if page is None:
        return Verdict(Level.UNKNOWN, msg("asked for the reload; without a url in sites.toml nobody can look at the shop"))
    return verdict(Level.OK, msg("PHP was asked to reload"), page)


ACTION = Action(
    info=ActionInfo(
        id="reload-php",
        title="Reload PHP",
        key="R",
        help="reloads php-fpm, for when the old code is still served after a roll-back",
        then=("errors",),
    ),
    plan=plan,
    prove=prove,
)
