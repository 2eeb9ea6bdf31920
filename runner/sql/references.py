"""What a statement names: what it makes, what it is about, and what else it refers to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import postgast
from postgast import pg_query_pb2 as pg

from runner.sql import defined_names
from runner.sql.chosen_names import index_name
from runner.sql.defined_names import SORTS
from runner.sql.named_strings import NamedString, named_strings, roles_in
from runner.sql.names import Name, RefusedError, Sort, name_in
from runner.sql.trees import nodes, strings, tree_of

if TYPE_CHECKING:
    from google.protobuf.message import Message


_LISTS: dict[str, tuple[str, Sort]] = {
    "TypeName": ("names", "type"),
    "FuncCall": ("funcname", "function"),
    "CreateTrigStmt": ("funcname", "function"),
    "A_Expr": ("name", "operator"),
    "SubLink": ("oper_name", "operator"),
    "SortBy": ("use_op", "operator"),
    "IndexElem": ("opclass", "opclass"),
    "PartitionElem": ("opclass", "opclass"),
    "CollateClause": ("collname", "collation"),
}
"""Where a parse tree names something that exists already."""
_MADE: dict[str, tuple[str, Sort]] = {
    "CreateStmt": ("relation", "relation"),
    "ViewStmt": ("view", "relation"),
    "CreateSeqStmt": ("sequence", "relation"),
    "CompositeTypeStmt": ("typevar", "relation"),
    "CreateFunctionStmt": ("funcname", "function"),
    "CreateEnumStmt": ("type_name", "type"),
    "CreateDomainStmt": ("domainname", "type"),
    "CreateRangeStmt": ("type_name", "type"),
}
"""Where it names what it makes."""
_CHANGED: dict[str, tuple[str, Sort]] = {
    "AlterTableStmt": ("relation", "relation"),
    "IndexStmt": ("relation", "relation"),
    "CreateTrigStmt": ("relation", "relation"),
    "AlterSeqStmt": ("sequence", "relation"),
    "AlterEnumStmt": ("type_name", "type"),
    "AlterDomainStmt": ("type_name", "type"),
    "RuleStmt": ("relation", "relation"),
    "CreatePolicyStmt": ("table", "relation"),
    "AlterPolicyStmt": ("table", "relation"),
    "AlterStatsStmt": ("defnames", "statistics"),
}
"""Where it names what it changes."""
_RANGE_OPTIONS: dict[str, Sort] = {
    "subtype": "type",
    "subtype_opclass": "opclass",
    "collation": "collation",
    "canonical": "function",
    "subtype_diff": "function",
}
_SUBJECTS: dict[str, Sort] = {
    **{
        f"OBJECT_{kind}": "relation"
        for kind in "TABLE VIEW MATVIEW SEQUENCE INDEX COLUMN TABCONSTRAINT TRIGGER RULE POLICY ATTRIBUTE".split()
    },
    **{f"OBJECT_{kind}": "type" for kind in "TYPE DOMAIN DOMCONSTRAINT".split()},
    **{f"OBJECT_{kind}": "function" for kind in "FUNCTION PROCEDURE ROUTINE".split()},
    "OBJECT_STATISTIC_EXT": "statistics",
    **SORTS,
}
"""What COMMENT, DROP, RENAME and SET SCHEMA may be about, and in which name space that is."""
_PARTS = ("OBJECT_COLUMN", "OBJECT_TABCONSTRAINT", "OBJECT_TRIGGER", "OBJECT_RULE", "OBJECT_POLICY")
_OUTER = ("OBJECT_SCHEMA", "OBJECT_EXTENSION", "OBJECT_EVENT_TRIGGER")
_BETWEEN = (pg.AEXPR_BETWEEN, pg.AEXPR_NOT_BETWEEN, pg.AEXPR_BETWEEN_SYM, pg.AEXPR_NOT_BETWEEN_SYM)
"""Comparisons whose name is no operator's."""
_COMPARES = (pg.CaseExpr, pg.SubLink, pg.JoinExpr, pg.A_Expr)
_COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")


