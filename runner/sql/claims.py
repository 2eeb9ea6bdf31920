"""What a statement claims of relations, read off its parse tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from postgast import pg_query_pb2 as pg

from runner.sql.alter_claims import alter_table_claims
from runner.sql.claim import Claim
from runner.sql.object_names import KINDS, PARTS_OF_A_TABLE, ObjectNames, is_temporary
from runner.sql.objects import Object
from runner.sql.restrictions import is_on
from runner.sql.statements import DATA_NODES
from runner.sql.trees import named_tree_of, nodes, strings

_LOCK_MODES = (
    "",
    "ACCESS SHARE",
    "ROW SHARE",
    "ROW EXCLUSIVE",
    "SHARE UPDATE EXCLUSIVE",
    "SHARE",
    "SHARE ROW EXCLUSIVE",
    "EXCLUSIVE",
    "ACCESS EXCLUSIVE",
)
_DROPPED: Mapping[str, str] = {
    "OBJECT_TABLE": "DROP TABLE",
    "OBJECT_FOREIGN_TABLE": "DROP TABLE",
    "OBJECT_MATVIEW": "DROP MATERIALIZED VIEW",
    "OBJECT_STATISTIC_EXT": "DROP STATISTICS",
    "OBJECT_POLICY": "DROP POLICY",
}
_RELATIONS = (
    "OBJECT_TABLE",
    "OBJECT_FOREIGN_TABLE",
    "OBJECT_VIEW",
    "OBJECT_MATVIEW",
    "OBJECT_SEQUENCE",
    "OBJECT_INDEX",
)
_WITHOUT_LOCK = ("OBJECT_PUBLICATION",)
"""What is dropped without a lock on the tables that it is about."""
_CHECKS_DOMAIN = ("C", "O", "V")
"""ADD CONSTRAINT, SET NOT NULL and VALIDATE CONSTRAINT in the parse tree of ALTER DOMAIN."""
_ACCESS = (
    "grant_stmt grant_role_stmt alter_default_privileges_stmt alter_role_stmt create_role_stmt "
    "alter_role_set_stmt reassign_owned_stmt drop_role_stmt"
).split()
_WITH_ROWS = (*DATA_NODES, "explain_stmt")


def claims_of(sql: str, schema: str) -> tuple[Claim, ...]:
    """Return what a statement claims, clause by clause; `schema` is the one that unqualified names mean."""
    node, body = named_tree_of(sql)
    reader = _Reader(ObjectNames(schema))
    read = getattr(reader, f"read_{node}", None)
    if read is not None:
        return tuple(read(body))
    if node in _ACCESS:
        return (Claim("ACCESS", Object("", "")),)
    return tuple(reader.rows(body)) if node in _WITH_ROWS else ()


class _Reader:
    """Has a method for each statement that claims something."""

    def __init__(self, names: ObjectNames) -> None:
        self.names = names

    def table(self, relation: pg.RangeVar) -> Object:
        return self.names.relation("table", relation)

    def read_alter_table_stmt(self, body: pg.AlterTableStmt) -> Iterator[Claim]:
        return alter_table_claims(self.names, body)

    def read_index_stmt(self, body: pg.IndexStmt) -> Iterator[Claim]:
        kind = f"CREATE{' UNIQUE' if body.unique else ''} INDEX{' CONCURRENTLY' if body.concurrent else ''}"
        columns = tuple(part.index_elem.name for part in body.index_params)
        yield Claim(kind, self.table(body.relation), (), body.idxname, columns, is_only=not body.relation.inh)

    def read_create_stmt(self, body: pg.CreateStmt) -> Iterator[Claim]:
        if is_temporary(body.relation):
            return
        kind = "CREATE TABLE PARTITION OF" if body.HasField("partbound") else "CREATE TABLE INHERITS"
        yield from (Claim(kind, self.table(parent.range_var)) for parent in body.inh_relations)
        for item in nodes(body):
            if isinstance(item, pg.Constraint) and item.HasField("pktable"):
                yield Claim("CREATE TABLE REFERENCES", self.table(item.pktable))

    def read_view_stmt(self, body: pg.ViewStmt) -> Iterator[Claim]:
        if body.replace:
            yield Claim("CREATE OR REPLACE VIEW", self.table(body.view))

    def read_create_function_stmt(self, body: pg.CreateFunctionStmt) -> Iterator[Claim]:
        if body.replace:
            yield Claim("CREATE OR REPLACE FUNCTION", Object("function", [*strings(body.funcname)][-1]))

    def read_create_trig_stmt(self, body: pg.CreateTrigStmt) -> Iterator[Claim]:
        kind = "CREATE OR REPLACE TRIGGER" if body.replace else "CREATE TRIGGER"
        yield Claim(kind, self.table(body.relation), (), body.trigname)

    def read_rule_stmt(self, body: pg.RuleStmt) -> Iterator[Claim]:
        kind = "CREATE OR REPLACE RULE" if body.replace else "CREATE RULE"
        yield Claim(kind, self.table(body.relation), (), body.rulename)

    def read_create_policy_stmt(self, body: pg.CreatePolicyStmt) -> Iterator[Claim]:
        yield Claim("CREATE POLICY", self.table(body.table), (), body.policy_name)

    def read_alter_policy_stmt(self, body: pg.AlterPolicyStmt) -> Iterator[Claim]:
        yield Claim("ALTER POLICY", self.table(body.table), (), body.policy_name)

    def read_create_stats_stmt(self, body: pg.CreateStatsStmt) -> Iterator[Claim]:
        yield from (Claim("CREATE STATISTICS", self.table(item.range_var)) for item in body.relations)

    def read_create_publication_stmt(self, body: pg.CreatePublicationStmt) -> Iterator[Claim]:
        return self.publication("CREATE PUBLICATION", body.pubobjects)

    def read_alter_publication_stmt(self, body: pg.AlterPublicationStmt) -> Iterator[Claim]:
        yield Claim("ALTER PUBLICATION", Object("publication", body.pubname))
        yield from self.publication("ALTER PUBLICATION", body.pubobjects)

    def publication(self, kind: str, objects: Sequence[pg.Node]) -> Iterator[Claim]:
        tables = (item.publication_obj_spec.pubtable for item in objects)
        return (Claim(kind, self.table(table.relation)) for table in tables if table.relation.relname)

    def read_alter_owner_stmt(self, body: pg.AlterOwnerStmt) -> Iterator[Claim]:
        is_type = pg.ObjectType.Name(body.object_type) == "OBJECT_TYPE"
        yield Claim("OWNER", self.of_type(body.object)) if is_type else Claim("ACCESS", Object("", ""))

    def read_alter_seq_stmt(self, body: pg.AlterSeqStmt) -> Iterator[Claim]:
        yield Claim("ALTER SEQUENCE", self.table(body.sequence))

    def read_alter_domain_stmt(self, body: pg.AlterDomainStmt) -> Iterator[Claim]:
        is_unchecked = getattr(body, "def").constraint.skip_validation
        if body.subtype in _CHECKS_DOMAIN and not is_unchecked:
            yield Claim("CHECK DOMAIN", self.names.named("domain", body.type_name))

    def read_comment_stmt(self, body: pg.CommentStmt) -> Iterator[Claim]:
        kind = pg.ObjectType.Name(body.objtype)
        if kind in _RELATIONS or kind == "OBJECT_COLUMN":
            parts = [*strings(body.object.list.items)]
            schema, name = self.names.qualified(parts[:-1] if kind == "OBJECT_COLUMN" else parts)
            yield Claim("COMMENT", Object("table", name, "", schema))

    def read_drop_stmt(self, body: pg.DropStmt) -> Iterator[Claim]:
        kind = pg.ObjectType.Name(body.remove_type)
        cascades = pg.DropBehavior.Name(body.behavior) == "DROP_CASCADE"
        for item in body.objects:
            named = self.dropped(kind, item)
            if kind == "OBJECT_INDEX":
                yield Claim(f"DROP INDEX{' CONCURRENTLY' if body.concurrent else ''}", named, (), named.name)
            else:
                yield Claim(_DROPPED.get(kind, "DROP"), named, subject=self.part_dropped(kind, named, item))
            if cascades:
                yield Claim("DROP CASCADE", named)

    def dropped(self, kind: str, item: pg.Node) -> Object:
        """Return the relation of what is dropped, or that itself."""
        if KINDS.get(kind) in PARTS_OF_A_TABLE:
            schema, name = self.names.qualified([*strings(item.list.items)][:-1])
            return Object("table", name, "", schema)
        named = None if kind in _WITHOUT_LOCK else self.names.named_object(kind, item)
        if named is None:
            parts = [*strings(item.list.items)]
            schema, name = self.names.qualified(parts)
            return Object("statistics" if kind == "OBJECT_STATISTIC_EXT" else "", name, "", schema)
        return named._replace(kind="table") if kind in _RELATIONS else named

    def part_dropped(self, kind: str, relation: Object, item: pg.Node) -> Object | None:
        """Return the trigger, rule or policy of a relation that is dropped."""
        part = KINDS.get(kind, "")
        name = [*strings(item.list.items)][-1:]
        return Object(part, name[0], relation.name, relation.schema) if part in PARTS_OF_A_TABLE and name else None

    def read_rename_stmt(self, body: pg.RenameStmt) -> Iterator[Claim]:
        kind = pg.ObjectType.Name(body.rename_type)
        if body.HasField("relation") or kind == "OBJECT_TYPE":
            relation = self.table(body.relation) if body.HasField("relation") else self.of_type(body.object)
            becomes = relation._replace(name=body.newname) if kind in (*_RELATIONS, "OBJECT_TYPE") else None
            is_only = becomes is not None or kind in ("OBJECT_POLICY", "OBJECT_RULE")
            own = "ALTER INDEX" if kind == "OBJECT_INDEX" else "RENAME"
            yield Claim(own, relation, (), body.subname, is_only=is_only, becomes=becomes)

    def of_type(self, node: pg.Node) -> Object:
        """Return the relation that a composite type is."""
        schema, name = self.names.qualified([*strings(node.list.items)])
        return Object("table", name, "", schema)

    def read_alter_object_schema_stmt(self, body: pg.AlterObjectSchemaStmt) -> Iterator[Claim]:
        if body.HasField("relation") or pg.ObjectType.Name(body.object_type) == "OBJECT_TYPE":
            relation = self.table(body.relation) if body.HasField("relation") else self.of_type(body.object)
            becomes = relation._replace(schema=self.names.schema(body.newschema))
            yield Claim("SET SCHEMA", relation, becomes=becomes)

    def read_refresh_mat_view_stmt(self, body: pg.RefreshMatViewStmt) -> Iterator[Claim]:
        yield Claim(f"REFRESH MATERIALIZED VIEW{' CONCURRENTLY' if body.concurrent else ''}", self.table(body.relation))

    def read_truncate_stmt(self, body: pg.TruncateStmt) -> Iterator[Claim]:
        cascades = pg.DropBehavior.Name(body.behavior) == "DROP_CASCADE"
        for item in body.relations:
            relation = item.range_var
            yield Claim(f"TRUNCATE{' CASCADE' if cascades else ''}", self.table(relation), is_only=not relation.inh)

    def read_lock_stmt(self, body: pg.LockStmt) -> Iterator[Claim]:
        for item in body.relations:
            relation = item.range_var
            yield Claim("LOCK", self.table(relation), level=_LOCK_MODES[body.mode], is_only=not relation.inh)

    def read_vacuum_stmt(self, body: pg.VacuumStmt) -> Iterator[Claim]:
        is_full = any(is_on(item.def_elem, "full") for item in body.options)
        kind = "VACUUM FULL" if is_full else "VACUUM" if body.is_vacuumcmd else "ANALYZE"
        yield from (Claim(kind, self.table(item.vacuum_relation.relation)) for item in body.rels)

    def read_cluster_stmt(self, body: pg.ClusterStmt) -> Iterator[Claim]:
        if body.HasField("relation"):
            yield Claim("CLUSTER", self.table(body.relation))

    def read_reindex_stmt(self, body: pg.ReindexStmt) -> Iterator[Claim]:
        if not body.HasField("relation"):
            return
        is_index = pg.ReindexObjectType.Name(body.kind) == "REINDEX_OBJECT_INDEX"
        is_alone = any(is_on(item.def_elem, "concurrently") for item in body.params)
        kind = "REINDEX CONCURRENTLY" if is_alone else "REINDEX INDEX" if is_index else "REINDEX"
        yield Claim(kind, self.table(body.relation))

    def rows(self, body: Any) -> Iterator[Claim]:
        """Yield what a statement deletes; an EXPLAIN that does not run it deletes nothing."""
        if isinstance(body, pg.ExplainStmt) and not any(is_on(item.def_elem, "analyze") for item in body.options):
            return
        for item in nodes(body):
            if isinstance(item, pg.DeleteStmt) or _merge_deletes(item):
                yield Claim("DELETE", self.table(item.relation))


def _merge_deletes(item: Any) -> bool:
    if not isinstance(item, pg.MergeStmt):
        return False
    clauses = (clause.merge_when_clause for clause in item.merge_when_clauses)
    return any(pg.CmdType.Name(clause.command_type) == "CMD_DELETE" for clause in clauses)
