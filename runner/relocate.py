"""Move a statement into the scratch schemas: what it makes and what it refers to is found there, never in the target.

A statement is moved only when
- what it changes, comments on or removes is in the scratch schemas;
- each relation, type, function, operator, operator class and collation that it names is there, PostgreSQL's own, or a
  member of an extension; and after the move, each name that has a schema has one of theirs;
- it runs no function while it is run, but PostgreSQL's immutable ones: what a person wrote as the body of a function
  is not even given to the server, a comment with a number stands for it.
Otherwise it is refused.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

import postgast
from msgspec import Struct
from postgast import pg_query_pb2 as pg

from runner.objects import ANY_ARGUMENTS, Object
from runner.quote import NAME_BYTES, identifier, literal
from runner.references import Movable, Name, RefusedError, Sort

_SYSTEM_SCHEMAS = ("pg_catalog", "information_schema")
_BODY = "/* body {} */"
_STANDS_FOR_BODY = re.compile(r"/\* body ([0-9]+) \*/.*\Z", re.DOTALL)
_NOTHING = {"sql": " select null::{}", "plpgsql": " begin return null; end"}
"""Bodies that can be evaluated: PostgreSQL does that with an immutable function of constants."""
_NOT_IN_SCRATCH = ("AT_ChangeOwner", "AT_SetTableSpace", "AT_DetachPartition")
_TWO = 2
_SCHEMA_OR_EXTENSION = ("OBJECT_SCHEMA", "OBJECT_EXTENSION")


class Known(Struct):
    """What statements may refer to."""

    scratch: Mapping[str, str]
    """The scratch schema of each schema that the scripts make something in."""
    target: str
    members: Mapping[tuple[Sort, str], str]
    """Members of extensions among the names that the scripts use, and the schemas that they are in."""
    strangers: Mapping[tuple[Sort, str], frozenset[Name]]
    """What would be found on the search path and belongs to no extension, by name; a function with its arguments."""
    scripted: frozenset[Name]
    """The functions that the scripts make, with their arguments."""
    harmless: frozenset[str]
    """Functions of PostgreSQL that do nothing but compute, or that are not run for a table without rows."""
    own: set[Name]
    """What is in the scratch schemas by now, by its declared schema; a function with and without its arguments."""
    bodies: list[str]
    """The bodies of functions, by the number that stands for them."""


class Moved(Struct, frozen=True):
    """A statement as it is sent to the scratch schemas, nothing when it does nothing there."""

    sql: tuple[str, ...] = ()
    removes: bool = False
    """Whether names that were there may be gone afterwards."""


def move(movable: Movable, effects: Sequence[Object], known: Known) -> Moved:
    """Return a statement moved into the scratch schemas; `effects` are its objects. Raise RefusedError."""
    if (done := _done_otherwise(movable, known)) is not None:
        return done
    _require_safe(movable, known)
    _require_own(movable, effects, known)
    for name in movable.references:
        _require_known(name, known)
    _require_no_function(movable, known)
    sql = _Text(movable, known).moved()
    _require_moved(sql, known)
    for name in movable.made:
        known.own.add(_home(name, known))
        if name.sort == "relation" and not isinstance(movable.tree, (pg.CreateSeqStmt, pg.IndexStmt)):
            known.own.add(_home(name._replace(sort="type"), known))
    known.own.update(Name("function", item.schema or known.target, item.name) for item in effects)
    return Moved((sql,), removes=_may_remove(movable.tree))


def _done_otherwise(movable: Movable, known: Known) -> Moved | None:
    """Return what is done for a statement on a schema or an extension, and for a DROP of what is not there."""
    tree = movable.tree
    match tree:
        case pg.CreateExtensionStmt():
            return Moved()
        case pg.CreateSchemaStmt():
            if tree.schema_elts:
                raise RefusedError("makes a schema with what is in it")
            return Moved()
        case pg.CommentStmt() if pg.ObjectType.Name(tree.objtype) in _SCHEMA_OR_EXTENSION:
            return _comment_on_schema(tree, known)
        case pg.DropStmt() if pg.ObjectType.Name(tree.remove_type) in _SCHEMA_OR_EXTENSION:
            return _drop_schema(tree, known)
        case pg.DropStmt() if not any(_home(name, known) in known.own for name in movable.subjects):
            return Moved()
    return None


def restore_body(definition: str, bodies: Sequence[str]) -> str:
    """Return a function's definition with the body that a comment stands for."""
    match = _STANDS_FOR_BODY.search(definition)
    return f"{definition[: match.start()]}{bodies[int(match[1])]}" if match else definition


def _may_remove(tree: object) -> bool:
    if isinstance(tree, pg.AlterTableStmt):
        return any("Drop" in pg.AlterTableType.Name(item.alter_table_cmd.subtype) for item in tree.cmds)
    return isinstance(tree, (pg.DropStmt, pg.RenameStmt, pg.AlterObjectSchemaStmt))


def _home(name: Name, known: Known) -> Name:
    return name._replace(schema=name.schema or known.target)


