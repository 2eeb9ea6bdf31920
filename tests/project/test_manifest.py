"""The format of the manifest: each rule has a bad sample in cases/manifest, a folder with the message it gets."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import postgast
import pytest

from runner.errors import InputError
from runner.execution.psql_script import write_psql_script
from runner.pipeline.full_plan import plan_for_empty
from runner.project.input_files import read_text
from runner.project.loading import load as load_all
from runner.project.manifest import FieldMappingsSection, ManifestFile, load_manifest
from tests.support.projects import CASES

SAMPLES = CASES / "manifest"
PROJECT = '[project]\nname = "sample"\n'
SCRIPT = '[[script]]\npath = "sql/010_tables.sql"\ndescription = "the tables"\n'


def write(folder: Path, manifest: str, *paths: str) -> Path:
    """Write a manifest, and the files that it names."""
    for path in ("sql/010_tables.sql", *paths):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("select 1;\n", encoding="utf-8")
    (folder / "manifest.toml").write_text(manifest, encoding="utf-8")
    return folder / "manifest.toml"


def load(folder: Path, sections: str = "", overrides: tuple[str, ...] = ()) -> ManifestFile:
    return load_manifest(write(folder, f"{PROJECT}\n{sections}\n{SCRIPT}"), overrides)


def message(path: Path, overrides: tuple[str, ...] = ()) -> str:
    """Return the message that a manifest gets, with its path as a person in its folder would give it."""
    with pytest.raises(InputError) as caught:
        load_manifest(path, overrides)
    assert caught.value.exit_code == 2
    return str(caught.value).replace(str(path), path.name)


@pytest.mark.parametrize("sample", sorted(path.name for path in SAMPLES.iterdir()))
def test_bad_sample(sample: str) -> None:
    """A manifest that breaks a rule gets one exact message: file, line or key, what is wrong, what to do."""
    expected = (SAMPLES / sample / "expected.txt").read_text(encoding="utf-8").removesuffix("\n")
    assert message(SAMPLES / sample / "manifest.toml") == expected


def test_defaults(tmp_path: Path) -> None:
    """What a manifest does not say has a default."""
    manifest = load(tmp_path).manifest
    project, run, script = manifest.project, manifest.run, manifest.scripts[0]
    assert (project.schema, project.extension_schema, project.minimum_postgresql) == ("public", "public", 15)
    assert (run.on_error, run.lock_timeout, run.statement_timeout) == ("stop", "1s", "0")
    assert run.history_table == "runner_history"
    assert (script.run, script.transaction) == ("always", True)
    assert (manifest.variables, manifest.field_mappings, manifest.checks) == ({}, None, ())


def test_everything_said(tmp_path: Path) -> None:
    """Every key of the format is read."""
    text = """
        [project]
        name = "sample"
        schema = "jira"
        extension_schema = "extensions"
        minimum_postgresql = 17

        [run]
        on_error = "continue"
        lock_timeout = "500ms"
        statement_timeout = "2 min"
        history_table = "history"

        [variables]
        workers = 14

        [field_mappings]
        file = "mappings.json"
        table = "issues"
        prefix = "m_"
        unprefixed = ["summary"]

        [[script]]
        path = "sql/010_tables.sql"
        description = "the tables"
        run = "once"
        transaction = false

        [[check]]
        path = "sql/checks/010_rows.sql"
        description = "the rows"
    """
    path = write(tmp_path, text, "mappings.json", "sql/checks/010_rows.sql")
    manifest = load_manifest(path).manifest
    project, run, script = manifest.project, manifest.run, manifest.scripts[0]
    assert (project.schema, project.extension_schema, project.minimum_postgresql) == ("jira", "extensions", 17)
    assert (run.on_error, run.lock_timeout, run.statement_timeout) == ("continue", "500ms", "2 min")
    assert (run.history_table, manifest.variables) == ("history", {"workers": 14})
    assert manifest.field_mappings == FieldMappingsSection("mappings.json", "issues", "m_", ("summary",))
    assert (script.path, script.description, script.run) == ("sql/010_tables.sql", "the tables", "once")
    assert not script.transaction
    assert [(check.path, check.description) for check in manifest.checks] == [("sql/checks/010_rows.sql", "the rows")]


@pytest.mark.parametrize("duration", ["0", "1us", "500ms", "5s", "5 s", "35791min", "596h", "24d", "2147483647"])
def test_durations(tmp_path: Path, duration: str) -> None:
    """Durations are PostgreSQL's own, in all of its units."""
    assert load(tmp_path, f'[run]\nlock_timeout = "{duration}"\n').manifest.run.lock_timeout == duration


