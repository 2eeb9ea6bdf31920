"""What the scripts, taken together, declare: from a fresh `schema.lock.toml`, else built in scratch schemas."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from runner.catalog.written_parts import with_written_parts
from runner.postgres.dates import dates_of
from runner.project.lock_versions import facts_in, stale
from runner.project.lockfile import FILE, Lockfile
from runner.project.manifest import Manifest
from runner.sql.objects import (
    ANY_ARGUMENTS,
    DATABASE_WIDE,
    DEFINED,
    OWN_NAMES,
    PRESENT,
    WITH_PARTS,
    Facts,
    Object,
    without_table,
)
from runner.sql.privileges import OF_DATABASE, has_subject
from runner.sql.statements import Script, Statement
from runner.sql.uncompared import Uncompared
from runner.wording import PROGRAM, shown

if TYPE_CHECKING:
    from psycopg import Connection

    from runner.catalog.scratch_build import Built, Unbuilt
    from runner.sql.simulation import State


_ORDER = (
    "schema",
    "extension",
    "event trigger",
    *(kind for kind in OF_DATABASE if kind not in DEFINED),
    "user mapping",
    "type",
    "domain",
    "domain constraint",
    "sequence",
    "function",
    *DEFINED,
    "table",
    "view",
    "materialized view",
    "column",
    "constraint",
    "index",
    "trigger",
    "rule",
    "policy",
    "statistics",
    "publication",
    "publication table",
    "publication schema",
    "subscription",
)


_LONG = 5.0
"""Seconds after which people would like to know what took them."""
_TO_ALL = " to public"


class Declared(Struct, frozen=True):
    """The declared facts; `unbuilt` are statements whose objects are known by their names alone."""

    facts: Facts
    uncompared: tuple[Uncompared, ...] = ()
    unbuilt: tuple[Unbuilt, ...] = ()
    other_kinds: Mapping[str, int] = {}
    """How many objects scripts make of kinds that no fact is about, by kind; empty when it is from a lock."""


def declared(
    connection: Connection[Any],
    manifest: Manifest,
    scripts: Sequence[Script],
    names: State,
    lock: Lockfile | None,
    say: Callable[[str], None],
) -> Declared:
    """Return what the scripts declare on this server; `names` is what they declare as far as their text tells.

    Say so when there is a lock and it is not fresh. Raise DatabaseError when it has to be built and cannot be.
    """
    if lock:
        version, dates = connection.info.server_version // 10_000, dates_of(connection)
        reason = stale(lock, manifest, tuple(scripts), version, dates)
        if reason is None:
            return Declared(facts_in(lock, manifest.project.schema, version), lock.uncompared_on(version))
        say(f"{FILE} is not fresh ({reason}): building what is declared; '{PROGRAM} lock' renews it")
    return build_declared(connection, manifest, scripts, names, say)


def build_declared(
    connection: Connection[Any],
    manifest: Manifest,
    scripts: Sequence[Script],
    names: State,
    say: Callable[[str], None],
) -> Declared:
    """Return what the scripts declare, by building it; say so when it took long.

    Raise DatabaseError when that cannot be done.
    """
    from runner.catalog.publication_filters import build_with_filters  # with a fresh lock it is not needed

    begun = time.monotonic()
    built, filtered = build_with_filters(connection, manifest, scripts, names)
    if (seconds := time.monotonic() - begun) >= _LONG:
        say(f"built what is declared in {seconds:.1f} s; with a fresh {FILE} that is not needed")
    facts = {
        **dict(with_written_parts(dict(_with_roles(built.facts, names)), names)),
        **dict(_by_name(names, built)),
        **filtered,
        **dict.fromkeys(_skipped(names, built), PRESENT),
    }
    facts |= dict(_access(names, facts))
    uncompared = (*_uncompared(scripts, built.unbuilt), *_of_others(scripts, manifest.managed_roles))
    return Declared(dict(_sorted(facts, names)), uncompared, built.unbuilt, built.other_kinds)


def _with_roles(facts: Facts, names: State) -> Iterator[tuple[Object, str]]:
    """Return facts with the roles that statements name; in the scratch schemas, all policies are for everybody."""
    for item, definition in facts.items():
        if item.kind == "policy":
            roles = names.get(item, PRESENT)
            definition = PRESENT if roles == PRESENT else definition.replace(_TO_ALL, f" {roles}", 1)  # noqa: PLW2901
        yield item, definition


def _access(names: State, facts: Facts) -> Iterator[tuple[Object, str]]:
    """Return the owners and privileges of what scripts make, and of what is no fact by itself."""
    columns = {(item.schema, name) for item in names if item.kind == "column" for name in names.columns(item)}
    for item, text in names.items():
        subject = item.subject
        is_there = item.is_access and has_subject(item, facts)
        if subject.kind == "sequence":
            is_there = subject in facts or (subject.schema, subject.name) in columns
        if item.is_access and is_there:
            yield item, text


def _skipped(names: State, built: Built) -> Iterator[Object]:
    """Return what IF NOT EXISTS has not made, because something else that scripts make has its name."""
    from runner.catalog.namesakes import namesake
    from runner.sql.inventory import Inventory

    there = Inventory(built.facts)
    unbuilt = {effect.object for item in built.unbuilt for effect in item.statement.declaration.effects}
    return (item for item in names if item not in there and item not in unbuilt and namesake(item, there))


def _uncompared(scripts: Sequence[Script], unbuilt: Sequence[Unbuilt]) -> Iterator[Uncompared]:
    """Return what is known by its name alone, in the order of the scripts."""
    failed: dict[object, list[Unbuilt]] = {}
    for item in unbuilt:
        failed.setdefault(item.statement.key, []).append(item)
    for statement in (statement for script in scripts for statement in script.statements):
        for item in failed.get(statement.key, ()):
            objects = tuple(shown(str(one)) for one in _about(statement, item.statement))
            if objects:
                yield Uncompared(statement.script, objects, shown(item.reason))


def _of_others(scripts: Sequence[Script], managed: Sequence[str] | None) -> Iterator[Uncompared]:
    """Return what scripts say of roles that are not managed, in the order of the scripts."""
    for script in scripts:
        own = [statement.declaration for statement in script.statements]
        roles = dict.fromkeys(role for declaration in own for role in declaration.unmanaged)
        if roles:
            objects = tuple(shown(f"role {role}") for role in roles)
            yield Uncompared(script.rendered.path, objects, "[roles] in the manifest does not name it as managed")
        elif managed is None and any(declaration.gives_access for declaration in own):
            reason = "the manifest has no [roles], so that no privilege or owner is compared"
            yield Uncompared(script.rendered.path, ("what roles may do",), reason)


def _about(statement: Statement, built: Statement) -> Iterator[Object]:
    """Return what a statement makes or changes: a table without its parts, and nothing that is read off its text.

    Of a publication it is the member whose condition was to be built.
    """
    from runner.sql.publications import filtered_by

    objects = {effect.object: effect.value for effect in statement.declaration.declares}
    made = {effect.object for effect in built.declaration.effects}
    for item, definition in objects.items():
        owners = (Object(kind, item.table, "", item.schema) for kind in WITH_PARTS)
        if (
            not item.is_attached
            and (item.kind not in DATABASE_WIDE or filtered_by(item, definition) in made)
            and not (item.table and any(owner in objects for owner in owners))
        ):
            yield item


def _by_name(names: State, built: Built) -> Iterator[tuple[Object, str]]:
    """Return what is known without building: what is in no schema, and what the unbuilt statements are about."""
    about = {effect.object for item in built.unbuilt for effect in item.statement.declaration.declares}
    for item, state in names.items():
        if item.kind in ("schema", "extension"):
            yield item, state if item.kind == "extension" else PRESENT
        elif item.is_access:
            continue
        elif item.is_tablespace or item.is_label or item.subject.kind in DATABASE_WIDE:
            yield item, state
        elif item.is_comment and item.subject.kind in DEFINED and item.subject in built.facts:
            yield item, state  # it is not made in scratch
        elif item.name.endswith(ANY_ARGUMENTS) or (item.kind == "index" and not item.table):
            continue  # it has another name in the catalog
        elif item.kind == "constraint" and item.name.startswith("check ("):
            continue  # PostgreSQL knows it by its expression
        elif item in about or item.subject.kind == "extension":
            yield item, state if item.is_comment else PRESENT


def _sorted(facts: Facts, names: Mapping[Object, str]) -> Iterator[tuple[Object, str]]:
    """Return facts in an order that depends on the scripts alone: by table, as they come in the scripts."""
    tables = [(item.schema, item.name) for item in names if item.kind == "table"]
    ranks = {table: rank for rank, table in enumerate(tables)}
    indexed = {without_table(item): item.table for item in facts if item.kind in OWN_NAMES}
    places = {item: place for place, item in enumerate(facts)}

    def order(item: Object) -> tuple[object, ...]:
        subject, kind = item.subject, item.subject.kind
        owner = (item.schema, item.table or indexed.get(subject) or item.name)
        rank = ranks.get(owner, -1 if kind in _ORDER[: _ORDER.index("table")] else len(ranks))
        place = places.get(subject, 0) if kind == "column" else 0
        return (
            rank,
            owner if rank in (-1, len(ranks)) else "",
            _ORDER.index(kind),
            place,
            item.name,
            item.kind != kind,
            item.kind,
        )

    return ((item, facts[item]) for item in sorted(facts, key=order))
