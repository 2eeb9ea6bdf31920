"""What gives others more than was meant: the rights of the owner of a function, a schema where everybody may create."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from postgast import pg_query_pb2 as pg

from runner.sql.statements import Script
from runner.sql.trees import nodes, strings, tree_of

NODES = ("create_function_stmt", "alter_function_stmt", "grant_stmt", "alter_default_privileges_stmt")
"""The statements that this is about."""
_OWN_PATH = "add SET search_path = pg_catalog, pg_temp, or the schemas that it needs with pg_temp at the end"
_ITS_CALLER = "the function has the rights of its owner and the search_path of its caller, who can have it call others"
_EVERYBODY = "everybody may create objects in the schema, which others then take for those of the application"


def privileges_in(tree: Any, cured: Collection[str]) -> Iterator[tuple[str, int, str, str]]:
    """Return what a statement gives to others: the rule, where in the statement in bytes, what and the cure.

    `cured` are the functions that another statement makes safe.
    """
    match tree:
        case pg.CreateFunctionStmt() if not tree.HasField("sql_body"):
            yield from _definer(tree.options, tree.funcname, cured)
        case pg.AlterFunctionStmt():
            yield from _definer(tree.actions, tree.func.objname, cured)
        case pg.GrantStmt() | pg.AlterDefaultPrivilegesStmt():
            grants = (node for node in nodes(tree) if isinstance(node, pg.GrantStmt))
            yield from (found for grant in grants for found in _public(grant))


def cured_functions(scripts: Iterable[Script]) -> frozenset[str]:
    """Return the names of functions that some statement gives a search_path, or the rights of their callers."""
    altered = (each for script in scripts for each in script.statements if each.node == "alter_function_stmt")
    return frozenset(
        _name(tree.func.objname)
        for tree in (tree_of(statement.sql) for statement in altered)
        if tree is not None and (_sets_path(tree.actions) or _definer_option(tree.actions) is False)
    )


def _definer(options: Any, name: Any, cured: Collection[str]) -> Iterator[tuple[str, int, str, str]]:
    if _definer_option(options) and not _sets_path(options) and _name(name) not in cured:
        place = next(item.def_elem.location for item in options if item.def_elem.defname == "security")
        yield "security-definer", place, _ITS_CALLER, _OWN_PATH


def _definer_option(options: Any) -> bool | None:
    """Return whether it has the rights of its owner; None when nothing is said of that."""
    found = [item.def_elem.arg.boolean.boolval for item in options if item.def_elem.defname == "security"]
    return bool(found[-1]) if found else None


def _sets_path(options: Any) -> bool:
    settings = (item.def_elem.arg.variable_set_stmt for item in options if item.def_elem.defname == "set")
    kinds = (pg.VAR_SET_VALUE, pg.VAR_SET_CURRENT)
    return any(setting.name == "search_path" and setting.kind in kinds for setting in settings)


def _name(names: Any) -> str:
    return list(strings(names))[-1]


def _public(grant: pg.GrantStmt) -> Iterator[tuple[str, int, str, str]]:
    privileges = {item.access_priv.priv_name.lower() for item in grant.privileges}
    is_create = grant.is_grant and grant.objtype == pg.OBJECT_SCHEMA and (not privileges or "create" in privileges)
    everybody = [item.role_spec for item in grant.grantees if item.role_spec.roletype == pg.ROLESPEC_PUBLIC]
    if is_create and everybody:
        yield "public-create", everybody[0].location, _EVERYBODY, "grant CREATE to the roles that need it"
