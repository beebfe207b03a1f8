"""The tables of sites.toml as pydantic models: the keys that do not belong to a unit."""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from pathlib import PurePosixPath
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from tui.config.problems import nearest
from tui.model.duration import Duration

DATE = "\0date"
"""The key under which a TOML date travels through JSON, so that a text field refuses it."""

SITE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_ACCOUNT = re.compile(r"[A-Za-z_][A-Za-z0-9_.@-]{0,63}\$?")
_HOST = re.compile(r"[A-Za-z0-9_:%\[\]][A-Za-z0-9._:%\[\]-]{0,254}")


def _on_host(text: str) -> str:
    if not PurePosixPath(text).is_absolute():
        raise ValueError("must be an absolute path on the site's host")
    return text


def _zone(name: str) -> str:
    try:
        zoneinfo.ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        hint = nearest(name, zoneinfo.available_timezones())
        raise ValueError(f'is not a time zone such as "Asia/Shanghai"{"; " + hint if hint else ""}') from None
    return name


def _account(name: str) -> str:
    if not _ACCOUNT.fullmatch(name):
        raise ValueError("is not the name of a Unix account or group")
    return name


def _host(name: str) -> str:
    if not _HOST.fullmatch(name):
        raise ValueError("must be a host name, an address or a name in the ssh config, without user and port")
    return name


def _hop(text: str) -> str:
    user, at, host = text.rpartition("@")
    if at:
        _account(user)
    if not _HOST.fullmatch(host):
        raise ValueError('must look like "host", "user@host" or "user@host:port"')
    return text


def _endpoint(text: str) -> str:
    host, colon, port = text.rpartition(":")
    if not colon or not _HOST.fullmatch(host) or not port.isascii() or not port.isdecimal() or not 0 < int(port[:6]) < 65536:
        raise ValueError('must look like "203.0.113.9:443"')
    return text


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as error:
        raise ValueError(f"is not a URL ({error})") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"[\s\\]", text):
        raise ValueError('must be a URL such as "https://shop.example.com/"')
    if "@" in parts.netloc:
        raise ValueError("must not hold a user or password")
    return text


def _history(text: str) -> str:
    if text == "sqlite":
        return text
    parts = urlsplit(text)
    if not parts.scheme.startswith(("sqlite", "mysql", "mariadb")) or "://" not in text:
        raise ValueError('must be "sqlite" or a SQLAlchemy URL of a MySQL-compatible server such as "mysql+aiomysql://user@host/name"')
    if ":" in parts.netloc.rpartition("@")[0]:
        raise ValueError(
            "must not hold a password: write history_password_env, history_password_file or history_password_command beside it"
        )
    return text


