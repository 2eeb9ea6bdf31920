"""What `check` finds without a database, rule by rule; its forms for people, programs and GitHub; and squawk's part."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from psycopg import Connection

from runner.errors import InputError
from runner.lint import linter, squawk
from runner.lint.diagnostics import INPUT, Diagnostic, diagnostic_of
from runner.lint.rules import SEVERITIES, check_rules, long_names_in
from runner.project.loading import load
from runner.project.manifest import load_manifest
from runner.project.templates import render
from runner.report.lint_text import annotation
from runner.sql.parser import parse
from runner.sql.simulation import declare
from tests.conftest import MakeProject, Run
from tests.support.projects import CASES, ROOT, TIME, copy_project, write_project
from tests.support.random_schemas import MORE, Script, pairs
from tests.support.servers import Server

RULES = tomllib.loads((CASES / "check.toml").read_text(encoding="utf-8"))
FOUND = [(rule, name) for rule, cases in RULES["found"].items() for name in cases]
CLEAN = [(rule, name) for rule, cases in RULES["clean"].items() for name in cases]


def flaws(folder: Path) -> list[Diagnostic]:
    """Return what is found by the runner's own rules."""
    return [flaw for flaw in linter.check(folder / "manifest.toml").flaws if not flaw.rule.startswith("squawk")]


def flaws_of(project: MakeProject, case: Any) -> list[Diagnostic]:
    """Return what is found in a case, which is accepted by all commands."""
    sample = {"sql": case} if isinstance(case, str) else case
    options = {"010_script.sql": {"run": sample.get("run", "always"), "allow_destructive": True}}
    folder = project({"010_script.sql": sample["sql"]}, options=options)
    load(folder / "manifest.toml")
    return flaws(folder)


@pytest.mark.parametrize(("rule", "name"), FOUND)
def test_what_is_found(project: MakeProject, rule: str, name: str) -> None:
    """A rule tells each of its bad samples once: with its place in the file, what is wrong, and what to do."""
    case = RULES["found"][rule][name]
    (flaw,) = [flaw for flaw in flaws_of(project, case) if flaw.rule == rule]
    assert (f"{flaw.line}:{flaw.column}", flaw.message) == (case["at"], case["message"])
    assert flaw.hint == case.get("hint", flaw.hint)
    assert flaw.hint
    assert (flaw.file, flaw.severity) == ("script/010_script.sql", SEVERITIES[rule])


@pytest.mark.parametrize(("rule", "name"), CLEAN)
def test_what_is_not_found(project: MakeProject, rule: str, name: str) -> None:
    """A rule is silent where the scripts do not tell for certain that something is wrong."""
    assert [flaw for flaw in flaws_of(project, RULES["clean"][rule][name]) if flaw.rule == rule] == []


def test_scripts_are_read_one_after_the_other(project: MakeProject) -> None:
    """What one script declares counts for the next; the place that is told is in the script that declared it."""
    scripts = {
        "010_item.sql": "-- runner: allow no-comment because they are small\n\ncreate table item (id integer);",
        "020_index.sql": "create index i on item (id, no);\ncreate table item (id integer);",
        "030_column.sql": "alter table item add column if not exists no text;  -- runner: allow no-comment because so",
    }
    found = flaws(project(scripts))
    assert [(flaw.file, flaw.message) for flaw in found] == [
        ("script/020_index.sql", "column item.no is declared only later, at script/030_column.sql:1"),
        ("script/020_index.sql", "table item is declared already, at script/010_item.sql:3"),
    ]


def test_a_script_that_means_another_schema(project: MakeProject) -> None:
    """What a script makes after it has set search_path is not taken for an object of the target schema."""
    scripts = {
        "010_there.sql": "set search_path to other;\ncreate table item (id integer);",
        "020_here.sql": "create table item (no integer);\ncreate index i on item (no);",
    }
    options = {name: {"run": "once"} for name in scripts}
    assert {flaw.rule for flaw in flaws(project(scripts, options=options))} == {"no-comment"}


