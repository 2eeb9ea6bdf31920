"""Whatever it is given, the runner ends with an exit code that is documented, with one message, and tells no secret."""

from __future__ import annotations

import hashlib
import os
import shutil
import tomllib
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import psycopg
import pytest
import tomli_w
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from psycopg import Connection
from psycopg.conninfo import make_conninfo

from runner.project.lockfile import FILE
from tests.support.damage import FOLDER, MARK, SECRETS, Edit, damaged, edits, run_here, statements, words
from tests.support.projects import Result
from tests.support.servers import Server, temporary_folder

Explore = Callable[..., None]

NOWHERE = "host=/nonexistent dbname=none connect_timeout=2"
WAIT = ("--wait", "0", "--dsn", NOWHERE)
WITHOUT_DATABASE = (
    ("check",),
    ("check", "--json"),
    ("check", "--verbose"),
    ("render",),
    ("render", "--json"),
    ("render", "--quiet", "--output", "made"),
    ("new", "more", "--json"),
    ("new", "more", "--description", 'It\'s "more"'),
    ("check", "--var", "text=a'b"),
    ("render", "--var", "number=8", "--json"),
)
UNREACHABLE = (
    ("plan", *WAIT),
    ("plan", "--check", "--json", *WAIT),
    ("apply", *WAIT),
    ("apply", "--dry-run", "--json", *WAIT),
    ("verify", "--json", *WAIT),
    ("status", *WAIT),
    ("lock", "--check", *WAIT),
    ("docs", "--check", "--json", *WAIT),
)
KINDS = {
    "manifest.toml": ("toml",),
    "field_mappings.json": ("json",),
    FILE: ("toml",),
    "sql/010_tables.sql": ("sql", "jinja"),
    "sql/020_values.sql": ("sql", "jinja"),
    "sql/030_once.sql": ("sql",),
    "sql/010_check.sql": ("sql", "jinja"),
}
"""The files of the project that is damaged, and the languages that they are in."""


@pytest.fixture(scope="session")
def explore(pytestconfig: pytest.Config) -> Explore:
    """Runs a test on so many examples: always the same ones, a hundred times as many of chance with --torture."""
    torture = pytestconfig.getoption("torture")

    def run(number: int, test: Callable[..., None], **drawn: st.SearchStrategy[Any]) -> None:
        chosen = settings(
            max_examples=number * (100 if torture else 1),
            derandomize=not torture,
            database=None,
            deadline=None,
            phases=set(Phase) - {Phase.explain},
            suppress_health_check=list(HealthCheck),
        )
        chosen(given(**drawn)(test))()

    return run


