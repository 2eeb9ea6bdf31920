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

from collections.abc import Iterator, Sequence

from msgspec import Struct
from postgast import pg_query_pb2 as pg

from runner.catalog.detached import check_of_detached
from runner.catalog.moved_text import MovedText
from runner.catalog.relocation_guards import (
    RelocationContext,
    home,
    require_known,
    require_moved,
    require_no_function,
    require_own,
    require_safe,
    require_whole,
)
from runner.sql.defined_names import SORTS, kind_of
from runner.sql.names import Name, RefusedError
from runner.sql.objects import Object
from runner.sql.quoting import identifier, literal
from runner.sql.references import References

_SCHEMA_OR_EXTENSION = ("OBJECT_SCHEMA", "OBJECT_EXTENSION")


class Moved(Struct, frozen=True):
    """A statement as it is sent to the scratch schemas, nothing when it does nothing there."""

    sql: tuple[str, ...] = ()
    looks_again: bool = False
    """Whether names that were there may be gone afterwards, or there are some that only the catalog tells."""
    made: frozenset[Name] = frozenset()
    """What is in the scratch schemas when it has been sent."""
    bodies: tuple[str, ...] = ()
    """The bodies of functions for which a comment stands, with the numbers that follow those of before."""
    otherwise: tuple[str, ...] | None = None
    """What is sent instead where the database has one already, of which there can be only one."""


def move(movable: References, effects: Sequence[Object], known: RelocationContext, *, qualified: bool = False) -> Moved:
    """Return a statement moved into the scratch schemas; `effects` are its objects. Raise RefusedError.

    With `qualified`, own functions are called by their schema where others have their names.
    """
    if (done := _done_otherwise(movable, known)) is not None:
        return done
    require_safe(movable, known)
    require_own(movable, effects, known)
    for name in movable.references:
        require_known(name, known)
    require_whole(movable, known)
    require_no_function(movable, known)
    text = MovedText(movable, known, qualified=qualified)
    sql = text.moved()
    require_moved(sql, known)
    made = frozenset(_made(movable, effects, known))
    before = check_of_detached(movable.tree, known)
    return Moved((*before, sql), _looks_again(movable.tree), made, tuple(text.bodies), text.otherwise())


def _made(movable: References, effects: Sequence[Object], known: RelocationContext) -> Iterator[Name]:
    """Return the names that a statement makes; a relation is a type, too."""
    is_row = not isinstance(movable.tree, (pg.CreateSeqStmt, pg.IndexStmt))
    for name in movable.made:
        yield home(name, known)
        if name.sort == "relation" and is_row:
            yield home(name._replace(sort="type"), known)
    for item in effects:
        yield Name("function", item.schema or known.target, item.name)


def _done_otherwise(movable: References, known: RelocationContext) -> Moved | None:
    """Return what is done for a statement on a schema or an extension, and for a DROP of what is not there."""
    tree = movable.tree
    if isinstance(tree, pg.CreateExtensionStmt) or kind_of(tree) == "OBJECT_EVENT_TRIGGER":
        return Moved()
    match tree:
        case pg.CreateSchemaStmt():
            if tree.schema_elts:
                raise RefusedError("makes a schema with what is in it")
            return Moved()
        case pg.CommentStmt() if pg.ObjectType.Name(tree.objtype) in _SCHEMA_OR_EXTENSION:
            return _comment_on_schema(tree, known)
        case pg.DropStmt() if pg.ObjectType.Name(tree.remove_type) in _SCHEMA_OR_EXTENSION:
            return _drop_schema(tree, known)
        case pg.RenameStmt() if pg.ObjectType.Name(tree.rename_type) == "OBJECT_SCHEMA":
            return _rename_schema(tree, known)
        case pg.CommentStmt() if kind_of(tree) in (*SORTS, "OBJECT_CAST"):
            return Moved()
        case pg.DropStmt() if not any(home(name, known) in known.own for name in movable.subjects):
            return Moved()
    return None


def _looks_again(tree: object) -> bool:
    if isinstance(tree, pg.AlterTableStmt):
        return any("Drop" in pg.AlterTableType.Name(item.alter_table_cmd.subtype) for item in tree.cmds)
    return isinstance(tree, (pg.DropStmt, pg.RenameStmt, pg.AlterObjectSchemaStmt, pg.DefineStmt))


def _comment_on_schema(tree: pg.CommentStmt, known: RelocationContext) -> Moved:
    if pg.ObjectType.Name(tree.objtype) == "OBJECT_EXTENSION":
        return Moved()
    scratch = known.scratch.get(tree.object.string.sval)
    if scratch is None:
        raise RefusedError(f"comments on {tree.object.string.sval}, which no script makes before it")
    return Moved((f"comment on schema {identifier(scratch)} is {literal(tree.comment or None)}",))


def _drop_schema(tree: pg.DropStmt, known: RelocationContext) -> Moved:
    names = [item.string.sval for item in tree.objects]
    if pg.ObjectType.Name(tree.remove_type) == "OBJECT_EXTENSION" or known.target in names:
        raise RefusedError("drops an extension, or the target schema")
    scratch = [identifier(known.scratch[name]) for name in names if name in known.scratch]
    sql = tuple(sql for name in scratch for sql in (f"drop schema {name} cascade", f"create schema {name}"))
    return Moved(sql, looks_again=True)


def _rename_schema(tree: pg.RenameStmt, known: RelocationContext) -> Moved:
    """Let what is in one scratch schema be in the other; both are there, whatever the scripts have made by then."""
    names = (tree.subname, tree.newname)
    if known.target in names or not set(names) <= known.scratch.keys():
        raise RefusedError(f"renames {tree.subname}, the target schema or one that no script makes before it")
    old, new = (identifier(known.scratch[name]) for name in names)
    return Moved(
        (f"drop schema {new}", f"alter schema {old} rename to {new}", f"create schema {old}"), looks_again=True
    )
