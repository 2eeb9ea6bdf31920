"""The package as programs use it: the page's examples, its types, and what it leaves alone."""

from __future__ import annotations

import inspect
import re
import signal
import subprocess
import sys
import threading
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import runner
from tests.conftest import MakeProject
from tests.support.pages import Page, rows
from tests.support.projects import ROOT, copy_project, runner_environment, until
from tests.support.runs import LONGEST

if TYPE_CHECKING:
    from psycopg import Connection


PAGE = Page(ROOT / "docs" / "library.md")
START, TESTS, JOB = [block.text for block in PAGE.blocks if block.language == "python"]
(MYPY,) = [block.text for block in PAGE.blocks if block.language == "toml"]
FUNCTIONS = {function.__name__: function for function in (runner.load, runner.plan, runner.apply, runner.verify)}
ITEM = {"010_item.sql": "create table if not exists item (id integer);"}


def python(*arguments: str | Path, folder: Path, text: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        check=False,
        capture_output=True,
        cwd=folder,
        encoding="utf-8",
        env=runner_environment(variables),
        input=text,
        timeout=LONGEST,
    )


def write(folder: Path, text: str, name: str = "example.py") -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return name


# The page


def test_the_start_of_a_service(tmp_path: Path, database: str, connection: Connection) -> None:
    """The example applies and prints nothing; on a database that cannot be as declared it ends with the reason."""
    example = write(copy_project(tmp_path), START)
    ended = python(example, folder=tmp_path, DATABASE_URL=database)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert runner.verify(runner.load(tmp_path / "manifest.toml"), database).ok
    connection.execute("alter table sync_config add unique (description)")
    ended = python(example, folder=tmp_path, DATABASE_URL=database)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.splitlines()[0] == "error: not as declared: 1 finding"


def test_the_fixture_of_tests(tmp_path: Path, database: str) -> None:
    """The example is a test that passes, and that finds what is done to the database."""
    example = write(copy_project(tmp_path), TESTS, "test_example.py")
    arguments = ("-m", "pytest", "-q", "-p", "no:cacheprovider", example)
    ended = python(*arguments, folder=tmp_path, TEST_DATABASE_URL=database)
    assert ended.returncode == 0, ended.stdout
    assert "1 passed" in ended.stdout


@pytest.mark.parametrize("answer", ["yes", "no"])
def test_the_job_that_asks_first(tmp_path: Path, database: str, connection: Connection, answer: str) -> None:
    """The example shows each step, and applies the plan only when it is told to."""
    example = write(copy_project(tmp_path), JOB)
    ended = python(example, folder=tmp_path, text=answer, DATABASE_URL=database)
    assert ended.returncode == 0, ended.stderr
    assert re.search(r"^sql/020_tables\.sql:[0-9]+: create: missing: table jira_issues_v2", ended.stdout, re.MULTILINE)
    (found,) = connection.execute("select to_regclass('jira_issues_v2') is not null").fetchone() or ()
    assert found == (answer == "yes")


def test_the_examples_have_types(tmp_path: Path) -> None:
    """mypy --strict knows the types of the package, with the setting that the page gives."""
    settings = write(tmp_path, f"[tool.mypy]\nstrict = true\n{MYPY}", "pyproject.toml")
    wrong = "plan.pending + ''\nrunner.aply\nreveal_type(runner.verify(loaded).findings)\n"
    names = [write(tmp_path, text, name) for name, text in (("a.py", START), ("b.py", TESTS), ("c.py", JOB))]
    names.append(write(tmp_path, JOB + wrong, "wrong.py"))
    ended = python("-m", "mypy", "--config-file", settings, *names, folder=tmp_path, MYPYPATH=str(ROOT))
    own = [line for line in ended.stdout.splitlines() if re.match(r"(a|b|c|wrong)\.py:", line)]
    assert [line.partition(": ")[0].partition(":")[0] for line in own] == ["wrong.py"] * 3, ended.stdout
    assert "Unsupported operand types" in own[0]
    assert 'Module has no attribute "aply"' in own[1]
    assert 'Revealed type is "tuple[runner.verification.finding.Finding, ...]"' in own[2]


def test_the_page_names_what_there_is() -> None:
    """Everything that the package offers is on the page, and every attribute on the page is there."""
    named = set(re.findall(r"`(\w+)", PAGE.text))
    assert set(runner.__all__) - named == {"__version__"}
    rows = re.findall(r"^\| (?:`(\w+)`)? ?\| (`.*?`) \|", PAGE.section("Types"), flags=re.MULTILINE)
    type_, unknown = "", []
    for name, attributes in rows:
        type_ = name or type_
        known = {*dir(getattr(runner, type_)), *inspect.get_annotations(getattr(runner, type_))}
        unknown += [(type_, attribute) for attribute in re.findall(r"`(\w+)`", attributes) if attribute not in known]
    assert len(rows) > 20
    assert unknown == []