@pytest.mark.parametrize("name", ["a" * 63, "é" * 31, "Jira Sync", 'say \\"x\\"', "select", "pgdata"])
def test_names(tmp_path: Path, name: str) -> None:
    """Whatever PostgreSQL takes as a name in quotes is a name."""
    project = load_manifest(write(tmp_path, f'{PROJECT}schema = "{name}"\n{SCRIPT}')).manifest.project
    assert project.schema == name.replace("\\", "")


@pytest.mark.parametrize("names", [[], ["PUBLIC"], ["owner", "Jira Sync", "pg_database_owner", "a" * 63]])
def test_trusted_creators(tmp_path: Path, names: list[str]) -> None:
    """They are roles by any name, PostgreSQL's own among them, and `PUBLIC` is every role."""
    manifest = load(tmp_path, f"trusted_creators = {names}").manifest
    assert manifest.project.trusted_creators == tuple(names)


def test_checks_are_numbered_on_their_own(tmp_path: Path) -> None:
    """The numbers of scripts and those of checks have nothing to do with each other; steps may be of any size."""
    scripts = ["sql/010_tables.sql", "sql/011_views.sql", "sql/1000_rows.sql"]
    checks = ["sql/checks/010_tables.sql", "sql/checks/020_rows.sql"]
    entries = [(kind, path) for kind, paths in (("script", scripts), ("check", checks)) for path in paths]
    text = PROJECT + "".join(f'[[{kind}]]\npath = "{path}"\ndescription = "d"\n' for kind, path in entries)
    manifest = load_manifest(write(tmp_path, text, *scripts, *checks)).manifest
    assert [script.path for script in manifest.scripts] == scripts
    assert [check.path for check in manifest.checks] == checks


def test_link_that_leaves_the_folder(tmp_path: Path) -> None:
    """A link cannot bring in a file from outside, whether that exists or not."""
    inside = tmp_path / "inside"
    path = write(inside, PROJECT + SCRIPT)
    (inside / "sql/010_tables.sql").unlink()
    (inside / "sql/010_tables.sql").symlink_to(tmp_path / "010_tables.sql")
    expected = (
        "manifest.toml: script[0].path: 'sql/010_tables.sql' is a link that leaves the manifest's folder; "
        "copy the file in\n"
        '  path = "sql/010_tables.sql"\n'
        "  ^"
    )
    assert message(path) == expected
    (tmp_path / "010_tables.sql").write_text("select 1;", encoding="utf-8")
    assert message(path) == expected


def test_link_of_a_folder_that_leaves(tmp_path: Path) -> None:
    """A linked folder cannot bring in a file from outside either."""
    inside = tmp_path / "inside"
    path = write(inside, PROJECT + SCRIPT.replace("sql/", "more/"), "../outside/010_tables.sql")
    (inside / "more").symlink_to(tmp_path / "outside")
    assert "'more/010_tables.sql' is a link that leaves the manifest's folder" in message(path)


def test_link_inside_the_folder(tmp_path: Path) -> None:
    """A link within the folder is a file like any other, by the name that the manifest gives it."""
    path = write(tmp_path, PROJECT + SCRIPT.replace("010_tables", "020_more"), "shared/tables.sql")
    (tmp_path / "sql/020_more.sql").symlink_to("../shared/tables.sql")
    assert load_manifest(path).manifest.scripts[0].path == "sql/020_more.sql"


