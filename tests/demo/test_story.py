"""The demo tells its story, and what it offers as a cure is one."""

import json


def test_every_store_is_seen_hurt_and_cured(demo, desk, until):
    """Twelve stores, the whole story: one process, so that it is told once."""
    one = demo("--pace", "0.05")
    first = one.status(wait=50)
    assert len(first) == 12
    assert all({"uptime", "errors", "host", "backups", "deploys", "plugins"} <= set(probes) for probes in first.values()), first
    assert {level for probes in first.values() for level, _ in probes.values()} <= {"OK", "WARN", "CRIT"}, first

    one.until("hutong", "uptime", "CRIT", "500")
    one.until("hutong", "errors", "CRIT", "Failed opening required")
    one.until("saffron", "uptime", "CRIT", "WordPress critical error")
    one.until("saffron", "errors", "CRIT", "plugin:promo-banner")
    one.until("lingnan", "backups", "CRIT", "old")
    one.until("fjord", "backups", "CRIT", "broken")
    one.until("sakura", "tls", "WARN", "days")
    one.until("yunnan", "uptime", "WARN", "slow")
    assert "promo-banner" in one.run("logs", "saffron", "--since", "10m").stdout

    releases = sorted(path.name for path in (one.sites.parent / "web1/srv/hutong/releases").iterdir() if path.name.isdigit())
    assert one.run("run", "rollback", "hutong", releases[-2]).returncode == 2, "nobody said yes"
    done = one.run("run", "rollback", "hutong", releases[-2], "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (one.sites.parent / "web1/srv/hutong/current").resolve().name == releases[-2]
    one.until("hutong", "uptime", "OK", "200")

    done = one.run("run", "plugin-off", "saffron", "promo-banner", "--yes", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [json.loads(line)["state"] for line in done.stdout.splitlines()] == ["done"]
    one.until("saffron", "uptime", "OK", "200")

    assert one.run("audit", "--verify").returncode == 0
    assert one.end() == 0
    assert not desk.folders()


def test_a_calm_fleet_has_no_faults(demo):
    one = demo("--calm", "--stores", "6", "--pace", "0.02")
    seen = one.status(wait=50)
    stores = {(site, probe): seen[site][probe] for site in seen for probe in seen[site] if probe != "host"}  # the host is this machine
    assert {probe for _, probe in stores} >= {"uptime", "errors", "backups", "deploys", "plugins"}
    assert not {key: found for key, found in stores.items() if found[0] != "OK"}
    assert one.end() == 0


def test_other_numbers_of_stores(demo, desk):
    for wrong in ("0", "1001", "-1"):
        done = desk.run("demo", "--headless", "--stores", wrong)
        assert (done.returncode, done.stdout) == (2, ""), wrong
        assert "from 1 to 1000" in done.stderr
    assert not desk.folders()
    one = demo("--stores", "3", "--pace", "0.05", "--seed", "7")
    assert len(one.status(wait=50)) == 3
    assert one.end() == 0
    one = demo("--stores", "40", "--calm")
    seen = one.status(wait=55)
    assert len(seen) == 40
    assert all(probes["uptime"][0] == "OK" for probes in seen.values()), seen
    assert one.end() == 0
    assert not desk.folders()


def test_a_storm_floods_and_all_goes_on(demo, until):
    one = demo("--storm", "--calm", "--stores", "3", "--pace", "0.05")
    log = one.sites.parent / "web1/var/log/nginx/nordlicht.error.log"
    before = log.stat().st_size
    until(lambda: log.stat().st_size > before + 2_000_000, "a flood")
    one.status(wait=50)
    one.until("nordlicht", "errors", "WARN", "errors a minute")
    assert one.status()["nordlicht"]["uptime"][0] in ("OK", "WARN")
    assert one.end() == 0