def _one_or_more(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else (value,) if isinstance(value, str) else value


def _moment(value: Any) -> Any:
    text = value.get(DATE) if isinstance(value, dict) else None
    if text is None:
        raise ValueError("must be a date and time such as 2026-11-27T00:00:00+08:00, without quotation marks")
    if "T" not in text:
        raise ValueError("must have a date and a time, such as 2026-11-27T00:00:00+08:00")
    return dt.datetime.fromisoformat(text)


Text = Annotated[str, Field(min_length=1)]
HostPath = Annotated[str, Field(min_length=1), AfterValidator(_on_host)]
Account = Annotated[str, AfterValidator(_account)]
Groups = Annotated[tuple[Account, ...], Field()]
Words = Annotated[tuple[Text, ...], Field(min_length=1)]
Port = Annotated[int, Field(ge=1, le=65535)]
Moment = Annotated[dt.datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})]
Jump = Annotated[
    tuple[Annotated[str, AfterValidator(_hop)], ...],
    BeforeValidator(_one_or_more),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
Zone = Annotated[str, AfterValidator(_zone)]


class Table(BaseModel):
    """A table that refuses keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class RoomTable(Table):
    name: Text = Field("storewatch", description="what this room is called on every screen")
    history: Annotated[str, AfterValidator(_history)] = Field(
        "sqlite", description='"sqlite", or a SQLAlchemy URL of a MySQL-compatible server'
    )
    history_password_env: Text | None = Field(None, description="environment variable that holds the password of the history URL")
    history_password_file: Text | None = Field(None, description="file whose first line is that password")
    history_password_command: Words | None = Field(None, description="command whose first line of output is that password")
    timezone: Zone = Field("UTC", description="times are shown in this time zone")
    socket: Text | None = Field(None, description="socket of a team's room, which is started as a service and never by a viewer")
    group: Account | None = Field(None, description="Unix group that may use that socket")
    state: Text | None = Field(None, description="folder for history, audit log and accepted host keys")
    demo: bool = Field(False, description="every screen says DEMO")
    self_test: tuple[Text, ...] = Field(
        (), description='addresses ("host:port") the room tries when nothing answers, to tell its own network from the stores'
    )


class RolesTable(Table):
    operator: Groups = Field((), description="Unix groups whose members may act")
    approver: Groups = Field((), description="Unix groups whose members may give the second yes")


class PeakTable(Table):
    name: Text = Field(description="what the promotion is called")
    starts: Moment = Field(description="when it begins; without an offset the time zone of [room] counts")
    ends: Moment = Field(description="when it is over")


class HttpTable(Table):
    connect: Annotated[str, AfterValidator(_endpoint)] | None = Field(None, description="connect here instead, like curl --connect-to")
    ca: Text | None = Field(None, description="PEM file of the authority that signed the shop's certificate, like curl --cacert")
    timeout: Annotated[Duration, Field(ge=1, le=120)] = Field(10.0, description="how long one check may take")
    expect: Text | None = Field(None, description="text that a healthy front page holds")


class SshTable(Table):
    host: Annotated[str, AfterValidator(_host)] | None = Field(None, description="host name, address, or a name in the ssh config")
    port: Port | None = Field(None, description="port of its sshd")
    user: Account | None = Field(None, description="account to log in as")
    key: Text | None = Field(None, description="private key file; without it the agent and the ssh config are asked")
    known_hosts: Text | None = Field(None, description="known_hosts file")
    jump: Jump = Field((), description="jump host or list of them, each [user@]host[:port] or a name in the ssh config")
    config: Text | None = Field(None, description='ssh config file; "none" reads none')


class DatabaseTable(Table):
    name: Text = Field(description="name of the shop's database")
    user: Text | None = Field(None, description="database account that may read")
    password_env: Text | None = Field(None, description="environment variable that holds its password")
    password_file: Text | None = Field(None, description="file whose first line is its password")
    password_command: Words | None = Field(None, description="command whose first line of output is its password")
    host: Annotated[str, AfterValidator(_host)] = Field("127.0.0.1", description="database server as seen from the SSH host")
    port: Port = Field(3306, description="its port")
    socket: HostPath | None = Field(None, description="Unix socket on the SSH host, instead of host and port")


class PhpTable(Table):
    reload: Words | None = Field(None, description="command that reloads php-fpm")


class LogTable(Table):
    name: Text | None = Field(None, description="what this log is called; its format when left out")
    format: Text = Field(description="log format")
    path: HostPath = Field(description="file on the site's host")
    timezone: Zone | None = Field(None, description="time zone its times are written in; the host's own when left out")


class JourneyTable(Table):
    name: Text = Field(description="what this walk through the shop is called")


class SiteTable(Table):
    """The keys of one site that every platform has."""

    name: Text | None = Field(None, description="the store's name for people; its id when left out")
    url: Annotated[str, AfterValidator(_url)] | None = Field(None, description="front page, checked from outside")
    platform: Text = Field("custom", description="shop software")
    root: HostPath | None = Field(None, description="where the platform's own files lie on the host")
    owner: Account | None = Field(None, description="commands of the shop run as this user (sudo -n -u, runuser when root)")
    production: bool = Field(True, description="a production site asks for its name before anything changes it")
    approve: tuple[Text, ...] = Field((), description="actions that want a second person's yes")
    tags: tuple[Text, ...] = Field((), description="words to filter by")
    interval: Annotated[Duration, Field(ge=1, le=86400)] = Field(30.0, description="time between two uptime checks")
    http: HttpTable = Field(default_factory=lambda: HttpTable.model_validate({}), description="how the shop is checked from outside")
    ssh: SshTable | None = Field(None, description="how its host is reached")
    deploy: dict[str, Any] | None = Field(None, description="how releases lie on the host")
    backup: dict[str, Any] | None = Field(None, description="where backups lie")
    database: DatabaseTable | None = Field(None, description="the shop's MySQL, reached through SSH")
    php: PhpTable = Field(default_factory=lambda: PhpTable.model_validate({}), description="how PHP is handled on the host")
    log: tuple[LogTable, ...] = Field((), description="log files on the host")
    journey: tuple[JourneyTable, ...] = Field((), description="walks through the shop")
    probes: dict[str, Any] = Field({}, description="settings of single probes")
    actions: dict[str, Any] = Field({}, description="settings of single actions")


TOP: dict[str, str] = {"room": "table", "defaults": "table", "roles": "table", "peak": "array of tables", "sites": "table"}
"""The keys of the file itself, and what each must be."""