def _require_own(movable: Movable, effects: Sequence[Object], known: Known) -> None:
    """Raise RefusedError unless all that the statement changes, comments on or removes is in the scratch schemas."""
    for name in movable.subjects:
        if _home(name, known) not in known.own:
            raise RefusedError(f"is about {name}, which no script makes before it")
    if any(name.sort == "function" for name in movable.subjects):
        for item in effects:
            exact = Name("function", item.schema or known.target, item.name.removesuffix(ANY_ARGUMENTS))
            if exact not in known.own:
                raise RefusedError(f"is about {item}, which no script makes before it")


def _require_known(name: Name, known: Known) -> None:
    """Raise RefusedError for a name that would be found, or might be, where it belongs to nobody known."""
    key = name.sort, name.word
    if _home(name, known) in known.own or name.schema in _SYSTEM_SCHEMAS:
        return
    is_member = key in known.members
    is_system = not name.schema and (name.sort != "relation" or name.word.startswith("pg_"))
    if key in known.strangers or not (is_member or is_system):
        raise RefusedError(f"refers to {name}, which no script makes before it")


def _require_no_function(movable: Movable, known: Known) -> None:
    """Raise RefusedError for a column or a field that may call a function which is not in the scratch schemas.

    What later scripts make is not called by a column, or no empty database would take it; and nothing runs for one.
    """
    made = known.scripted | known.own
    strange = [word for word in movable.columns if _is_strange(word, made, known)]
    if strange or any(_is_strange(word, known.own, known) for word in movable.fields):
        raise RefusedError("has a field with the name of a function that no script makes")


def _is_strange(word: str, made: Collection[Name], known: Known) -> bool:
    """Return whether the search path has a function of a name that is not one of those that are made in the target."""
    found = known.strangers.get(("function", word), frozenset())
    return any(name.schema != known.target or name not in made for name in found)


def _require_moved(sql: str, known: Known) -> None:
    """Raise RefusedError unless each name that has a schema has one of the scratch schemas, or a harmless one."""
    moved = Movable(sql)
    scratch = known.scratch.values()
    if any(name.schema and name.schema not in scratch for name in (*moved.made, *moved.subjects)):
        raise RefusedError("makes or changes an object in a schema that it names in an unusual way")
    for name in moved.references:
        there = known.members.get((name.sort, name.word))
        if name.schema and name.schema not in (*scratch, *_SYSTEM_SCHEMAS, there):
            raise RefusedError(f"refers to {name} in an unusual way")


def _require_safe(movable: Movable, known: Known) -> None:
    """Raise RefusedError for what would do more than to make an object in the scratch schemas."""
    tree = movable.tree
    if any((name.schema or known.target) not in known.scratch for name in movable.made):
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
        case pg.AlterObjectSchemaStmt() if tree.newschema not in known.scratch:
            raise RefusedError(f"moves an object to schema {tree.newschema}")
        case pg.CreateFunctionStmt():
            _require_harmless_function(movable)
    _require_nothing_runs(movable, known)


def _require_nothing_runs(movable: Movable, known: Known) -> None:
    """Raise RefusedError for a function that PostgreSQL may run with the statement, though no table has a row.

    It evaluates the bounds of partitions, the default of a new column, the check of a domain with it, and immutable
    functions of constants.
    """
    tree = movable.tree
    for node in movable.nodes:
        is_reg = isinstance(node, pg.ColumnDef) and _is_reg(node.type_name)
        if is_reg and any(pg.ConstrType.Name(item.constraint.contype) == "CONSTR_DEFAULT" for item in node.constraints):
            raise RefusedError("has a default that looks for an object by its name")
    called: list[Name] = []
    for node in movable.nodes:
        if isinstance(node, pg.PartitionBoundSpec):
            called += movable.functions_in(node)
    if isinstance(tree, (pg.AlterTableStmt, pg.CreateDomainStmt, pg.AlterDomainStmt)):
        called += [name for name in movable.functions_in(tree) if _home(name, known) not in known.own]
    if isinstance(tree, pg.CreateFunctionStmt) and tree.HasField("sql_body") and _option(tree, "volatility"):
        called += movable.functions_in(tree.sql_body)
    for name in called:
        if name.word not in known.harmless:
            raise RefusedError(f"may run the function {name} at once")


def _is_reg(type_name: pg.TypeName) -> bool:
    return str(type_name.names[-1].string.sval).startswith("reg") if type_name.names else False


def _option(tree: pg.CreateFunctionStmt, name: str) -> str:
    """Return an option of a function; the volatility is empty when the function is volatile."""
    options = {item.def_elem.defname: item.def_elem.arg.string.sval for item in tree.options}
    return str(options.get(name, "")).lower().replace("volatile", "")


