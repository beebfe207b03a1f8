"""The JSON Schema of sites.toml, put together from the tables and from what the registered units declare."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from tui.config import units
from tui.config.tables import SITE_ID, PeakTable, RolesTable, RoomTable, SiteTable

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Node = dict[str, Any]


def schema() -> Node:
    """A JSON Schema (draft 2020-12) for editors: every key of every registered unit, closed against others."""
    models = _models()
    mode: JsonSchemaMode = "validation"
    refs, shared = models_json_schema([(model, mode) for model in models], ref_template="#/$defs/{model}")
    definitions: Node = shared.get("$defs", {})
    by_model = {model: refs[(model, mode)] for model in models}
    site = _site(definitions[by_model[SiteTable]["$ref"].rpartition("/")[2]], definitions, by_model)
    definitions["Site"] = site
    return {
        "$schema": DIALECT,
        "title": "sites.toml of storewatch",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "room": by_model[RoomTable],
            "defaults": {"$ref": "#/$defs/Site", "description": "any key of a site, merged under each"},
            "roles": by_model[RolesTable],
            "peak": {"type": "array", "items": by_model[PeakTable], "description": "promotion windows"},
            "sites": {
                "type": "object",
                "propertyNames": {"pattern": f"^{SITE_ID.pattern}$"},
                "additionalProperties": {"$ref": "#/$defs/Site"},
                "description": "one table a storefront",
            },
        },
        "$defs": definitions,
    }


def _models() -> list[type[BaseModel]]:
    found: list[type[BaseModel]] = [RoomTable, RolesTable, PeakTable, SiteTable]
    for kind in ("platform", "layout", "vault", "probe", "action"):
        found.extend(model for model in units.offered(kind).values() if model is not None and model not in found)
    return found


def _site(base: Node, definitions: Node, refs: dict[type[BaseModel], Node]) -> Node:
    """The site table: its fixed keys, the platforms' keys beside them, and the units' tables below them."""
    properties = dict(base["properties"])
    properties["platform"] = {**properties["platform"], "enum": sorted(units.offered("platform"))}
    for model in units.offered("platform").values():
        if model is not None:
            properties.update(_resolved(refs[model], definitions).get("properties", {}))
    for key, choice in (("deploy", "layout"), ("backup", "vault")):
        branches = [
            _chosen(choice, name, _resolved(refs[model], definitions) if model else None) for name, model in units.offered(choice).items()
        ]
        properties[key] = {"description": properties[key]["description"], **({"oneOf": branches} if branches else {"type": "object"})}
    for key, kind in (("probes", "probe"), ("actions", "action")):
        tables = {name: refs[model] if model else {"type": "object", "maxProperties": 0} for name, model in units.offered(kind).items()}
        description = properties[key]["description"]
        properties[key] = {"type": "object", "additionalProperties": False, "properties": tables, "description": description}
    return {**base, "title": "Site", "properties": properties, "additionalProperties": False}


def _resolved(ref: Node, definitions: Node) -> Node:
    found: Node = definitions[ref["$ref"].rpartition("/")[2]]
    return found


def _chosen(choice: str, name: str, settings: Node | None) -> Node:
    """``{layout = NAME, …}``: a defaults table may give only part of it, so nothing but the name is required here."""
    properties = (settings or {}).get("properties", {})
    return {"type": "object", "additionalProperties": False, "required": [choice], "properties": {choice: {"const": name}, **properties}}