def test_a_statement_that_is_nested_deeply(project: MakeProject) -> None:
    """Of a statement that cannot be read as a tree, only its names are looked at."""
    name = "long_" * 13
    condition = f"{'abs(' * 60}{name}{')' * 60} > 0"
    found = flaws(project({"010_item.sql": f"insert into item (id) select 1 from item where {condition};"}))
    assert [flaw.rule for flaw in found] == ["long-name"]


def test_a_long_name_is_allowed_by_a_comment(project: MakeProject) -> None:
    """As every warning about a script is; `check` accepts the project either way."""
    name = "long_" * 13
    folder = project({"010_item.sql": f"-- runner: allow long-name because x\ncreate sequence {name};"})
    assert flaws(folder) == []
    assert linter.check(write_project(folder, {"010_item.sql": f"create sequence {name};"}) / "manifest.toml").ok


def test_a_file_that_is_not_listed(project: MakeProject) -> None:
    """A numbered file beside the scripts or the checks that the manifest does not list is told; other files are not."""
    folder = project({"010_item.sql": "select 1;"}, checks={"010_item.sql": "select 1 where false;"})
    assert flaws(folder) == []
    for name in ("script/020_late.sql", "check/020_late.sql", "script/notes.sql", "script/030_late.sql.orig"):
        (folder / name).write_text("select 1;")
    assert [(flaw.rule, flaw.severity, flaw.file) for flaw in flaws(folder)] == [
        ("unlisted", "warning", "check/020_late.sql"),
        ("unlisted", "warning", "script/020_late.sql"),
    ]


def test_every_rule_has_its_samples_and_its_description() -> None:
    """No rule is without a bad sample, a good one, and its section in the documentation."""
    page = (ROOT / "docs" / "check.md").read_text(encoding="utf-8")
    assert set(RULES["found"]) == set(RULES["clean"]) == set(SEVERITIES)
    assert [rule for rule in SEVERITIES if f"### {rule}\n" not in page] == []


def test_this_project_is_clean() -> None:
    """Nothing is found in the scripts of this repository, by the runner or by squawk."""
    checked = linter.check(ROOT / "manifest.toml")
    assert checked.has_squawk
    assert checked.flaws == ()


# What PostgreSQL does with the samples

PRELUDE = """
    create table other (id integer, name text, no integer);
    insert into other values (1, 'x', 1);
    create function f() returns trigger language plpgsql as 'begin return new; end';
"""
ITEM = """
    create table item (id integer unique default 7, name text, no integer);
    insert into item values (1, 'x', 1);
    create sequence item_id_seq;
"""


def sample(kind: str, rule: str, name: str) -> str:
    case = RULES[kind][rule][name]
    return str(case if isinstance(case, str) else case["sql"])


@pytest.fixture(scope="module")
def shared(server: Server) -> Iterator[Connection]:
    """A connection that the samples share, each in a transaction that is rolled back."""
    with server.database() as dsn, psycopg.connect(dsn, autocommit=True) as opened:
        yield opened


def codes_of(connection: Connection, sql: str, *, item: bool = False) -> set[str | None]:
    """Return the codes of the notices and of the error that a script gets, where there are other tables."""
    codes: set[str | None] = set()

    def hear(notice: psycopg.errors.Diagnostic) -> None:
        codes.add(notice.sqlstate)

    connection.add_notice_handler(hear)
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(PRELUDE + (ITEM if item and "create table item" not in sql else ""))
            connection.execute(sql.encode())
    except psycopg.Error as error:
        codes.add(error.sqlstate)
    finally:
        connection.remove_notice_handler(hear)
    return codes


@pytest.mark.parametrize("name", RULES["found"]["long-name"])
def test_the_server_cuts_a_long_name(shared: Connection, name: str) -> None:
    """PostgreSQL cuts each name that is told, and says so in no more than a notice."""
    assert codes_of(shared, sample("found", "long-name", name), item=True) == {"42622"}


@pytest.mark.parametrize("name", RULES["clean"]["long-name"])
def test_the_server_keeps_a_name_that_fits(shared: Connection, name: str) -> None:
    """It cuts none of those that are not told."""
    assert codes_of(shared, sample("clean", "long-name", name)) == set()


