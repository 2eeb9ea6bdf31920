"""What CREATE TABLE and ALTER TABLE do to a table and its parts, read off their parse trees."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from postgast import pg_query_pb2 as pg

from runner.sql.access_effects import AccessEffects
from runner.sql.chosen_names import chosen_name
from runner.sql.foreign_tables import changes_text, column_text
from runner.sql.object_names import KINDS, ObjectNames, is_temporary
from runner.sql.objects import (
    INHERITS,
    NOT_VALIDATED,
    PRESENT,
    VALID,
    Declaration,
    Effect,
    EffectKind,
    Element,
    Object,
    qualified_name,
)
from runner.sql.trees import nodes, strings

ElementText = Callable[[int], str]
"""Gives the source text of the element of a list that begins at a byte of the script."""
_TABLE_CONSTRAINTS = ("CONSTR_PRIMARY", "CONSTR_UNIQUE", "CONSTR_FOREIGN", "CONSTR_CHECK", "CONSTR_EXCLUSION")


_CHANGES_COLUMN = (
    "AT_ColumnDefault AT_CookedColumnDefault AT_DropNotNull AT_SetNotNull AT_SetExpression AT_DropExpression "
    "AT_SetStatistics AT_SetOptions AT_ResetOptions AT_SetStorage AT_SetCompression AT_AlterColumnType AT_AddIdentity "
    "AT_SetIdentity AT_DropIdentity"
).split()
_CHANGES_TABLE = (
    "AT_SetLogged AT_SetUnLogged AT_SetAccessMethod AT_SetRelOptions AT_ResetRelOptions AT_EnableRowSecurity "
    "AT_DisableRowSecurity AT_ForceRowSecurity AT_NoForceRowSecurity AT_AddOf AT_DropOf AT_AddInherit AT_DropInherit "
    "AT_ReplicaIdentity AT_ClusterOn AT_DropCluster"
).split()
_ROW_SECURITY = {
    "AT_EnableRowSecurity": "enable row level security",
    "AT_DisableRowSecurity": "disable row level security",
    "AT_ForceRowSecurity": "force row level security",
    "AT_NoForceRowSecurity": "no force row level security",
}
_CHANGES_TRIGGER = "AT_EnableTrig AT_EnableAlwaysTrig AT_EnableReplicaTrig AT_DisableTrig".split()
_CHANGES_RULE = "AT_EnableRule AT_EnableAlwaysRule AT_EnableReplicaRule AT_DisableRule".split()
_PART_COMMANDS: dict[str, tuple[EffectKind, str]] = {
    "AT_ValidateConstraint": ("set", "constraint"),
    "AT_AlterConstraint": ("change", "constraint"),
    "AT_DropColumn": ("drop", "column"),
    "AT_DropConstraint": ("drop", "constraint"),
    **dict.fromkeys(_CHANGES_COLUMN, ("change", "column")),
    **dict.fromkeys(_CHANGES_TRIGGER, ("change", "trigger")),
    **dict.fromkeys(_CHANGES_RULE, ("change", "rule")),
}
_SERIAL = ("serial", "bigserial", "smallserial", "serial2", "serial4", "serial8")
_TURNS = ("AT_DropColumn AT_DropConstraint", "AT_AlterColumnType", "AT_AddColumn")
"""What PostgreSQL does first of the clauses of a statement; what is not named comes after these."""


class TableEffects:
    """Reads statements on tables."""

    def __init__(self, names: ObjectNames, element_text: ElementText, access: AccessEffects) -> None:
        self.names = names
        self.access = access
        self.element_text = element_text

    def of_create(self, body: pg.CreateStmt) -> Declaration:
        """Return what CREATE TABLE declares."""
        if is_temporary(body.relation):
            return Declaration()
        table = self.names.relation("table", body.relation)
        effects = [Effect("create", table, self._inherited(body))]
        elements: list[Element] = []
        for item in body.table_elts:
            own = list(self._element_effects(table, item))
            effects += own
            elements += self._elements(table, item, own)
        for constraint in body.constraints:
            effects += self._constraint(table, constraint.constraint)
        if body.tablespacename:
            effects.append(Effect("create", table.tablespace, body.tablespacename))
        has_more = body.HasField("of_typename") or any(item.HasField("table_like_clause") for item in body.table_elts)
        return Declaration(tuple(effects), body.if_not_exists, has_more_parts=has_more, elements=tuple(elements))

    def _inherited(self, body: pg.CreateStmt) -> str:
        """Return what a table is as far as its parents matter, of which a partition has none."""
        parents = [] if body.HasField("partbound") else [item.range_var for item in body.inh_relations]
        names = (qualified_name(self.names.relation("table", parent)) for parent in parents)
        return f"{INHERITS}{', '.join(names)})" if parents else PRESENT

    def _elements(self, table: Object, item: pg.Node, effects: list[Effect]) -> Iterator[Element]:
        if effects and not effects[0].object.name.startswith("check ("):
            inner = getattr(item, str(item.WhichOneof("node")))
            column = effects[0].object.kind == "column"
            sql = f"add {'column if not exists ' if column else ''}{self.element_text(inner.location)}"
            yield Element(effects[0].object, None if column else self._signature(table, inner), sql)

    def _element_effects(self, table: Object, item: pg.Node) -> Iterator[Effect]:
        match item.WhichOneof("node"):
            case "column_def":
                column = item.column_def
                named = Object("column", column.colname, table.name, table.schema)
                yield Effect("create", named, column_text(column), _own(table, column))
                for constraint in column.constraints:
                    yield from self._constraint(table, constraint.constraint, column.colname)
            case "constraint":
                yield from self._constraint(table, item.constraint)

    def _constraint(self, table: Object, constraint: pg.Constraint, column: str = "") -> Iterator[Effect]:
        if pg.ConstrType.Name(constraint.contype) not in _TABLE_CONSTRAINTS:
            return
        state = NOT_VALIDATED if constraint.skip_validation else VALID
        columns = (column,) if column else (*strings(constraint.keys or constraint.fk_attrs),)
        named = self._named(table, constraint.conname or constraint.indexname)
        if constraint.indexname:
            yield Effect("take", Object("index", constraint.indexname, table.name, table.schema), other=named)
        if known_by := named or self._signature(table, constraint, column):
            yield Effect("create", known_by, state, columns)

    def _named(self, table: Object, name: str) -> Object | None:
        return Object("constraint", name, table.name, table.schema) if name else None

    def _signature(self, table: Object, constraint: pg.Constraint, column: str = "") -> Object | None:
        columns = ", ".join([column] if column else [*strings(constraint.keys or constraint.fk_attrs)])
        match pg.ConstrType.Name(constraint.contype):
            case "CONSTR_PRIMARY":
                text = f"primary key ({columns})"
            case "CONSTR_UNIQUE":
                text = f"unique ({columns})"
            case "CONSTR_FOREIGN":
                text = f"foreign key ({columns}) references {constraint.pktable.relname}"
            case "CONSTR_CHECK":
                text = f"check ({', '.join(dict.fromkeys(_columns_in(constraint.raw_expr)))})"
            case _:
                return None
        return Object("constraint", text, table.name, table.schema)

    def of_alter(self, body: pg.AlterTableStmt) -> Declaration:
        """Return what ALTER TABLE, or another statement of its form, declares."""
        kind = KINDS.get(pg.ObjectType.Name(body.objtype))
        relation = self.names.relation(kind or "", body.relation)
        if kind in ("index", "sequence", "view", "materialized view", "type"):
            return self._of_another_kind(relation, body)
        if kind != "table":
            return Declaration(opaque=True)
        in_order = sorted(enumerate(body.cmds), key=lambda numbered: _turn(numbered[1]))
        clauses = tuple(self._clause(relation, item)._replace(number=number) for number, item in in_order)
        return clauses[0] if len(clauses) == 1 else self._together(relation, clauses)

    def _together(self, table: Object, clauses: tuple[Declaration, ...]) -> Declaration:
        return Declaration(
            tuple(effect for clause in clauses for effect in clause.effects),
            all(clause.guarded for clause in clauses),
            opaque=any(clause.opaque for clause in clauses),
            nameless=any(clause.nameless for clause in clauses),
            moves=any(clause.moves for clause in clauses),
            restarts=any(clause.restarts for clause in clauses),
            unmanaged=tuple(role for clause in clauses for role in clause.unmanaged),
            gives_access=all(clause.gives_access for clause in clauses),
            clauses=clauses,
            relation=table,
        )

    def _of_another_kind(self, relation: Object, body: pg.AlterTableStmt) -> Declaration:
        owners = [item.alter_table_cmd.newowner for item in body.cmds if _subtype(item) == "AT_ChangeOwner"]
        if owners:
            return self.access.of_owner(relation, owners[0])
        spaces = [item.alter_table_cmd.name for item in body.cmds if _subtype(item) == "AT_SetTableSpace"]
        if spaces:
            return Declaration((Effect("change", relation.tablespace, spaces[0]),), relation=relation)
        parts = [item.alter_table_cmd for item in body.cmds if _subtype(item) == "AT_AttachPartition"]
        attached = [self.names.relation("index", getattr(part, "def").partition_cmd.name) for part in parts]
        effects = [Effect("change", relation), *(Effect("take", item, other=relation) for item in attached)]
        return Declaration(tuple(effects), relation=relation)

    def _clause(self, table: Object, item: pg.Node) -> Declaration:
        command, subtype = item.alter_table_cmd, _subtype(item)
        if subtype == "AT_ChangeOwner":
            return self.access.of_owner(table, command.newowner)
        effects = tuple(self._command_effects(table, command, subtype))
        declaration = Declaration(
            effects,
            guarded=subtype == "AT_ValidateConstraint",
            opaque=pg.DropBehavior.Name(command.behavior) == "DROP_CASCADE",
            moves=_restarts(item) or _converts(item),
            restarts=_restarts(item),
            relation=table,
        )
        adds = subtype in ("AT_AddColumn", "AT_AddConstraint") and _constraint_type(item) != "CONSTR_NOTNULL"
        if not adds or any(effect.action == "take" for effect in effects):
            return declaration
        is_constraint = subtype == "AT_AddConstraint"
        is_named = bool(effects) and not effects[0].object.name.startswith("check (")
        return declaration._replace(
            guarded=is_constraint or bool(command.missing_ok),
            nameless=is_constraint and not is_named,
            elements=tuple(self._elements(table, getattr(command, "def"), list(effects))),
        )

    def _command_effects(self, table: Object, command: pg.AlterTableCmd, subtype: str) -> Iterator[Effect]:
        if subtype in _PART_COMMANDS:
            action, kind = _PART_COMMANDS[subtype]
            name = getattr(command, "def").atalter_constraint.conname if kind == "constraint" else ""
            part = Object(kind, name or command.name, table.name, table.schema)
            yield Effect(action, part, VALID if action == "set" else PRESENT)
        elif subtype == "AT_AddConstraint" and (columns := _not_null_columns(command)):
            constraint = self._named(table, getattr(command, "def").constraint.conname)
            for name in columns:
                yield Effect("change", Object("column", name, table.name, table.schema), other=constraint)
        elif subtype in ("AT_AddColumn", "AT_AddConstraint"):
            yield from self._element_effects(table, getattr(command, "def"))
        elif subtype in ("AT_AttachPartition", "AT_DetachPartition"):
            yield Effect("change", self.names.relation("table", getattr(command, "def").partition_cmd.name))
        elif subtype in _CHANGES_TABLE:
            yield Effect("change", table, _ROW_SECURITY.get(subtype, PRESENT))
        elif subtype == "AT_SetTableSpace":
            yield Effect("change", table.tablespace, command.name)
        elif subtype == "AT_GenericOptions":
            yield Effect("change", table, changes_text(command))
        elif subtype == "AT_AlterColumnGenericOptions":
            yield Effect("change", Object("column", command.name, table.name, table.schema), changes_text(command))


def _own(table: Object, column: pg.ColumnDef) -> tuple[str, ...]:
    """Return the sequence that PostgreSQL makes for a serial or identity column."""
    is_serial = next(reversed([*strings(column.type_name.names)]), "") in _SERIAL
    is_identity = any(item.constraint.contype == pg.CONSTR_IDENTITY for item in column.constraints)
    return (chosen_name(table.name, column.colname, "seq"),) if is_serial or is_identity else ()


def _columns_in(expression: pg.Node) -> Iterator[str]:
    """Return the columns that an expression mentions."""
    references = (node for node in nodes(expression) if isinstance(node, pg.ColumnRef))
    return (name for reference in references for name in [*strings(reference.fields)][-1:])


def _subtype(item: pg.Node) -> str:
    return str(pg.AlterTableType.Name(item.alter_table_cmd.subtype))


def _converts(item: pg.Node) -> bool:
    """Return whether a command converts the values of a column by an expression."""
    definition = getattr(item.alter_table_cmd, "def")
    return _subtype(item) == "AT_AlterColumnType" and bool(definition.column_def.HasField("raw_default"))


def _restarts(item: pg.Node) -> bool:
    """Return whether a command sets a counter."""
    definition = getattr(item.alter_table_cmd, "def")
    return _subtype(item) == "AT_SetIdentity" and any(
        option.def_elem.defname == "restart" for option in definition.list.items
    )


def _constraint_type(item: pg.Node) -> str:
    return str(pg.ConstrType.Name(getattr(item.alter_table_cmd, "def").constraint.contype))


def _not_null_columns(command: pg.AlterTableCmd) -> list[str]:
    constraint = getattr(command, "def").constraint
    return [*strings(constraint.keys)] if pg.ConstrType.Name(constraint.contype) == "CONSTR_NOTNULL" else []


def _turn(item: pg.Node) -> int:
    """Return when PostgreSQL does a clause, whatever the order in which they are written."""
    return next((turn for turn, subtypes in enumerate(_TURNS) if _subtype(item) in subtypes.split()), len(_TURNS))