def test_the_page_has_every_argument() -> None:
    """The second table of the page has exactly the arguments of the four functions, with their defaults."""
    signatures = {name: inspect.signature(function).parameters for name, function in FUNCTIONS.items()}
    table = {row[0].strip("`"): row for row in rows(PAGE.section("The package")) if "(" not in row[0]}
    assert set(table) == {name for parameters in signatures.values() for name in parameters}
    for name, (_, of, meaning) in table.items():
        named = set(re.findall(r"`(\w+)`", of))
        having = {function for function, parameters in signatures.items() if name in parameters}
        assert having == (FUNCTIONS.keys() - named if of.startswith("all but") else named)
        defaults = {signatures[function][name].default for function in having}
        numbers = [f"default {each}" for each in defaults if isinstance(each, int)]
        assert re.findall("default [0-9]+", meaning) == numbers


# The package


def test_the_package_offers_exactly_its_names() -> None:
    """Each name of __all__ is there, the functions not hidden by modules; any other is an AttributeError."""
    offered: dict[str, object] = {}
    exec("from runner import *", offered)  # noqa: S102
    assert set(offered) - {"__builtins__"} == set(runner.__all__)
    assert [callable(function) for function in (runner.load, runner.plan, runner.apply, runner.verify)] == [True] * 4
    with pytest.raises(AttributeError, match="module 'runner' has no attribute 'aply'"):
        _ = runner.aply  # type: ignore[attr-defined]


def test_importing_it_is_cheap() -> None:
    """Nothing else is imported before it is used."""
    loaded = python("-c", "import runner, sys; print(*sys.modules)", folder=ROOT).stdout.split()
    assert "runner" in loaded
    assert [name for name in loaded if name.startswith("runner.")] == ["runner.version"]
    assert not {"msgspec", "psycopg", "jinja2", "postgast", "click"} & set(loaded)


def test_the_stages_one_after_the_other(project: MakeProject, database: str, capfd: pytest.CaptureFixture[str]) -> None:
    """A plan is pending, its hash is accepted, the database is verified, and the next plan is empty; all in silence."""
    loaded = runner.load(project(ITEM) / "manifest.toml")
    planned = runner.plan(loaded, database)
    assert [step.action for script in planned.scripts for step in script.steps] == ["create"]
    result = runner.apply(loaded, database, expect=planned.hash)
    assert [script.status for script in result.scripts] == ["applied"]
    assert runner.verify(loaded, database).ok
    assert runner.plan(loaded, database).pending == 0
    with pytest.raises(runner.DatabaseError, match="not the expected"):
        runner.apply(loaded, database, expect="0")
    assert capfd.readouterr() == ("", "")


def test_it_works_in_a_thread_and_takes_no_signal(project: MakeProject, database: str) -> None:
    """In a thread no signal handler could be installed; the handlers of the program stay."""
    loaded = runner.load(project(ITEM) / "manifest.toml")
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    results: list[runner.ApplyResult] = []
    thread = threading.Thread(target=lambda: results.append(runner.apply(loaded, database)))
    thread.start()
    thread.join(LONGEST)
    assert [result.verification.ok for result in results] == [True]
    runner.apply(loaded, database)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


INTERRUPTED = """
import runner, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    runner.apply(runner.load("manifest.toml"))
except KeyboardInterrupt:
    print("interrupted")
"""


def test_an_interruption_ends_a_run(project: MakeProject, database: str, connection: Connection) -> None:
    """Ctrl-C is the KeyboardInterrupt that programs know, and what was running on the server is cancelled."""
    folder = project({"010_sleep.sql": "select pg_sleep(300);"})
    sessions = "select from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'"
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED],
        cwd=folder,
        env=runner_environment({"DATABASE_URL": database}),
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as running:
        until(lambda: connection.execute(sessions).rowcount == 1, running)
        running.send_signal(signal.SIGINT)
        assert running.communicate(timeout=LONGEST)[0] == "interrupted\n"
    until(lambda: connection.execute(sessions).rowcount == 0)


def test_what_is_not_as_declared_is_an_error(project: MakeProject, database: str) -> None:
    """apply cannot be taken for a success: the error has the result, and names what failed, but not without end."""
    scripts = {"010_item.sql": "select 1 / 0;", "020_next.sql": "select 1;"}
    loaded = runner.load(project(scripts, checks={"010_all.sql": "select generate_series(1, 30);"}) / "manifest.toml")
    with pytest.raises(runner.FindingsError) as caught:
        runner.apply(loaded, database)
    first, *others = str(caught.value).splitlines()
    assert first == "not as declared: 32 findings"
    assert others[-1] == "  … and 12 more"
    error = caught.value.result.scripts[0].error
    assert isinstance(error, runner.StatementError)
    assert (error.server.sqlstate, error.place) == ("22012", "script/010_item.sql:1")
    assert [script.status for script in caught.value.result.scripts] == ["failed", "skipped"]
    assert len(runner.verify(loaded, database).findings) == 30


