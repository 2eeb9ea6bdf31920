"""Move a statement into the scratch schemas: what it makes and what it refers to is found there, never in the target.

A statement is moved only when each relation, type, function, operator class and collation that it names is one that the
statements before it have made, PostgreSQL's own, or a member of an extension. Otherwise it is refused. Nothing that a
person wrote as a function's body is run: a comment with a number stands for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import postgast
from google.protobuf.message import DecodeError, Message
from msgspec import Struct
from postgast import pg_query_pb2 as pg

from runner.declarations import strings
from runner.quote import identifier, literal
from runner.statements import Statement

Name = tuple[str, str]
"""A schema, empty when none is written, and a name in it."""

_SYSTEM_SCHEMAS = ("pg_catalog", "information_schema")
_BODY = "/* body {} */"
_STANDS_FOR_BODY = re.compile(r"/\* body ([0-9]+) \*/\Z")
_TWO = 2
_WRITING = ("InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt")
_WRITERS = ("nextval", "setval", "set_config", "pg_notify", "query_to_xml", "query_to_xml_and_xmlschema")
_NAMED_BY_STRING = ("nextval", "currval", "setval", "to_regclass", "to_regtype", "to_regproc", "to_regprocedure")
_NOT_IN_SCRATCH = ("AT_ChangeOwner", "AT_SetTableSpace", "AT_DetachPartition")
_NAME_LISTS = {
    "TypeName": "names",
    "FuncCall": "funcname",
    "ObjectWithArgs": "objname",
    "CreateTrigStmt": "funcname",
    "A_Expr": "name",
    "IndexElem": "opclass",
    "CollateClause": "collname",
    "PartitionElem": "opclass",
    "AlterEnumStmt": "type_name",
    "AlterDomainStmt": "type_name",
}
"""Where a parse tree has the name of something that exists already."""
_MADE = {
    "CreateStmt": "relation",
    "ViewStmt": "view",
    "CreateSeqStmt": "sequence",
    "CompositeTypeStmt": "typevar",
    "CreateFunctionStmt": "funcname",
    "CreateEnumStmt": "type_name",
    "CreateDomainStmt": "domainname",
    "CreateRangeStmt": "type_name",
}
"""Where it has the name of what it makes."""
_IN_A_TABLE = ("OBJECT_TRIGGER", "OBJECT_TABCONSTRAINT", "OBJECT_COLUMN", "OBJECT_RULE", "OBJECT_POLICY")


class RefusedError(Exception):
    """A statement cannot be moved; the reason is for people."""


class Known(Struct):
    """What statements may refer to."""

    scratch: Mapping[str, str]
    """The scratch schema of each schema that the scripts make something in."""
    target: str
    members: Mapping[str, str]
    """Members of extensions among the names that the scripts use, and the schemas that they are in."""
    strangers: frozenset[str]
    """Names that would be found on the search path and that belong to nobody known."""
    own: set[Name]
    """What is in the scratch schemas by now, by its declared schema."""
    bodies: list[str]
    """The bodies of functions, by the number that stands for them."""


class Moved(Struct, frozen=True):
    """A statement as it is sent to the scratch schemas, nothing when it does nothing there."""

    sql: tuple[str, ...] = ()
    removes: bool = False
    """Whether names that were there may be gone afterwards."""


class Movable:
    """A statement that can be moved, with what it makes and what it names."""

    def __init__(self, statement: Statement) -> None:
        """Read the statement. Raise RefusedError when that is not possible."""
        try:
            node = postgast.parse(statement.sql).stmts[0].stmt
        except DecodeError:
            raise RefusedError("nested too deeply to be read") from None
        self.statement = statement
        self.tree: Any = getattr(node, str(node.WhichOneof("node")))
        self.nodes = list(_nodes(self.tree))
        self.made = list(_made(self.tree))
        self.strings: list[pg.A_Const] = []
        self.references = list(self._references())
        self.relations = list(self._relations())

    @property
    def made_schemas(self) -> Iterator[str]:
        """The schemas that it makes, or makes something in; an empty one is the target."""
        yield from (schema for schema, _ in self.made)
        if isinstance(self.tree, pg.CreateSchemaStmt):
            yield self.tree.schemaname or self.tree.authrole.rolename
        if isinstance(self.tree, pg.AlterObjectSchemaStmt):
            yield self.tree.newschema

    @property
    def extension(self) -> str:
        """The extension that it makes, if it makes one."""
        return self.tree.extname if isinstance(self.tree, pg.CreateExtensionStmt) else ""

    @property
    def names_used(self) -> set[str]:
        """Every name that it uses for something that is not a column."""
        return {name for _, name in (*self.references, *self.relations)}

    def _references(self) -> Iterator[Name]:
        """Return the names of what must be there already, but for relations."""
        for node in self.nodes:
            kind = type(node).__name__
            if kind in _NAME_LISTS and getattr(node, _NAME_LISTS[kind]):
                yield _name(getattr(node, _NAME_LISTS[kind]))
            if kind in ("IndexElem", "PartitionElem") and node.collation:
                yield _name(node.collation)
            if kind == "FuncCall" and node.args and _name(node.funcname)[1] in _NAMED_BY_STRING:
                yield self._named_by(node.args[0])
            if kind == "TypeCast" and _name(node.type_name.names)[1].startswith("reg"):
                yield self._named_by(node.arg)
            if kind == "DefElem" and node.defname == "owned_by" and len(node.arg.list.items) > 1:
                yield _name(node.arg.list.items[:-1])
        yield from _objects(self.tree)

    def _relations(self) -> Iterator[Name]:
        queries = {("", node.ctename) for node in self.nodes if isinstance(node, pg.CommonTableExpr)}
        for node in self.nodes:
            if isinstance(node, pg.RangeVar) and (name := _name(node)) not in self.made and name not in queries:
                yield name

    def _named_by(self, node: Any) -> Name:
        """Return the name that a string holds, as in nextval('schema.name')."""
        node = node.type_cast.arg if node.HasField("type_cast") else node
        if not node.HasField("a_const") or not node.a_const.HasField("sval"):
            raise RefusedError("computes the name of what it refers to")
        text = node.a_const.sval.sval
        try:
            parsed = postgast.parse(f"select from {text.partition('(')[0]}").stmts[0].stmt.select_stmt.from_clause[0]
        except postgast.PgQueryError:
            raise RefusedError(f"refers to {text!r}") from None
        self.strings.append(node.a_const)
        return _name(parsed.range_var)


def move(movable: Movable, known: Known) -> Moved:
    """Return a statement moved into the scratch schemas. Raise RefusedError."""
    tree = movable.tree
    match tree:
        case pg.CreateExtensionStmt():
            return Moved()
        case pg.CreateSchemaStmt():
            if tree.schema_elts:
                raise RefusedError("makes a schema with what is in it")
            return Moved()
        case pg.CommentStmt() if pg.ObjectType.Name(tree.objtype) in ("OBJECT_SCHEMA", "OBJECT_EXTENSION"):
            return _comment_on_schema(tree, known)
        case pg.DropStmt() if pg.ObjectType.Name(tree.remove_type) in ("OBJECT_SCHEMA", "OBJECT_EXTENSION"):
            return _drop_schema(tree, known)
        case pg.DropStmt() if not any(_home(name, known) in known.own for name in movable.references):
            return Moved()
    _require_safe(movable, known)
    for name in movable.references:
        _require_known(name, known)
    for name in movable.relations:
        _require_relation(name, known)
    moved = _Text(movable, known).moved()
    known.own.update(_home(name, known) for name in movable.made)
    return Moved((moved,), removes=_may_remove(tree))


def _may_remove(tree: Any) -> bool:
    if isinstance(tree, pg.AlterTableStmt):
        return any("Drop" in pg.AlterTableType.Name(item.alter_table_cmd.subtype) for item in tree.cmds)
    return isinstance(tree, (pg.DropStmt, pg.RenameStmt, pg.AlterObjectSchemaStmt))


def _nodes(message: Message) -> Iterator[Any]:
    """Return a message of the parse tree and all that is below it."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        for item in value if field.is_repeated else (value,):
            yield from _nodes(item)