@pytest.mark.parametrize("name", RULES["found"]["defined-twice"])
def test_the_server_does_not_make_it_again(shared: Connection, name: str) -> None:
    """PostgreSQL refuses a second definition, or skips it with a notice."""
    sql = sample("found", "defined-twice", name)
    assert codes_of(shared, sql, item="trigger" in sql) & {"42P07", "42701", "42710"}


@pytest.mark.parametrize("name", RULES["clean"]["defined-twice"])
def test_the_server_makes_both(shared: Connection, name: str) -> None:
    """PostgreSQL refuses none of the samples that are not told; it skips what may be there."""
    skipped = {"42P06", "42710", "42701"} if "may be there" in name else set()
    assert codes_of(shared, sample("clean", "defined-twice", name)) <= skipped


@pytest.mark.parametrize("name", RULES["found"]["unknown-column"])
def test_the_server_knows_no_such_column(shared: Connection, name: str) -> None:
    """PostgreSQL refuses what names a column that the scripts have not declared there."""
    assert codes_of(shared, sample("found", "unknown-column", name)) == {"42703"}


def is_loud(dsn: str, sql: str) -> bool:
    """Return whether a second run of the data statements fails, takes a transaction id, or moves a sequence."""
    parsed = parse(render("sample.sql", sql, {}), schema="public")
    data = [statement.sql.encode() for statement in parsed.statements if statement.is_data]
    moved = "select coalesce(sum(last_value), 0) from pg_sequences"
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(PRELUDE + (ITEM if "create table item" not in sql else ""))
        try:
            connection.execute(sql.encode())
            before = connection.execute(moved).fetchone()
            with connection.transaction():
                for statement in data:
                    connection.execute(statement)
                taken = connection.execute("select pg_current_xact_id_if_assigned()").fetchone()
        except psycopg.errors.UniqueViolation:
            return True
        return taken != (None,) or connection.execute(moved).fetchone() != before


@pytest.mark.parametrize("name", RULES["found"]["not-quiet"])
def test_what_is_told_is_loud(database: str, name: str) -> None:
    """With nothing left to do, a statement that is told fails, takes a transaction id, or moves a sequence."""
    assert is_loud(database, sample("found", "not-quiet", name))


QUIET = [name for name, case in RULES["clean"]["not-quiet"].items() if isinstance(case, str)]


@pytest.mark.parametrize("name", QUIET)
def test_what_is_not_told_is_quiet(database: str, name: str) -> None:
    """One that is not told does none of that, where it is run always."""
    assert not is_loud(database, sample("clean", "not-quiet", name))


UNSAFE = {
    "security-definer": """
        select exists (
            select from pg_proc where prosecdef and prosqlbody is null
            and not exists (select from unnest(proconfig) as setting where setting like 'search_path=%')
        )
    """,
    "public-create": "select exists (select from pg_namespace, aclexplode(nspacl) where nspname = 's' and grantee = 0"
    " and privilege_type = 'CREATE')",
}
"""What the catalog says when a rule is right."""


@pytest.mark.parametrize(
    ("kind", "rule", "name"),
    [(kind, rule, name) for kind in ("found", "clean") for rule in UNSAFE for name in RULES[kind][rule]],
)
def test_the_server_gives_what_is_told(shared: Connection, kind: str, rule: str, name: str) -> None:
    """After a sample that is told, and no other, others have what was not meant."""
    with shared.transaction(force_rollback=True):
        shared.execute(sample(kind, rule, name).encode())
        assert shared.execute(UNSAFE[rule].encode()).fetchone() == (kind == "found" or name == "allowed",)


def test_hidden_characters_of_all_files(tmp_path: Path) -> None:
    """The manifest, the mappings, checks, and scripts that cannot be read, are looked at too."""
    folder = copy_project(tmp_path)
    for file, before in (("manifest.toml", "# "), ("field_mappings.json", '"name": "')):
        text = (folder / file).read_text()
        assert before in text
        (folder / file).write_text(text.replace(before, f"{before}\u2066", 1))
    (folder / "sql" / "020_tables.sql").write_text("select 1;\nselect 'a\u202e")
    (folder / "sql" / "checks" / "020_sync_config.sql").write_text("select 1 where false; -- \u2066")
    found = {Path(flaw.file).name: flaw for flaw in flaws(folder) if flaw.rule == "hidden-character"}
    assert set(found) == {"manifest.toml", "field_mappings.json", "020_tables.sql", "020_sync_config.sql"}
    assert found["020_tables.sql"].notes == (r"select 'a\u202e", "         ^")


