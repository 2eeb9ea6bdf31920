"""What a statement does to the objects of a database, read off its parse tree.

Objects of the target schema have an empty `schema`, whether the statement names that schema or not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, NamedTuple

from postgast import pg_query_pb2 as pg

PRESENT = "present"
VALID = "valid"
NOT_VALIDATED = "not validated"


class Object(NamedTuple):
    """The identity of an object; `table` is set for what belongs to a table.

    An unnamed constraint is named by its definition: `primary key (id)`, `unique (a)`, `foreign key (a) references t`.
    """

    kind: str
    name: str
    table: str = ""
    schema: str = ""

    def __str__(self) -> str:
        names = (self.schema, self.table, self.name) if self.kind != "index" else (self.schema, self.name)
        return f"{self.kind} {'.'.join(name for name in names if name)}"


class Effect(NamedTuple):
    """What happens to one object; `value` is its state afterwards, or its new name for `rename`.

    `create` does nothing to an object that is there already, `set` changes its state.
    """

    action: Literal["create", "set", "drop", "rename"]
    object: Object
    value: str = PRESENT
    columns: tuple[str, ...] = ()
    """The columns that a constraint or an index goes with when they are dropped."""


class Element(NamedTuple):
    """A column or a constraint of CREATE or ALTER TABLE, and the SQL that adds just it to the table."""

    object: Object
    same_as: Object | None
    """The same constraint without its name."""
    sql: str


class Declaration(NamedTuple):
    """The effects of a statement, and what else a plan has to know of it."""

    effects: tuple[Effect, ...] = ()
    guarded: bool = False
    """It is not needed when its objects are there: IF NOT EXISTS, COMMENT, ADD CONSTRAINT, VALIDATE CONSTRAINT."""
    opaque: bool = False
    """It may do more to the objects of the database than its effects say."""
    nameless: bool = False
    """It makes an object without a name, which cannot be found again: another one with each run."""
    elements: tuple[Element, ...] = ()

    @property
    def declares(self) -> tuple[Effect, ...]:
        """The effects that leave something behind: what is created or set."""
        return tuple(effect for effect in self.effects if effect.action in ("create", "set"))


ElementText = Callable[[int], str]
"""Gives the source text of the element of a list that begins at a byte of the script."""


def declaration_of(node: str, body: Any, schema: str, element_text: ElementText) -> Declaration:
    """Return what a statement declares; `node` is the name of its kind in the parse tree, `body` the tree below."""
    reader = _Reader(schema, element_text)
    read = getattr(reader, f"read_{node}", None)
    if read is None:
        return Declaration(opaque=node not in _HARMLESS)
    declaration: Declaration = read(body)
    return declaration


_HARMLESS = frozenset(
    """
    select_stmt insert_stmt update_stmt delete_stmt merge_stmt truncate_stmt lock_stmt variable_set_stmt
    variable_show_stmt explain_stmt grant_stmt grant_role_stmt alter_default_privileges_stmt alter_role_stmt
    alter_role_set_stmt alter_database_set_stmt view_stmt create_function_stmt create_trig_stmt create_enum_stmt
    create_domain_stmt composite_type_stmt create_seq_stmt create_table_as_stmt vacuum_stmt transaction_stmt
    alter_seq_stmt alter_owner_stmt alter_function_stmt create_policy_stmt
    """.split()
)
"""Statements that neither drop nor rename an object that another one declares."""


_TABLE_CONSTRAINTS = ("CONSTR_PRIMARY", "CONSTR_UNIQUE", "CONSTR_FOREIGN", "CONSTR_CHECK", "CONSTR_EXCLUSION")


class _Reader:
    def __init__(self, schema: str, element_text: ElementText) -> None:
        self.target = schema
        self.element_text = element_text

    def read_create_schema_stmt(self, body: pg.CreateSchemaStmt) -> Declaration:
        name = body.schemaname or body.authrole.rolename
        effects = (Effect("create", Object("schema", name)),) if name else ()
        return Declaration(effects, body.if_not_exists)

    def read_create_extension_stmt(self, body: pg.CreateExtensionStmt) -> Declaration:
        return Declaration((Effect("create", Object("extension", body.extname)),), body.if_not_exists)

    def read_create_stmt(self, body: pg.CreateStmt) -> Declaration:
        if body.relation.relpersistence == "t":
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
        return Declaration((Effect("create", index, VALID, columns),), body.if_not_exists)

    def read_alter_table_stmt(self, body: pg.AlterTableStmt) -> Declaration:
        if pg.ObjectType.Name(body.objtype) != "OBJECT_TABLE":
            return Declaration(opaque=True)
        table = self.relation("table", body.relation)
        effects: list[Effect] = []
        elements: list[Element] = []
        nameless, guarded = False, True
        for item in body.cmds:
            command = item.alter_table_cmd
            added = getattr(command, "def")
            match pg.AlterTableType.Name(command.subtype):
                case "AT_AddColumn":
                    own = list(self.element_effects(table, added))
                    effects += own
                    elements += self.elements(table, added, own)
                    guarded = guarded and command.missing_ok
                case "AT_AddConstraint":
                    own = list(self.element_effects(table, added))
                    effects += own
                    elements += self.elements(table, added, own)
                    nameless = nameless or not own
                case "AT_ValidateConstraint":
                    constraint = Object("constraint", command.name, table.name, table.schema)
                    effects.append(Effect("set", constraint, VALID))
                case "AT_DropColumn":
                    effects.append(Effect("drop", Object("column", command.name, table.name, table.schema)))
                case "AT_DropConstraint":
                    effects.append(Effect("drop", Object("constraint", command.name, table.name, table.schema)))
                case _:
                    guarded = False
        return Declaration(tuple(effects), guarded, nameless=nameless, elements=tuple(elements))

    def read_comment_stmt(self, body: pg.CommentStmt) -> Declaration:
        kind = pg.ObjectType.Name(body.objtype).removeprefix("OBJECT_").lower()
        names = [*strings(body.object.list.items)]
        match kind:
            case "table" | "index":
                schema, name = self.qualified(names)
                commented = Object(f"comment on {kind}", name, "", schema)
            case "column":
                schema, table = self.qualified(names[:-1])
                commented = Object("comment on column", names[-1], table, schema)
            case _:
                return Declaration()
        if not body.comment:
            return Declaration((Effect("drop", commented),))
        return Declaration((Effect("set", commented, body.comment),), guarded=True)

    def read_drop_stmt(self, body: pg.DropStmt) -> Declaration:
        kind = pg.ObjectType.Name(body.remove_type).removeprefix("OBJECT_").lower()
        effects = []
        for item in body.objects:
            if kind in ("schema", "extension"):
                effects.append(Effect("drop", Object(kind, item.string.sval)))
            if kind in ("table", "index"):
                schema, name = self.qualified([*strings(item.list.items)])
                effects.append(Effect("drop", Object(kind, name, "", schema)))
        cascades = pg.DropBehavior.Name(body.behavior) == "DROP_CASCADE"
        return Declaration(tuple(effects), body.missing_ok, opaque=cascades)

    def read_rename_stmt(self, body: pg.RenameStmt) -> Declaration:
        table = self.relation("table", body.relation)
        match pg.ObjectType.Name(body.rename_type):
            case "OBJECT_TABLE":
                renamed = table
            case "OBJECT_INDEX":
                renamed = Object("index", table.name, "", table.schema)
            case "OBJECT_COLUMN":
                renamed = Object("column", body.subname, table.name, table.schema)
            case "OBJECT_TABCONSTRAINT":
                renamed = Object("constraint", body.subname, table.name, table.schema)
            case _:
                return Declaration(opaque=True)
        return Declaration((Effect("rename", renamed, body.newname),))

    def read_alter_object_schema_stmt(self, body: pg.AlterObjectSchemaStmt) -> Declaration:
        """SET SCHEMA: the object is not followed to where it goes."""
        if pg.ObjectType.Name(body.object_type) != "OBJECT_TABLE":
            return Declaration(opaque=True)
        return Declaration((Effect("drop", self.relation("table", body.relation)),))

    def relation(self, kind: str, relation: pg.RangeVar) -> Object:
        return Object(kind, relation.relname, "", self.schema(relation.schemaname))

    def qualified(self, names: list[str]) -> tuple[str, str]:
        return self.schema(names[-2] if len(names) > 1 else ""), names[-1] if names else ""

    def schema(self, name: str) -> str:
        return "" if name == self.target else name


def strings(nodes: Iterable[pg.Node]) -> Iterator[str]:
    """Return the strings of a list of string nodes."""
    return (node.string.sval for node in nodes)