def _made(tree: Any) -> Iterator[Name]:
    kind = type(tree).__name__
    if kind in _MADE:
        yield _name(getattr(tree, _MADE[kind]))
    if kind == "CreateTableAsStmt":
        yield _name(tree.into.rel)
    if kind == "IndexStmt":
        yield tree.relation.schemaname, tree.idxname


def _name(node: Any) -> Name:
    if isinstance(node, pg.RangeVar):
        return node.schemaname, node.relname
    parts = [*strings(node)]
    return ".".join(parts[:-1]), parts[-1] if parts else ""


def _objects(tree: Any) -> Iterator[Name]:
    """Return what DROP, COMMENT, RENAME and SET SCHEMA are about."""
    match tree:
        case pg.DropStmt():
            kind, objects = tree.remove_type, list(tree.objects)
        case pg.CommentStmt():
            kind, objects = tree.objtype, [tree.object]
        case pg.RenameStmt():
            kind, objects = tree.rename_type, [tree.object]
        case pg.AlterObjectSchemaStmt():
            kind, objects = tree.object_type, [tree.object]
        case _:
            return
    for item in objects:
        parts = list(item.list.items)
        if pg.ObjectType.Name(kind) in _IN_A_TABLE:
            parts = parts[:-1]
        if parts and not parts[0].HasField("type_name"):
            yield _name(parts)


