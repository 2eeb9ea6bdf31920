"""What roles may do in a database, in the words of what is declared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from runner.sql.objects import Facts, Object
from runner.sql.privileges import (
    GRANTED_BY,
    NEW,
    NONE,
    RUNNING,
    default_text,
    known_privileges,
    owner_of,
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
    for item, wanted in declared.items():
        is_column = item.is_access and bool(item.table)
        if (is_column and _owned_table(item, owned)) or _is_of_owner(item, declared):
            yield item, wanted
            found.pop(item, None)
    for item, rows in found.items():
        is_owners = any(row.is_owner for row in rows) or _is_of_owner(item, declared)
        text = _text(item, rows, declared.get(item), access.postgresql, is_owners=is_owners)
        is_bare = item.subject.kind == "schema" and text == NONE  # the schema was made again
        if item in declared or (text != default_text(item) and not is_bare):
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


def _is_of_owner(item: Object, declared: Facts) -> bool:
    """Return whether it is what the declared owner may do: all, when it is the owner."""
    subject = item.subject
    if subject == item or item == owner_of(subject):
        return False
    tables = (Object(kind, subject.table, "", subject.schema) for kind in _WITH_COLUMNS) if item.table else (subject,)
    return any(declared.get(owner_of(one)) == role_of(item) for one in tables)


def _owned_table(item: Object, owned: Mapping[Object, Object]) -> Object | None:
    tables = (Object(kind, item.table, "", item.schema) for kind in _WITH_COLUMNS)
    own = (owned.get(table) for table in tables)
    return next((other for other in own if other and role_of(other) == role_of(item)), None)


def _text(item: Object, rows: Iterable[AccessRow], declared: str | None, postgresql: int, *, is_owners: bool) -> str:
    rows, kind = list(rows), item.subject.kind
    if is_owners:
        return declared or default_text(item)
    wanted = read_privileges(kind, declared or NONE)
    own = [(row.value or "").lower() for row in rows if row.value and not row.grantor]
    there = read_privileges(kind, ", ".join(own))
    for row in rows:
        if row.value and row.grantor:
            for name, option in read_privileges(kind, row.value.lower()).items():
                if name in wanted:
                    there[name] = there.get(name, False) or option
                elif name not in there:
                    there[f"{name}{GRANTED_BY}{row.grantor}"] = option
    if postgresql < 17 and _SINCE_17 in known_privileges(kind) and _SINCE_17 in wanted:  # noqa: PLR2004
        there[_SINCE_17] = wanted[_SINCE_17]
    return privileges_text(kind, there)
