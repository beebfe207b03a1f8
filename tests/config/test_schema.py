"""The JSON Schema says the same as the reader."""

import json

from tui.config import schema, units


def test_every_unit_is_in_the_schema():
    site = schema()["$defs"]["Site"]["properties"]
    assert set(site["platform"]["enum"]) == set(units.offered("platform"))
    assert set(site["probes"]["properties"]) == set(units.offered("probe"))
    assert set(site["actions"]["properties"]) == set(units.offered("action"))
    layouts = {branch["properties"]["layout"]["const"]: branch for branch in site["deploy"]["oneOf"]}
    assert set(layouts) == set(units.offered("layout"))
    assert layouts["capistrano"]["properties"]["path"]["description"]
    assert set(units.platform_keys()) <= set(site)


def test_it_is_closed_and_every_reference_leads_somewhere():
    whole = schema()
    text = json.dumps(whole)
    for name in {part.split('"')[0] for part in text.split('"#/$defs/')[1:]}:
        assert name in whole["$defs"], name
    assert whole["additionalProperties"] is False and whole["$defs"]["Site"]["additionalProperties"] is False
    assert all(table.get("additionalProperties") is False for name, table in whole["$defs"].items() if name.endswith("Table"))


def test_every_key_has_its_explanation():
    site = schema()["$defs"]["Site"]["properties"]
    assert [key for key, node in site.items() if not node.get("description")] == []


def test_platform_keys_do_not_hide_those_of_every_site():
    from tui.config.tables import SiteTable

    assert set(units.platform_keys()) & set(SiteTable.model_fields) == set()
    for kind in ("layout", "vault"):
        for name, model in units.offered(kind).items():
            assert model is None or kind not in model.model_fields, name
