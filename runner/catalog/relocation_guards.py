"""What a statement must not do to be run in the scratch schemas."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from msgspec import Struct
from postgast import pg_query_pb2 as pg

from runner.sql.defined_names import run_at_once
from runner.sql.names import Name, RefusedError, Sort
from runner.sql.objects import ANY_ARGUMENTS, PRESENT, Object
from runner.sql.references import References
from runner.sql.taken_over import taken_over
from runner.sql.written_facts import roles_named

SYSTEM_SCHEMAS = ("pg_catalog", "information_schema")
_SERIALS = ("serial", "smallserial", "bigserial", "serial2", "serial4", "serial8")
_LEAVES_IT = (
    pg.IndexStmt, pg.CreateTrigStmt, pg.CreatePolicyStmt, pg.AlterPolicyStmt, pg.RuleStmt, pg.CreateStatsStmt,
    pg.CommentStmt, pg.DropStmt,
)  # fmt: skip
"""What may be about a stand-in."""
_JOINS_OR_LEAVES = (pg.AT_AttachPartition, pg.AT_DetachPartition)
_NOT_IN_SCRATCH = ("AT_ChangeOwner",)


class RelocationContext(Struct, frozen=True):
    """What statements may refer to."""

    scratch: Mapping[str, str]
    """The scratch schema of each schema that the scripts make something in."""
    path: tuple[str, ...]
    """The target and the schema of extensions, where names without a schema are looked for."""
    members: Mapping[tuple[Sort, str], str]
    """Members of extensions among the names that the scripts use, and the schemas that they are in."""
    system: AbstractSet[tuple[Sort, str]]
    """PostgreSQL's own among them."""
    strangers: Mapping[tuple[Sort, str], frozenset[Name]]
    """What would be found on the search path and belongs to no extension, by name; a function with its arguments."""
    scripted: frozenset[Name]
    """The functions and operators that the scripts make, with their arguments."""
    apart: AbstractSet[Name]
    """Those with an argument of a type that the scripts make: no value in scratch is one for the real ones."""
    harmless: frozenset[str]
    """Functions of PostgreSQL that do nothing but compute, or that are not run for a table without rows."""
    own: AbstractSet[Name]
    """What is in the scratch schemas by now, by its declared schema; a function with and without its arguments."""
    left_out: AbstractSet[Name]
    """What scripts make and is not there, in the same form."""
    bodies: Sequence[str]
    """The bodies of functions, by the number that stands for them."""
    stand_ins: AbstractSet[Name] = frozenset()
    """What of `own` stands for objects that no script makes: they are not changed."""
    lacking: AbstractSet[tuple[Name, str]] = frozenset()
    """What stand-ins do not have, and what is taken over from the real ones, such as `defaults`."""

    @property
    def target(self) -> str:
        """The schema of names without one."""
        return self.path[0]


def places(name: Name, known: RelocationContext) -> Iterator[Name]:
    """Return a name with each schema that it may be in."""
    return (name._replace(schema=schema) for schema in ((name.schema,) if name.schema else known.path))


def home(name: Name, known: RelocationContext) -> Name:
    """Return a name with its schema, which is the target where none is written."""
    return name._replace(schema=name.schema or known.target)


def leaves_subject(movable: References) -> bool:
    """Return whether a statement may be about a stand-in: it does not change the object itself, or drops it."""
    tree = movable.tree
    if isinstance(tree, pg.AlterTableStmt):
        return all(item.alter_table_cmd.subtype in _JOINS_OR_LEAVES for item in tree.cmds)
    return isinstance(tree, _LEAVES_IT)


def require_own(movable: References, effects: Sequence[Object], known: RelocationContext) -> None:
    """Raise RefusedError unless all that the statement changes, comments on or removes is in the scratch schemas."""
    is_change = not leaves_subject(movable)
    for name in movable.subjects:
        if home(name, known) not in known.own or (is_change and home(name, known) in known.stand_ins):
            raise RefusedError(f"is about {name}, {_why_missing(name, known)}")
    if any(name.sort == "function" for name in movable.subjects):
        for item in effects:
            exact = Name("function", item.schema or known.target, item.name.removesuffix(ANY_ARGUMENTS))
            if exact not in known.own:
                raise RefusedError(f"is about {item}, which no script makes before it")


def require_whole(movable: References, known: RelocationContext) -> None:
    """Raise RefusedError when the statement takes over what a stand-in lacks."""
    for name, wanted in taken_over(movable.tree):
        lacking = sorted(what for owner, what in known.lacking if what in wanted and owner in places(name, known))
        if lacking:
            raise RefusedError(f"takes over {', '.join(lacking)} of {name}, which no script makes")


def require_known(name: Name, known: RelocationContext) -> None:
    """Raise RefusedError for a name that would be found, or might be, where it belongs to nobody known."""
    key = name.sort, name.word
    others = known.strangers.get(key, frozenset()) - known.apart
    if name.sort == "operator" and not name.schema and others - known.own:
        raise RefusedError(f"refers to {name}, which others have made, too")
    if name.schema in SYSTEM_SCHEMAS or any(item in known.own for item in places(name, known)):
        return
    if others or not (key in known.members or is_system(name, known)):
        raise RefusedError(f"refers to {name}, {_why_missing(name, known)}")


def _why_missing(name: Name, known: RelocationContext) -> str:
    is_row = name.sort == "type" and home(name._replace(sort="relation"), known) in known.left_out
    is_left_out = is_row or home(name, known) in known.left_out
    return "which is not compared" if is_left_out else "which no script makes before it"


def is_system(name: Name, known: RelocationContext) -> bool:
    """Return whether a name without a schema means something of PostgreSQL's, unless something hides it."""
    return not name.schema and ((name.sort, name.word) in known.system or _is_transformed(name, known))