class References:
    """A statement that may be run in the scratch schemas, with the names in it."""

    def __init__(self, sql: str) -> None:
        """Read the statement. Raise RefusedError when that is not possible."""
        self.sql = sql
        self.tree: Any = tree_of(sql)
        if self.tree is None:
            raise RefusedError("nested too deeply to be read")
        self.nodes = list(nodes(self.tree))
        self.strings: list[NamedString] = []
        """Those that name something."""
        self.made = list(self._made())
        self.subjects = list(self._subjects())
        self.references = list(self._references())
        columns = (node.fields[1:] for node in self.nodes if isinstance(node, pg.ColumnRef))
        self.columns = frozenset(word for fields in columns for word in strings(fields))
        """Columns after the name of what they are in: a function of a row can be called like one."""
        indirections = (node.indirection for node in self.nodes if isinstance(node, pg.A_Indirection))
        self.fields = frozenset(word for indirection in indirections for word in strings(indirection))
        """Fields of other values: a function of such a value can be called like one."""

    @property
    def schemas(self) -> Iterator[str]:
        """The schemas that it makes, or makes something in; an empty one is the target."""
        yield from (name.schema for name in self.made)
        if isinstance(self.tree, pg.CreateSchemaStmt):
            yield self.tree.schemaname or self.tree.authrole.rolename
        if isinstance(self.tree, pg.AlterObjectSchemaStmt):
            yield self.tree.newschema
        if isinstance(self.tree, pg.RenameStmt) and _is_outer(self.tree):
            yield self.tree.newname

    @property
    def extension(self) -> tuple[str, str] | None:
        """The extension that it makes, if it makes one, and the schema that it names for it."""
        if not isinstance(self.tree, pg.CreateExtensionStmt):
            return None
        options = (option.def_elem for option in self.tree.options)
        return self.tree.extname, next((each.arg.string.sval for each in options if each.defname == "schema"), "")

    @property
    def named_not_null(self) -> Iterator[str]:
        """The names that it gives to NOT NULL constraints, or to constraints that may be such."""
        if isinstance(self.tree, pg.RenameStmt):
            yield self.tree.newname
        for node in self.nodes:
            if isinstance(node, pg.Constraint) and node.contype == pg.CONSTR_NOTNULL and node.conname:
                yield node.conname

    @property
    def outside(self) -> Iterator[str]:
        """What no script makes: tablespaces, access methods, roles, and the language of a function."""
        for node in self.nodes:
            yield from roles_in(node)
            for field in ("tablespacename", "table_space", "table_space_name", "access_method", "amname"):
                if name := getattr(node, field, ""):
                    yield name
            if isinstance(node, pg.DefElem) and node.defname == "language":
                yield node.arg.string.sval

    @property
    def words(self) -> set[str]:
        """Every name that it uses, and every column and field that may be a function's name."""
        return {name.word for name in (*self.references, *self.subjects)} | self.columns | self.fields

    def functions_in(self, message: Message) -> Iterator[Name]:
        """Return the functions that a part of the statement calls."""
        for node in nodes(message):
            if isinstance(node, pg.FuncCall):
                yield name_in("function", node.funcname)

    def _made(self) -> Iterator[Name]:
        kind = type(self.tree).__name__
        if kind in _MADE:
            field, sort = _MADE[kind]
            yield name_in(sort, getattr(self.tree, field))
        yield from defined_names.made(self.tree)
        if isinstance(self.tree, pg.CreateTableAsStmt):
            yield name_in("relation", self.tree.into.rel)
        if isinstance(self.tree, pg.CreateStatsStmt):
            yield name_in("statistics", self.tree.defnames)
        if isinstance(self.tree, pg.IndexStmt):
            name = self.tree.idxname or index_name(self.tree.relation.relname, self.tree)
            yield Name("relation", self.tree.relation.schemaname, name)
        for node in self.nodes:
            if isinstance(node, pg.DefElem) and node.defname == "sequence_name":  # of an identity column
                yield name_in("relation", node.arg.list.items)
        if isinstance(self.tree, pg.CreateRangeStmt):
            for item in self.tree.params:
                if item.def_elem.defname == "multirange_type_name":
                    yield name_in("type", item.def_elem.arg.type_name.names)

    def _subjects(self) -> Iterator[Name]:
        """Return what the statement changes, comments on or removes."""
        kind = type(self.tree).__name__
        if kind in _CHANGED:
            field, sort = _CHANGED[kind]
            yield name_in(sort, getattr(self.tree, field))
        yield from defined_names.subjects(self.tree)
        match self.tree:
            case pg.CreateStatsStmt():
                yield from (name_in("relation", node.range_var) for node in self.tree.relations)
            case pg.AlterFunctionStmt():
                yield name_in("function", self.tree.func.objname)
            case pg.CommentStmt() | pg.DropStmt() | pg.RenameStmt() if _is_outer(self.tree):
                return
            case pg.DropStmt() if self.tree.remove_type != pg.OBJECT_CAST:
                for item in self.tree.objects:
                    yield _subject(self.tree.remove_type, item)
            case pg.CommentStmt() if self.tree.objtype != pg.OBJECT_CAST:
                yield _subject(self.tree.objtype, self.tree.object)
            case pg.RenameStmt():
                yield _subject(self.tree.rename_type, self.tree.object, self.tree.relation)
            case pg.AlterObjectSchemaStmt():
                yield _subject(self.tree.object_type, self.tree.object, self.tree.relation)

    def _references(self) -> Iterator[Name]:
        words = {id(node.arg.type_name) for node in self.nodes if isinstance(node, pg.DefElem) and node.defname != "as"}
        for node in self.nodes:
            kind = type(node).__name__
            if kind in _LISTS and id(node) not in words:  # an option's value, such as off, is read as a type
                field, sort = _LISTS[kind]
                if kind == "TypeName" and node.pct_type:
                    yield name_in("relation", node.names[:-1])
                elif getattr(node, field) and getattr(node, "kind", None) not in _BETWEEN:
                    yield name_in(sort, getattr(node, field))
            if isinstance(node, _COMPARES):
                yield from (Name("operator", "", word) for word in _COMPARISONS)
            if isinstance(node, pg.DefElem):
                yield from self._named_by_option(node)
            yield from self._named_by_expression(node)
            for string in named_strings(node):
                yield from self._named_by(string)
        yield from defined_names.references(self.tree)
        yield from self._relations()

    def _named_by_option(self, node: pg.DefElem) -> Iterator[Name]:
        if isinstance(self.tree, pg.CreateRangeStmt) and node.defname in _RANGE_OPTIONS:
            yield name_in(_RANGE_OPTIONS[node.defname], node.arg.type_name.names)
        if node.defname == "owned_by" and len(node.arg.list.items) > 1:
            yield name_in("relation", node.arg.list.items[:-1])

    def _named_by_expression(self, node: Any) -> Iterator[Name]:
        match node:
            case pg.IndexElem() | pg.PartitionElem() if node.collation:
                yield name_in("collation", node.collation)
            case pg.Constraint():
                for exclusion in node.exclusions:
                    yield name_in("operator", exclusion.list.items[1].list.items)

    def _relations(self) -> Iterator[Name]:
        """Return the relations that are referred to; a table may refer to itself."""
        themselves = {id(node.pktable) for node in self.nodes if isinstance(node, pg.Constraint)}
        heads = self._heads()
        for node in _relations_in(self.tree, frozenset()):
            if node.catalogname:
                raise RefusedError("names the database")
            name = name_in("relation", node)
            if id(node) not in heads and not (id(node) in themselves and name in self.made):
                yield name

    def _heads(self) -> set[int]:
        """Return which nodes name what the statement makes or is about."""
        fields = ("relation", "table", "view", "sequence", "typevar")
        heads = {id(getattr(self.tree, field, None)) for field in fields}
        return heads | {id(self.tree.into.rel)} if isinstance(self.tree, pg.CreateTableAsStmt) else heads

    def _named_by(self, string: NamedString) -> Iterator[Name]:
        try:
            named = References(string.sql)
        except (postgast.PgQueryError, IndexError):
            raise RefusedError(f"refers to {string.node.sval.sval!r}") from None
        self.strings.append(string)
        yield from (*named.subjects, *named.references)


