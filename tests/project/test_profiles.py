"""Profiles: which scripts a choice brings in, what it requires of a database, and what each command makes of it."""

from __future__ import annotations

from pathlib import Path

import postgast
import psycopg
import pytest
from psycopg import Connection

import runner
from runner.errors import InputError
from runner.pipeline.declare import locked_facts
from runner.project.loading import load
from tests.conftest import MakeProject, Run
from tests.support.projects import ROOT, copy_project, run_runner
from tests.support.proxy import proxied
from tests.support.servers import dump, psql

ITEM = "create table if not exists item (id integer);"
SCRIPTS = {
    "010_item.sql": ITEM,
    "020_one.sql": "insert into item select 1 where not exists (select from item where id = 1);",
    "030_two.sql": "insert into item select 2 where not exists (select from item where id = 2);",
    "040_both.sql": "insert into item select 3 where not exists (select from item where id = 3);",
}
OPTIONS = {
    "020_one.sql": {"profiles": ["one"]},
    "030_two.sql": {"profiles": ["two"]},
    "040_both.sql": {"profiles": ["one", "two"]},
}
NOWHERE = "host=/nowhere"
READS = {"select_stmt", "transaction_stmt", "variable_set_stmt", "variable_show_stmt"}


@pytest.fixture
def small(project: MakeProject) -> Path:
    return project(SCRIPTS, options=OPTIONS)


def requiring(project: MakeProject, extension: str, script: str = "select 1 where false;") -> Path:
    """Write a project with a profile that requires an extension."""
    folder = project({"010_item.sql": ITEM, "020_more.sql": script}, options={"020_more.sql": {"profiles": ["more"]}})
    with (folder / "manifest.toml").open("a") as file:
        file.write(f'[[profile]]\nname = "more"\ndescription = "d"\nrequires_extension = "{extension}"\n')
    return folder


def paths(folder: Path, *chosen: str) -> list[str]:
    return [script.rendered.path for script in load(folder / "manifest.toml", (), chosen).scripts]


# What is chosen

CHOICES = {
    (): ["010_item.sql"],
    ("one",): ["010_item.sql", "020_one.sql", "040_both.sql"],
    ("two",): ["010_item.sql", "030_two.sql", "040_both.sql"],
    ("two", "one", "two"): list(SCRIPTS),
}


@pytest.mark.parametrize("chosen", CHOICES)
def test_a_choice(small: Path, chosen: tuple[str, ...]) -> None:
    """A script without profiles is always there, one with profiles when one of its own is chosen; the order stays."""
    assert paths(small, *chosen) == [f"script/{name}" for name in CHOICES[chosen]]


def test_a_choice_of_the_package(small: Path) -> None:
    """`runner.load` chooses as the option does."""
    loaded = runner.load(small / "manifest.toml", profiles=["one"])
    assert [script.rendered.path for script in loaded.scripts] == [f"script/{name}" for name in CHOICES["one",]]


def test_managed_roles_of_a_profile(project: MakeProject) -> None:
    """The section counts with its profiles alone; one that no script has is an error."""
    for profiles, chosen, managed in (
        ([], (), ("app",)),
        (["one", "two"], (), None),
        (["one", "two"], ("two",), ("app",)),
        (["two"], ("one",), None),
    ):
        roles = {"managed": ["app"], **({"profiles": profiles} if profiles else {})}
        folder = project(SCRIPTS, options=OPTIONS, roles=roles)
        assert load(folder / "manifest.toml", (), chosen).project.manifest.managed_roles == managed
    folder = project(SCRIPTS, options=OPTIONS, roles={"managed": ["app"], "profiles": ["one", "three"]})
    with pytest.raises(InputError, match=r"roles\.profiles\[1\]: no script is of the profile 'three'"):
        load(folder / "manifest.toml")


@pytest.mark.parametrize("command", ["apply", "plan", "verify", "status", "lock", "docs", "render", "check"])
@pytest.mark.usefixtures("small")
def test_an_unknown_profile(run: Run, command: str) -> None:
    """A name that no script has is an error that tells the known ones, before a server is asked."""
    where = () if command in ("render", "check") else ("--dsn", NOWHERE)
    result = run(command, "--profile", "one", "--profile", "three", *where)
    assert (result.code, result.out) == (2, "")
    assert result.err == "error: --profile: the manifest has no profile 'three'; it has: one, two\n"


def test_without_profiles(project: MakeProject, run: Run) -> None:
    """A manifest without profiles says so."""
    project({"010_item.sql": ITEM})
    assert run("check", "--profile", "one").err == "error: --profile: the manifest has no profile 'one'; it has: none\n"


def test_nothing_left(project: MakeProject, run: Run) -> None:
    """When every script is of a profile, one has to be chosen."""
    project({"010_item.sql": ITEM}, options={"010_item.sql": {"profiles": ["one"]}})
    result = run("check")
    assert (result.code, result.err) == (2, "error: --profile: every script is of a profile; choose one of: one\n")
    assert run("check", "--profile", "one").code == 0