def accepted(connection: Connection, script: Script) -> Script:
    """Return the statements that PostgreSQL accepts, one after the other, in a transaction that is rolled back."""
    done = []
    with connection.transaction(force_rollback=True):
        for statement in script:
            with suppress(psycopg.Error), connection.transaction():
                connection.execute(statement.encode())
                done.append(statement)
    return done


@settings(
    max_examples=int(MORE or 25), derandomize=MORE is None, deadline=None, suppress_health_check=list(HealthCheck)
)
@pytest.mark.long
@given(pair=pairs())
def test_no_false_alarm(
    shared: Connection, tmp_path_factory: pytest.TempPathFactory, pair: tuple[Script, Script]
) -> None:
    """Of scripts that PostgreSQL accepts, whatever they declare, `check` says that comments are missing, no more."""
    folder = write_project(tmp_path_factory.mktemp("check"), {"010_a.sql": ""}, options={"010_a.sql": {"run": "once"}})
    project = load_manifest(folder / "manifest.toml")
    for script in pair:
        text = "".join(f"{statement};\n" for statement in accepted(shared, script))
        parsed = parse(render("script/010_a.sql", f"{{% raw %}}{text}{{% endraw %}}", {}), schema="public")
        found = [*long_names_in(parsed), *check_rules(project, (parsed,), declare((parsed,)))]
        assert {flaw.rule for flaw in found} <= {"no-comment"}, text


# All that is wrong, at once

BROKEN = {
    "010_first.sql": "create table item (id integer);\nvacuum;\ndrop table item;",
    "020_second.sql": "select {{ nope }};",
    "030_third.sql": "select 1;\ncreat table x ();",
    "040_fourth.sql": "create extension a\u202e;",
}
CHECKS = {"010_write.sql": "delete from item;", "020_empty.sql": ""}


def test_all_that_is_wrong_is_told(project: MakeProject, run: Run) -> None:
    """Each broken file, and each statement that is refused, is told in one go, in the order of the manifest."""
    project(BROKEN, checks=CHECKS)
    result = run("check")
    assert (result.code, result.err) == (2, "")
    heads = [line for line in result.out.splitlines() if line.startswith("error: ")]
    assert [re.sub(r"(:\d+): .*", r"\1", head) for head in heads] == [
        "error: script/010_first.sql:2",
        "error: script/010_first.sql:2",
        "error: script/010_first.sql:3",
        "error: script/020_second.sql:1",
        "error: script/030_third.sql:2",
        "error: script/040_fourth.sql:1",
        "error: check/010_write.sql:1",
        "error: check/020_empty.sql: empty; a check is a SELECT that returns the rows that are wrong",
    ]
    assert "  creat table x ();\n  ^" in result.out
    assert result.out.splitlines()[-1].startswith("not ok: 8 errors")


@pytest.mark.parametrize("broken", [*BROKEN, *CHECKS])
def test_check_and_the_other_commands_agree(project: MakeProject, broken: str) -> None:
    """What another command refuses is an error of `check`, with the same words; a long name is no more than that."""
    scripts = {"005_item.sql": "create table if not exists item (id integer);"}
    scripts |= {broken: BROKEN[broken]} if broken in BROKEN else {}
    folder = project(scripts, checks={broken: CHECKS[broken]} if broken in CHECKS else {})
    found = [flaw for flaw in flaws(folder) if flaw.rule == INPUT]
    if broken == "040_fourth.sql":
        load(folder / "manifest.toml")
        assert found == []
        return
    with pytest.raises(InputError) as refused:
        load(folder / "manifest.toml")
    assert diagnostic_of(refused.value) in found


def test_what_is_about_the_whole_is_an_error_of_check(project: MakeProject) -> None:
    """What makes the scripts together wrong is told as well: a table of the mappings, the history, or the lock file."""
    folder = project({"010_item.sql": "create table runner_history ();"})
    (flaw, *_) = flaws(folder)
    assert (flaw.file, flaw.rule) == (str(folder / "manifest.toml"), INPUT)
    assert flaw.message.startswith("run.history_table: a script makes a table 'runner_history' too")


