"""What is done apart from its script's transaction: an index of a large table that is in use, built CONCURRENTLY."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from runner.catalog.constraint_definitions import key_definition
from runner.catalog.table_definitions import table_definition
from runner.planning.model import Step
from runner.project.manifest import ScriptEntry
from runner.repair.proposal import Proposal
from runner.sql.objects import Facts, Object, without_table
from runner.sql.respelling import names_in
from runner.sql.rewriting import concurrently
from runner.sql.statements import Script, Statement


class ConcurrentBuilds:
    """Decides it step by step, for one script after the other; `facts` are what was there before the run."""

    def __init__(self, facts: Facts, is_large: Callable[[Object], bool]) -> None:
        self.facts = facts
        self.is_large = is_large
        self.transactional = True
        self.statements: tuple[Statement, ...] = ()
        self.moved_objects: set[Object] = set()
        """What this script makes after its own transaction, indexes without their tables: a comment waits for it."""

    def begin_script(self, script: ScriptEntry, parsed: Script) -> None:
        """Forget the script before."""
        self.transactional, self.statements = script.transaction, parsed.statements
        self.moved_objects.clear()

    def moved(self, step: Step, next_transaction: Callable[[], int]) -> Step:
        """Return the step, or what is done in its place in one more transaction after the script's own."""
        if step.action == "unchanged":
            return step
        statement = step.statement
        if not step.about and statement.node == "comment_stmt":
            is_on_moved = any(item.subject in self.moved_objects for item in step.objects)
            return replace(step, transaction=next_transaction()) if is_on_moved else step
        if not self.transactional:
            return replace(step, concurrently=statement.node == "index_stmt" and bool(statement.traits.outside))
        sql = concurrently(step.sql)
        table = self.table_of(step) if sql else None
        if sql is None or table is None or (not step.about and self.is_used(statement)):
            return step
        if not step.about:
            self.moved_objects.add(without_table(step.objects[0]))
        return replace(step, sql=sql, transaction=next_transaction(), concurrently=True)

    def repair(self, proposal: Proposal) -> None:
        """Take in a repair: a key takes over an index after the script's own transaction."""
        if proposal.problem == "missing" and proposal.then and key_definition(proposal.becomes or ""):
            self.moved_objects.add(proposal.object)

    def table_of(self, step: Step) -> Object | None:
        """Return the table that the step makes an index of, if it was there before the run, and is large."""
        index = step.objects[0] if step.objects else None
        if index is None or index.kind != "index":
            return None
        table = Object("table", index.table, "", index.schema)
        definition = self.facts.get(table)
        is_there = not step.about and index in self.facts
        if definition is None or is_there or table_definition(definition).is_partitioned or not self.is_large(table):
            return None
        return table

    def is_used(self, statement: Statement) -> bool:
        """Return whether a later statement of the script, but for a comment, needs the index."""
        name = statement.declaration.effects[0].object.name
        later = (other for other in self.statements if other.offset > statement.offset)
        return any(name in names_in(other.sql) for other in later if other.node != "comment_stmt")