def _is_transformed(name: Name, known: RelocationContext) -> bool:
    """Return whether a name is a serial, or a call that is a cast to a type of PostgreSQL or the scripts."""
    if name.sort == "type":
        return name.word in _SERIALS
    type_ = name._replace(sort="type")
    return name.sort == "function" and (home(type_, known) in known.own or ("type", name.word) in known.system)


def require_no_function(movable: References, known: RelocationContext) -> None:
    """Raise RefusedError for a column or a field that may call a function which is not in the scratch schemas.

    What later scripts make is not called by a column, or no empty database would take it; and nothing runs for one.
    """
    made = known.scripted | known.own
    strange = [word for word in movable.columns if _is_strange(word, made, known)]
    if strange or any(_is_strange(word, known.own, known) for word in movable.fields):
        raise RefusedError("has a field with the name of a function that no script makes")


def _is_strange(word: str, made: Collection[Name], known: RelocationContext) -> bool:
    """Return whether the search path has a function of a name that is not one of those that are made in the target."""
    found = known.strangers.get(("function", word), frozenset())
    return any(name.schema != known.target or name not in made for name in found)


def require_moved(sql: str, known: RelocationContext) -> None:
    """Raise RefusedError unless each name that has a schema has one of the scratch schemas, or a harmless one."""
    moved = References(sql)
    scratch = known.scratch.values()
    if any(name.schema and name.schema not in scratch for name in (*moved.made, *moved.subjects)):
        raise RefusedError("makes or changes an object in a schema that it names in an unusual way")
    for name in moved.references:
        there = known.members.get((name.sort, name.word))
        if name.schema and name.schema not in (*scratch, *SYSTEM_SCHEMAS, there):
            raise RefusedError(f"refers to {name} in an unusual way")


def require_safe(movable: References, known: RelocationContext) -> None:
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
                raise RefusedError("changes an owner")
        case pg.CreateTableAsStmt() if not tree.query.HasField("select_stmt"):
            raise RefusedError("runs a prepared statement")
        case pg.AlterObjectSchemaStmt() if tree.newschema not in known.scratch:
            raise RefusedError(f"moves an object to schema {tree.newschema}")
        case pg.CreateFunctionStmt():
            _require_harmless_function(movable)
        case pg.CreatePolicyStmt() | pg.AlterPolicyStmt() | pg.RuleStmt():
            _require_harmless_rule(tree)
        case pg.DefineStmt() if pg.ObjectType.Name(tree.kind) == "OBJECT_TYPE":
            raise RefusedError("makes a base type")
    _require_nothing_runs(movable, known)


def _require_nothing_runs(movable: References, known: RelocationContext) -> None:
    """Raise RefusedError for a function that PostgreSQL may run with the statement, though no table has a row.

    It evaluates the bounds of partitions, the default of a new column, the check of a domain with it, and immutable
    functions of constants.
    """
    tree = movable.tree
    for node in movable.nodes:
        if isinstance(node, pg.ColumnDef) and _is_reg(node.type_name) and any(map(_computes_default, node.constraints)):
            raise RefusedError("has a default that looks for an object by its name")
    called: list[Name] = []
    for node in movable.nodes:
        if isinstance(node, pg.PartitionBoundSpec):
            called += movable.functions_in(node)
    if isinstance(tree, (pg.AlterTableStmt, pg.CreateDomainStmt, pg.AlterDomainStmt)):
        called += [name for name in movable.functions_in(tree) if home(name, known) not in known.own]
    if isinstance(tree, pg.CreateFunctionStmt) and tree.HasField("sql_body") and option_of(tree, "volatility"):
        called += movable.functions_in(tree.sql_body)
    called += [name for name in run_at_once(tree) if home(name, known) not in known.own]
    for name in called:
        if name.word not in known.harmless:
            raise RefusedError(f"may run the function {name} at once")


def _is_reg(type_name: pg.TypeName) -> bool:
    return str(type_name.names[-1].string.sval).startswith("reg") if type_name.names else False


def _computes_default(node: pg.Node) -> bool:
    """Return whether a constraint of a column is a default that is no constant."""
    value = node.constraint.raw_expr
    is_constant = value.HasField("a_const") or (value.HasField("type_cast") and _is_reg(value.type_cast.type_name))
    return pg.ConstrType.Name(node.constraint.contype) == "CONSTR_DEFAULT" and not is_constant


def _require_harmless_rule(tree: Any) -> None:
    if isinstance(tree, pg.RuleStmt):
        if tree.event == pg.CMD_SELECT:
            raise RefusedError("makes a view of a table")
    elif tree.roles and roles_named(tree.roles) == PRESENT:
        raise RefusedError("is for the role that runs it")


def _require_harmless_function(movable: References) -> None:
    tree = movable.tree
    if option_of(tree, "language") in ("c", "internal"):
        raise RefusedError("loads a library")
    for item in tree.options:
        setting = item.def_elem.arg.variable_set_stmt
        if item.def_elem.defname == "set" and pg.VariableSetKind.Name(setting.kind) == "VAR_SET_CURRENT":
            raise RefusedError("keeps a setting of the session that makes it")
    writing = (pg.InsertStmt, pg.UpdateStmt, pg.DeleteStmt, pg.MergeStmt)
    if option_of(tree, "volatility") and any(isinstance(node, writing) for node in movable.nodes):
        raise RefusedError("is a function that writes and says that it does not")


def option_of(tree: pg.CreateFunctionStmt, name: str) -> str:
    """Return an option of a function; the volatility is empty when the function is volatile."""
    options = {item.def_elem.defname: item.def_elem.arg.string.sval for item in tree.options}
    return str(options.get(name, "")).lower().replace("volatile", "")