def test_warnings_do_no_harm(project: MakeProject, run: Run) -> None:
    """A project with warnings alone is accepted; a quiet run does not show them."""
    project({"010_item.sql": "create table if not exists item ();"})
    result, quiet = run("check"), run("check", "--quiet")
    assert result.code == quiet.code == 0
    assert "warning: script/010_item.sql:1: table item has no comment [no-comment]\n  hint: add COMM" in result.out
    assert re.search(r"^ok: 1 scripts? .*; \d+ warnings?$", result.out, re.MULTILINE)
    assert quiet.said == ""


# For programs

LATER = {
    "010_item.sql": "create table item (id integer);\n\n{% for name in ['a', 'b'] %}\n"
    "create index {{ name | identifier }} on item (nmae, {{ name | identifier }});\n{% endfor %}\n"
}


def test_the_document(project: MakeProject, run: Run) -> None:
    """--json prints all findings in one document, each with its rule, severity, place, message and hint."""
    project(LATER)
    result = run("check", "--json")
    assert result.code == 2
    document = result.json
    assert (document["ok"], document["scripts"], document["tables"], document["indexes"]) == (False, 1, 1, 2)
    assert document["squawk"] is True
    own = [finding for finding in document["findings"] if finding["rule"] == "unknown-column"]
    assert own[0] == {
        "rule": "unknown-column",
        "severity": "error",
        "file": "script/010_item.sql",
        "line": 4,
        "column": own[0]["column"],
        "message": "no script declares column item.nmae",
        "notes": [],
        "hint": "the table has: id",
    }
    assert [finding["message"][-6:] for finding in own] == ["m.nmae", "item.a", "item.b"]


def test_what_a_loop_makes_is_told_once(project: MakeProject) -> None:
    """The same finding at the same place of the template is one finding, however often it was rendered."""
    messages = [flaw.message for flaw in flaws(project(LATER)) if flaw.rule == "unknown-column"]
    assert messages.count("no script declares column item.nmae") == 1


# For GitHub


def test_an_annotation_escapes_what_github_reads() -> None:
    """Line ends and percent signs are escaped in the message, colons and commas in the properties as well."""
    flaw = Diagnostic("a:b,c", "warning", "100 % of a, b: c\r\nd", "sql/x,y.sql", 3, 5, ("note",), "one\ntwo")
    assert annotation(flaw, Path("data:base/manifest.toml")) == (
        "::warning file=data%3Abase/sql/x%2Cy.sql,line=3,col=5,title=a%3Ab%2Cc"
        "::100 %25 of a, b: c%0D%0Ad%0Ahint: one%0Atwo"
    )


def test_annotations(project: MakeProject, run: Run, tmp_path: Path) -> None:
    """--format github prints each finding as an annotation, its path from the folder where the command is run."""
    folder = project(LATER)
    result = run("check", "--format", "github", "--manifest", f"{folder.name}/manifest.toml", folder=tmp_path.parent)
    assert result.code == 2
    lines = [line for line in result.out.splitlines() if "title=unknown-column" in line]
    assert lines[0].startswith(f"::error file={folder.name}/script/010_item.sql,line=4,")
    assert lines[0].endswith(",title=unknown-column::no script declares column item.nmae%0Ahint: the table has: id")


@pytest.mark.parametrize("file", ["db/manifest.toml", "db/schema.lock.toml", "field_mappings.json", ".squawk.toml"])
def test_the_path_of_an_annotation(file: str) -> None:
    """Paths begin where the command is run, of files that messages name from there and of those that they do not."""
    flaw = Diagnostic(INPUT, "error", "text", file)
    name = file.removeprefix("db/")
    assert annotation(flaw, Path("db/manifest.toml")) == f"::error file=db/{name},title=input::text"


