"""What the clauses of ALTER TABLE, and of the statements of its form, claim of relations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from postgast import pg_query_pb2 as pg

from runner.sql.claim import Claim
from runner.sql.object_names import ObjectNames
from runner.sql.objects import Object
from runner.sql.trees import nodes, strings

_BY_SUBTYPE: Mapping[str, str] = {
    **dict.fromkeys(
        "AT_ColumnDefault AT_DropNotNull AT_DropExpression AT_SetStorage AT_SetCompression".split(), "ALTER COLUMN"
    ),
    **dict.fromkeys("AT_SetStatistics AT_SetOptions AT_ResetOptions".split(), "SET STATISTICS"),
    **dict.fromkeys("AT_SetRelOptions AT_ResetRelOptions AT_ReplaceRelOptions".split(), "SET OPTIONS"),
    **dict.fromkeys("AT_SetLogged AT_SetUnLogged AT_SetAccessMethod AT_SetTableSpace".split(), "SET ACCESS METHOD"),
    **dict.fromkeys("AT_AddIdentity AT_SetIdentity AT_DropIdentity".split(), "ALTER IDENTITY"),
    **dict.fromkeys("AT_ClusterOn AT_DropCluster".split(), "CLUSTER ON"),
    **dict.fromkeys("AT_EnableRule AT_EnableAlwaysRule AT_EnableReplicaRule AT_DisableRule".split(), "ALTER RULE"),
    **dict.fromkeys(
        "AT_EnableRowSecurity AT_DisableRowSecurity AT_ForceRowSecurity AT_NoForceRowSecurity".split(),
        "ROW LEVEL SECURITY",
    ),
    "AT_SetNotNull": "SET NOT NULL",
    "AT_SetExpression": "SET EXPRESSION",
    "AT_DropColumn": "DROP COLUMN",
    "AT_DropConstraint": "DROP CONSTRAINT",
    "AT_ValidateConstraint": "VALIDATE CONSTRAINT",
    "AT_AlterConstraint": "ALTER CONSTRAINT",
    "AT_ChangeOwner": "OWNER",
    "AT_AddInherit": "INHERIT",
    "AT_DropInherit": "NO INHERIT",
}
_OF_OTHERS: Mapping[str, str] = {
    "OBJECT_INDEX": "ALTER INDEX",
    "OBJECT_VIEW": "ALTER VIEW",
    "OBJECT_SEQUENCE": "ALTER SEQUENCE LOGGED",
    "OBJECT_TYPE": "ALTER TABLE",
}
"""What a clause is that has another kind on a table than on these."""
_CONSTRAINTS: Mapping[str, str] = {
    "CONSTR_CHECK": "ADD CHECK",
    "CONSTR_NOTNULL": "ADD NOT NULL",
    "CONSTR_PRIMARY": "ADD PRIMARY KEY",
    "CONSTR_UNIQUE": "ADD UNIQUE",
    "CONSTR_EXCLUSION": "ADD EXCLUDE",
    "CONSTR_FOREIGN": "ADD FOREIGN KEY",
}
_SERIALS = frozenset("serial serial2 serial4 serial8 smallserial bigserial".split())


def alter_table_claims(names: ObjectNames, body: pg.AlterTableStmt) -> Iterator[Claim]:
    """Yield what each clause claims."""
    reader = _Reader(names, names.relation("table", body.relation), pg.ObjectType.Name(body.objtype))
    for item in body.cmds:
        for claim in reader.clause(item.alter_table_cmd):
            yield claim._replace(is_only=not body.relation.inh)


class _Reader:
    def __init__(self, names: ObjectNames, relation: Object, objtype: str) -> None:
        self.names = names
        self.relation = relation
        self.objtype = objtype
        self.special: Mapping[str, Callable[[pg.AlterTableCmd], Iterator[Claim]]] = {
            "AT_AddColumn": self.added_column,
            "AT_AddConstraint": self.added_constraint,
            "AT_AlterColumnType": self.other_type,
            "AT_AttachPartition": self.attached,
            "AT_DetachPartition": self.detached,
            "AT_DetachPartitionFinalize": self.detached,
        }

    def clause(self, command: pg.AlterTableCmd) -> Iterator[Claim]:
        subtype = str(pg.AlterTableType.Name(command.subtype))
        if self.objtype in _OF_OTHERS and subtype not in ("AT_AttachPartition", "AT_ChangeOwner", "AT_SetTableSpace"):
            yield Claim(_OF_OTHERS[self.objtype], self.relation)
        elif subtype in self.special:
            yield from self.special[subtype](command)
        else:
            kind = "ALTER TRIGGER" if "Trig" in subtype else _BY_SUBTYPE.get(subtype, "ALTER TABLE")
            definition = getattr(command, "def")
            part = command.name or definition.atalter_constraint.conname
            named = (self.names.relation("table", definition.range_var),) if "Inherit" in subtype else ()
            columns = (command.name,) if subtype == "AT_SetNotNull" else ()
            yield Claim(kind, self.relation, named, part, columns)

    def added_column(self, command: pg.AlterTableCmd) -> Iterator[Claim]:
        column = getattr(command, "def").column_def
        constraints = [(_type_of(item.constraint), item.constraint) for item in column.constraints]
        type_names = [*strings(column.type_name.names)]
        functions: set[str] = set()
        is_filled = type_names[-1] in _SERIALS
        has_value = is_filled or any(kind in _GIVES_VALUE for kind, _ in constraints)
        for kind, constraint in constraints:
            is_filled = is_filled or kind == "CONSTR_IDENTITY" or constraint.generated_kind == "s"
            functions |= _functions(constraint.raw_expr) if kind == "CONSTR_DEFAULT" else set()
        kind = "ADD COLUMN FILLED" if is_filled else "ADD COLUMN"
        type_ = self.names.type_name(column.type_name)
        yield Claim(kind, self.relation, (), column.colname, (), type_, frozenset(functions))
        for kind, constraint in constraints:
            if kind == "CONSTR_NOTNULL":
                if not has_value:
                    yield Claim("ADD COLUMN NOT NULL", self.relation, (), column.colname, (column.colname,))
            elif kind in _CONSTRAINTS:
                yield self.constraint(constraint, column.colname, is_valid=has_value)

    def added_constraint(self, command: pg.AlterTableCmd) -> Iterator[Claim]:
        yield self.constraint(getattr(command, "def").constraint)

    def constraint(self, item: pg.Constraint, column: str = "", *, is_valid: bool = True) -> Claim:
        """Return what a constraint claims; a foreign key of a column without values is not looked at."""
        kind = _CONSTRAINTS[_type_of(item)]
        named = (self.names.relation("table", item.pktable),) if kind == "ADD FOREIGN KEY" else ()
        is_unforced = kind != "ADD NOT NULL" and not item.is_enforced
        is_unchecked = item.skip_validation or is_unforced or (named and not is_valid)
        if item.indexname:
            kind += " USING INDEX"
        elif is_unchecked and kind in ("ADD CHECK", "ADD NOT NULL", "ADD FOREIGN KEY"):
            kind += " NOT VALID"
        columns = _not_null_in(item) if kind.startswith("ADD CHECK") else tuple(strings(item.keys or item.fk_attrs))
        return Claim(kind, self.relation, named, item.indexname or item.conname, columns or (column,) * bool(column))

    def other_type(self, command: pg.AlterTableCmd) -> Iterator[Claim]:
        column = getattr(command, "def").column_def
        using = column.raw_default
        fields = [*strings(using.column_ref.fields)]
        is_kept = not column.HasField("raw_default") or fields == [command.name]
        type_ = self.names.full_type_name(column.type_name) if is_kept else ""
        kind = "ALTER COLUMN COLLATION" if column.HasField("coll_clause") else "ALTER COLUMN TYPE"
        yield Claim(kind, self.relation, (), command.name, (), type_)

    def attached(self, command: pg.AlterTableCmd) -> Iterator[Claim]:
        part = self.names.relation("table", getattr(command, "def").partition_cmd.name)
        if self.objtype == "OBJECT_INDEX":
            yield Claim("ATTACH INDEX", self.relation, (part,))
            return
        yield Claim("ATTACH PARTITION", self.relation, (part,))
        yield Claim("ATTACHED PARTITION", part)

    def detached(self, command: pg.AlterTableCmd) -> Iterator[Claim]:
        partition = getattr(command, "def").partition_cmd
        is_alone = partition.concurrent or pg.AlterTableType.Name(command.subtype) == "AT_DetachPartitionFinalize"
        kind = "DETACH PARTITION CONCURRENTLY" if is_alone else "DETACH PARTITION"
        yield Claim(kind, self.relation, (self.names.relation("table", partition.name),))


_GIVES_VALUE = ("CONSTR_DEFAULT", "CONSTR_IDENTITY", "CONSTR_GENERATED")


def _type_of(constraint: pg.Constraint) -> str:
    return str(pg.ConstrType.Name(constraint.contype))


def _functions(expression: pg.Node) -> set[str]:
    calls = (node for node in nodes(expression) if isinstance(node, pg.FuncCall))
    return {[*strings(call.funcname)][-1] for call in calls}


def _not_null_in(constraint: pg.Constraint) -> tuple[str, ...]:
    """Return the column of which a CHECK says that it is not null, and nothing else."""
    test = constraint.raw_expr.null_test
    if pg.NullTestType.Name(test.nulltesttype) != "IS_NOT_NULL" or not constraint.raw_expr.HasField("null_test"):
        return ()
    return tuple([*strings(test.arg.column_ref.fields)][-1:])
