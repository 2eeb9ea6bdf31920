"""Every form of DDL that PostgreSQL knows: what the runner takes it for, and that none of them is an exception."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, get_args

import postgast
import pytest
from postgast import pg_query_pb2 as pg

from runner.catalog.relocation import Moved, move
from runner.catalog.relocation_guards import RelocationContext
from runner.project.templates import render
from runner.sql.names import Name, RefusedError, Sort
from runner.sql.objects import Effect, Object
from runner.sql.parser import parse
from runner.sql.references import References
from runner.sql.statements import Statement
from tests.conftest import MakeProject
from tests.support.in_process import call
from tests.support.projects import CASES

if TYPE_CHECKING:
    from psycopg import Connection


CORPUS = [
    (str(sql), str(objects))
    for sql, objects in re.findall(
        r"^((?!--).*); --> (.*)$", (CASES / "ddl.sql").read_text(encoding="utf-8"), flags=re.MULTILINE
    )
]

# What the grammar has names for, and no statement that it accepts.
NO_DDL = """
    insert_stmt update_stmt delete_stmt merge_stmt raw_stmt set_operation_stmt return_stmt plassign_stmt
    replica_identity_stmt
"""
NO_SUBCOMMAND = """
    ALTER_TABLE_TYPE_UNDEFINED AT_AddColumnToView AT_AddIndex AT_AddIndexConstraint AT_CookedColumnDefault
    AT_ReAddComment AT_ReAddConstraint AT_ReAddDomainConstraint AT_ReAddIndex AT_ReAddStatistics AT_ReplaceRelOptions
"""
NOT_COMMENTED = """
    OBJECT_AMOP OBJECT_AMPROC OBJECT_ATTRIBUTE OBJECT_DEFACL OBJECT_DEFAULT OBJECT_PARAMETER_ACL
    OBJECT_PUBLICATION_NAMESPACE OBJECT_PUBLICATION_REL OBJECT_TYPE_UNDEFINED OBJECT_USER_MAPPING
"""
NOT_DROPPED = f"""
    {NOT_COMMENTED} OBJECT_COLUMN OBJECT_DATABASE OBJECT_DOMCONSTRAINT OBJECT_LARGEOBJECT OBJECT_ROLE
    OBJECT_SUBSCRIPTION OBJECT_TABCONSTRAINT OBJECT_TABLESPACE
"""
NOT_RENAMED = """
    OBJECT_ACCESS_METHOD OBJECT_AMOP OBJECT_AMPROC OBJECT_CAST OBJECT_DEFACL OBJECT_DEFAULT OBJECT_EXTENSION
    OBJECT_LARGEOBJECT OBJECT_OPERATOR OBJECT_PARAMETER_ACL OBJECT_PUBLICATION_NAMESPACE OBJECT_PUBLICATION_REL
    OBJECT_TRANSFORM OBJECT_TYPE_UNDEFINED OBJECT_USER_MAPPING
"""
KINDS = {
    "CommentStmt": ("objtype", NOT_COMMENTED),
    "DropStmt": ("remove_type", NOT_DROPPED),
    "RenameStmt": ("rename_type", NOT_RENAMED),
}


def statement_of(sql: str) -> Statement:
    (statement,) = parse(render("a.sql", sql, {}), schema="public").statements
    return statement


def trees() -> Iterator[tuple[str, Any]]:
    """Return the kind of each statement of the corpus, and its parse tree."""
    for sql, _ in CORPUS:
        (statement,) = postgast.parse(sql).stmts
        node = str(statement.stmt.WhichOneof("node"))
        yield node, getattr(statement.stmt, node)


def words(effect: Effect) -> str:
    renamed = f" to {effect.value}" if effect.action in ("rename", "move") else ""
    taken = f" into {effect.other}" if effect.action == "take" else ""
    return f"{effect.action} {effect.object}{renamed}{taken}"


@pytest.mark.parametrize(("sql", "objects"), CORPUS, ids=[sql for sql, _ in CORPUS])
def test_objects(sql: str, objects: str) -> None:
    """A statement is about those objects that are compared, or about none, and never an exception."""
    effects = statement_of(sql).declaration.effects
    assert (", ".join(words(effect) for effect in effects) or "none") == objects


def test_every_line_is_a_case() -> None:
    """No statement of the file is passed over."""
    text = (CASES / "ddl.sql").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("--")]
    assert len(lines) == len(CORPUS)
    assert len({sql for sql, _ in CORPUS}) == len(CORPUS) > 400


def test_every_statement_of_the_grammar_is_there() -> None:
    """The corpus has each kind of statement that PostgreSQL's grammar knows."""
    known = {field.name for field in pg.Node.DESCRIPTOR.fields if field.name.endswith("stmt")}
    assert known - {node for node, _ in trees()} == set(NO_DDL.split())