def test_name_of_a_link(tmp_path: Path) -> None:
    """It is the name in the manifest that must be well formed, not the one that a link points to."""
    path = write(tmp_path, PROJECT + SCRIPT.replace("010_tables", "more"))
    (tmp_path / "sql/more.sql").symlink_to("010_tables.sql")
    assert message(path) == (
        "manifest.toml: script[0].path: expected a file name like 010_tables.sql (number, _, lower-case words), "
        "not 'sql/more.sql'\n"
        '  path = "sql/more.sql"\n'
        "  ^"
    )


def test_link_to_itself(tmp_path: Path) -> None:
    """A link that leads nowhere is an error with the manifest's key, not a traceback."""
    path = write(tmp_path, PROJECT + SCRIPT.replace("010_tables", "020_loop"))
    (tmp_path / "sql/020_loop.sql").symlink_to("020_loop.sql")
    assert message(path).startswith("manifest.toml: script[0].path: 'sql/020_loop.sql' ")


def test_missing_manifest(tmp_path: Path) -> None:
    """A manifest that is not there is said to be so, with where the command looks for it."""
    assert message(tmp_path / "manifest.toml") == (
        "manifest.toml: file not found; create it, or correct the path\n"
        "  hint: run it where the manifest is, or give --manifest PATH"
    )


def test_manifest_is_a_folder(tmp_path: Path) -> None:
    """A manifest that cannot be read says why."""
    (tmp_path / "manifest.toml").mkdir()
    assert message(tmp_path / "manifest.toml") == "manifest.toml: cannot be read: Is a directory"


BAD_BYTES = [
    (b"a\nb \xe4\n", "f.sql:2: byte 0xe4 is not UTF-8; save the file as UTF-8"),
    (b"\xff\xfea\x00", "f.sql:1: byte 0xff is not UTF-8; save the file as UTF-8"),
    (b"a\r\nb\r\nc\x80", "f.sql:3: byte 0x80 is not UTF-8; save the file as UTF-8"),
    (b"a\n\n\0b", "f.sql:3: NUL character; PostgreSQL cannot store it, remove it"),
    (b"a\rb\0", "f.sql:2: NUL character; PostgreSQL cannot store it, remove it"),
]


@pytest.mark.parametrize(("data", "expected"), BAD_BYTES)
def test_bytes_that_are_no_text(tmp_path: Path, data: bytes, expected: str) -> None:
    """A file that is not UTF-8, or holds a NUL, is an error with the line."""
    (tmp_path / "f.sql").write_bytes(data)
    with pytest.raises(InputError) as caught:
        read_text(tmp_path / "f.sql", "f.sql")
    assert str(caught.value) == expected


def test_manifest_in_another_encoding(tmp_path: Path) -> None:
    """The manifest itself is read with the same care."""
    (tmp_path / "manifest.toml").write_bytes('[project]\nname = "größe"\n'.encode("latin-1"))
    expected = "manifest.toml:2: byte 0xf6 is not UTF-8; save the file as UTF-8"
    assert message(tmp_path / "manifest.toml") == expected


def test_file_that_is_gone(tmp_path: Path) -> None:
    """A script that vanished after the manifest was read is an error by the name that the manifest gives it."""
    project = load(tmp_path)
    (tmp_path / "sql/010_tables.sql").unlink()
    with pytest.raises(InputError, match=r"^sql/010_tables\.sql: file not found; create it, or correct the path$"):
        project.read("sql/010_tables.sql")


@pytest.mark.parametrize("data", [b"\xef\xbb\xbfa\nb\nc", b"a\r\nb\r\nc", b"a\rb\rc", b"a\nb\r\nc"])
def test_marks_of_other_systems(tmp_path: Path, data: bytes) -> None:
    """A byte order mark, and the line ends of other systems, make no difference."""
    (tmp_path / "f.sql").write_bytes(data)
    assert read_text(tmp_path / "f.sql", "f.sql") == "a\nb\nc"


VARIABLES = """[variables]
text = "a"
whole = 1
ratio = 1.5
flag = true
items = [1]
table = {a = 1}
stamp = 2024-05-27T07:32:00Z
day = 2024-05-27
clock = 07:32:00
"""