def test_an_annotation_of_what_ends_the_command(project: MakeProject, run: Run) -> None:
    """A manifest that cannot be read is an annotation too, beside the message on stderr."""
    folder = project(LATER)
    (folder / "manifest.toml").write_text("[project]\nname = 1\n", encoding="utf-8")
    result = run("check", "--format", "github")
    assert result.code == 2
    assert result.out.startswith("::error file=manifest.toml,title=input::project.name: ")
    assert result.err.startswith("error: manifest.toml: project.name: ")


def test_one_format_at_a_time(project: MakeProject, run: Run) -> None:
    """JSON and annotations exclude each other."""
    project(LATER)
    result = run("check", "--json", "--format", "github")
    assert (result.code, result.json["error"]["place"]) == (2, "--format")


# squawk

CONFIGURATION = "pg_version = '15.0'\nexcluded_rules = ['require-lock-timeout', 'require-statement-timeout']\n"


def squawk_flaws(folder: Path) -> list[tuple[str, str, int | None, int | None]]:
    found = linter.check(folder / "manifest.toml").flaws
    return [(f.rule, f.file, f.line, f.column) for f in found if f.rule.startswith("squawk/")]


def test_squawk_points_at_the_template(project: MakeProject) -> None:
    """What squawk finds in rendered lines is told at the line of the template, once for all turns of a loop."""
    folder = project(
        {
            "010_item.sql": "{# a comment\nof two lines #}\n-- ä\n{% for name in ['a', 'b', 'c'] %}\n\n"
            "/* ü */ create table if not exists {{ name | identifier }} (\n    no integer\n);\n{% endfor %}\n"
            "/* ä */ alter table a drop column no;\n",
        },
        options={"010_item.sql": {"allow_destructive": True}},
    )
    (folder / ".squawk.toml").write_text(CONFIGURATION, encoding="utf-8")
    assert squawk_flaws(folder) == [
        ("squawk/prefer-bigint-over-int", "script/010_item.sql", 7, 8),
        ("squawk/ban-drop-column", "script/010_item.sql", 10, 23),
    ]


def test_squawk_is_told_what_is_a_transaction(project: MakeProject) -> None:
    """CONCURRENTLY is found fault with in a transaction alone, and where it is missing the runner sees to it."""
    alone = {"run": "once", "transaction": False}
    sql = "create index if not exists i on item (id);"
    scripts = {"010_item.sql": sql, "020_item.sql": "create index concurrently if not exists j on item (id);"}
    folder = project(scripts, options={"020_item.sql": alone})
    (folder / ".squawk.toml").write_text(CONFIGURATION, encoding="utf-8")
    assert squawk_flaws(folder) == []


@pytest.mark.parametrize("name", ["[a]", "*", "-x", "a b"])
def test_squawk_finds_each_folder(project: MakeProject, name: str) -> None:
    """A path that squawk would take for a pattern or an option is a path."""
    folder = project({"010_item.sql": "drop table if exists item;"}, options={"010_item.sql": {"run": "once"}})
    (folder / "script").rename(folder / name)
    text = (folder / "manifest.toml").read_text(encoding="utf-8")
    (folder / "manifest.toml").write_text(text.replace("script/", f"{name}/"), encoding="utf-8")
    assert ("squawk/ban-drop-table", f"{name}/010_item.sql", 1, 1) in squawk_flaws(folder)


def test_squawk_is_not_asked_for_what_the_runner_does(project: MakeProject) -> None:
    """A timeout that belongs into the manifest is missing in no script, and a name that is too long is told once."""
    name = "long_" * 13
    scripts = {"010_item.sql": f"alter table item add column if not exists {name} text;"}
    for settings_of_run, rules in (
        ({"lock_timeout": "5s"}, []),
        ({"lock_timeout": "00 ms"}, ["squawk/require-lock-timeout"]),
        ({}, []),
    ):
        assert [rule for rule, *_ in squawk_flaws(project(scripts, run=settings_of_run))] == rules


