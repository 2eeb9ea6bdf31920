"""Publications: their definitions, what changes them, and their members. All of it is known from the text alone.

A publication is `publication with (publish 'insert')`: options that have their default are not there. A member is
`table (a, b) where (c > 0)`, or `tables`, all those of a schema.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from runner.sql.inventory import Inventory
from runner.sql.objects import PRESENT, PUBLICATION_MEMBERS, RESERVED, Effect, Object
from runner.sql.option_list import changed, listed_options, options_in, sorted_words

PUBLICATION = "publication"
TABLE, SCHEMA = PUBLICATION_MEMBERS
ALL_TABLES = "for all tables"
ONLY_THESE = "only these members"
"""What changes a publication so that it has no other members than those that are named after it."""
WHERE = " where ("
OPERATIONS = ("insert", "update", "delete", "truncate")
_DEFAULTS = {"publish_via_partition_root": "false", "publish_generated_columns": "none"}
_WORDS = {"on": "true", "1": "true", "yes": "true", "off": "false", "0": "false", "no": "false"}
_STORED = {"true": "stored"}


def publication_definition(*, all_tables: bool, options: Mapping[str, str]) -> str:
    """Return the definition of a publication with options as a statement gives them."""
    kept = {}
    for name, value in options.items():
        text = _value(name, value)
        if text != _DEFAULTS.get(name, ", ".join(OPERATIONS)):
            kept[name] = text
    return listed_options(f"{PUBLICATION} {ALL_TABLES}" if all_tables else PUBLICATION, "with", kept)


def _value(name: str, value: str) -> str:
    if name == "publish":
        return sorted_words((word.strip().lower() for word in value.split(",")), OPERATIONS)
    text = _WORDS.get(value.lower(), value.lower())
    return _STORED.get(text, text) if name == "publish_generated_columns" else text


def is_for_all(definition: str) -> bool:
    """Return whether a publication has all tables."""
    return definition.startswith(f"{PUBLICATION} {ALL_TABLES}")


def all_options(definition: str) -> dict[str, str]:
    """Return the options of a publication, those that have their default among them."""
    return {"publish": ", ".join(OPERATIONS), "publish_via_partition_root": "false", **options_in(definition)}


def follow(effect: Effect, state: Inventory) -> Effect:
    """Return the effect of a statement on a publication with the definition that it has then.

    A publication that no statement makes is known by its name alone.
    """
    item = effect.object
    if item.kind != PUBLICATION or effect.action != "change":
        return effect
    if effect.value == ONLY_THESE:
        for member in [other for other in state.near("", item.name) if other.kind in PUBLICATION_MEMBERS]:
            if member.name == item.name:
                state.pop(member)
    before = state.get(item, PRESENT)
    if before == PRESENT or effect.value == ONLY_THESE:
        return effect._replace(value=before)
    options = changed(options_in(before), effect.value)
    return effect._replace(action="set", value=publication_definition(all_tables=is_for_all(before), options=options))


def filtered_by(member: Object, definition: str) -> Object | None:
    """Return the CHECK that stands for the condition of a member; None without a condition."""
    if WHERE not in definition:
        return None
    return Object("constraint", filter_name(definition), member.table, member.schema)


def filter_name(definition: str = "") -> str:
    """Return the name of the CHECK by which PostgreSQL itself says what the condition of a member is, or its begin."""
    return f"{RESERVED}filter_{hashlib.sha256(definition.encode()).hexdigest()[:16] if definition else ''}"
