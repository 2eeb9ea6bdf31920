"""What GRANT, REVOKE, OWNER TO and ALTER DEFAULT PRIVILEGES do, read off their parse trees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

from postgast import pg_query_pb2 as pg

from runner.sql.object_names import KINDS, ObjectNames
from runner.sql.objects import IN_SCHEMA, NEW, Declaration, Effect, EffectKind, Object
from runner.sql.privileges import (
    ALL,
    EVERY,
    EVERY_OTHER,
    EVERY_PROCEDURE,
    OPTION_FOR,
    PUBLIC,
    RUNNING,
    is_managed,
    owner_of,
    privileges_of,
)
from runner.sql.quoting import identifier
from runner.sql.trees import strings

_COMPARED = (
    "table", "view", "materialized view", "sequence", "function", "aggregate", "type", "domain", "schema", "language",
)  # fmt: skip
_KINDS = {name: kind for name, kind in KINDS.items() if kind in _COMPARED} | {
    "OBJECT_FDW": "foreign-data wrapper",
    "OBJECT_FOREIGN_SERVER": "server",
}
_EVERY = {"OBJECT_FUNCTION": EVERY_OTHER, "OBJECT_PROCEDURE": EVERY_PROCEDURE}
_OPTION = " with grant option"


class AccessEffects:
    """Reads statements about privileges and owners; those of roles that are not managed have no effects."""

    def __init__(self, names: ObjectNames, managed: Sequence[str] | None) -> None:
        self.names = names
        self.managed = managed

    def of_grant(self, body: pg.GrantStmt) -> Declaration:
        """Return what GRANT or REVOKE declares."""
        subjects = list(self._subjects(body))
        if not subjects:
            return Declaration(gives_access=True)
        return self._given(body, subjects, [*_said(body)])

    def of_defaults(self, body: pg.AlterDefaultPrivilegesStmt) -> Declaration:
        """Return what ALTER DEFAULT PRIVILEGES declares."""
        options = {option.def_elem.defname: option.def_elem.arg.list.items for option in body.options}
        kind = NEW + pg.ObjectType.Name(body.action.objtype).removeprefix("OBJECT_").lower() + "s"
        creators = [item.role_spec for item in options.get("roles", ())]
        if unmanaged := self._unmanaged([role for role in creators if _role(role) != RUNNING]):
            return Declaration(unmanaged=unmanaged, gives_access=True)
        roles = [_role(role) for role in creators] or [RUNNING]
        schemas = [*strings(options.get("schemas", ()))]
        subjects = [Object(kind + IN_SCHEMA, role, "", self.names.schema(name)) for role in roles for name in schemas]
        return self._given(body.action, subjects or [Object(kind, role) for role in roles], [*_said(body.action)])

    def of_owner(self, subject: Object, role: pg.RoleSpec) -> Declaration:
        """Return what OWNER TO declares."""
        name = _role(role)
        if not self._is_managed(role):
            return Declaration(unmanaged=self._unmanaged([role]), gives_access=True, relation=subject)
        return Declaration((Effect("set", owner_of(subject), name),), gives_access=True, relation=subject)

    def of_alter_owner(self, body: pg.AlterOwnerStmt) -> Declaration:
        """Return what ALTER … OWNER TO declares of what is no relation."""
        subject = self._named(pg.ObjectType.Name(body.object_type), body.object)
        return self.of_owner(subject, body.newowner) if subject else Declaration()

    def _given(self, body: pg.GrantStmt, subjects: Sequence[Object], said: Sequence[tuple[str, str]]) -> Declaration:
        action: EffectKind = "grant" if body.is_grant else "revoke"
        roles = [item.role_spec for item in body.grantees]
        managed = [_role(role) for role in roles if self._is_managed(role)]
        effects = tuple(
            Effect(action, privileges_of(role, part), text)
            for subject, role in product(subjects, managed)
            for part, text in _parts(subject, said)
        )
        return Declaration(effects, unmanaged=self._unmanaged(roles), gives_access=True)

    def _unmanaged(self, roles: Sequence[pg.RoleSpec]) -> tuple[str, ...]:
        """Return those that are not managed where others are."""
        return tuple(_role(role) for role in roles if self.managed is not None and not self._is_managed(role))

    def _is_managed(self, role: pg.RoleSpec) -> bool:
        if self.managed is None:
            return False
        is_public = role.roletype == pg.ROLESPEC_PUBLIC
        return is_public or (role.roletype == pg.ROLESPEC_CSTRING and is_managed(role.rolename, self.managed))

    def _subjects(self, body: pg.GrantStmt) -> Iterator[Object]:
        kind = pg.ObjectType.Name(body.objtype)
        if body.targtype == pg.ACL_TARGET_ALL_IN_SCHEMA and kind in _KINDS:
            for name in strings(body.objects):
                yield Object(_KINDS[kind], _EVERY.get(kind, EVERY), "", self.names.schema(name))
            return
        for node in body.objects:
            if (subject := self._named(kind, node)) is not None:
                yield subject

    def _named(self, kind: str, node: Any) -> Object | None:
        known = _KINDS.get(kind)
        if known is None:
            return None
        if node.HasField("range_var"):
            return self.names.relation(known, node.range_var)
        if kind not in KINDS:
            return Object(known, node.string.sval)
        if node.HasField("list") and known in ("type", "domain"):
            return self.names.named(known, node.list.items)
        return self.names.named_object(kind, node)


def _role(role: pg.RoleSpec) -> str:
    """Return a role as facts have it."""
    if role.roletype == pg.ROLESPEC_CSTRING:
        return identifier(role.rolename)
    if role.roletype in (pg.ROLESPEC_CURRENT_ROLE, pg.ROLESPEC_CURRENT_USER):
        return RUNNING
    return PUBLIC if role.roletype == pg.ROLESPEC_PUBLIC else "SESSION_USER"


def _said(body: pg.GrantStmt) -> Iterator[tuple[str, str]]:
    """Yield each column, none for all of the object, with the privileges that are given or taken."""
    start = OPTION_FOR if body.grant_option and not body.is_grant else ""
    end = _OPTION if body.grant_option and body.is_grant else ""
    found: dict[str, list[str]] = {}
    for item in body.privileges:
        for column in [*strings(item.access_priv.cols)] or [""]:
            found.setdefault(column, []).append((item.access_priv.priv_name.lower() or ALL) + end)
    for column, names in (found or {"": [ALL + end]}).items():
        yield column, start + ", ".join(names)


def _parts(subject: Object, said: Sequence[tuple[str, str]]) -> Iterator[tuple[Object, str]]:
    for column, text in said:
        yield (Object("column", column, subject.name, subject.schema) if column else subject), text
