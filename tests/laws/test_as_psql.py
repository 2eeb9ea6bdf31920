"""As psql: on an empty database, apply leaves what psql leaves of the scripts, rendered, planned, or as written.

All examples of a source are applied one after the other, each to a database that is empty but for the schemas of those
before it, which are set aside under other names: so one dump shows what many examples have made. This dump, as one
always script, plans nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from difflib import unified_diff
from pathlib import Path

import psycopg
import pytest
from msgspec import Struct
from msgspec.structs import replace
from psycopg import Connection

from runner.errors import InputError, RunnerError, StatementError
from runner.execution.psql_script import DryRun, write_psql_script
from runner.pipeline.apply import apply_plan
from runner.pipeline.full_plan import plan_for_empty
from runner.pipeline.plan import plan_database
from runner.planning.model import Plan, ScriptPlan
from runner.project.loading import Project, load
from tests.laws.corpus import SOURCES, Example, Examples
from tests.support.dumps import phantoms, still_dump
from tests.support.servers import Server, program

SKIPPED = {
    r"\b(create|alter|drop) (role|user|group)\b(?! mapping)": "roles belong to the server, not to a database",
    r"\b(create|alter|drop) (database|tablespace)\b": "databases and tablespaces belong to the server",
    r"\balter system\b": "it is for the server",
    r"\bcreate subscription\b": "a database with a subscription cannot be dropped",
    r"\bset schema pg_catalog\b": "what is put into pg_catalog is there for all examples after it",
    r"pg_stat_statements rename\b": "a view of an extension is taken for renamed, and only psql notices",
    r"<database>": "databases have names of their own",
}
"""Examples that are not run, by what is in their scripts, and why."""
IF_EXISTS = "what no script makes counts as declared, though the statement says IF EXISTS"
MEMBER = "what a script does to an object of an extension or of the server is not compared"
FOUND = {
    "alter a member": MEMBER,
    "comment on a member": MEMBER,
    "alter a function of the server": MEMBER,
    "comment on a function of the server": MEMBER,
    "cluster item using item_name": "CLUSTER declares nothing, and ALTER TABLE CLUSTER ON does",
    "drop view items": "it is a materialized view",
    "drop by unicode escapes": "what is declared is built without statements that have such names",
    "what a DO has renamed": "what an opaque statement does is not declared",
    "alter materialized view if exists overdue set without cluster": IF_EXISTS,
    "alter sequence if exists loan_number restart with 7 owned by none": IF_EXISTS,
    "alter view if exists books alter column id set default 1": IF_EXISTS,
    "alter table if exists only book add column if not exists isbn text unique check (isbn <> ''), "
    "add constraint c check (id > 0)": IF_EXISTS,
}
"""Examples after which verify finds something, so that apply exits with 1, and why."""
ONLY_PLANNED = {
    "drop view items": "a view that is not there is taken for dropped, and there is a materialized view of its name",
    "constraints with and without a name": "a constraint that its table has already is not added again",
    "a function with other arguments": "a function without arguments is another one than psql takes it for",
    "drop an own table and a member": "a view of an extension is taken for dropped",
    "rename of a schema": "one that is not there is taken for renamed",
}
"""Examples that fail as they are written, and not, or with another error, as they are planned, and why."""
IS_DONE = re.compile(r"\b(drop|rename|set schema|is null)\b", re.IGNORECASE)
UNDEFINED = ("22023", "3F000", "42703", "42704", "42883", "42P01")
"""SQLSTATEs of DROP, RENAME, SET SCHEMA, IS NULL where the object, or who labels it, is not there: taken for done."""

SET_ASIDE = """
    select format('alter schema %I rename to %I', nspname, '{number} ' || nspname)
    from pg_namespace where nspname !~ '^(pg_|information_schema$|[0-9]{{3}} )'
    union all select 'create schema public'
"""
"""What leaves an empty database, but for what is in no schema."""
IN_NO_SCHEMA = """
    select extname from pg_extension where extname <> 'plpgsql'
    union all select pubname from pg_publication
    union all select evtname from pg_event_trigger
    union all select fdwname from pg_foreign_data_wrapper
    union all select lanname from pg_language where lanname not in ('internal', 'c', 'sql', 'plpgsql')
    union all select amname from pg_am where oid >= 16384
    union all select oid::text from pg_cast where oid >= 16384
    union all select oid::text from pg_largeobject_metadata
    union all select oid::text from pg_default_acl