def _home(name: Name, known: Known) -> Name:
    return name[0] or known.target, name[1]


def _require_known(name: Name, known: Known) -> None:
    schema, word = name
    if _home(name, known) in known.own or schema in _SYSTEM_SCHEMAS or (schema and word in known.members):
        return
    if schema or word in known.strangers:
        raise RefusedError(f"refers to {'.'.join(filter(None, name))}, which no script makes before it")


def _require_relation(name: Name, known: Known) -> None:
    _require_known(name, known)
    schema, word = name
    if not schema and _home(name, known) not in known.own and word not in known.members and not word.startswith("pg_"):
        raise RefusedError(f"refers to {word}, which no script makes before it")


def _require_safe(movable: Movable, known: Known) -> None:
    """Raise RefusedError for what would do more than to make an object in the scratch schemas."""
    tree = movable.tree
    if any((schema or known.target) not in known.scratch for schema, _ in movable.made):
        raise RefusedError("makes an object in a schema of PostgreSQL's own")
    if any(isinstance(node, pg.RangeVar) and node.relpersistence == "t" for node in movable.nodes):
        raise RefusedError("makes a temporary object")
    match tree:
        case pg.AlterTableStmt():
            kinds = {pg.AlterTableType.Name(item.alter_table_cmd.subtype) for item in tree.cmds}
            if kinds & set(_NOT_IN_SCRATCH):
                raise RefusedError("changes an owner or a tablespace, or detaches a partition")
        case pg.CreateTableAsStmt() if not tree.query.HasField("select_stmt"):
            raise RefusedError("runs a prepared statement")
        case pg.CreateFunctionStmt():
            _require_harmless_function(tree)


def _require_harmless_function(tree: pg.CreateFunctionStmt) -> None:
    """Raise RefusedError for a function that could run while others are made, and do something then."""
    options = {item.def_elem.defname: item.def_elem.arg for item in tree.options}
    if "language" in options and options["language"].string.sval.lower() in ("c", "internal"):
        raise RefusedError("loads a library")
    if not tree.HasField("sql_body") or options.get("volatility", pg.Node()).string.sval in ("", "volatile"):
        return
    for node in _nodes(tree.sql_body):
        writes = type(node).__name__ in _WRITING
        if writes or (isinstance(node, pg.FuncCall) and _name(node.funcname)[1] in _WRITERS):
            raise RefusedError("is a function that writes and says that it does not")


def _comment_on_schema(tree: pg.CommentStmt, known: Known) -> Moved:
    scratch = known.scratch.get(tree.object.string.sval)
    if pg.ObjectType.Name(tree.objtype) == "OBJECT_EXTENSION" or scratch is None:
        return Moved()
    return Moved((f"comment on schema {identifier(scratch)} is {literal(tree.comment or None)}",))


