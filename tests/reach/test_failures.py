"""Each sentence about a host names it and says what to do."""

import string

import pytest

from tui.reach import failures
from tui.reach.failures import TABLE, TEMPLATES, Where, behind, failed, waiting

WHERE = Where("deploy", "web1", 22)
ARGS = {
    "site": "eu",
    "detail": "its words\x1b[2J",
    "seconds": 10,
    "path": "/k",
    "mode": "0644",
    "fingerprint": "SHA256:new",
    "known": "SHA256:old",
    "name": "[web1]:22",
    "count": 4,
    "what": "php -v",
    "code": 1,
    "user": "www-data",
    "login": "deploy",
}


@pytest.mark.parametrize(("step", "kind"), TABLE)
def test_a_failure_has_all_its_words(step, kind):
    failure = failed(step, kind, WHERE, **ARGS).failure
    said, remedy = failure.message.say(), failure.remedy.say()
    assert "web1" in said + remedy or step == "config" or "key" in kind
    assert remedy
    assert "\x1b" not in said + remedy
    for template in (failure.message.id, failure.remedy.id):
        names = {name for _, name, _, _ in string.Formatter().parse(template) if name}
        assert names <= set(failure.message.args)


def test_what_is_behind_a_jump_host_shares_its_cause_and_nested_ones_the_first():
    first = behind(failed("connect", "refused", Where("ops", "gate", 22)).failure, Where("ops", "gate", 22)).failure
    assert (first.cause, first.message.say()) == ("jump:ops@gate:22", "Jump host: ops@gate:22 refused the connection")
    assert behind(first, Where("ops", "inner", 22)).failure == first
    assert first.message.id in TEMPLATES


def test_a_failure_told_while_waiting_says_for_how_long():
    failure = waiting(failed("connect", "refused", WHERE).failure, 3.6).failure
    assert failure.message.say() == "deploy@web1:22 refused the connection; next try in 4 s"
    assert failure.message.id in TEMPLATES


def test_an_ipv6_host_is_written_in_brackets():
    assert Where("a", "::1", 22).label == "a@[::1]:22"
    assert failures.Where("a", "::1", 22).cause == "host:::1:22"
