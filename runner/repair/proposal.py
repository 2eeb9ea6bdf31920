"""A proposal: how one difference is mended, and whether a run does it; and what it is judged by."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from msgspec import Struct

from runner.catalog.diff import Difference
from runner.sql.objects import RESERVED, Object, qualified_name
from runner.sql.quoting import NAME_BYTES, literal
from runner.wording import listed

Problem = Literal["missing", "differs", "invalid", "not declared", "used"]
"""What is wrong with an object; `used` is one that nobody declares and another repair goes on with."""


class Use(NamedTuple):
    """An object that a repair goes on with though nobody declares it, and what it does with it, as SQL."""

    object: Object
    sql: str


class Late(NamedTuple):
    """How a repair is made that nothing but rows blocks, once a run has changed these; `rows` is the query for them.

    `tables` are those whose rows count.
    """

    rows: str
    transactions: tuple[tuple[str, ...], ...]
    tables: tuple[Object, ...]
    detail: str = ""
    unless: str = ""
    """A condition, as SQL: there is nothing left to do."""

    @property
    def blocked(self) -> str:
        """The condition, as SQL, under which it is not made."""
        return " or ".join(part for part in (self.unless, f"exists ({self.rows} limit 1)") if part)


class Proposal(Struct, frozen=True):
    """How one object is brought to its declaration; `table` is what it is a part of, or it itself.

    Each of `first` is a transaction before the script's own; `clauses` are those of one ALTER TABLE, `now` statements
    after it, both within the script's transaction; each of `then` is a transaction after that. With `blocked_by` it is
    not run: that is the reason, and `rows` show it.
    """

    object: Object
    table: Object
    problem: Problem
    detail: str = ""
    becomes: str | None = None
    """The definition that the object has afterwards; None when it is gone."""
    first: tuple[tuple[str, ...], ...] = ()
    clauses: tuple[str, ...] = ()
    now: tuple[str, ...] = ()
    then: tuple[tuple[str, ...], ...] = ()
    analyze: str = ""
    """The column whose statistics are gathered anew, in a transaction after all others."""
    uses: tuple[Use, ...] = ()
    blocked_by: str = ""
    rows: tuple[str, ...] = ()
    late: Late | None = None
    """What is left to do when the rows have changed; None when more than rows blocks it."""
    is_script_statement: bool = False
    """The statement of the script does just the same."""
    instead: bool = False
    """`now` are one transaction, whatever the script's is; the statement of the script would be refused."""
    also: tuple[tuple[Object, str], ...] = ()
    """Other objects that are as declared afterwards, with their definitions."""
    may_wait_for_lock: bool = False
    """It is the same whatever rows the table has: it may wait for a lock that keeps them from being looked at."""

    @property
    def sql(self) -> str:
        """All of it, as a person would run it."""
        clauses = [alter(self.table, self.clauses)] if self.clauses else []
        first, then = ([sql for transaction in each for sql in transaction] for each in (self.first, self.then))
        last = [analyze(self.table, [self.analyze])] if self.analyze else []
        now = ("begin", *self.now, "commit") if self.instead and self.now else self.now
        return "\n".join(f"{statement};" for statement in (*first, *clauses, *now, *then, *last))


def proposal(item: Difference, problem: Problem, detail: str = "", **parts: object) -> Proposal:
    """Return a proposal about the object of a difference, which is as declared afterwards."""
    parts = {"becomes": item.declared, **parts}
    return Proposal(item.object, owner(item.object), problem, detail, **parts)  # type: ignore[arg-type]


def folded(item: Difference, parts: Sequence[Proposal]) -> Iterator[Proposal]:
    """Yield one proposal for those of the parts of a difference that are run, and each of the others by itself."""
    runs, stays = [part for part in parts if not part.blocked_by], [part for part in parts if part.blocked_by]
    if runs:
        yield proposal(
            item,
            "differs",
            listed([part.detail for part in runs if part.detail]),
            becomes=item.actual if stays else item.declared,
            first=tuple(transaction for part in runs for transaction in part.first),
            clauses=tuple(clause for part in runs for clause in part.clauses),
            now=tuple(statement for part in runs for statement in part.now),
            then=tuple(transaction for part in runs for transaction in part.then),
            analyze=next((part.analyze for part in runs if part.analyze), ""),
            uses=tuple(use for part in runs for use in part.uses),
            also=tuple(made for part in runs for made in part.also),
            may_wait_for_lock=all(part.may_wait_for_lock for part in runs),
        )
    yield from stays


def owner(item: Object) -> Object:
    """Return the table that an object is a part of; the object itself when it is none."""
    return Object("table", item.table, "", item.schema) if item.table else item


def alter(table: Object, clauses: Sequence[str]) -> str:
    """Return one ALTER TABLE."""
    return f"alter table {qualified_name(table)} " + ",\n    ".join(clauses)


def analyze(table: Object, columns: Sequence[str]) -> str:
    """Return the statement that gathers the statistics of columns, named as SQL does."""
    return f"analyze {qualified_name(table)} ({', '.join(columns)})"


def has_constraint(table: Object, name: str) -> str:
    """Return the condition, as SQL that finds PostgreSQL's own on every search path, that a table has a constraint."""
    relation = f"pg_catalog.to_regclass({literal(qualified_name(table))})"
    is_its = f"conrelid operator(pg_catalog.=) {relation} and conname operator(pg_catalog.=) {literal(name)}"
    return f"exists (select from pg_catalog.pg_constraint where {is_its})"


def reserved_name(name: str) -> str:
    """Return the name of what stands in for an object for a while."""
    return shortened_name(f"{RESERVED}{name}")


def shortened_name(name: str) -> str:
    """Return a name that PostgreSQL does not cut: a longer one ends with a checksum."""
    if len(name.encode()) <= NAME_BYTES:
        return name
    end = "_" + hashlib.sha256(name.encode()).hexdigest()[:8]
    return name.encode()[: NAME_BYTES - len(end)].decode(errors="ignore") + end