OVERRIDES = [
    ("text=b", "b"),
    ("text=", ""),
    ("text=a=b", "a=b"),
    ('text="b"', '"b"'),
    ("text=1", "1"),
    ("whole=2", 2),
    ("whole=-2", -2),
    ("whole=0x1F", 31),
    ("whole=1_000", 1000),
    ("ratio=2.5", 2.5),
    ("ratio=2", 2.0),
    ("ratio=1e3", 1000.0),
    ("flag=false", False),
    ('items=["a", 2]', ["a", 2]),
    ("table={b = [true]}", {"b": [True]}),
    ("stamp=2025-01-02T03:04:05+01:00", datetime.datetime.fromisoformat("2025-01-02T03:04:05+01:00")),
    ("day=2025-01-02", datetime.date(2025, 1, 2)),
    ("clock=01:02:03", datetime.time(1, 2, 3)),
]


@pytest.mark.parametrize(("override", "expected"), OVERRIDES)
def test_override(tmp_path: Path, override: str, expected: object) -> None:
    """--var NAME=VALUE sets a variable, as a value of the type that it has in the manifest."""
    variables = load(tmp_path, VARIABLES, (override,)).manifest.variables
    value = variables[override.partition("=")[0]]
    assert value == expected
    assert type(value) is type(expected)


def test_override_leaves_the_others(tmp_path: Path) -> None:
    """Of two values for one variable the last counts, and the other variables stay as they are."""
    before = load(tmp_path, VARIABLES).manifest.variables
    after = load(tmp_path, VARIABLES, ("whole=2", "whole=3")).manifest.variables
    assert after == before | {"whole": 3}


KNOWN = "text, whole, ratio, flag, items, table, stamp, day, clock"
BAD_OVERRIDES = [
    ("text", "--var: expected NAME=VALUE, not 'text'"),
    ("", "--var: expected NAME=VALUE, not ''"),
    ("other=1", f"--var: the manifest has no variable 'other'; it has: {KNOWN}"),
    ("=1", f"--var: the manifest has no variable ''; it has: {KNOWN}"),
    ("schema=other", f"--var: the manifest has no variable 'schema'; it has: {KNOWN}"),
    ("text=a\0", "--var: text: NUL character; PostgreSQL cannot store it"),
    ("ratio=x", "--var: ratio is of type float in the manifest, not 'x'"),
    ("ratio=nan", "--var: ratio: expected a finite number, not nan"),
    ("ratio=1e400", "--var: ratio: expected a finite number, not inf"),
    ("flag=1", "--var: flag is of type bool in the manifest, not '1'"),
    ("flag=True", "--var: flag is of type bool in the manifest, not 'True'"),
    ("items=1", "--var: items is of type list in the manifest, not '1'"),
    ("items=[nan]", "--var: items[0]: expected a finite number, not nan"),
    ("table=[]", "--var: table is of type dict in the manifest, not '[]'"),
    ("table={a = inf}", "--var: table.a: expected a finite number, not inf"),
    ("stamp=2025-01-02", "--var: stamp is of type datetime in the manifest, not '2025-01-02'"),
    ("day=2025-01-02T03:04:05", "--var: day is of type date in the manifest, not '2025-01-02T03:04:05'"),
    ("day=2025-02-30", "--var: day is of type date in the manifest, not '2025-02-30'"),
    ("clock=7", "--var: clock is of type time in the manifest, not '7'"),
]


@pytest.mark.parametrize(("override", "expected"), BAD_OVERRIDES)
def test_bad_override(tmp_path: Path, override: str, expected: str) -> None:
    """A --var that names no variable, or has a value of another type, is an error that says what is expected."""
    assert message(write(tmp_path, f"{PROJECT}\n{VARIABLES}\n{SCRIPT}"), (override,)) == expected