@pytest.fixture(scope="module")
def whole(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project without damage, with a fresh lock file."""
    folder = tmp_path_factory.mktemp("whole")
    write(folder, {})
    with server.database() as dsn:
        assert run_here(("lock", "--dsn", dsn), folder=folder).code == 0
    assert run_here(("check",), folder=folder).code == 0
    return folder


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path, for a project that is rewritten with each example."""
    with temporary_folder() as made:
        yield made


def write(folder: Path, files: dict[str, bytes], whole: Path = FOLDER) -> None:
    """Make a folder the project, `files` in the place of its own."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "sql").mkdir(parents=True)
    for name in KINDS:
        if name in files or (whole / name).exists():
            (folder / name).write_bytes(files[name] if name in files else (whole / name).read_bytes())


def assert_told(result: Result, arguments: tuple[str, ...], *, codes: tuple[int, ...]) -> None:
    """A documented exit code, one document with --json, a message when it failed, no traceback, no secret."""
    assert result.code in codes, (arguments, result)
    assert "Traceback" not in result.said
    assert "internal error" not in result.said
    assert MARK not in result.said
    if "--json" in arguments:
        assert result.json.get("ok", result.code == 0) is (result.code == 0)
    if result.code == 2:
        assert "error: " in result.said or "--json" in arguments
        assert result.out == "" or "--json" in arguments or arguments[0] == "check"


def test_damaged_files_are_one_message(explore: Explore, whole: Path, folder: Path) -> None:
    """Edits of each file of a project: done, or one message of what is wrong with the input."""
    own = {name: (whole / name).read_bytes() for name in KINDS}
    changes = {name: edits(words(*languages)) for name, languages in KINDS.items()}

    def test(name: str, data: st.DataObject, arguments: tuple[str, ...]) -> None:
        write(folder, {name: damaged(own[name], data.draw(changes[name]))}, whole)
        without = arguments in WITHOUT_DATABASE
        assert_told(run_here(arguments, folder=folder), arguments, codes=(0, 2) if without else (0, 1, 2))

    commands = st.sampled_from(WITHOUT_DATABASE + UNREACHABLE)
    explore(60, test, name=st.sampled_from(sorted(KINDS)), data=st.data(), arguments=commands)


def test_any_bytes_are_one_message(explore: Explore, whole: Path, folder: Path) -> None:
    """Bytes that never were a file of a project, or the words of its language in any order."""

    def test(name: str, data: st.DataObject, arguments: tuple[str, ...]) -> None:
        some = st.lists(st.sampled_from(words(*KINDS[name])) | st.binary(max_size=8), max_size=12)
        content = data.draw(st.binary(max_size=60) | some.map(b" ".join) | some.map(b"".join))
        write(folder, {name: content}, whole)
        without = arguments in WITHOUT_DATABASE
        assert_told(run_here(arguments, folder=folder), arguments, codes=(0, 2) if without else (0, 1, 2))

    commands = st.sampled_from(WITHOUT_DATABASE + UNREACHABLE)
    explore(70, test, name=st.sampled_from(sorted(KINDS)), data=st.data(), arguments=commands)


def test_damaged_statements_are_one_message(explore: Explore, whole: Path, folder: Path) -> None:
    """The statements of the cases of all other tests, with edits."""

    def test(text: bytes, changes: Any, arguments: tuple[str, ...]) -> None:
        write(folder, {"sql/020_values.sql": damaged(text, changes)}, whole)
        without = arguments in WITHOUT_DATABASE
        assert_told(run_here(arguments, folder=folder), arguments, codes=(0, 2) if without else (0, 1, 2))

    commands = st.sampled_from(WITHOUT_DATABASE + UNREACHABLE)
    explore(20, test, text=st.sampled_from(statements()), changes=edits(words("sql", "jinja")), arguments=commands)


def test_what_is_no_file_is_one_message(whole: Path, folder: Path) -> None:
    """A folder, a pipe, a device or a link that leads nowhere in the place of each file: nothing is waited for."""
    made: tuple[Callable[[Path], object], ...] = (
        Path.mkdir,
        os.mkfifo,
        lambda path: path.symlink_to("/dev/zero"),
        lambda path: path.symlink_to(path.name),
        lambda path: path.symlink_to("nowhere"),
        lambda path: path.symlink_to("/etc/hostname"),
    )
    for name in KINDS:
        for make in made:
            write(folder, {}, whole)
            (folder / name).unlink()
            make(folder / name)
            assert_told(run_here(("check", "--json"), folder=folder), ("check", "--json"), codes=(0, 2))


NESTED = {
    "manifest.toml": ("x = " + "[" * 10_000, "x" + ".x" * 1_000 + " = 1", "x = " + "{a = " * 10_000),
    "field_mappings.json": ("[" * 10_000, '{"a": ' * 10_000, "[" * 10_000 + "]" * 10_000),
    FILE: ("x = " + "[" * 10_000 + "]" * 10_000, "[" + "x." * 10_000 + "x]"),
    "sql/020_values.sql": (
        "select " + "(" * 10_000 + "1" + ")" * 10_000,
        "select " + "not " * 10_000 + "true",
        "select " + "(select " * 10_000 + "1" + ")" * 10_000,
        "select " + "case when true then " * 10_000,
        "select 1" + " + 1" * 100_000,
        "/*" * 1_000 + "*/" * 1_000,
        "{{ " + "[" * 10_000 + "]" * 10_000 + " }}",
        "{{ 1" + " + 1" * 10_000 + " }}",
        "{{ 'a'" + " | upper" * 10_000 + " }}",
        "{% if number %}" * 1_000 + "{% endif %}" * 1_000,
        "{% for i in [1] %}" * 30 + "{% endfor %}" * 30,
    ),
}


@pytest.mark.parametrize("name", NESTED)
def test_deep_nesting_is_one_message(whole: Path, folder: Path, name: str) -> None:
    """What is nested ten thousand times is read, or refused; no stack overflows."""
    for text in NESTED[name]:
        write(folder, {name: text.encode()}, whole)
        assert_told(run_here(("check", "--json"), folder=folder), ("check", "--json"), codes=(0, 2))


# Environment and arguments

NAMES = """
    DATABASE_URL PGHOST PGHOSTADDR PGPORT PGDATABASE PGUSER PGPASSWORD PGPASSFILE PGSERVICE PGSERVICEFILE PGOPTIONS
    PGSSLMODE PGAPPNAME PGCLIENTENCODING PGCONNECT_TIMEOUT PGTZ PGSYSCONFDIR PGTARGETSESSIONATTRS PGREQUIREAUTH
    DB_HOST DB_PORT DB_NAME DB_USER DB_PASSWORD NO_COLOR FORCE_COLOR TERM COLUMNS LINES LANG LC_ALL HOME
    PYTHONIOENCODING TZ
""".split()
SHAPES = (
    "postgresql://user:{quoted}@/none?host=/nonexistent",
    "postgresql://user:{secret}@/none?host=/nonexistent",
    "postgresql://user:{secret}@%2Fnonexistent/none",
    "postgres://user:{quoted}@127.0.0.1:1/none",
    "postgresql://127.0.0.1:1/none?password={quoted}&user=a",
    "postgresql:/user:{secret}@host/none",
    "host=/nonexistent dbname=none password='{escaped}'",
    "host=/nonexistent password={secret} dbname=none",
    "password={secret}",
    "user:{secret}@host",
)
"""Connection strings, some of them wrong, each with a password."""


def surrogates(data: bytes) -> str:
    """Return bytes as an argument or an environment gives them to a program."""
    return os.fsdecode(data.replace(b"\0", b""))


def connection_strings() -> st.SearchStrategy[str]:
    """Draw connection strings with a secret, edits around it."""

    def made(shape: str, secret: str, changes: Any) -> str:
        escaped = secret.replace("\\", "\\\\").replace("'", "\\'")
        head, name, tail = next(
            shape.partition(f"{{{name}}}") for name in ("quoted", "secret", "escaped") if name in shape
        )
        values = {"{quoted}": quote(secret, safe=""), "{secret}": secret, "{escaped}": escaped}
        return (
            surrogates(damaged(head.encode(), changes[0]))
            + values[name]
            + surrogates(damaged(tail.encode(), changes[1]))
        )

    some: st.SearchStrategy[list[Edit]] = st.just([]) | edits(
        [b"@", b":", b"/", b"?", b"%", b"=", b"&", b"'", b" ", b"\\", b"%zz", b"[", b"5432"], most=2
    )
    return st.builds(made, st.sampled_from(SHAPES), st.sampled_from(SECRETS), st.tuples(some, some))


def environments() -> st.SearchStrategy[dict[str, str]]:
    """Draw a few variables, each a connection string, a secret where one belongs, or anything."""
    odd = st.sampled_from(
        ["", "0", "1", "-1", "dumb", "xterm-256color", "999999999999", "nan", "C", "ü", "/", "/nonexistent", "none"]
    )
    value = odd | st.binary(max_size=12).map(surrogates) | st.just(SHAPES[0].format(quoted=MARK))
    secret = st.sampled_from(SECRETS)

    def one(name: str) -> st.SearchStrategy[tuple[str, str]]:
        values = {"PGPASSWORD": secret, "DB_PASSWORD": secret, "DATABASE_URL": value | connection_strings()}
        return st.tuples(st.just(name), values.get(name, value))

    return st.lists(st.sampled_from(NAMES).flatmap(one), min_size=1, max_size=6).map(dict)


def test_any_environment_is_one_message(explore: Explore, whole: Path, folder: Path) -> None:
    """Whatever the variables say, the exit code is documented and no password is told."""
    write(folder, {}, whole)

    def test(variables: dict[str, str], arguments: tuple[str, ...]) -> None:
        named = {"DATABASE_URL", "PGHOST", "PGHOSTADDR", "PGSERVICE", "PGDATABASE", "DB_HOST", "DB_NAME"}
        if not any(variables.get(name) for name in named):
            variables |= {"PGHOST": "/nonexistent"}
        note(f"{variables}")
        assert_told(run_here(arguments, folder=folder, variables=variables), arguments, codes=(0, 1, 2))

    commands = st.sampled_from(
        [("plan", "--wait", "0"), ("status", "--wait", "0", "--json"), ("verify", "--wait", "0"), ("check",)]
    )
    explore(20, test, variables=environments(), arguments=commands)


OPTIONS = """
    --manifest --var --dsn --wait --lock-wait --expect --output --description --json --quiet --verbose --check --dry-run
    --baseline --single-transaction --help --version --nope -q -v -h -- - --json=1 --wait=nan --wait=inf --wait=-1
    --dsn= --var= --var=x --manifest=
""".split()
TAKE_A_VALUE = ("--manifest", "--var", "--dsn", "--wait", "--lock-wait", "--expect", "--output", "--description")
VALUES = (
    "",
    "0",
    "none.toml",
    "sql",
    ".",
    "/",
    "text=1",
    "number=1",
    "number=x",
    "names=[1]",
    "day=1",
    "=",
    "bash",
    "zsh",
    "more",
    "../x",
    "1e400",
    NOWHERE,
)


def arguments_of() -> st.SearchStrategy[tuple[str, ...]]:
    """Draw a command line: a command, and options and values in any order, connection strings among them."""
    commands = "apply plan verify render check lock status new docs completion shell nope".split()
    word = st.sampled_from(OPTIONS) | st.sampled_from(VALUES) | st.binary(max_size=8).map(surrogates)
    string = st.builds(
        str.format,
        st.sampled_from(SHAPES[:2] + SHAPES[6:]),
        quoted=st.just(MARK),
        secret=st.just(MARK),
        escaped=st.just(MARK),
    )
    option = st.tuples(st.sampled_from(TAKE_A_VALUE), string | st.sampled_from(VALUES))
    pieces = st.lists(word.map(lambda text: (text,)) | string.map(lambda text: (text,)) | option, max_size=5)
    return st.builds(
        lambda command, made: (command, *(text for piece in made for text in piece)), st.sampled_from(commands), pieces
    )


def test_any_arguments_are_one_message(explore: Explore, whole: Path, folder: Path) -> None:
    """Whatever is typed, the exit code is documented, and a password in the wrong place is not told."""

    def test(arguments: tuple[str, ...]) -> None:
        write(folder, {}, whole)
        if arguments[0] in ("apply", "plan", "verify", "lock", "status", "docs", "shell"):
            arguments = (arguments[0], "--wait", "0", *arguments[1:], "--wait", "0")
        result = run_here(arguments, folder=folder, variables={"DATABASE_URL": NOWHERE})
        note(f"{arguments}: {result}")
        assert result.code in (0, 1, 2)
        assert "Traceback" not in result.said
        assert "internal error" not in result.said
        is_content = result.code == 0 and arguments[0] in ("render", "new")  # a folder's name, a description
        assert MARK not in result.said or is_content
        asks = any(text == "--json" and before not in TAKE_A_VALUE for before, text in pairwise(arguments))
        if asks and result.code != 0:
            assert result.json["ok"] is False

    explore(20, test, arguments=arguments_of())


# A real server


@pytest.fixture(scope="module")
def canary(server: Server) -> Iterator[tuple[str, Connection]]:
    """A database with something in it that nothing may change, and a connection to it."""
    with server.database() as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("create table canary (id integer)")
        connection.execute("insert into canary values (1)")
        connection.execute("create sequence canary_seq")
        yield dsn, connection


def state(connection: Connection) -> Any:
    """Return what a plan could have changed."""
    query = """
        select (select array_agg(id) from canary), (select row(last_value, is_called)::text from canary_seq),
            (select array_agg(relname::text order by oid) from pg_class where oid >= 16384),
            (select array_agg(nspname::text order by oid) from pg_namespace where nspname !~ '^pg_(toast_)?temp'),
            (select array_agg(extname::text order by oid) from pg_extension), (select count(*) from pg_roles),
            (select count(*) from pg_proc), (select count(*) from pg_type), (select count(*) from pg_db_role_setting)
    """
    return connection.execute(query).fetchone()


def test_a_plan_of_damaged_statements_changes_nothing(
    explore: Explore, whole: Path, folder: Path, canary: tuple[str, Connection]
) -> None:
    """Whatever scripts hold, making a plan executes nothing but declarations, in a build that is rolled back."""
    dsn, connection = canary
    before = state(connection)

    def test(text: bytes, changes: Any, data: st.DataObject) -> None:
        arguments = ("plan", "--json", "--dsn", make_conninfo(dsn, password=data.draw(st.sampled_from(SECRETS))))
        write(folder, {"sql/030_once.sql": damaged(text, changes)}, whole)
        assert_told(run_here(arguments, folder=folder), arguments, codes=(0, 1, 2))
        assert state(connection) == before

    texts = st.sampled_from(statements()) | st.lists(st.sampled_from(words("sql")), max_size=4).map(b"\n".join)
    explore(6, test, text=texts, changes=st.just([]) | edits(words("sql"), most=2), data=st.data())


def test_a_lock_file_with_the_right_checksum_is_not_trusted(
    explore: Explore, whole: Path, folder: Path, canary: tuple[str, Connection]
) -> None:
    """A lock file whose content was changed together with its checksum: a plan or one message, and nothing changed."""
    dsn, connection = canary
    before = state(connection)
    text = (whole / FILE).read_text(encoding="utf-8")

    def test(data: st.DataObject, arguments: tuple[str, ...]) -> None:
        document = tomllib.loads(text)
        for _ in range(data.draw(st.integers(1, 3))):
            disturb(document, data)
        write(folder, {FILE: sealed(document)}, whole)
        assert_told(run_here((*arguments, dsn), folder=folder), arguments, codes=(0, 1, 2))
        assert state(connection) == before

    commands = [("plan", "--json", "--dsn"), ("verify", "--dsn"), ("docs", "--json", "--dsn"), ("status", "--dsn")]
    explore(5, test, data=st.data(), arguments=st.sampled_from(commands))


def disturb(document: dict[str, Any], data: st.DataObject) -> None:
    """Change, remove or add one entry somewhere in nested tables."""
    table = document
    while (below := [key for key in table if isinstance(table[key], dict)]) and data.draw(st.integers(0, 4)) > 0:
        table = table[data.draw(st.sampled_from(below))]
    key = data.draw(st.sampled_from([*table, "table", "columns", "definition", "comment", "schemas", "x y", ""]))
    odd: list[Any] = [
        1,
        1.5,
        True,
        [],
        {},
        "",
        "x",
        "bigint",
        "'",
        "(",
        [1],
        {"a": 1},
        {"definition": {}},
        {"columns": 1},
    ]
    value = data.draw(st.sampled_from([None, *odd]) | st.text("ab ()'\",;é", max_size=8))
    if value is None:
        table.pop(key, None)
    elif isinstance(table.get(key), str) and data.draw(st.booleans()):
        table[key] = damaged(table[key].encode(), data.draw(edits(words("sql"), most=1))).decode(errors="ignore")
    else:
        table[key] = value


def sealed(document: dict[str, Any]) -> bytes:
    """Return a lock file with the checksum of what it holds."""
    head = document.get("lock")
    if isinstance(head, dict):
        head.pop("checksum", None)
        rest = {key: value for key, value in document.items() if key != "lock"}
        content = msgspec.json.encode([head, rest], order="deterministic")
        document = {"lock": {"checksum": hashlib.sha256(content).hexdigest(), **head}, **rest}
    return tomli_w.dumps(document, multiline_strings=False).encode()
