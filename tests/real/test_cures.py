"""What the program is for: a store breaks, the viewer says why, a key cures it. Real WordPress, real OpenSSH, real keys."""

import json

from tui.model.level import Level

GUILTY = "add_action('init', function () { promo_banner_render_legacy(); });"


def audited(control):
    return [json.loads(line) for line in control.room.audit.path.read_text().splitlines()]


def live(control, site):
    return next(row["key"] for row in control.reading(site, "deploys").rows if row["live"])


async def test_a_fatal_plugin_is_named_and_switched_off_by_key(control, lab):
    async with control.operator() as operator:
        await control.until_level("acme", "uptime", Level.OK)
        lab.install_plugin("acme", "promo-banner", GUILTY)
        lab.wp("acme", "plugin", "activate", "promo-banner")
        try:
            await control.until_level("acme", "uptime", Level.CRIT)
            assert control.curl("acme")[0] == 500
            await control.until(
                lambda: any(row["culprit"] == "plugin:promo-banner" for row in control.reading("acme", "errors").rows),
                "the errors pane names the plugin",
            )
            control.room.schedule.probe_now("acme", "plugins")
            await control.until(
                lambda: "promo-banner" in {row["key"] for row in control.reading("acme", "plugins").rows}, "the plugin list"
            )

            await operator.select("acme")
            await operator.press("P")
            await operator.until(lambda: operator.showing("PaneScreen"), "the plugins pane")
            await operator.select("promo-banner")
            await operator.press("x")
            run = await operator.run_it()

            assert run.verdict is not None
            assert (run.state, run.verdict.level) == ("done", Level.OK), run
            assert control.curl("acme")[0] == 200
            active = json.loads(lab.wp("acme", "option", "get", "active_plugins", "--format=json").stdout)
            assert "promo-banner/promo-banner.php" not in active
            await control.until_level("acme", "uptime", Level.OK)
            whats = [line["what"] for line in audited(control)]
            assert whats == ["intent", "outcome"]
            assert "deactivate promo-banner" in audited(control)[0]["commands"][0]
        finally:
            lab.run("rm", "-rf", str(lab.content("acme") / "plugins" / "promo-banner"))


async def test_a_bad_release_is_rolled_back_by_key(control, lab):
    async with control.operator() as operator:
        await control.until_level("acme", "uptime", Level.OK)
        lab.release("acme", "20261122101500", "f" * 40, broken=True)
        try:
            await control.until_level("acme", "uptime", Level.CRIT)
            control.room.schedule.probe_now("acme", "deploys")
            await control.until(
                lambda: any(row["key"] == "20261122101500" for row in control.reading("acme", "deploys").rows),
                "the new release in the pane",
            )
            await operator.select("acme")
            await operator.press("ctrl+l")
            await operator.until(lambda: operator.showing("ChoiceDialog"), "the releases")
            await operator.press("enter")
            run = await operator.run_it()

            assert run.verdict is not None
            assert (run.state, run.verdict.level) == ("done", Level.OK), run
            assert lab.current("acme").readlink().name == "20261122090000"
            assert control.curl("acme")[0] == 200
            assert run.detected is not None
            assert run.detected <= run.decided <= run.acted <= run.verified
            await control.until_level("acme", "uptime", Level.OK)

            await control.until(lambda: live(control, "acme") == "20261122090000", "the deploys pane shows what is live")
            await operator.press("z")
            await operator.until(lambda: operator.showing("PlanDialog"), "the plan of the undo")
            await operator.press("escape")
            assert lab.current("acme").readlink().name == "20261122090000"
        finally:
            lab.run("sh", "-c", f"cd {lab.deploy('acme')} && ln -sfn releases/20261122090000 current && rm -rf releases/20261122101500")


async def test_old_code_still_served_is_found_out_said_and_cured(control, lab):
    """bolt's nginx passes $document_root: PHP goes on with the release it knows until it is reloaded."""
    async with control.operator() as operator:
        await control.until_level("bolt", "uptime", Level.OK)
        lab.release("bolt", "20261122101500", "f" * 40, broken=True)
        lab.run(*lab.php_reload)
        try:
            await control.until_level("bolt", "uptime", Level.CRIT)
            control.room.schedule.probe_now("bolt", "deploys")
            await control.until(
                lambda: any(row["key"] == "20261122101500" for row in control.reading("bolt", "deploys").rows),
                "the new release in the pane",
            )
            await operator.select("bolt")
            await operator.press("ctrl+l")
            await operator.until(lambda: operator.showing("ChoiceDialog"), "the releases")
            await operator.press("enter")
            run = await operator.run_it()

            assert lab.current("bolt").readlink().name == "20261122090000"
            assert run.verdict is not None
            assert run.verdict.level is Level.CRIT
            assert run.verdict.offer == "reload-php"

            await operator.press("R")
            cured = await operator.run_it()
            assert cured.verdict is not None
            assert cured.verdict.level is Level.OK, cured
            assert control.curl("bolt")[0] == 200
        finally:
            lab.run("sh", "-c", f"cd {lab.deploy('bolt')} && ln -sfn releases/20261122090000 current && rm -rf releases/20261122101500")
            lab.run(*lab.php_reload)


async def test_a_git_checkout_is_rolled_back_by_key(control, lab):
    async with control.operator() as operator:
        await control.until_level("cedar", "uptime", Level.OK)
        lab.write(lab.current("cedar") / "index.php", "<?php\nrequire __DIR__ . '/vendor/autoload.php';\n")
        lab.git_commit("cedar", "broken")
        await control.until_level("cedar", "uptime", Level.CRIT)
        await control.until(lambda: len(control.reading("cedar", "deploys").rows) >= 2, "both commits in the pane")

        await operator.select("cedar")
        await operator.press("ctrl+l")
        await operator.until(lambda: operator.showing("ChoiceDialog"), "the commits")
        await operator.press("enter")
        await operator.until(lambda: operator.showing("PlanDialog"), "the plan")
        plan = operator.app.screen.planned.plan
        assert not plan.atomic
        assert any("not atomic" in warning.say() for warning in plan.warnings)
        run = await operator.run_it()

        assert run.verdict is not None
        assert (run.state, run.verdict.level) == ("done", Level.OK), run
        assert control.curl("cedar")[0] == 200