def _relations_in(message: Message, queries: frozenset[str]) -> Iterator[Any]:
    """Return the relations that a message names; `queries` are those of WITH that stand for one there."""
    clause = getattr(message, "with_clause", None)
    if clause is not None:
        made = [item.common_table_expr for item in clause.ctes]
        if clause.recursive:
            queries |= {query.ctename for query in made}
        for query in made:  # each is known to those after it, and to the statement
            yield from _relations_in(query.ctequery, queries)
            queries |= {query.ctename}
    if isinstance(message, pg.RangeVar) and (message.schemaname or message.relname not in queries):
        yield message
    for field, value in message.ListFields():
        if field.message_type is not None and field.name != "with_clause":
            for item in value if field.is_repeated else (value,):
                yield from _relations_in(item, queries)


def _is_outer(tree: Any) -> bool:
    """Return whether COMMENT, DROP or RENAME is about schemas, extensions or event triggers."""
    fields = {pg.CommentStmt: "objtype", pg.DropStmt: "remove_type", pg.RenameStmt: "rename_type"}
    return pg.ObjectType.Name(getattr(tree, fields[type(tree)])) in _OUTER


def _subject(object_type: int, node: pg.Node, relation: pg.RangeVar | None = None) -> Name:
    kind = pg.ObjectType.Name(object_type)
    if kind not in _SUBJECTS:
        raise RefusedError(f"is about {kind.removeprefix('OBJECT_').lower()}s, which are not compared")
    sort = _SUBJECTS[kind]
    if relation is not None and relation.relname:
        return name_in(sort, relation)
    if node.HasField("object_with_args"):
        return name_in(sort, node.object_with_args.objname)
    parts = list(node.type_name.names if node.HasField("type_name") else node.list.items)
    parts = parts[defined_names.is_of_an_access_method(object_type) :]
    if parts and parts[0].HasField("type_name"):  # a constraint of a domain
        parts = list(parts[0].type_name.names)
    elif kind in _PARTS:
        parts = parts[:-1]
    return name_in(sort, parts)