def _require_harmless_function(movable: Movable) -> None:
    tree = movable.tree
    if _option(tree, "language") in ("c", "internal"):
        raise RefusedError("loads a library")
    for item in tree.options:
        setting = item.def_elem.arg.variable_set_stmt
        if item.def_elem.defname == "set" and pg.VariableSetKind.Name(setting.kind) == "VAR_SET_CURRENT":
            raise RefusedError("keeps a setting of the session that makes it")
    writing = (pg.InsertStmt, pg.UpdateStmt, pg.DeleteStmt, pg.MergeStmt)
    if _option(tree, "volatility") and any(isinstance(node, writing) for node in movable.nodes):
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
    sql = tuple(sql for name in scratch for sql in (f"drop schema {name} cascade", f"create schema {name}"))
    return Moved(sql, removes=True)


class _Text:
    """The text of a statement, in which tokens are replaced."""

    def __init__(self, movable: Movable, known: Known) -> None:
        self.data = movable.sql.encode()
        self.tokens = [t for t in postgast.scan(movable.sql).tokens if t.token not in (pg.SQL_COMMENT, pg.C_COMMENT)]
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
        self.move_calls()
        suffix = ""
        match self.tree:
            case pg.CommentStmt() if self.tree.object.object_with_args.args_unspecified:
                self.qualify(self.words.index("is") - 1)
            case pg.CreateFunctionStmt():
                self.take_body()
            case pg.IndexStmt() | pg.DropStmt() if self.tree.concurrent:
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
        """Replace each schema that stands before a name of which the statement makes use."""
        names = (*self.movable.made, *self.movable.subjects, *self.movable.references)
        wanted = {(name.schema, name.word): name for name in names if name.schema}
        columns = {
            node.location for node in self.movable.nodes if isinstance(node, pg.ColumnRef) and len(node.fields) == _TWO
        }
        for index in range(len(self.words) - 2):
            follows_dot = index > 0 and self.words[index - 1] == "."
            if self.words[index + 1] != "." or follows_dot or self.tokens[index].start in columns:
                continue
            name = wanted.get((self.words[index], self.words[index + 2]))
            if name:
                self.replaced[index] = identifier(self.place_of(name))

    def place_of(self, name: Name) -> str:
        """Return the schema in which a name that has one is found during the build."""
        member = self.known.members.get((name.sort, name.word))
        if _home(name, self.known) not in self.known.own and member:
            return member
        return self.known.scratch.get(name.schema, name.schema)

    def move_strings(self) -> None:
        """Put the scratch schema into strings that name a relation, as in nextval('schema.name')."""
        for node, relation in self.movable.strings:
            scratch = self.known.scratch.get(relation.schemaname)
            if relation.schemaname and scratch:
                text = f"{identifier(scratch)}.{identifier(relation.relname)}"
                self.replaced[self.places[node.location]] = literal(text)

    def move_calls(self) -> None:
        """Put the scratch schema before own functions of whose name somebody else has one, with other arguments."""
        for node in self.movable.nodes:
            if not isinstance(node, pg.FuncCall) or len(node.funcname) != 1 or node.location not in self.places:
                continue
            word = node.funcname[0].string.sval
            home = Name("function", self.known.target, word)
            if home in self.known.own and ("function", word) in self.known.strangers:
                self.qualify(self.places[node.location])

    def qualify(self, place: int) -> None:
        """Put the target's scratch schema before a name, unless it has a schema."""
        if place == 0 or self.words[place - 1] != ".":
            scratch = identifier(self.known.scratch[self.known.target])
            self.replaced[place] = f"{scratch}.{identifier(self.words[place])}"

    def take_body(self) -> None:
        for option in self.tree.options:
            if option.def_elem.defname == "as":
                first = next(i for i, t in enumerate(self.tokens) if t.start > option.def_elem.location)
                self.replaced[first] = literal(_BODY.format(len(self.known.bodies)) + self.nothing())
                self.known.bodies.append(option.def_elem.arg.list.items[0].string.sval)

    def nothing(self) -> str:
        """Return a body that gives null, for a function that returns one value."""
        result = self.tree.return_type
        modes = {pg.FunctionParameterMode.Name(item.function_parameter.mode) for item in self.tree.parameters}
        if not self.tree.HasField("return_type") or result.setof or "FUNC_PARAM_TABLE" in modes:
            return ""
        end = min(item.def_elem.location for item in self.tree.options if item.def_elem.location > result.location)
        text = self.data[result.location : end].decode()
        if len(result.names) > 1 and result.names[0].string.sval != "pg_catalog":
            name = Name("type", result.names[-2].string.sval, result.names[-1].string.sval)
            text = f"{identifier(self.place_of(name))}.{identifier(name.word)}"
        return _NOTHING.get(_option(self.tree, "language"), "").format(text)

    def word(self, token: pg.ScanToken) -> str:
        """Return a token as PostgreSQL reads a name."""
        data = self.data[token.start : token.end]
        data = data[1:-1].replace(b'""', b'"') if data.startswith(b'"') else data.lower()
        return data[:NAME_BYTES].decode(errors="ignore")

    def text(self) -> str:
        pieces, place = [], 0
        for index, text in sorted(self.replaced.items()):
            token = self.tokens[index]
            pieces += [self.data[place : token.start].decode(), text]
            place = token.end
        return "".join((*pieces, self.data[place:].decode()))