LISTED = {
    "twice": ("more", "profile[1].name: 'more' is listed twice; remove one entry"),
    "of no script": (
        "mroe",
        "profile[1].name: no script is of the profile 'mroe'; name it in one, or correct the name",
    ),
}


@pytest.mark.parametrize("case", LISTED)
def test_a_list_that_is_wrong(project: MakeProject, case: str) -> None:
    """What a profile requires is said once, and of a profile that a script has: a slip would leave out the question."""
    name, expected = LISTED[case]
    folder = requiring(project, "pg_trgm")
    with (folder / "manifest.toml").open("a") as file:
        file.write(f'[[profile]]\nname = "{name}"\ndescription = "d"\n')
    with pytest.raises(InputError) as caught:
        load(folder / "manifest.toml")
    assert str(caught.value).removeprefix(str(folder)) == f"/manifest.toml: {expected}"
    assert caught.value.exit_code == 2


# What is checked


@pytest.mark.usefixtures("small")
def test_check_reads_the_scripts_of_all_profiles(run: Run) -> None:
    """It counts what is chosen, and says how many more it has checked."""
    assert "ok: 1 script with 1 statement, 3 of profiles that are not chosen, 0 checks; " in run("check").out
    assert "ok: 3 scripts with 3 statements, 1 of profiles that are not" in run("check", "--profile", "one").out
    assert "ok: 4 scripts with 4 statements, 0 checks" in run("check", "--profile", "one", "--profile", "two").out
    assert run("check", "--json").json["left_out"] == 3


