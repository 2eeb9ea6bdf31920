"""Which databases and schemas a command is for, when it is for many: each is a member of a fleet."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, NamedTuple

from msgspec.structs import replace

from runner.errors import DatabaseError, InputError
from runner.fleet.pool import Pool
from runner.fleet.targets import Limits, TargetEntry, Where, read_targets, require_different
from runner.fleet.work import Member, MemberOutcome, carry_out
from runner.postgres.cancellation import Cancellation
from runner.postgres.opener import Opener
from runner.postgres.target import Say, Target, display_name, find_target
from runner.project.loading import Project


@contextmanager
def found_members(
    where: Where, loaded: Project, stop: Cancellation, say: Say
) -> Iterator[tuple[tuple[Member, ...], tuple[MemberOutcome[Any], ...]]]:
    """Yield the members in their order, and how it ended for databases whose schemas could not be found out.

    These are among the members, too. Raise InputError.
    """
    with ExitStack() as stack:
        folder = loaded.project.folder
        databases = [
            _Database(entry, stack.enter_context(find_target(entry.dsn, folder, say, entry.place)))
            for entry in _entries(where, loaded.project.manifest.project.schema)
        ]
        names = _names(databases)
        if where.pattern is None:
            found: dict[str, Sequence[str] | MemberOutcome[Any]] = {
                name: _schemas(where, entry, loaded) for name, (entry, _) in names.items()
            }
        else:
            found = _matching(where, loaded, names, stop, say)
        pairs = list(_members(loaded, names, found))
        failed = tuple(replace(outcome, member=member) for member, outcome in pairs if outcome is not None)
        yield tuple(member for member, _ in pairs), failed


def member_opener(member: Member, wait: float, stop: Cancellation, say: Say) -> Opener:
    """Return what connects to a member, until it is asked to stop."""
    manifest = member.loaded.project.manifest
    return Opener(member.target, manifest, wait, said_of(member, say), stop=stop)


def said_of(member: Member, say: Say) -> Say:
    """Return what tells a line with the name of the member before it."""
    return lambda text: say(f"{member.name}: {text}")


class _Schemas(NamedTuple):
    """The schemas that match in a database: one or more."""

    names: tuple[str, ...]
    ok: bool = True


class _Database(NamedTuple):
    entry: TargetEntry
    target: Target


def _entries(where: Where, schema: str) -> tuple[TargetEntry, ...]:
    """Return what names the databases; `schema` is the manifest's."""
    if where.file is not None and where.dsns:
        raise InputError("give the databases with --targets, or each with --dsn, not both", place="--dsn")
    if where.schemas and where.pattern is not None:
        raise InputError("give schemas with --schema, or a pattern for them, not both", place="--schemas-matching")
    if where.file is None:
        return require_different([TargetEntry(dsn, place="--dsn") for dsn in where.dsns], schema) or (
            TargetEntry(None),
        )
    entries = read_targets(where.file, schema)
    for entry in entries:
        if entry.schema is not None and (where.schemas or where.pattern is not None):
            raise InputError("it has a schema of its own; leave out --schema and --schemas-matching", place=entry.place)
    return entries


def _names(databases: Sequence[_Database]) -> dict[str, _Database]:
    """Return the databases by names for people, which are different, and have no password."""
    names = _different([each.entry.name or display_name(each.target) for each in databases])
    return dict(zip(names, databases, strict=True))


def _different(names: Sequence[str]) -> Iterator[str]:
    """Return the names, with a number after those that are there more than once."""
    counts = Counter(names)
    taken = {name for name, count in counts.items() if count == 1}
    for name in names:
        numbered = (f"{name} #{number}" for number in itertools.count(1))
        found = name if counts[name] == 1 else next(other for other in numbered if other not in taken)
        taken.add(found)
        yield found


def _schemas(where: Where, entry: TargetEntry, loaded: Project) -> tuple[str, ...]:
    own = (entry.schema,) if entry.schema is not None else where.schemas
    return tuple(dict.fromkeys(own)) or (loaded.project.manifest.project.schema,)


def _members(
    loaded: Project, names: Mapping[str, _Database], found: Mapping[str, Sequence[str] | MemberOutcome[Any]]
) -> Iterator[tuple[Member, MemberOutcome[Any] | None]]:
    """Return the members, with how it ended for those that stand for a database whose schemas are not known."""
    known = {name: schemas for name, schemas in found.items() if not isinstance(schemas, MemberOutcome)}
    are_several = {schema for own in known.values() for schema in own} != {loaded.project.manifest.project.schema}
    pairs = [(name, schema) for name in names for schema in known.get(name, (None,))]
    shown = _different([f"{name} {schema}" if are_several and schema else name for name, schema in pairs])
    for member, (name, schema) in zip(shown, pairs, strict=True):
        outcome = found[name]
        ended = outcome if isinstance(outcome, MemberOutcome) else None
        yield Member(member, names[name].target, loaded.for_schema(schema)), ended


def _matching(
    where: Where, loaded: Project, names: Mapping[str, _Database], stop: Cancellation, say: Say
) -> dict[str, Sequence[str] | MemberOutcome[Any]]:
    """Return the schemas that match in each database, or how it ended where they could not be found out."""

    def look(member: Member, own: Cancellation, say: Say) -> _Schemas:
        with member_opener(member, where.wait, own, say).connect() as connection:
            rows = connection.execute(_MATCHING, {"pattern": _like(where.pattern or "")}).fetchall()
        if not rows:
            raise DatabaseError(f"no schema matches {where.pattern!r}", place="--schemas-matching")
        return _Schemas(tuple(name for (name,) in rows))

    members = [Member(name, each.target, loaded) for name, each in names.items()]
    outcomes = Pool(members, partial(carry_out, look, say), Limits(where.jobs), stop).outcomes()
    return {outcome.member.name: outcome.result.names if outcome.result else outcome for outcome in outcomes}


def _like(pattern: str) -> str:
    """Return a pattern with * and ? as one of LIKE."""
    return re.sub(r"[\\%_]", r"\\\g<0>", pattern).replace("*", "%").replace("?", "_")


_MATCHING = """
    select nspname from pg_catalog.pg_namespace
    where nspname like %(pattern)s and nspname !~ '^pg_' and nspname <> 'information_schema'
    order by nspname
"""