@pytest.mark.parametrize("value", ["x", "2.5", "true", "", "1\nother = 2", '"1"'])
def test_override_of_a_whole_number(tmp_path: Path, value: str) -> None:
    """Only a whole number is one: no text, no fraction, no truth value, nothing beside it."""
    found = message(write(tmp_path, f"{PROJECT}\n{VARIABLES}\n{SCRIPT}"), (f"whole={value}",))
    assert found == f"--var: whole is of type int in the manifest, not {value!r}"


def test_override_without_variables(tmp_path: Path) -> None:
    """A manifest without variables says so."""
    expected = "--var: the manifest has no variable 'a'; it has: none"
    assert message(write(tmp_path, PROJECT + SCRIPT), ("a=1",)) == expected


EXTREMES = {
    "a number of 5,000 digits": f"[variables]\nx = {'9' * 5_000}\n",
    "a key of 3,000 parts": f"[variables]\nx{'.a' * 3_000} = 1\n",
    "a list 100,000 deep": f"[variables]\nx = {'[' * 100_000}\n",
}


@pytest.mark.parametrize("sections", EXTREMES.values(), ids=EXTREMES)
def test_extremes(tmp_path: Path, sections: str) -> None:
    """Whatever a manifest holds, the answer is a message, never a traceback."""
    assert message(write(tmp_path, f"{PROJECT}\n{sections}\n{SCRIPT}")).startswith("manifest.toml")


@pytest.mark.parametrize("override", [f"whole={'9' * 5_000}", f"ratio=1{'0' * 400}"], ids=["int", "float"])
def test_extreme_overrides(tmp_path: Path, override: str) -> None:
    """The same holds for --var."""
    assert message(write(tmp_path, f"{PROJECT}\n{VARIABLES}\n{SCRIPT}"), (override,)).startswith("--var")


NUL_PLACES = {
    "project.name": '[project]\nname = "a\\u0000b"\n' + SCRIPT,
    "project.schema": PROJECT + 'schema = "a\\u0000b"\n' + SCRIPT,
    "project.extension_schema": PROJECT + 'extension_schema = "a\\u0000b"\n' + SCRIPT,
    "run.history_table": PROJECT + '[run]\nhistory_table = "a\\u0000b"\n' + SCRIPT,
    "field_mappings.table": PROJECT + '[field_mappings]\nfile = "m.json"\ntable = "a\\u0000b"\n' + SCRIPT,
    "script[0].description": PROJECT + SCRIPT.replace("the tables", "the\\u0000tables"),
}


@pytest.mark.parametrize("key", NUL_PLACES)
def test_nul_in_a_value(tmp_path: Path, key: str) -> None:
    """A NUL, which TOML can spell and PostgreSQL cannot store, is refused, with its key."""
    assert message(write(tmp_path, NUL_PLACES[key], "m.json")).startswith(f"manifest.toml: {key}: ")


COMMENTED = {
    "project.name": '[project]\nname = "a{}drop table users;"\n' + SCRIPT,
    "run.history_table": PROJECT + '[run]\nhistory_table = "a{}drop table users;"\n' + SCRIPT,
    "script.description": PROJECT + SCRIPT.replace("the tables", "a{}drop table users;"),
    "script.path": PROJECT + SCRIPT.replace("sql/", "a{}drop table users;/"),
}


@pytest.mark.parametrize("end", ["\\n", "\\r", "\\r\\n"])
@pytest.mark.parametrize("key", COMMENTED)
def test_text_stays_in_its_comment(tmp_path: Path, key: str, end: str) -> None:
    """What the manifest says about a script is a comment in the psql script, and cannot become SQL there."""
    real = end.replace("\\n", "\n").replace("\\r", "\r")
    path = write(tmp_path, COMMENTED[key].replace("{}", end), f"a{real}drop table users;/010_tables.sql")
    try:
        loaded = load_all(path)
    except InputError:
        return  # refusing such a text is as good
    script = write_psql_script(plan_for_empty(loaded), loaded.project.manifest, loaded.checks)
    statements = postgast.parse(re.sub(r"(?m)^ *(\\|:\w).*$", "", script.replace(" \\gset", ";"))).stmts
    assert [kind for item in statements if (kind := item.stmt.WhichOneof("node")) == "drop_stmt"] == []
