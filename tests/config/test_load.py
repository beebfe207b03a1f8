"""What a good sites.toml becomes, and what several files are together."""

import datetime as dt
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tui.config import ConfigError, inspect, load
from tui.model.site import SecretRef
from tui.probes.tls import TlsSettings
from tui.probes.uptime import UptimeSettings

LEAST = '[sites.eu]\nurl = "https://eu.example.com/"\n'


@pytest.fixture
def write(tmp_path):
    def put(text: str | bytes, name: str = "sites.toml") -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return put


def told(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load(path)
    return str(caught.value)


def test_the_least(write):
    fleet = load(write(LEAST))
    site = fleet.sites["eu"]
    assert (site.id, site.name, site.url, site.platform, site.production) == ("eu", "eu", "https://eu.example.com/", "custom", True)
    assert site.ssh is None and site.interval == 30.0 and fleet.room.name == "storewatch"
    assert fleet.path == str(write(LEAST).resolve())


def test_everything_of_a_site(write, tmp_path):
    text = """
        [sites.eu]
        name = "EU \\u6b27\\u6d32"
        ssh.known_hosts = "~/kh"
        ssh.host = "web1"
        ssh.port = 2222
        ssh.key = "keys/id"
        ssh.jump = ["a", "ops@b:22"]
        ssh.config = "none"
        http = { connect = "[::1]:443", ca = "ca.pem", timeout = "5s", expect = "Cart" }
        database = { name = "eu", user = "monitor", password_file = "db.txt", host = "db1", port = 3307 }
        php.reload = ["systemctl", "reload", "php"]
        probes.tls = { warn_days = 30 }
        [[sites.eu.log]]
        format = "nginx-error"
        path = "/var/log/a.log"
        [[sites.eu.log]]
        format = "nginx-error"
        path = "/var/log/b.log"
        [[sites.eu.journey]]
        name = "checkout"
    """
    site = load(write(text)).sites["eu"]
    here = tmp_path.resolve()
    assert site.name == "EU 欧洲"
    assert site.ssh.key == str(here / "keys/id") and site.ssh.known_hosts == str(Path("~/kh").expanduser()) and site.ssh.config == "none"
    assert site.ssh.jump == ("a", "ops@b:22") and site.ssh.port == 2222
    assert site.http.ca == str(here / "ca.pem") and site.http.timeout == 5.0 and site.http.connect == "[::1]:443"
    assert site.database.password == SecretRef("file", (str(here / "db.txt"),)) and site.database.port == 3307
    assert [log.name for log in site.logs] == ["nginx-error", "nginx-error-2"]
    assert site.php_reload == ("systemctl", "reload", "php") and site.journeys[0].name == "checkout"
    assert site.section("probe.tls", TlsSettings).warn_days == 30
    assert site.section("probe.uptime", UptimeSettings) == UptimeSettings()


def test_defaults_merge_tables_and_replace_lists(write):
    text = """
        [defaults]
        interval = "10s"
        tags = ["all"]
        ssh = { user = "deploy", jump = "jump" }
        http.timeout = 3
        [sites.eu]
        ssh = { host = "web1", jump = [] }
        tags = ["eu"]
        [sites.us]
        ssh.host = "web2"
        ssh.user = "ops"
        [sites.only-http]
        url = "https://x.example.com"
    """
    sites = load(write(text)).sites
    assert (sites["eu"].ssh.user, sites["eu"].ssh.jump, sites["eu"].tags, sites["eu"].interval) == ("deploy", (), ("eu",), 10.0)
    assert (sites["us"].ssh.user, sites["us"].ssh.jump, sites["us"].tags, sites["us"].http.timeout) == ("ops", ("jump",), ("all",), 3.0)
    assert sites["only-http"].ssh is None


def test_defaults_of_another_layout_do_not_concern_a_site(write):
    text = """
        [defaults]
        ssh.user = "deploy"
        deploy = { layout = "capistrano", path = "/srv/shop", current = "live" }
        [sites.eu]
        ssh.host = "web1"
        deploy = { layout = "git", path = "/srv/eu" }
        [sites.us]
        ssh.host = "web2"
        deploy.path = "/srv/us"
    """
    sites = load(write(text)).sites
    assert sites["eu"].layout == "git" and sites["eu"].settings["layout"].path == "/srv/eu"
    us = sites["us"].settings["layout"]
    assert (sites["us"].layout, us.path, us.current) == ("capistrano", "/srv/us", "live")


def test_relative_paths_are_those_of_the_file_they_stand_in(write, tmp_path):
    main = write('[defaults]\nhttp.ca = "ca.pem"\n' + LEAST)
    write('[sites.us]\nssh = { host = "web1", key = "id_us" }\n', "sites.d/us.toml")
    site = load(main).sites["us"]
    assert site.http.ca == str(tmp_path.resolve() / "ca.pem")
    assert site.ssh.key == str(tmp_path.resolve() / "sites.d" / "id_us")


def test_sites_d_comes_after_the_main_file_by_name(write):
    main = write(LEAST)
    write('[sites.z]\nurl = "https://z.example.com/"\n', "sites.d/b.toml")
    write('[sites.a]\nurl = "https://a.example.com/"\n', "sites.d/c.toml")
    write("broken [", "sites.d/.hidden.toml")
    write("broken [", "sites.d/notes.txt")
    assert list(load(main).sites) == ["eu", "z", "a"]


def test_sites_d_alone_is_enough(write):
    main = write('[room]\nname = "x"\n')
    write(LEAST, "sites.d/eu.toml")
    assert list(load(main).sites) == ["eu"]


def test_one_id_in_two_files_names_both(write, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    main = write("\n" + LEAST)
    write(LEAST, "sites.d/eu.toml")
    assert told(main) == 'sites.d/eu.toml:1: sites.eu: another site is called "eu" too, in sites.toml:2; give one of them another id'


def test_a_broken_file_among_many_is_named_and_so_is_every_other_problem(write, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    main = write(LEAST)
    write("[sites.us\n", "sites.d/us.toml")
    write(b"\xff\xfe", "sites.d/cn.toml")
    text = told(main)
    assert "sites.d/us.toml:1: not TOML" in text and "sites.d/cn.toml: is UTF-16" in text


def test_what_does_not_belong_into_sites_d(write, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    main = write(LEAST)
    write('[room]\nname = "x"\n', "sites.d/a.toml")
    write("", "sites.d/b.toml")
    lines = told(main).splitlines()
    assert lines[0] == "sites.d/a.toml:1: room: belongs in the main file; a file of sites.d holds [sites.ID] alone"
    assert lines[1].startswith("sites.d/b.toml: holds no site")


def test_the_digest_follows_every_byte_of_every_file(write):
    main = write(LEAST)
    first = load(main).digest
    assert load(main).digest == first
    write(LEAST.replace("eu", "us"), "sites.d/us.toml")
    second = load(main).digest
    write(LEAST + "# x\n")
    assert len({first, second, load(main).digest}) == 3


def test_peaks_know_their_time_zone(write):
    dates = "starts = 2026-11-27T00:00:00\nends = 2026-11-27T08:00:00-05:00"
    fleet = load(write('[room]\ntimezone = "Asia/Shanghai"\n[[peak]]\nname = "BF"\n' + dates + "\n" + LEAST))
    assert fleet.peaks[0].starts == dt.datetime(2026, 11, 26, 16, tzinfo=dt.UTC).timestamp()
    assert fleet.peaks[0].ends == dt.datetime(2026, 11, 27, 13, tzinfo=dt.UTC).timestamp()


@pytest.mark.parametrize("make", ["missing", "folder", "fifo", "link-loop", "link-to-nothing"])
def test_what_is_no_file(make, tmp_path):
    path = tmp_path / "sites.toml"
    if make == "folder":
        path.mkdir()
    elif make == "fifo":
        os.mkfifo(path)
    elif make == "link-loop":
        path.symlink_to(path)
    elif make == "link-to-nothing":
        path.symlink_to(tmp_path / "gone")
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert caught.value.problems[0].hint


@pytest.fixture
def plain_user():
    """Root may read everything: be somebody else for the length of a test."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    yield
    os.seteuid(0)


@pytest.fixture
def locked():
    """A sites.toml nobody may read, in a folder everybody may enter."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(folder) / "sites.toml"
        path.write_text(LEAST)
        path.chmod(0)
        yield path


def test_a_file_we_may_not_read(locked, plain_user):
    assert "sites.toml: may not be read by you; ask its owner" in told(locked)


def test_a_file_that_is_too_big(write):
    assert "larger than" in told(write(b"#" * 8_000_001))


def test_notes_do_not_stop_anybody(write, tmp_path, monkeypatch):
    """A missing key file, one that others may read, a missing authority: told, and the fleet is there all the same."""
    monkeypatch.chdir(tmp_path)
    write("key", "id_open").chmod(0o644)
    write("key", "id_good").chmod(0o600)
    loaded = inspect(
        write(
            '[defaults]\nhttp.ca = "ca.pem"\n[sites.a]\nssh = { host = "x", key = "id_gone" }\n'
            '[sites.b]\nssh = { host = "x", key = "id_open" }\n[sites.c]\nssh = { host = "x", key = "id_good" }\n'
        )
    )
    assert list(loaded.fleet.sites) == ["a", "b", "c"]
    said = [(note.line, note.key, note.message.replace(str(tmp_path.resolve()), "")) for note in loaded.notes]
    assert said == [
        (2, "defaults.http.ca", "/ca.pem does not exist"),
        (4, "sites.a.ssh.key", "/id_gone does not exist"),
        (6, "sites.b.ssh.key", "/id_open may be read by others (mode 0644)"),
    ]


def test_asking_for_the_file_costs_no_pydantic():
    code = "import sys, tui.config; tui.config.find; print('pydantic' in sys.modules, 'tui.probes' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_no_module_takes_the_name_of_a_function(write):
    """A submodule becomes an attribute of its package when it is first imported, and would hide a function of that name."""
    twice = "c.load(p), c.schema(), c.inspect(p), c.find(str(p))"
    code = f"import sys, pathlib, tui.config as c; p = pathlib.Path(sys.argv[1]); {twice}; {twice}"
    subprocess.run([sys.executable, "-c", code, str(write(LEAST))], check=True)


def test_the_keys_people_and_scripts_rely_on_from_the_first_day():
    """first-day.toml has each of them as it was promised; a later version that refuses one breaks somebody's file."""
    loaded = inspect(Path(__file__).parent / "first-day.toml")
    site, room = loaded.fleet.sites["eu"], loaded.fleet.room
    assert (room.name, room.history, room.timezone) == ("cn-crossborder", "sqlite", "Asia/Shanghai")
    assert (site.platform, site.layout, site.vault, site.interval) == ("woocommerce", "capistrano", "dump", 30.0)
    assert site.database.password == SecretRef("command", ("pass", "eu/db")) and site.database.socket == "/run/mysqld/mysqld.sock"
    assert site.settings["platform"].wp == ("php", "/usr/local/bin/wp") and site.approve == ("rollback", "plugin-off")
    assert (site.settings["vault"].full, site.settings["vault"].incremental) == (86400.0, 7200.0)
    assert loaded.fleet.roles.approver == ("shop-leads",) and site.journeys[0].name == "checkout"
