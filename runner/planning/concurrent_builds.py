"""What is done apart from its script's transaction: an index of a large table that is in use, built CONCURRENTLY."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msgspec.structs import replace

from runner.catalog.constraint_definitions import key_definition
from runner.catalog.definitions import is_unique_index, table_named
from runner.catalog.table_definitions import table_definition
from runner.planning.attaching import Attaching
from runner.planning.model import Step
from runner.planning.situation import Situation
from runner.project.manifest import ScriptEntry
from runner.repair.proposal import Proposal
from runner.sql.inventory import automatic_name
from runner.sql.objects import Facts, Object, without_table
from runner.sql.respelling import names_in
from runner.sql.rewriting import attached_apart, concurrently, index_named_by
from runner.sql.statements import Script, Statement

_RELIES = frozenset({"conflict", "references", "group"})
"""Words of statements that need a unique index: ON CONFLICT, a foreign key, a view that groups by a primary key."""

_MARKS = frozenset({"cluster", "identity"})
"""Words of ALTER TABLE that name an index: CLUSTER ON, REPLICA IDENTITY USING INDEX."""


class ConcurrentBuilds:
    """Decides it step by step, for one script after the other; `facts` are what was there before the run.

    When all of the run `is_single` transaction, nothing is done apart.
    """

    def __init__(self, goal: Facts, situation: Situation, schema: str, *, is_single: bool) -> None:
        self.facts = situation.actual.facts
        self.goal = goal
        self.is_large: Callable[[Object], bool] = (lambda _: False) if is_single else situation.is_large
        self.is_placed = situation.is_placed
        self.attaching = Attaching(goal, situation, self.is_large, schema)
        self.transactional = self.repeats = True
        self.statements: tuple[Statement, ...] = ()
        self.moved_objects: set[Object] = set()
        """What this script makes after its own transaction, indexes without their tables: a comment waits for it."""

    def begin_script(self, script: ScriptEntry, parsed: Script) -> None:
        """Forget the script before."""
        self.transactional, self.repeats = script.transaction, script.run == "always"
        self.statements = parsed.statements
        self.moved_objects.clear()

    def moved(self, step: Step, next_transaction: Callable[[], int]) -> Step:
        """Return the step, or what is done in its place in one more transaction after the script's own."""
        if step.action == "unchanged":
            return step
        statement = step.statement
        if not step.about and self.waits(step):
            return replace(step, transaction=next_transaction())
        if not self.transactional:
            return replace(step, concurrently=statement.node == "index_stmt" and bool(statement.traits.outside))
        sql = concurrently(step.sql) if step.about or statement.node == "index_stmt" else None
        table = self.table_of(step) if sql else None
        if sql is None or table is None or self.is_used(step, table):
            return step
        if not step.about:
            self.moved_objects.add(without_table(step.objects[0]))
        return replace(step, sql=sql, transaction=next_transaction(), concurrently=True)

    def in_parts(self, step: Step, path: str | None) -> Iterator[Step]:
        """Yield the step, or those that make a partition of a large table beside it and attach it: readers go on.

        What a script makes on a `path` of its own stays as it is written.
        """
        made = None
        if step.action == "create" and self.transactional and path is None and self.makes_partition(step):
            made = attached_apart(step.sql)
        for each in [step] if made is None else [replace(step, sql=sql) for sql in made]:
            yield from [each] if path else self.attaching.around(each, is_apart=self.transactional)

    def makes_partition(self, step: Step) -> bool:
        """Return whether a step makes a partition of a large table, which gives it nothing but its columns."""
        own = table_definition(self.goal.get(step.objects[0], "")) if step.statement.node == "create_stmt" else None
        if own is None or own.relation != "partition of":
            return False
        parent = table_named(own.parents)
        shape = table_definition(self.facts.get(parent, ""))
        return shape.is_partitioned and not shape.method and self.is_large(parent) and not self.is_placed(parent)

    def repair(self, proposal: Proposal) -> None:
        """Take in a repair: what is missing may be added after the script's own transaction, as a key is."""
        if proposal.problem == "missing" and proposal.then and not proposal.clauses:
            item = proposal.object
            index = Object("index", automatic_name(item) or item.name, "", item.schema)
            has_index = item.kind == "index" or key_definition(proposal.becomes or "")
            self.moved_objects |= {item, index} if has_index else {item}

    def builds(self, table: Object, transaction: Sequence[str]) -> tuple[str, ...]:
        """Return the statements of a late repair with CONCURRENTLY, when all are about indexes of a large table."""
        made = tuple(sql for sql in map(concurrently, transaction) if sql)
        shape = table_definition(self.facts.get(table, ""))
        is_apart = len(made) == len(transaction) and not shape.is_partitioned
        return made if is_apart and table in self.facts and self.is_large(table) else ()

    def waits(self, step: Step) -> bool:
        """Return whether a statement is about what is made after the script's own transaction: a comment, a mark."""
        statement = step.statement
        if statement.node == "comment_stmt":
            return any(item.subject in self.moved_objects for item in step.objects)
        return _is_mark(statement) and any(item.name in names_in(statement.sql) for item in self.moved_objects)

    def table_of(self, step: Step) -> Object | None:
        """Return the table that the step makes an index of, if it was there before the run, and is large."""
        index = step.objects[0] if step.objects else None
        if index is None or index.kind not in ("index", *(("constraint",) if step.about else ())):
            return None
        table = Object("table", index.table, "", index.schema)
        is_there = not step.about and index in self.facts
        if table not in self.facts or is_there or self.is_of_all(step, table) or not self.is_large(table):
            return None
        return table

    def is_of_all(self, step: Step, table: Object) -> bool:
        """Return whether an index is that of a partitioned table, which is made and dropped in a transaction."""
        if not table_definition(self.facts[table]).is_partitioned:
            return False
        index = index_named_by(step.sql)
        return not step.about or index.table == table.name or index._replace(table=table.name) in self.facts

    def is_needed_before(self, proposal: Proposal, statement: Statement) -> bool:
        """Return whether a later statement of the script needs what the partitions of a table make possible later."""
        table = proposal.table
        definition = self.facts.get(table, "")
        if proposal.problem != "missing" or not proposal.then or not table_definition(definition).is_partitioned:
            return False
        is_key = proposal.object.kind == "constraint" and key_definition(proposal.becomes or "") is not None
        if not is_key and not is_unique_index(proposal.becomes or ""):
            return False
        name = automatic_name(proposal.object) or proposal.object.name
        offset = statement.offset
        later = [other for other in self.statements if other.offset > offset and not _waits_with_index(other)]
        return any(name in names_in(other.sql) or self.relies_on(other, table) for other in later)

    def is_used(self, step: Step, table: Object) -> bool:
        """Return whether a later statement of the script needs what the step makes, and does not wait for it.

        A unique index is needed by its name, and by ON CONFLICT and foreign keys; one of a script that is run once is
        made where it is written.
        """
        is_unique = step.sql.lower().startswith("create unique")
        if step.about and (not is_unique or step.objects[0] in self.facts):
            return False
        if is_unique and not step.about and not self.repeats:
            return True
        name, offset = step.objects[0].name, step.statement.offset
        later = [other for other in self.statements if other.offset > offset and not _waits_with_index(other)]
        return any(name in names_in(other.sql) for other in later) or (
            is_unique and any(self.relies_on(other, table) for other in later)
        )

    def relies_on(self, statement: Statement, table: Object) -> bool:
        """Return whether a statement needs what keeps a table's columns unique, unless it has been done before."""
        made = statement.declaration.effects[:1] if statement.node == "create_stmt" else ()
        words = names_in(statement.sql)
        relies = statement.declaration.opaque or (table.name in words and not _RELIES.isdisjoint(words))
        return relies and not any(effect.object in self.facts for effect in made)


def _waits_with_index(statement: Statement) -> bool:
    return statement.node == "comment_stmt" or _is_mark(statement)


def _is_mark(statement: Statement) -> bool:
    return statement.node == "alter_table_stmt" and not _MARKS.isdisjoint(names_in(statement.sql))
