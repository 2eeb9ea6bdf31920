"""What adds a foreign key to a partitioned table where it cannot be NOT VALID: partition by partition."""

from __future__ import annotations

from msgspec import Struct

from runner.catalog.constraint_definitions import foreign_key_definition
from runner.catalog.definitions import as_valid, is_invalid, unquoted
from runner.repair.context import Context, is_part
from runner.repair.proposal import Use, alter
from runner.sql.chosen_names import chosen_name
from runner.sql.objects import Object
from runner.sql.quoting import identifier


class Parts(Struct, frozen=True):
    """What adds a constraint: `adds` for new rows, `then` transactions that look at those that are there."""

    adds: tuple[str, ...]
    then: tuple[tuple[str, ...], ...]
    uses: tuple[Use, ...] = ()
    """What is there and becomes a part of it."""


def added_by_partition(context: Context, table: Object, name: str, definition: str) -> Parts:
    """Return what adds a foreign key: PostgreSQL takes the valid ones of the partitions as its parts, and reads no row.

    A partition that has it already, such as from a run that was cut off, keeps it.
    """
    whole = alter(table, [f"add constraint {identifier(name)} {definition}"])
    adds, validates, uses = [], [], []
    for part in context.evidence.partitions(table):
        if not part.is_leaf:
            continue
        there = _there(context, part.table, definition)
        own = there or _named(context, part.table, name, definition)
        if there is None:
            adds.append(alter(part.table, [f"add constraint {identifier(own.name)} {definition} not valid"]))
        else:
            uses.append(Use(there, whole))
        if there is None or is_invalid(there, context.actual.facts[there]):
            validates.append((alter(part.table, [f"validate constraint {identifier(own.name)}"]),))
    return Parts(tuple(adds), (*validates, (whole,)), tuple(uses))


def _there(context: Context, partition: Object, definition: str) -> Object | None:
    own = (item for item in context.actual.facts if is_part(item, "constraint", partition))
    same = (item for item in own if as_valid(item, context.actual.facts[item]) == definition)
    return next((item for item in same if item not in context.declared), None)


def _named(context: Context, partition: Object, name: str, definition: str) -> Object:
    """Return the constraint of a partition with the name that PostgreSQL would give it."""
    taken = {item.name for item in context.actual.facts if is_part(item, "constraint", partition)}
    foreign = foreign_key_definition(definition)
    columns = "_".join(map(unquoted, foreign.columns)) if foreign else ""
    usual = chosen_name(partition.name, columns, "fkey")
    names = (name, *(f"{usual}{number or ''}" for number in range(len(taken) + 1)))
    return Object("constraint", next(each for each in names if each not in taken), partition.name, partition.schema)