def _drop_schema(tree: pg.DropStmt, known: Known) -> Moved:
    names = [item.string.sval for item in tree.objects]
    if pg.ObjectType.Name(tree.remove_type) == "OBJECT_EXTENSION" or known.target in names:
        raise RefusedError("drops an extension, or the target schema")
    scratch = [identifier(known.scratch[name]) for name in names if name in known.scratch]
    return Moved(
        tuple(sql for name in scratch for sql in (f"drop schema {name} cascade", f"create schema {name}")), True
    )


class _Text:
    """The text of a statement, in which tokens are replaced."""

    def __init__(self, movable: Movable, known: Known) -> None:
        sql = movable.statement.sql
        self.data = sql.encode()
        self.tokens = [t for t in postgast.scan(sql).tokens if t.token not in (pg.SQL_COMMENT, pg.C_COMMENT)]
        self.words = [self.word(token) for token in self.tokens]
        self.places = {token.start: index for index, token in enumerate(self.tokens)}
        self.movable = movable
        self.tree = movable.tree
        self.known = known
        self.replaced: dict[int, str] = {}

    def moved(self) -> str:
        """Return the text with the names of scratch schemas, without bodies, data and CONCURRENTLY."""
        self.move_names()
        self.move_strings()
        suffix = ""
        match self.tree:
            case pg.CreateFunctionStmt():
                self.take_body()
            case pg.IndexStmt() if self.tree.concurrent:
                self.replaced[self.words.index("concurrently")] = ""
            case pg.CreateTableAsStmt() if not self.tree.into.skip_data:
                if self.words[-2:] == ["with", "data"]:
                    self.replaced[len(self.words) - 1] = "no data"
                else:
                    suffix = " with no data"
            case pg.AlterObjectSchemaStmt():
                self.replaced[len(self.words) - 1] = identifier(self.known.scratch[self.tree.newschema])
        return self.text() + suffix

    def move_names(self) -> None:
        columns = {n.location for n in self.movable.nodes if isinstance(n, pg.ColumnRef) and len(n.fields) == _TWO}
        for index in range(len(self.words) - 2):
            follows_dot = index > 0 and self.words[index - 1] == "."
            if self.words[index + 1] != "." or follows_dot or self.tokens[index].start in columns:
                continue
            schema = self.scratch_of(self.words[index], self.words[index + 2])
            if schema:
                self.replaced[index] = identifier(schema)

    def scratch_of(self, schema: str, name: str) -> str | None:
        """Return the schema in which a qualified name is found during the build."""
        if (schema, name) not in self.known.own and name in self.known.members:
            return self.known.members[name]
        return self.known.scratch.get(schema)

    def move_strings(self) -> None:
        """Put the scratch schema into strings that name a relation, as in nextval('schema.name')."""
        for node in self.movable.strings:
            schema, dot, rest = node.sval.sval.partition(".")
            scratch = self.known.scratch.get(schema.strip('"'))
            if dot and scratch:
                self.replaced[self.places[node.location]] = literal(f"{identifier(scratch)}.{rest}")

    def take_body(self) -> None:
        for option in self.tree.options:
            if option.def_elem.defname == "as":
                first = next(i for i, t in enumerate(self.tokens) if t.start > option.def_elem.location)
                self.replaced[first] = literal(_BODY.format(len(self.known.bodies)))
                self.known.bodies.append(option.def_elem.arg.list.items[0].string.sval)

    def word(self, token: pg.ScanToken) -> str:
        """Return a token as PostgreSQL reads a name."""
        text = self.data[token.start : token.end].decode()
        return text[1:-1].replace('""', '"') if text.startswith('"') else text.lower()

    def text(self) -> str:
        pieces, place = [], 0
        for index, text in sorted(self.replaced.items()):
            token = self.tokens[index]
            pieces += [self.data[place : token.start].decode(), text]
            place = token.end
        return "".join((*pieces, self.data[place:].decode()))


def restore_body(definition: str, bodies: Sequence[str]) -> str:
    """Return a function's definition with the body that a comment stands for."""
    match = _STANDS_FOR_BODY.search(definition)
    return f"{definition[: match.start()]}{bodies[int(match[1])]}" if match else definition