def test_what_a_run_says_is_told(project: MakeProject, database: str, connection: Connection) -> None:
    """A run that waits for another one tells whom, through `say`, and gives up with an error."""
    loaded = runner.load(project(ITEM) / "manifest.toml")
    connection.execute("select pg_advisory_lock(hashtextextended('runner public.runner_history', 0))")
    said: list[str] = []
    with pytest.raises(runner.DatabaseError, match="another run holds the lock"):
        runner.apply(loaded, database, lock_wait=0.1, say=said.append)
    assert [line.startswith("waiting up to 0.1 s for another run to end: pid ") for line in said] == [True]


VARIABLES = {"size": 1, "ratio": 0.5, "word": "a", "flag": True, "items": [1]}


def test_variables_are_values(project: MakeProject) -> None:
    """Other values for variables are Python's, and a whole number may stand for a float."""
    folder = project({"010_a.sql": "select {{ size }}, {{ ratio }}, {{ word }}, {{ items }};"}, variables=VARIABLES)
    loaded = runner.load(folder / "manifest.toml", {"size": 2, "ratio": 3, "word": "2", "items": ["x"]})
    assert loaded.scripts[0].statements[0].sql == """select 2, 3.0, '2', '["x"]'::jsonb"""


WRONG = [
    ({"other": 1}, "variables: the manifest has no variable 'other'; it has: size, ratio, word, flag, items"),
    ({"size": "2"}, "variables: size is of type int in the manifest, not '2'"),
    ({"size": True}, "variables: size is of type int in the manifest, not True"),
    ({"ratio": float("nan")}, "variables: ratio: expected a finite number, not nan"),
    ({"word": "a\0"}, "variables: word: NUL character; PostgreSQL cannot store it"),
    ({"flag": None}, "variables: flag is of type bool in the manifest, not None"),
]


@pytest.mark.parametrize(("variables", "message"), WRONG)
def test_wrong_variables_are_input_errors(project: MakeProject, variables: dict[str, object], message: str) -> None:
    """A variable that is not there, or a value of another type, is told by its name."""
    folder = project({"010_a.sql": "select 1;"}, variables=VARIABLES)
    with pytest.raises(runner.InputError) as caught:
        runner.load(str(folder / "manifest.toml"), variables)
    assert str(caught.value) == message


DSNS = {
    "no connection string": ("postgresql://u:s3cret@h:p:o:r:t/", runner.InputError, "dsn: "),
    "an unquoted @": ("postgresql://u:x@s3cret@h/", runner.InputError, "dsn: "),
    "no server": ("postgresql://u:s3cret@localhost:1/db", runner.ConnectError, "dsn: cannot connect: "),
    "an unknown option": ("host=localhost password=s3cret s3cret=1", runner.InputError, "dsn: "),
}


@pytest.mark.parametrize("case", DSNS)
def test_errors_hold_no_password(project: MakeProject, case: str) -> None:
    """Neither the text of an error nor its traceback, causes included, has the password."""
    dsn, type_, start = DSNS[case]
    loaded = runner.load(project(ITEM) / "manifest.toml")
    for function in (runner.plan, runner.apply, runner.verify):
        with pytest.raises(type_) as caught:
            function(loaded, dsn, wait=0)
        text = "".join(traceback.format_exception(caught.value))
        assert str(caught.value).startswith(start)
        assert "s3cret" not in text
        assert "s3cret" not in repr(caught.value)


def test_the_environment_names_the_database(
    project: MakeProject, database: str, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a dsn, the database is found as the commands find it."""
    monkeypatch.setenv("DATABASE_URL", database)
    runner.apply(runner.load(project(ITEM) / "manifest.toml"))
    assert connection.execute("select to_regclass('item') is not null").fetchone() == (True,)


def test_no_connection_stays_open(project: MakeProject, database: str, connection: Connection) -> None:
    """Each function closes its connections, after an error too."""
    loaded = runner.load(project({**ITEM, "020_b.sql": "select 1 / 0;"}) / "manifest.toml")
    for function in (runner.plan, runner.verify):
        function(loaded, database)
    with pytest.raises(runner.FindingsError):
        runner.apply(loaded, database)
    sessions = "select from pg_stat_activity where datname = current_database() and application_name like 'runner %'"
    until(lambda: connection.execute(sessions).rowcount == 0)


def test_another_target_schema(project: MakeProject, database: str, connection: Connection) -> None:
    """The same files serve several schemas of a database."""
    loaded = runner.load(project(ITEM) / "manifest.toml")
    for schema in ("north", "south"):
        assert runner.apply(loaded.for_schema(schema), database).verification.ok
    found = connection.execute("select schemaname from pg_tables where tablename = 'item' order by 1").fetchall()
    assert found == [("north",), ("south",)]