def test_squawk_may_be_ignored(project: MakeProject) -> None:
    """Its own comments and its own configuration keep their meaning; a path in it is the script's."""
    folder = project(
        {
            "010_item.sql": "-- squawk-ignore ban-drop-column\nalter table item drop no;",
            "020_item.sql": "alter table item drop no;",
        },
        options={name: {"run": "once"} for name in ("010_item.sql", "020_item.sql")},
    )
    excluded = f"excluded_paths = ['script/020_item.sql']\n{CONFIGURATION}"
    (folder / ".squawk.toml").write_text(excluded, encoding="utf-8")
    assert [rule for rule, *_ in squawk_flaws(folder) if "drop" in rule] == []
    excluded = f"excluded_paths = ['script/*.sql']\n{CONFIGURATION}"
    (folder / ".squawk.toml").write_text(excluded, encoding="utf-8")
    assert [flaw for flaw in linter.check(folder / "manifest.toml").flaws if "squawk" in flaw.rule] == []


def test_what_squawk_cannot_read_is_a_warning(project: MakeProject, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL's parser has the last word on what is SQL."""
    said = (
        '[{"file": "script/010_item.sql", "line": 0, "column": 7, "level": "Error", "message": "what?", "help": null, '
    )
    said += '"rule_name": "syntax-error", "column_end": 7, "line_end": 0}]'
    flaw = pretended(project, monkeypatch, f"#!/bin/sh\necho '{said}'\nexit 1\n")
    assert (flaw.rule, flaw.severity, flaw.message) == ("squawk/syntax-error", "warning", "what?")
    assert (flaw.line, flaw.column) == (1, 8)


def pretended(project: MakeProject, monkeypatch: pytest.MonkeyPatch, program: str) -> Diagnostic:
    """Return what is found with another program in the place of squawk."""
    folder = project({"010_item.sql": "select 1;"})
    other = folder / "squawk"
    other.write_text(program, encoding="utf-8")
    other.chmod(0o755)
    monkeypatch.setattr(linter, "find_squawk", lambda: str(other))
    (flaw,) = linter.check(folder / "manifest.toml").flaws
    return flaw


def test_a_configuration_that_squawk_refuses(project: MakeProject) -> None:
    """squawk's own complaint is an error of `check`, at its configuration."""
    folder = project({"010_item.sql": "select 1;"})
    (folder / ".squawk.toml").write_text("pg_version = \n", encoding="utf-8")
    (flaw,) = linter.check(folder / "manifest.toml").flaws
    assert (flaw.rule, flaw.severity, flaw.file) == ("squawk", "error", ".squawk.toml")
    assert flaw.message.startswith("squawk failed: Configuration error")


@pytest.mark.parametrize("program", ["#!/nowhere/sh\n", "#!/bin/sh\necho oh >&2; exit 3\n", "#!/bin/sh\necho '{}'\n"])
def test_a_squawk_that_fails(project: MakeProject, monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """A squawk that cannot be run, or says what nobody understands, is told as such."""
    flaw = pretended(project, monkeypatch, program)
    assert (flaw.rule, flaw.severity) == ("squawk", "error")
    assert flaw.message.startswith("squawk failed: ")


def test_squawk_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The squawk beside the interpreter comes first, then the one on the path; without either there is none."""
    assert squawk.find_squawk() == shutil.which("squawk", path=str(Path(sys.executable).parent))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert squawk.find_squawk() is None
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "squawk").touch(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{tmp_path / 'bin'}")
    assert squawk.find_squawk() == str(tmp_path / "bin" / "squawk")


def test_no_squawk_is_said_once(project: MakeProject, tmp_path: Path) -> None:
    """Without squawk `check` says so in one line, in the document in a field, and finds the rest."""
    project({"010_item.sql": "select 1;"})
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin" / "python"
    python.symlink_to(sys.executable)
    packages = os.pathsep.join([str(ROOT), *(path for path in sys.path if path.endswith("site-packages"))])
    variables = {"PATH": str(tmp_path / "bin"), "PYTHONPATH": packages}
    plain, document = (
        subprocess.run(
            [python, "-m", "runner", "check", *flags],
            check=True,
            capture_output=True,
            cwd=tmp_path,
            encoding="utf-8",
            env=variables,
            timeout=60,
        )
        for flags in ((), ("--json",))
    )
    assert TIME.sub("", plain.stderr).startswith("squawk is not installed; ")
    assert plain.stderr.endswith("(pip install squawk-cli)\n")
    assert plain.stdout.startswith("ok: 1 script")
    assert '"squawk": false' in document.stdout