BROKEN = {
    "a template": ("select {{ nope }};", "'nope' is undefined"),
    "SQL": ("selct 1;", 'syntax error at or near "selct"'),
    "a rule": ("drop table item;", "DROP in a script that is run always"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_script_of_a_profile(small: Path, run: Run, database: str, case: str) -> None:
    """`check` finds it without the profile; a run without the profile does not read it."""
    sql, message = BROKEN[case]
    (small / "script" / "030_two.sql").write_text(sql)
    for arguments in (("check",), ("check", "--profile", "one"), ("apply", "--profile", "two", "--dsn", NOWHERE)):
        result = run(*arguments)
        assert result.code == 2
        assert f"error: script/030_two.sql:1: {message}" in result.said
    assert run("apply", "--profile", "one", "--dsn", database).code == 0


# What is planned, applied and told


@pytest.mark.usefixtures("small")
def test_a_run_with_a_profile(run: Run, database: str, connection: Connection) -> None:
    """The history has its scripts, and a run, a plan or a status without it knows nothing of them."""
    assert run("apply", "--dsn", database).code == 0
    plain = run("plan", "--json", "--dsn", database).json
    assert {step["script"] for step in plain["steps"]} == {"script/010_item.sql"}
    assert run("apply", "--profile", "one", "--dsn", database).code == 0
    assert connection.execute("select id from item order by id").fetchall() == [(1,), (3,)]
    history = connection.execute("select run, script from runner_history order by run, script").fetchall()
    assert history == [(1, "script/010_item.sql"), (2, "script/020_one.sql"), (2, "script/040_both.sql")]
    status = run("status", "--dsn", database)
    assert "nothing is pending" in status.out
    assert "020_one" not in status.out
    assert "script/020_one.sql" in run("status", "--profile", "one", "--dsn", database).out
    for arguments in (("verify",), ("verify", "--profile", "two"), ("plan", "--check"), ("plan", "--profile", "two")):
        assert run(*arguments, "--dsn", database).code == 0


@pytest.mark.usefixtures("small")
def test_the_hash_of_a_plan(run: Run, database: str) -> None:
    """A plan with a profile is another one; the order of the options is none of its business."""

    def hashed(*chosen: str) -> str:
        options = [word for name in chosen for word in ("--profile", name)]
        return str(run("plan", "--json", "--dsn", database, *options).json["hash"])

    assert len({hashed(), hashed("one"), hashed("two"), hashed("one", "two")}) == 4
    assert hashed("two", "one") == hashed("one", "two")
    refused = run("apply", "--profile", "one", "--expect", hashed(), "--dsn", database)
    assert refused.code == 1
    assert "not the expected" in refused.err


def test_the_dry_run(small: Path, run: Run, database: str, connection: Connection) -> None:
    """It has the scripts of the profile, says with which option apply does the same, and psql takes it."""
    (small / "dry.sql").write_text(run("apply", "--profile", "one", "--dry-run", "--dsn", database).out)
    assert "'apply --profile one --expect " in (small / "dry.sql").read_text()
    ended = psql(database, small / "dry.sql")
    assert ended.returncode == 0, ended.stderr
    assert connection.execute("select id from item order by id").fetchall() == [(1,), (3,)]


def test_rendered_files(small: Path, run: Run) -> None:
    """`render` puts out what is chosen, as one script or as files."""
    assert "script/030_two.sql" in run("render", "--profile", "two").out
    assert "script/030_two.sql" not in run("render", "--profile", "one").out
    run("render", "--profile", "two", "--output", small / "out")
    assert sorted(path.name for path in (small / "out" / "script").iterdir()) == [
        "010_item.sql",
        "030_two.sql",
        "040_both.sql",
    ]


@pytest.mark.usefixtures("small")
def test_the_lock_of_scripts_that_make_nothing(run: Run, database: str) -> None:
    """Where a profile only reads and writes rows, one lock file is fresh with and without it."""
    assert run("lock", "--dsn", database).code == 0
    for chosen in ((), ("--profile", "one"), ("--profile", "two")):
        assert run("lock", "--check", "--dsn", database, *chosen).code == 0
        assert "not fresh" not in run("plan", "--dsn", database, *chosen).err


def test_the_lock_of_scripts_that_make_objects(small: Path, run: Run, database: str) -> None:
    """A lock holds for the choice that it was made with; another one says so, and goes on without it."""
    (small / "script" / "020_one.sql").write_text("create table if not exists more (id integer);")
    assert run("lock", "--profile", "one", "--dsn", database).code == 0
    assert "not fresh" not in run("plan", "--profile", "one", "--dsn", database).err
    other = run("plan", "--json", "--dsn", database)
    assert (other.code, other.json["pending"]) == (0, 1)
    assert "is not fresh (script/020_one.sql changed)" in other.err


# What is required

LACKS = """\
error: --profile: the database has no extension 'pg_trgm', which the profile 'more' requires; nothing was changed
  hint: an administrator says 'create extension pg_trgm;' in this database; or leave out --profile more
"""


def test_an_extension_that_the_server_has(project: MakeProject, run: Run, database: str) -> None:
    """Nothing is changed until an administrator has created the extension in the database."""
    requiring(project, "pg_trgm")
    before = dump(database)
    for command in ("apply", "plan", "verify", "status"):
        result = run(command, "--profile", "more", "--dsn", database)
        assert (result.code, result.err) == (1, LACKS)
    assert dump(database) == before
    assert run("plan", "--dsn", database).code == 0
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("create extension pg_trgm")
    assert run("apply", "--profile", "more", "--dsn", database).code == 0


def test_an_extension_that_a_script_makes(project: MakeProject, run: Run, database: str) -> None:
    """When the scripts create the extension themselves, it is enough that the server has it."""
    requiring(project, "pg_trgm", "create extension if not exists pg_trgm;")
    assert run("apply", "--profile", "more", "--dsn", database).code == 0


def test_an_extension_that_nobody_has(project: MakeProject, run: Run, database: str) -> None:
    """It has to be installed first, also when a script would create it."""
    requiring(project, "no_such", "create extension if not exists no_such;")
    result = run("apply", "--profile", "more", "--json", "--dsn", database)
    assert (result.code, result.json["error"]["place"]) == (1, "--profile")
    assert result.json["error"]["notes"] == [
        "hint: an administrator installs it on the server, and creates it in this database; or leave out --profile more"
    ]


def test_nothing_of_citus_is_sent_where_it_is_not(tmp_path: Path, database: str) -> None:
    """Of the project's own profile a server without the extension gets no statement: it is asked, and then left."""
    folder = copy_project(tmp_path)
    before = dump(database)
    with proxied(database) as (dsn, proxy):
        result = run_runner("apply", "--profile", "citus", "--dsn", dsn, folder=folder)
        asked = "pg_available_extensions"
        assert any(asked in sql for sql in proxy.sent)
        assert {str(postgast.parse(sql).stmts[0].stmt.WhichOneof("node")) for sql in proxy.sent} <= READS
        assert not [sql for sql in proxy.sent if "pg_dist" in sql or "create_" in sql or "/* sql/" in sql]
    assert result.code == 1
    assert (
        "the database has no extension 'citus', which the profile 'citus' requires; nothing was changed" in result.err
    )
    assert dump(database) == before


def test_nothing_of_citus_is_sent_without_the_profile(tmp_path: Path, database: str) -> None:
    """The scripts of the profile are no part of other runs, and nobody asks for it."""
    with proxied(database) as (dsn, proxy):
        result = run_runner("apply", "--dsn", dsn, folder=copy_project(tmp_path))
        assert not [sql for sql in proxy.sent if "pg_dist" in sql or "citus" in sql.lower()]
    assert result.code == 0, result
    assert "080_citus" not in result.out


def test_the_lock_of_this_project_holds_with_the_profile() -> None:
    """The profile declares nothing of its own: the committed lock is the one for both."""
    chosen = load(ROOT / "manifest.toml", (), ("citus",))
    assert locked_facts(chosen) == locked_facts(load(ROOT / "manifest.toml"))
    assert locked_facts(chosen) is not None