def test_every_subcommand_of_the_grammar_is_there() -> None:
    """The corpus has each thing that ALTER TABLE and its like can do."""
    commands = [item.alter_table_cmd for node, tree in trees() if node == "alter_table_stmt" for item in tree.cmds]
    found = {pg.AlterTableType.Name(command.subtype) for command in commands}
    assert set(pg.AlterTableType.keys()) - found == set(NO_SUBCOMMAND.split())


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_object_is_there(kind: str) -> None:
    """The corpus comments, drops and renames each kind of object that can be."""
    attribute, impossible = KINDS[kind]
    found = {pg.ObjectType.Name(getattr(tree, attribute)) for _, tree in trees() if type(tree).__name__ == kind}
    assert set(pg.ObjectType.keys()) - found == set(impossible.split())


SCRATCH = {"public": "scratch", "archive": "scratch_1"}
NAMES = "author book books genre isbn item lend loan loan_number longer overdue spine volume watch"
OWN = {
    "nothing is known": frozenset[Name](),
    "all is known": frozenset(
        Name(sort, schema, name) for sort in get_args(Sort) for schema in SCRATCH for name in NAMES.split()
    ),
}
EMPTY: frozenset[Any] = frozenset()
FUNCTIONS = "longer(text, text)", "lend(integer, integer)"


def moved(sql: str, own: frozenset[Name]) -> Moved:
    """Return a statement moved while the scratch schemas hold some objects. Raise RefusedError."""
    functions = {Name("function", schema, name) for schema in SCRATCH for name in FUNCTIONS} if own else set()
    references = References(sql)
    system = {(name.sort, name.word) for name in references.references if name.sort != "relation"}
    known = RelocationContext(SCRATCH, ("public",), {}, system, {}, EMPTY, EMPTY, EMPTY, {*own, *functions}, EMPTY, [])
    effects = [effect.object for effect in statement_of(sql).declaration.effects]
    return move(references, [item for item in effects if item.kind.endswith("function")], known)


@pytest.mark.parametrize("case", OWN)
def test_relocation(case: str) -> None:
    """Each statement is moved to the scratch schemas as SQL again, or refused with a reason; nothing else happens."""
    done, refusals = 0, []
    for sql, _ in CORPUS:
        try:
            texts = moved(sql, OWN[case]).sql
        except RefusedError as error:
            refusals.append(str(error))
            continue
        done += 1
        for text in texts:
            assert len(postgast.parse(text).stmts) == 1
            assert "archive." not in text or "'" in text or not statement_of(sql).is_declarative
    assert all(refusals)
    assert done > len(CORPUS) / 5


def test_relocation_returns_what_is_known_of_the_statement() -> None:
    """What a statement makes, and the body that a number stands for, are returned; what was known stays as it was."""
    known = RelocationContext(SCRATCH, ("public",), {}, EMPTY, {}, EMPTY, EMPTY, EMPTY, EMPTY, EMPTY, ["select 1"])
    sql = "create function lend(book integer) returns integer language sql as 'select book'"
    done = move(References(sql), [Object("function", "lend(integer)")], known)
    assert "/* body 1 */" in done.sql[0]
    assert done.bodies == ("select book",)
    assert done.made == {Name("function", "public", "lend"), Name("function", "public", "lend(integer)")}
    assert (known.own, known.bodies) == (EMPTY, ["select 1"])


