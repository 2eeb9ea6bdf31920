"""What statements really lock, read and write anew: measured in the transaction that has sent them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from runner.planning.locks import TableLock
from runner.sql.lock_rules import LEVELS
from runner.sql.objects import Object

if TYPE_CHECKING:
    from psycopg import Connection

_RELATIONS = """
    select c.oid, case n.nspname when %s then '' else n.nspname end, c.relname, c.relkind, x.indrelid
    from pg_class as c
    inner join pg_namespace as n on c.relnamespace = n.oid
    left join pg_index as x on c.oid = x.indexrelid
    where c.relkind in ('r', 'p', 'f', 'v', 'm', 'S', 'c', 'i', 'I') and n.nspname !~ '^pg_|^information_schema$'
"""
_LOCKS = """
    select relation, mode from pg_locks
    where pid = pg_backend_pid() and locktype = 'relation' and granted and relation = any(%s)
"""
_ROWS = "select oid, pg_stat_get_xact_numscans(oid), pg_relation_filenode(oid) from unnest(%s::oid[]) as oid"
_MODES = {f"{level.title().replace(' ', '')}Lock": level for level in LEVELS}
_READS = ("scans", "rewrites", "empties")


class Relation(NamedTuple):
    """A relation that was there before; `table` is that of an index."""

    schema: str
    name: str
    kind: str
    table: int | None


class Measured(NamedTuple):
    """What was measured of a relation; `level` is empty for a lock up to ROW EXCLUSIVE."""

    level: str = ""
    is_read: bool = False
    is_rewritten: bool = False


class Meter:
    """Measures statements on what is there when it is made; `target` is the schema that objects do not name."""

    def __init__(self, connection: Connection[Any], target: str = "public") -> None:
        self.connection = connection
        rows = connection.execute(_RELATIONS, [target]).fetchall()
        self.relations = {oid: Relation(*rest) for oid, *rest in rows}
        self.oids = list(self.relations)

    @contextmanager
    def measuring(self) -> Iterator[dict[int, Measured]]:
        """Fill the mapping when the block ends, in the same transaction."""
        found: dict[int, Measured] = {}
        before = self._rows()
        yield found
        locks: dict[int, list[str]] = {}
        for oid, mode in self.connection.execute(_LOCKS, [self.oids]):
            locks.setdefault(oid, []).append(_MODES.get(mode, ""))
        after = self._rows()
        for oid, relation in self.relations.items():
            has_rows = relation.kind in ("r", "p", "m")
            # what is locked as for reading is read by a query: REFRESH, CREATE TABLE AS
            is_read = has_rows and bool(locks.get(oid)) and after[oid][0] > before[oid][0] and any(locks[oid])
            is_rewritten = has_rows and after[oid][1] not in (None, before[oid][1])
            levels = [level for level in locks.get(oid, ()) if level not in ("", "ROW SHARE")]
            found[oid] = Measured(max(levels, key=LEVELS.index, default=""), is_read, is_rewritten)

    def _rows(self) -> dict[int, tuple[int, int | None]]:
        rows = self.connection.execute(_ROWS, [self.oids]).fetchall()
        return {oid: (scans or 0, node) for oid, scans, node in rows}

    def unannounced(self, measured: Mapping[int, Measured], told: Sequence[TableLock]) -> list[str]:
        """Return what was measured and is more than what was told."""
        known = {(lock.relation.schema, lock.relation.name): lock for lock in told}
        found = []
        for oid, (level, is_read, is_rewritten) in measured.items():
            relation = self.relations[oid]
            own = known.get((relation.schema, relation.name))
            table = self.relations.get(relation.table or 0)
            locks = [own, known.get((table.schema, table.name)) if table else None]
            most = max((LEVELS.index(lock.level) for lock in locks if lock), default=-1)
            rows = own.rows if own else ""
            if level and LEVELS.index(level) > most:
                found.append(f"{relation.name}: {level}")
            if is_read and rows not in _READS:
                found.append(f"{relation.name}: all rows are read")
            if is_rewritten and rows not in ("rewrites", "empties"):
                found.append(f"{relation.name}: it is written anew")
        return found


def as_text(locks: Sequence[TableLock]) -> set[str]:
    """Return locks as tests/cases/locks.sql has them."""
    return {f"{_name(lock.relation)} {lock.level} {lock.rows}".strip() for lock in locks}


def _name(item: Object) -> str:
    return f"{item.schema}.{item.name}" if item.schema else item.name
