"""What roles may do in a database, in the words of what is declared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from runner.sql.objects import NEW, Facts, Object
from runner.sql.privileges import (
    GRANTED_BY,
    NONE,
    RUNNING,
    default_text,
    known_privileges,
    privileges_of,
    privileges_text,
    read_privileges,
    role_of,
)

_WITH_COLUMNS = ("table", "view", "materialized view")
_SINCE_17 = "maintain"
_ROLES = ("role", "running")
"""Kinds of rows that are about no object."""


class AccessRow(NamedTuple):
    """A row of `access.sql`."""

    kind: str
    name: str
    table: str
    schema: str
    role: str
    value: str | None
    grantor: str | None
    is_owner: bool


class Access(NamedTuple):
    """What was read of roles: who there is, and what they may do; on which major version."""

    rows: tuple[AccessRow, ...]
    postgresql: int

    @property
    def roles(self) -> frozenset[str]:
        """The managed roles that there are."""
        return frozenset(row.name for row in self.rows if row.kind == "role")


def patterns(managed: Iterable[str]) -> list[str]:
    """Return the names of managed roles as patterns of LIKE."""
    escaped = (name.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") for name in managed)
    return [name.replace("*", "%") for name in escaped]


def access_facts(access: Access, declared: Facts) -> Iterator[tuple[Object, str]]:
    """Yield the owners that are declared, and all privileges that are not PostgreSQL's own.

    An owner has what is declared of it. Privileges that another grantor has given count where they are declared, and
    are shown with the grantor elsewhere. Where the version knows no MAINTAIN, it is as declared.
    """
    found: dict[Object, list[AccessRow]] = {}
    running = _running(access, declared)
    for row in access.rows:
        item = _item(row, running)
        if row.kind.startswith("owner of "):
            if item in declared:
                yield item, row.value or ""
        elif row.kind not in _ROLES and not _is_of_undeclared(row, declared):
            found.setdefault(privileges_of(row.role, item), []).append(row)
    owned = {item.subject: item for item, rows in found.items() if any(row.is_owner for row in rows)}
    owners = {item.subject: role for item, role in declared.items() if item.kind.startswith("owner of ")}
    for item, own in declared.items() if owned or owners else ():
        if item.is_access and (_is_of_owner(item, owners) or (item.table and _owned_table(item, owned))):
            yield item, own
            found.pop(item, None)
    for item, rows in found.items():
        kind, said, is_owners = item.subject.kind, declared.get(item), any(row.is_owner for row in rows)
        if is_owners or _is_of_owner(item, owners):
            text = said or default_text(item)
        else:
            text = _text(kind, tuple((row.value, row.grantor) for row in rows), said, access.postgresql)
        is_bare = kind == "schema" and text == NONE  # the schema was made again
        if said is not None or (text != default_text(item) and not is_bare):
            yield item, text


def _running(access: Access, declared: Facts) -> str:
    """Return what default privileges call the role of the run: by its name, where statements do so."""
    name = next((row.name for row in access.rows if row.kind == "running"), RUNNING)
    creators = {item.name for item in declared if item.is_access and item.subject.kind.startswith(NEW)}
    return name if name in creators and RUNNING not in creators else RUNNING


def _item(row: AccessRow, running: str) -> Object:
    is_sequence = row.kind.endswith("sequence")
    name = running if row.kind.startswith(NEW) and row.name == RUNNING else row.name
    return Object(row.kind, name, "" if is_sequence else row.table, row.schema)


def _is_of_undeclared(row: AccessRow, declared: Facts) -> bool:
    """Return whether it is about the sequence of a column of a table that nobody declares."""
    is_owned = row.kind == "sequence" and bool(row.table)
    return is_owned and Object("table", row.table, "", row.schema) not in declared


def _is_of_owner(item: Object, owners: Mapping[Object, str]) -> bool:
    """Return whether it is what the declared owner may do: all, when it is the owner."""
    if not owners or item.kind.startswith("owner of "):
        return False
    tables = (Object(kind, item.table, "", item.schema) for kind in _WITH_COLUMNS) if item.table else (item.subject,)
    return any(owners.get(one) == role_of(item) for one in tables)


def _owned_table(item: Object, owned: Mapping[Object, Object]) -> Object | None:
    tables = (Object(kind, item.table, "", item.schema) for kind in _WITH_COLUMNS)
    own = (owned.get(table) for table in tables)
    return next((other for other in own if other and role_of(other) == role_of(item)), None)


@lru_cache(1_000)  # what many tables have is read once
def _text(kind: str, given: tuple[tuple[str | None, str | None], ...], declared: str | None, postgresql: int) -> str:
    """Return privileges with their grantors as what is declared has them."""
    wanted = read_privileges(kind, declared or NONE)
    there = read_privileges(kind, ", ".join(value.lower() for value, grantor in given if value and not grantor))
    for value, grantor in given:
        if value and grantor:
            for name, option in read_privileges(kind, value.lower()).items():
                if name in wanted:
                    there[name] = there.get(name, False) or option
                elif name not in there:
                    there[f"{name}{GRANTED_BY}{grantor}"] = option
    if postgresql < 17 and _SINCE_17 in known_privileges(kind) and _SINCE_17 in wanted:  # noqa: PLR2004
        there[_SINCE_17] = wanted[_SINCE_17]
    return privileges_text(kind, there)
