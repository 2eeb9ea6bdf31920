"""Facts that are read off statements, for nothing of them is run in scratch schemas: roles, and event triggers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from postgast import pg_query_pb2 as pg

from runner.sql.foreign_tables import with_changes
from runner.sql.objects import PRESENT, Object, qualified_name
from runner.sql.quoting import identifier, literal
from runner.sql.trees import strings

if TYPE_CHECKING:
    from runner.sql.object_names import ObjectNames

PUBLIC = "public"
_VERSION = "version "
_STATE = re.compile(r"(?: disabled| enabled replica| enabled always)?\Z")
_STATES = {"D": " disabled", "R": " enabled replica", "A": " enabled always"}


def roles_named(roles: Sequence[pg.Node]) -> str:
    """Return the roles of a policy, as `to a, b`; PRESENT when the session decides who they are, or none are named."""
    kinds = {pg.RoleSpecType.Name(node.role_spec.roletype) for node in roles}
    if "ROLESPEC_PUBLIC" in kinds:  # the others say nothing more
        return f"to {PUBLIC}"
    if kinds != {"ROLESPEC_CSTRING"}:
        return PRESENT
    names = {identifier(node.role_spec.rolename) for node in roles}
    return f"to {', '.join(sorted(names, key=str.encode))}"


def event_trigger(body: pg.CreateEventTrigStmt, names: ObjectNames) -> str:
    """Return the definition of an event trigger, as the facts of a database have it."""
    function = qualified_name(names.named("function", body.funcname))
    lists = (item.def_elem.arg.list.items for item in body.whenclause)
    filters = "".join(f" when tag in ({', '.join(literal(tag.upper()) for tag in strings(tags))})" for tags in lists)
    return f"on {body.eventname}{filters} execute function {function}()"


def version_of(options: Iterable[pg.Node]) -> str:
    """Return the version of an extension that a statement names, as the facts of a database have it, or PRESENT."""
    named = (item.def_elem.arg.string.sval for item in options if item.def_elem.defname == "new_version")
    return next((f"{_VERSION}{literal(name)}" for name in named), PRESENT)


def version_in(definition: str) -> str:
    """Return the version that the definition of an extension has."""
    return definition.removeprefix(_VERSION)[1:-1].replace("''", "'")


def firing(body: pg.AlterEventTrigStmt) -> str:
    """Return what ALTER EVENT TRIGGER lets the definition end with."""
    return _STATES.get(body.tgenabled, "")


def changed(item: Object, definition: str, value: str) -> str:
    """Return what is known of an object after a change that says `value`."""
    options = with_changes(item, definition, value)
    if options is not None:
        return options
    if item.kind == "table":  # it says which part of it changes
        return definition
    return _STATE.sub(value, definition, count=1) if item.kind == "event trigger" else value
