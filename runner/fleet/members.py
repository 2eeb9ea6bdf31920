"""Which databases and schemas a command is for, when it is for many: each is a member of a fleet."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

from runner.errors import DatabaseError, InputError
from runner.fleet.pool import Member, MemberOutcome, run_all
from runner.fleet.targets import TargetEntry, Where, read_targets, require_different
from runner.postgres.cancellation import Cancellation
from runner.postgres.opener import Opener
from runner.postgres.target import Target, display_name, find_target
from runner.project.loading import Project


@contextmanager
def found_members(
    where: Where, loaded: Project, stop: Cancellation, say: Callable[[str], None]
) -> Iterator[tuple[tuple[Member, ...], tuple[MemberOutcome[Any], ...]]]:
    """Yield the members, and how it ended for databases whose schemas could not be found out. Raise InputError."""
    with ExitStack() as stack:
        folder = loaded.project.folder
        databases = [
            _Database(entry, stack.enter_context(find_target(entry.dsn, folder, say, entry.place)))
            for entry in _entries(where, loaded.project.manifest.project.schema)
        ]
        names = _names(databases)
        if where.pattern is None:
            schemas = {name: _schemas(where, entry, loaded) for name, (entry, _) in names.items()}
            failed: tuple[MemberOutcome[Any], ...] = ()
        else:
            schemas, failed = _matching(where, loaded, names, stop, say)
        yield tuple(_members(loaded, names, schemas)), failed


def member_opener(member: Member, where: Where, stop: Cancellation, say: Callable[[str], None]) -> Opener:
    """Return what connects to a member, until it is asked to stop."""
    manifest = member.loaded.project.manifest
    return Opener(member.target, manifest, where.wait, said_of(member, say), stop=stop)


def said_of(member: Member, say: Callable[[str], None]) -> Callable[[str], None]:
    """Return what tells a line with the name of the member before it."""
    return lambda text: say(f"{member.name}: {text}")


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


def _members(loaded: Project, names: Mapping[str, _Database], schemas: Mapping[str, Sequence[str]]) -> Iterator[Member]:
    are_several = {schema for own in schemas.values() for schema in own} != {loaded.project.manifest.project.schema}
    pairs = [(name, schema) for name in names for schema in schemas.get(name, ())]
    shown = _different([f"{name} {schema}" if are_several else name for name, schema in pairs])
    for member, (name, schema) in zip(shown, pairs, strict=True):
        yield Member(member, names[name].target, loaded.for_schema(schema))


def _matching(
    where: Where, loaded: Project, names: Mapping[str, _Database], stop: Cancellation, say: Callable[[str], None]
) -> tuple[dict[str, tuple[str, ...]], tuple[MemberOutcome[Any], ...]]:
    """Return the schemas that match in each database, and how it ended where they could not be found out."""

    def look(member: Member, own: Cancellation) -> tuple[str, ...]:
        with member_opener(member, where, own, say).connect() as connection:
            rows = connection.execute(_MATCHING, {"pattern": _like(where.pattern or "")}).fetchall()
        if not rows:
            raise DatabaseError(f"no schema matches {where.pattern!r}", place="--schemas-matching")
        return tuple(name for (name,) in rows)

    members = [Member(name, each.target, loaded) for name, each in names.items()]
    outcomes = list(run_all(members, look, where.jobs, stop))
    found = {outcome.member.name: outcome.result for outcome in outcomes if outcome.result is not None}
    return found, tuple(outcome for outcome in outcomes if outcome.result is None)


def _like(pattern: str) -> str:
    """Return a pattern with * and ? as one of LIKE."""
    return re.sub(r"[\\%_]", r"\\\g<0>", pattern).replace("*", "%").replace("?", "_")


_MATCHING = """
    select nspname from pg_catalog.pg_namespace
    where nspname like %(pattern)s and nspname !~ '^pg_' and nspname <> 'information_schema'
    order by nspname
"""