NOT_IN_A_SCHEMA = """
    OBJECT_ACCESS_METHOD OBJECT_CAST OBJECT_DATABASE OBJECT_EVENT_TRIGGER OBJECT_FDW OBJECT_FOREIGN_SERVER
    OBJECT_LANGUAGE OBJECT_LARGEOBJECT OBJECT_PUBLICATION OBJECT_ROLE OBJECT_SCHEMA OBJECT_SUBSCRIPTION
    OBJECT_TABLESPACE OBJECT_TRANSFORM
""".split()


def kind_of(tree: Any) -> str:
    attribute, _ = KINDS.get(type(tree).__name__, ("", ""))
    return str(pg.ObjectType.Name(getattr(tree, attribute))) if attribute else ""


def test_relocation_leaves_alone_what_is_in_no_schema() -> None:
    """What is in no schema is not touched when the declared objects are built: it would be the real one."""
    touched = []
    for (sql, _), (_, tree) in zip(CORPUS, trees(), strict=True):
        if kind_of(tree) in NOT_IN_A_SCHEMA:
            with suppress(RefusedError):
                touched += [text for text in moved(sql, OWN["all is known"]).sql if "scratch" not in text]
    assert touched == []


def test_a_lock_is_no_matter_of_roles(project: MakeProject, database: str, connection: Connection) -> None:
    """A role that an applied script renamed, and that so has gone, does not stop the lock from being written."""
    old, new = f"old_{connection.info.dbname}", f"new_{connection.info.dbname}"
    script = f"create table item (id integer); create role {old}; alter role {old} rename to {new};"
    folder = project({"010_script.sql": script}, options={"010_script.sql": {"run": "once"}})
    try:
        assert call("apply", "--dsn", database, folder=folder).code == 0
        result = call("lock", "--dsn", database, folder=folder)
        assert result.code == 0, result
    finally:
        for role in (old, new):
            connection.execute(f"drop role if exists {role}".encode())


WRITTEN = {
    "a function that moves to another schema": """
        create schema other; create function f() returns integer language sql as 'select 1';
        alter function f() set schema other;
    """,
    "a type that moves to another schema": """
        create schema other; create type mood as enum ('sad'); alter type mood set schema other;
    """,
    "a domain that moves to another schema": """
        create schema other; create domain code as text; alter domain code set schema other;
    """,
    "a view that goes with its table": """
        create table item (id integer); create view items as select id from item;
        create table kept as select id from items; drop table item cascade;
    """,
    "a view that goes with a column": """
        create table item (id integer, name text); create view items as select id from item;
        select id from items; alter table item drop column id cascade;
    """,
    "a schema with another name": """
        create schema other; alter schema other rename to another; create table another.item (id integer);
    """,
}


@pytest.mark.parametrize("case", WRITTEN)
def test_a_new_script_is_run_as_it_is_written(project: MakeProject, database: str, case: str) -> None:
    """A script that has not been run is sent whole where its statements build on each other, and verified then."""
    folder = project({"010_script.sql": WRITTEN[case]}, options={"010_script.sql": {"run": "once"}})
    result = call("apply", "--dsn", database, folder=folder)
    assert result.code == 0, result


RENAMED = {
    "a column of a view": "create view items as select 1 as id; alter view items rename column id to number;",
    "a column of a materialized view": """
        create materialized view if not exists items as select 1 as id;
        alter materialized view items rename column id to number;
    """,
    "a column of a table": """
        create table if not exists item (id integer); alter table item rename column id to number;
    """,
}


@pytest.mark.parametrize("case", RENAMED)
def test_what_is_renamed_is_not_renamed_again(project: MakeProject, database: str, case: str) -> None:
    """A script that is run always and renames something can be run again."""
    folder = project({"010_script.sql": RENAMED[case]})
    results = [call("apply", "--dsn", database, folder=folder) for _ in range(2)]
    assert [result.code for result in results] == [0, 0], results[1]