"""
STOPS = "\\set ON_ERROR_STOP on\n"
COUNT = re.compile(r"^([0-9]+\t[^\t]+\t[0-9a-f]{64}\t\w+\t)[0-9]+", flags=re.MULTILINE)
"""How many statements the history says that a script has sent."""


class Run(Struct):
    """An example by the ways in which it was run, of which the first is `apply`."""

    name: str
    scripts: dict[str, str]
    """What psql is fed; what would be the same as "psql" is left out."""
    errors: dict[str, str] = {}
    """SQLSTATEs with messages; none when all went well."""
    left: dict[str, str] = {}
    """What pg_dump shows afterwards."""
    findings: tuple[str, ...] = ()

    def problems(self) -> Iterator[str]:
        """Return what is not alike."""
        failed = self.errors.get("apply", "")
        for way, script in self.scripts.items():
            error = self.errors.get(way, "")
            is_done = not failed and error.startswith(UNDEFINED) and IS_DONE.search(script)
            if way == "as written" and error and (is_done or self.name in ONLY_PLANNED):
                continue
            if error.partition(" ")[0] != failed.partition(" ")[0]:
                yield f"{way}: {error or 'no error'}; apply: {failed or 'no error'}"
            else:
                left = [comparable(self.left.get(each, ""), way, failed=bool(failed)) for each in (way, "apply")]
                one, other = (text.splitlines() for text in left)
                yield from unified_diff(one, other, way, "apply", lineterm="", n=0)
        if bool(self.findings) != (self.name in FOUND) and not failed:
            yield f"apply finds {self.findings}"


def comparable(text: str, way: str, *, failed: bool) -> str:
    """Return what a way has left, without what only its history tells: failures, and what a plan leaves out."""
    text = text if way == "dry run" else COUNT.sub(r"\1", text)
    has_own_history = failed or way == "as written"
    return re.sub(r"(?ms)^COPY [^\n]*runner_history.*?^\\\.$", "", text) if has_own_history else text


def loaded_project(connection: Connection, folder: Path, example: Example) -> Project | None:
    """Return the project of an example; None when it is refused before a server is asked."""
    if example.sample:
        scripts = {name: accepted(connection, text) for name, text in example.scripts.items()}
        example = example._replace(scripts=scripts)
    for way in example.ways:
        try:
            return load(example.write(folder, way) / "manifest.toml")
        except InputError:
            continue
    return None


def accepted(connection: Connection, script: str) -> str:
    """Return the script without the statements that the server refuses."""
    kept = []
    with connection.transaction(force_rollback=True):
        for sql in script.splitlines():
            try:
                with connection.transaction():
                    connection.execute(sql.encode())
            except psycopg.DatabaseError:
                continue
            kept.append(sql)
    return "\n".join(kept)


def applied(connection: Connection, loaded: Project, name: str) -> Run:
    """Apply a project, and return it with what psql is to be fed."""
    manifest, checks, empty = loaded.project.manifest, loaded.checks, plan_for_empty(loaded)
    plan = plan_database(connection, loaded, lambda _: None)
    rendered, planned, written = (
        write_psql_script(each, manifest, checks) for each in (empty, plan.plan, as_written(empty))
    )
    run = Run(name, {"psql": rendered})
    if planned != rendered:
        dry_run = DryRun("manifest.toml", "a database", "now", (), "0 pending")
        run.scripts["dry run"] = write_psql_script(plan.plan, manifest, checks, dry_run)
    if written != rendered:
        run.scripts["as written"] = written
    result = apply_plan(connection, loaded, plan)
    error = next((script.error for script in result.scripts if script.error), None)
    if error:
        run.errors["apply"] = said(error)
    run.findings = tuple(str(finding) for finding in result.verification.findings)
    return run


def said(error: RunnerError) -> str:
    code = error.server.sqlstate if isinstance(error, StatementError) else "none"
    return f"{code} {error.message}"


def as_written(plan: Plan) -> Plan:
    """Return the plan that sends all statements of the scripts that are run."""

    def whole(script: ScriptPlan) -> ScriptPlan:
        steps = (replace(s, action="run" if s.action == "unchanged" else s.action) for s in script.steps)
        return replace(script, steps=tuple(replace(step, sql=step.statement.sql) for step in steps))

    return replace(plan, scripts=tuple(script if script.in_setup else whole(script) for script in plan.scripts))


def feed(dsn: str, folder: Path, way: str, runs: Mapping[str, Run]) -> None:
    """Run scripts with psql, in one session as long as none fails that apply did not fail for."""
    numbers = list(runs)
    while numbers:
        script = folder / "psql.sql"
        script.write_text("".join(piece(runs[number], way, number) for number in numbers), encoding="utf-8")
        fed = program("psql", "-X", "-v", "VERBOSITY=verbose", "-d", dsn, "-f", script)
        heard = re.split(r"EXAMPLE ([0-9]{3})\n", fed.stderr)[1:]
        for number, text in zip(heard[::2], heard[1::2], strict=True):
            if error := re.search(r"(?:ERROR|FATAL):  (\w{5}: .*)", text):
                runs[number].errors[way] = error[1].replace(":", "", 1)
        if fed.returncode:
            with psycopg.connect(dsn, autocommit=True) as connection:
                set_aside(connection, heard[-2])
        numbers = numbers[numbers.index(heard[-2]) + 1 :]


def piece(run: Run, way: str, number: str) -> str:
    """Return what psql does for an example, which goes on after an error that is expected."""
    goes_on = "apply" in run.errors
    script = run.scripts[way].replace(STOPS, "" if goes_on else STOPS)
    end = "\\set ON_ERROR_STOP off\n" + ("rollback;\n" if goes_on else "")
    return f"\\warn EXAMPLE {number}\n{script}\n{end}discard all;\n{SET_ASIDE.format(number=number)}\\gexec\n"


def set_aside(connection: Connection, number: str) -> None:
    for (change,) in connection.execute(SET_ASIDE.format(number=number).encode()).fetchall():
        connection.execute(change)


def parts(dsn: str) -> dict[str, str]:
    """Return what pg_dump shows of each example, by its number, and what is in no schema."""
    text = re.sub(r"\nSET default_\w+ = .*\n|\n--\n-- PostgreSQL database dump complete\n.*", "", still_dump(dsn))
    found: dict[str, str] = {}
    for entry in re.split(r"\n--\n-- (?=(?:Data for )?Name: )", text)[1:]:
        head = entry.partition("\n")[0]
        number = re.search(r"Schema: ([0-9]{3}) ", head) or re.search(r"([0-9]{3}) ", head)
        key = number[1] if number else ""
        found[key] = found.get(key, "") + entry.strip() + "\n"
    return found


def some_runs(server: Server, folder: Path, examples: Iterator[tuple[int, tuple[str, Example]]]) -> Iterator[Run]:
    """Run examples, up to one that leaves something in no schema."""
    with ExitStack() as stack:
        databases = {way: stack.enter_context(server.database()) for way in ("apply", "psql", "dry run", "as written")}
        for dsn in databases.values():
            with psycopg.connect(dsn, autocommit=True) as connection:
                connection.execute("drop schema public; create schema public")
        with psycopg.connect(databases["apply"], autocommit=True, prepare_threshold=None) as connection:
            runs = dict(all_applied(connection, folder, examples))
        last = Run("what is in no schema", {"psql": ""})
        for way, dsn in databases.items():
            own = {number: run for number, run in runs.items() if way == "apply" or way in run.scripts}
            if way != "apply":
                feed(dsn, folder, way, own)
            for number, text in parts(dsn).items() if own else ():
                (own[number] if number else last).left[way] = text
        with psycopg.connect(databases["apply"], autocommit=True, prepare_threshold=None) as connection:
            last.findings = tuple(phantoms(connection, databases["apply"], folder))
        yield from runs.values()
        yield last


def all_applied(
    connection: Connection, folder: Path, examples: Iterator[tuple[int, tuple[str, Example]]]
) -> Iterator[tuple[str, Run]]:
    for position, (name, example) in examples:
        number = f"{position:03}"
        loaded = loaded_project(connection, folder, example)
        if loaded is None:
            continue
        yield number, applied(connection, loaded, name)
        connection.execute("discard all")
        set_aside(connection, number)
        if connection.execute(IN_NO_SCHEMA).fetchall():
            return


def is_skipped(example: Example) -> bool:
    return any(re.search(words, text, re.IGNORECASE) for words in SKIPPED for text in example.scripts.values())


def of(source: str) -> Examples:
    return ((name, example) for name, example in SOURCES[source]() if not is_skipped(example))


@pytest.mark.long
@pytest.mark.parametrize("source", SOURCES)
def test_an_empty_database_ends_as_psql_leaves_it(server: Server, tmp_path: Path, source: str) -> None:
    """What can be applied ends alike in all ways; what cannot fails with the same SQLSTATE."""
    examples, runs = enumerate(of(source)), []
    while len(some := list(some_runs(server, tmp_path, examples))) > 1:
        runs += some
    told = [f"{run.name}:\n    {line}" for run in runs if (line := "\n    ".join(run.problems()))]
    assert not told, "\n".join(told)
    assert len(runs) > len(list(of(source))) / 3


def test_nothing_is_skipped_or_excused_in_vain() -> None:
    """Each reason is one for an example."""
    examples = [(name, example) for source in SOURCES for name, example in SOURCES[source]()]
    texts = [text for _, example in examples for text in example.scripts.values()]
    assert [words for words in SKIPPED if not any(re.search(words, text, re.IGNORECASE) for text in texts)] == []
    assert {*FOUND, *ONLY_PLANNED} - {name for name, _ in examples} == set()
