"""What a statement does to the objects of a database, read off its parse tree."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from postgast import pg_query_pb2 as pg

from runner.objects import (
    ANY_ARGUMENTS,
    NOT_VALIDATED,
    NOTHING,
    PRESENT,
    VALID,
    Action,
    Declaration,
    Effect,
    Element,
    Lock,
    Object,
)
from runner.quote import identifier

ElementText = Callable[[int], str]
"""Gives the source text of the element of a list that begins at a byte of the script."""


def declaration_of(node: str, body: Any, schema: str, element_text: ElementText) -> Declaration:
    """Return what a statement declares; `node` is the name of its kind in the parse tree, `body` the tree below."""
    reader = _Reader(schema, element_text)
    read = getattr(reader, f"read_{node}", None)
    if read is None:
        return NOTHING if node in _HARMLESS else Declaration(opaque=True)
    declaration: Declaration = read(body)
    return declaration


_HARMLESS = frozenset(
    """
    select_stmt insert_stmt update_stmt delete_stmt merge_stmt truncate_stmt lock_stmt variable_set_stmt
    variable_show_stmt explain_stmt grant_stmt grant_role_stmt alter_default_privileges_stmt alter_role_stmt
    alter_role_set_stmt alter_database_set_stmt vacuum_stmt transaction_stmt alter_owner_stmt create_policy_stmt
    """.split()
)
"""Statements that neither drop nor rename an object that another one declares."""

_TABLE_CONSTRAINTS = ("CONSTR_PRIMARY", "CONSTR_UNIQUE", "CONSTR_FOREIGN", "CONSTR_CHECK", "CONSTR_EXCLUSION")
_KINDS = {
    "OBJECT_TABLE": "table",
    "OBJECT_FOREIGN_TABLE": "table",
    "OBJECT_INDEX": "index",
    "OBJECT_VIEW": "view",
    "OBJECT_MATVIEW": "materialized view",
    "OBJECT_SEQUENCE": "sequence",
    "OBJECT_TYPE": "type",
    "OBJECT_DOMAIN": "domain",
    "OBJECT_FUNCTION": "function",
    "OBJECT_PROCEDURE": "function",
    "OBJECT_ROUTINE": "function",
    "OBJECT_TRIGGER": "trigger",
    "OBJECT_TABCONSTRAINT": "constraint",
    "OBJECT_COLUMN": "column",
    "OBJECT_SCHEMA": "schema",
    "OBJECT_EXTENSION": "extension",
}
_OF_A_TABLE = ("trigger", "constraint", "column")
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
_CHANGES_TRIGGER = "AT_EnableTrig AT_EnableAlwaysTrig AT_EnableReplicaTrig AT_DisableTrig".split()
_PART_COMMANDS: dict[str, tuple[Action, str]] = {
    "AT_ValidateConstraint": ("set", "constraint"),
    "AT_AlterConstraint": ("change", "constraint"),
    "AT_DropColumn": ("drop", "column"),
    "AT_DropConstraint": ("drop", "constraint"),
    **dict.fromkeys(_CHANGES_COLUMN, ("change", "column")),
    **dict.fromkeys(_CHANGES_TRIGGER, ("change", "trigger")),
}
_WEAK = "AT_ValidateConstraint AT_SetStatistics AT_AttachPartition".split()
_TYPES = {
    "bool": "boolean",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "float4": "real",
    "float8": "double precision",
    "varchar": "character varying",
    "bpchar": "character",
    "char": '"char"',
    "varbit": "bit varying",
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
    "time": "time without time zone",
    "timetz": "time with time zone",
}
"""Types that PostgreSQL writes in another way than it calls them."""


class _Reader:
    def __init__(self, schema: str, element_text: ElementText) -> None:
        self.target = schema
        self.element_text = element_text

    def read_create_schema_stmt(self, body: pg.CreateSchemaStmt) -> Declaration:
        name = body.schemaname or body.authrole.rolename
        if not name or body.schema_elts:  # what it makes in the schema is not compared
            return Declaration(opaque=True)
        return Declaration((Effect("create", Object("schema", name)),), body.if_not_exists)

    def read_create_extension_stmt(self, body: pg.CreateExtensionStmt) -> Declaration:
        return Declaration((Effect("create", Object("extension", body.extname)),), body.if_not_exists)

    def read_create_stmt(self, body: pg.CreateStmt) -> Declaration:
        if _is_temporary(body.relation):
            return Declaration()
        table = self.relation("table", body.relation)
        effects = [Effect("create", table)]
        elements: list[Element] = []
        for item in body.table_elts:
            own = list(self.element_effects(table, item))
            effects += own
            elements += self.elements(table, item, own)
        for constraint in body.constraints:
            effects += self.constraint(table, constraint.constraint)
        return Declaration(tuple(effects), body.if_not_exists, elements=tuple(elements))

    def elements(self, table: Object, item: pg.Node, effects: list[Effect]) -> Iterator[Element]:
        if effects:
            inner = getattr(item, str(item.WhichOneof("node")))
            column = effects[0].object.kind == "column"
            sql = f"add {'column if not exists ' if column else ''}{self.element_text(inner.location)}"
            yield Element(effects[0].object, None if column else self.signature(table, inner), sql)

    def element_effects(self, table: Object, item: pg.Node) -> Iterator[Effect]:
        match item.WhichOneof("node"):
            case "column_def":
                column = item.column_def
                yield Effect("create", Object("column", column.colname, table.name, table.schema))
                for constraint in column.constraints:
                    yield from self.constraint(table, constraint.constraint, column.colname)
            case "constraint":
                yield from self.constraint(table, item.constraint)

    def constraint(self, table: Object, constraint: pg.Constraint, column: str = "") -> Iterator[Effect]:
        if pg.ConstrType.Name(constraint.contype) not in _TABLE_CONSTRAINTS:
            return
        state = NOT_VALIDATED if constraint.skip_validation else VALID
        columns = (column,) if column else (*strings(constraint.keys or constraint.fk_attrs),)
        if constraint.conname:
            named = Object("constraint", constraint.conname, table.name, table.schema)
            yield Effect("create", named, state, columns)
        elif signature := self.signature(table, constraint, column):
            yield Effect("create", signature, state, columns)

    def signature(self, table: Object, constraint: pg.Constraint, column: str = "") -> Object | None:
        columns = ", ".join([column] if column else [*strings(constraint.keys or constraint.fk_attrs)])
        match pg.ConstrType.Name(constraint.contype):
            case "CONSTR_PRIMARY":
                text = f"primary key ({columns})"
            case "CONSTR_UNIQUE":
                text = f"unique ({columns})"
            case "CONSTR_FOREIGN":
                text = f"foreign key ({columns}) references {constraint.pktable.relname}"
            case _:
                return None
        return Object("constraint", text, table.name, table.schema)

    def read_index_stmt(self, body: pg.IndexStmt) -> Declaration:
        if not body.idxname:
            return Declaration(nameless=True)
        table = self.relation("table", body.relation)
        index = Object("index", body.idxname, table.name, table.schema)
        parts = (*body.index_params, *body.index_including_params)
        columns = tuple(part.index_elem.name for part in parts if part.index_elem.name)
        lock = Lock("SHARE UPDATE EXCLUSIVE" if body.concurrent else "SHARE", table)
        return Declaration((Effect("create", index, VALID, columns),), body.if_not_exists, lock=lock)

    def read_alter_table_stmt(self, body: pg.AlterTableStmt) -> Declaration:
        kind = _KINDS.get(pg.ObjectType.Name(body.objtype))
        relation = self.relation(kind or "", body.relation)
        if kind in ("index", "sequence", "view", "materialized view", "type"):
            if any(_subtype(item) == "AT_SetTableSpace" for item in body.cmds):
                return Declaration()
            parts = [item.alter_table_cmd for item in body.cmds if _subtype(item) == "AT_AttachPartition"]
            attached = [self.relation("index", getattr(part, "def").partition_cmd.name) for part in parts]
            effects = [Effect("change", item) for item in (relation, *attached)]
            return Declaration(tuple(effects), opaque=bool(attached), lock=Lock("ACCESS EXCLUSIVE", relation))
        if kind != "table":
            return Declaration(opaque=True)
        effects = []
        elements: list[Element] = []
        nameless, guarded, only_adds = False, True, True
        for item in body.cmds:
            command, subtype = item.alter_table_cmd, _subtype(item)
            own = list(self.command_effects(relation, command, subtype))
            effects += own
            adds = subtype in ("AT_AddColumn", "AT_AddConstraint") and _constraint_type(item) != "CONSTR_NOTNULL"
            only_adds = only_adds and adds
            guarded = guarded and (adds or subtype == "AT_ValidateConstraint")
            if adds:
                guarded = guarded and (subtype == "AT_AddConstraint" or command.missing_ok)
                nameless = nameless or (not own and subtype == "AT_AddConstraint")
                elements += self.elements(relation, getattr(command, "def"), own)
        lock = Lock(self.lock_level(body), relation)
        moves = any(_moves(item) for item in body.cmds)
        cascades = any(pg.DropBehavior.Name(item.alter_table_cmd.behavior) == "DROP_CASCADE" for item in body.cmds)
        return Declaration(
            tuple(effects),
            guarded,
            opaque=cascades,
            nameless=nameless,
            moves=moves,
            elements=tuple(elements) if only_adds else (),
            lock=lock,
        )

    def command_effects(self, table: Object, command: pg.AlterTableCmd, subtype: str) -> Iterator[Effect]:
        if subtype in _PART_COMMANDS:
            action, kind = _PART_COMMANDS[subtype]
            name = getattr(command, "def").atalter_constraint.conname if kind == "constraint" else ""
            part = Object(kind, name or command.name, table.name, table.schema)
            yield Effect(action, part, VALID if action == "set" else PRESENT)
        elif subtype == "AT_AddConstraint" and (columns := _not_null_columns(command)):
            yield from (Effect("change", Object("column", name, table.name, table.schema)) for name in columns)
        elif subtype in ("AT_AddColumn", "AT_AddConstraint"):
            yield from self.element_effects(table, getattr(command, "def"))
        elif subtype in ("AT_AttachPartition", "AT_DetachPartition"):
            yield Effect("change", self.relation("table", getattr(command, "def").partition_cmd.name))
        elif subtype in _CHANGES_TABLE:
            yield Effect("change", table)

    def lock_level(self, body: pg.AlterTableStmt) -> str:
        if all(_subtype(item) in _WEAK for item in body.cmds):
            return "SHARE UPDATE EXCLUSIVE"
        foreign = [_constraint_type(item) == "CONSTR_FOREIGN" for item in body.cmds]
        return "SHARE ROW EXCLUSIVE" if all(foreign) else "ACCESS EXCLUSIVE"

    def read_view_stmt(self, body: pg.ViewStmt) -> Declaration:
        return self.made("view", body.view, replaces=body.replace)

    def read_create_table_as_stmt(self, body: pg.CreateTableAsStmt) -> Declaration:
        kind = _KINDS[pg.ObjectType.Name(body.objtype)]
        return self.made(kind, body.into.rel, guarded=body.if_not_exists)

    def read_create_seq_stmt(self, body: pg.CreateSeqStmt) -> Declaration:
        return self.made("sequence", body.sequence, guarded=body.if_not_exists)

    def read_composite_type_stmt(self, body: pg.CompositeTypeStmt) -> Declaration:
        return self.made("type", body.typevar)

    def made(self, kind: str, relation: pg.RangeVar, *, guarded: bool = False, replaces: bool = False) -> Declaration:
        """Return what makes a relation; a temporary one is gone with the session."""
        if _is_temporary(relation):
            return Declaration()
        item = self.relation(kind, relation)
        lock = Lock("ACCESS EXCLUSIVE", item) if replaces else None
        return Declaration((Effect("create", item),), guarded, replaces, lock=lock)

    def read_create_enum_stmt(self, body: pg.CreateEnumStmt) -> Declaration:
        return Declaration((Effect("create", self.named("type", body.type_name)),))

    def read_create_range_stmt(self, body: pg.CreateRangeStmt) -> Declaration:
        return Declaration((Effect("create", self.named("type", body.type_name)),))

    def read_create_domain_stmt(self, body: pg.CreateDomainStmt) -> Declaration:
        return Declaration((Effect("create", self.named("domain", body.domainname)),))

    def read_alter_enum_stmt(self, body: pg.AlterEnumStmt) -> Declaration:
        return Declaration((Effect("change", self.named("type", body.type_name)),))

    def read_alter_domain_stmt(self, body: pg.AlterDomainStmt) -> Declaration:
        return Declaration((Effect("change", self.named("domain", body.type_name)),))

    def read_alter_seq_stmt(self, body: pg.AlterSeqStmt) -> Declaration:
        effects = [Effect("change", self.relation("sequence", body.sequence))]
        for option in body.options:
            names = [*strings(option.def_elem.arg.list.items)] if option.def_elem.defname == "owned_by" else []
            if len(names) > 1:
                schema, table = self.qualified(names[:-1])
                effects.append(Effect("change", Object("column", names[-1], table, schema)))
        moves = any(option.def_elem.defname == "restart" for option in body.options)
        return Declaration(tuple(effects), moves=moves)

    def read_create_function_stmt(self, body: pg.CreateFunctionStmt) -> Declaration:
        types = [parameter.function_parameter.arg_type for parameter in body.parameters if _is_input(parameter)]
        function = self.named("function", body.funcname, self.arguments(types))
        return Declaration((Effect("create", function),), replaces=body.replace)

    def read_alter_function_stmt(self, body: pg.AlterFunctionStmt) -> Declaration:
        return Declaration((Effect("change", self.function(body.func)),))

    def read_create_trig_stmt(self, body: pg.CreateTrigStmt) -> Declaration:
        table = self.relation("table", body.relation)
        trigger = Object("trigger", body.trigname, table.name, table.schema)
        lock = Lock("SHARE ROW EXCLUSIVE", table)
        return Declaration((Effect("create", trigger),), replaces=body.replace, lock=lock)

    def read_comment_stmt(self, body: pg.CommentStmt) -> Declaration:
        commented = self.named_object(pg.ObjectType.Name(body.objtype), body.object)
        if commented is None:
            return Declaration()
        comment = commented._replace(kind=f"comment on {commented.kind}")
        if commented.kind == "index":
            comment = comment._replace(table="")
        if not body.comment:
            return Declaration((Effect("drop", comment),))
        relation = Object("table", commented.table or commented.name, "", commented.schema)
        has_lock = commented.kind in ("table", *_OF_A_TABLE)
        lock = Lock("SHARE UPDATE EXCLUSIVE", relation) if has_lock else None
        return Declaration((Effect("set", comment, body.comment),), guarded=True, lock=lock)

    def read_drop_stmt(self, body: pg.DropStmt) -> Declaration:
        kind = pg.ObjectType.Name(body.remove_type)
        objects = [self.named_object(kind, item) for item in body.objects]
        effects = tuple(Effect("drop", item) for item in objects if item is not None)
        cascades = pg.DropBehavior.Name(body.behavior) == "DROP_CASCADE"
        return Declaration(effects, body.missing_ok, opaque=cascades)

    def read_rename_stmt(self, body: pg.RenameStmt) -> Declaration:
        kind = pg.ObjectType.Name(body.rename_type)
        known = _KINDS.get(kind)
        relation_kind = _KINDS.get(pg.ObjectType.Name(body.relation_type))
        if kind == "OBJECT_SCHEMA":
            return Declaration((Effect("rename", Object("schema", body.subname), body.newname),), opaque=True)
        if kind == "OBJECT_COLUMN" and relation_kind in ("view", "materialized view"):
            view = self.relation(relation_kind, body.relation)
            return Declaration((Effect("change", view),), lock=Lock("ACCESS EXCLUSIVE", view))
        if known in ("table", "index", "view", "materialized view", "sequence"):
            renamed: Object | None = self.relation(known, body.relation)
        elif known in _OF_A_TABLE:
            table = self.relation("table", body.relation)
            renamed = Object(known or "", body.subname, table.name, table.schema)
        else:
            renamed = self.named_object(kind, body.object) if body.HasField("object") else None
        if renamed is None:
            return Declaration(opaque=True)
        name = body.newname
        if renamed.kind == "function":
            name += renamed.name[renamed.name.index("(") :]
        return Declaration((Effect("rename", renamed, name),), lock=self.renaming(renamed))

    def renaming(self, renamed: Object) -> Lock | None:
        relation = Object("table", renamed.table or renamed.name, "", renamed.schema)
        return Lock("ACCESS EXCLUSIVE", relation) if renamed.kind in ("table", *_OF_A_TABLE) else None

    def read_alter_object_schema_stmt(self, body: pg.AlterObjectSchemaStmt) -> Declaration:
        """SET SCHEMA: the object is not followed to where it goes."""
        object_type = pg.ObjectType.Name(body.object_type)
        kind = _KINDS.get(object_type)
        if kind in ("table", "view", "materialized view", "sequence"):
            return Declaration((Effect("drop", self.relation(kind, body.relation)),))
        moved = self.named_object(object_type, body.object) if kind in ("function", "type", "domain") else None
        return Declaration((Effect("drop", moved),)) if moved else Declaration(opaque=True)

    def named_object(self, object_type: str, node: pg.Node) -> Object | None:
        """Return what DROP, COMMENT or RENAME is about, None when it is of a kind that is not compared."""
        kind = _KINDS.get(object_type)
        if kind is None:
            return None
        if node.HasField("object_with_args"):
            return self.function(node.object_with_args)
        if node.HasField("string"):
            return Object(kind, node.string.sval)
        parts = node.type_name.names if node.HasField("type_name") else node.list.items
        names = [*strings(parts)]
        if kind in _OF_A_TABLE:
            schema, table = self.qualified(names[:-1])
            return Object(kind, names[-1], table, schema)
        return self.named(kind, parts)

    def function(self, node: pg.ObjectWithArgs) -> Object:
        if node.args_unspecified:
            return self.named("function", node.objname, ANY_ARGUMENTS)
        return self.named("function", node.objname, self.arguments([item.type_name for item in node.objargs]))

    def arguments(self, types: Sequence[pg.TypeName]) -> str:
        """Return the arguments of a function; the text does not tell which type a column has."""
        if any(node.pct_type for node in types):
            return ANY_ARGUMENTS
        return f"({', '.join(self.type_name(node) for node in types)})"

    def type_name(self, node: pg.TypeName) -> str:
        """Return a type as PostgreSQL writes it where its length does not matter."""
        names = [*strings(node.names)]
        schema, name = self.qualified(names)
        if schema in ("", "pg_catalog"):
            text = _TYPES.get(name) or (name if names[0] == "pg_catalog" else identifier(name))
        else:
            text = f"{identifier(schema)}.{identifier(name)}"
        return f"{text}[]" if node.array_bounds else text

    def named(self, kind: str, names: Iterable[pg.Node], suffix: str = "") -> Object:
        schema, name = self.qualified([*strings(names)])
        return Object(kind, name + suffix, "", schema)

    def relation(self, kind: str, relation: pg.RangeVar) -> Object:
        return Object(kind, relation.relname, "", self.schema(relation.schemaname))

    def qualified(self, names: list[str]) -> tuple[str, str]:
        return self.schema(names[-2] if len(names) > 1 else ""), str(names[-1]) if names else ""

    def schema(self, name: str) -> str:
        return "" if name == self.target else name


def strings(nodes: Iterable[pg.Node]) -> Iterator[str]:
    """Return the strings of a list of string nodes."""
    return (str(node.string.sval) for node in nodes)


def _is_temporary(relation: pg.RangeVar) -> bool:
    return bool(relation.relpersistence == "t" or relation.schemaname == "pg_temp")


def _subtype(item: pg.Node) -> str:
    return str(pg.AlterTableType.Name(item.alter_table_cmd.subtype))


def _moves(item: pg.Node) -> bool:
    """Return whether a command changes rows or a counter, which no definition tells."""
    definition = getattr(item.alter_table_cmd, "def")
    if _subtype(item) == "AT_AlterColumnType":
        return bool(definition.column_def.HasField("raw_default"))
    return _subtype(item) == "AT_SetIdentity" and any(
        option.def_elem.defname == "restart" for option in definition.list.items
    )


def _constraint_type(item: pg.Node) -> str:
    return str(pg.ConstrType.Name(getattr(item.alter_table_cmd, "def").constraint.contype))


def _not_null_columns(command: pg.AlterTableCmd) -> list[str]:
    constraint = getattr(command, "def").constraint
    return [*strings(constraint.keys)] if pg.ConstrType.Name(constraint.contype) == "CONSTR_NOTNULL" else []


def _is_input(parameter: pg.Node) -> bool:
    mode = pg.FunctionParameterMode.Name(parameter.function_parameter.mode)
    return mode not in ("FUNC_PARAM_OUT", "FUNC_PARAM_TABLE")
