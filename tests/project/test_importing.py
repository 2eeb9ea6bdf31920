"""`import`: the migrations of other tools are scripts, or an error says which file cannot be one, and why."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from runner.errors import DatabaseError
from runner.project.importing.flyway import checksum
from runner.project.importing.ledgers import Recorded, recorded
from runner.project.importing.migrations import Imported, Migration
from tests.support.in_process import call
from tests.support.projects import CASES, Result

FOLDER = CASES / "import"
TOOLS = [
    (path.stem, case)
    for path in sorted(FOLDER.glob("*.toml"))
    for case in tomllib.loads(path.read_text(encoding="utf-8"))["case"]
]


def begin(tool: str, case: dict[str, Any], folder: Path) -> Result:
    """Write the files of a case, and import them into a folder."""
    for name, text in case["files"].items():
        path = folder / "theirs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.removeprefix("\n").encode())
    place = folder / "theirs" / case.get("file", case.get("path", ""))
    (folder / "ours").mkdir()
    return call("import", tool, place, "--json", folder=folder / "ours")


@pytest.mark.parametrize(("tool", "case"), TOOLS, ids=[f"{tool}: {case['name']}" for tool, case in TOOLS])
def test_migrations_are_scripts(tool: str, case: dict[str, Any], tmp_path: Path) -> None:
    """The scripts, how each is run, the values of placeholders and what is left out are those of the table."""
    done = begin(tool, case, tmp_path)
    ours = tmp_path / "ours"
    if "error" in case:
        assert done.code == 2
        assert case["error"] in done.err, done.err
        assert case.get("also", "") in done.err
        assert list(ours.iterdir()) == []
        return
    assert done.code == 0, done
    scripts = {path.name: path.read_text(encoding="utf-8") for path in sorted((ours / "sql").iterdir())}
    assert scripts == {name: text.removeprefix("\n") for name, text in case["scripts"].items()}
    manifest = tomllib.loads((ours / "manifest.toml").read_text(encoding="utf-8"))
    entries = {Path(entry["path"]).name: entry for entry in manifest["script"]}
    expected = case.get("expected", {})
    assert list(entries) == list(scripts)
    assert [name for name, entry in entries.items() if not entry.get("transaction", True)] == (
        expected.get("no_transaction", [])
    )
    assert {name: entry["run"] for name, entry in entries.items()} == {
        name: "on_change" if name in expected.get("on_change", ()) else "once" for name in scripts
    }
    assert manifest.get("variables", {}) == expected.get("variables", {})
    assert (done.json["not_written"], done.json["unset"]) == (expected.get("left_out", []), expected.get("unset", []))
    assert done.json["ledger"] is None


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """A project that is there already, and a folder that is not, are errors, and nothing is written."""
    case = {"files": {"1_a.sql": "-- migrate:up\nselect 1;\n"}}
    assert begin("dbmate", case, tmp_path).code == 0
    again = call("import", "dbmate", tmp_path / "theirs", folder=tmp_path / "ours")
    assert (again.code, "manifest.toml: exists already; nothing was written" in again.err) == (2, True)
    nowhere = call("import", "dbmate", tmp_path / "nowhere", folder=tmp_path / "new")
    assert (nowhere.code, "expected a folder of migrations; it does not exist" in nowhere.err) == (2, True)
    assert not (tmp_path / "new").exists()


def test_a_value_is_given(tmp_path: Path) -> None:
    """A value of the command line is that of a placeholder, and what has none is named."""
    case = {"files": {"V1__a.sql": "select '${a}', '${b}';\n"}}
    begun = begin("flyway", case, tmp_path)
    assert begun.json["unset"] == ["a", "b"]
    given = call("import", "flyway", tmp_path / "theirs", "--var", "a=it's", folder=tmp_path / "given")
    assert "b has no value: give it one in " in given.out
    assert "a has no value" not in given.out
    rendered = call("render", "--var", "b=B", folder=tmp_path / "given")
    assert "select 'it''s', 'B';" in rendered.out


def migrations(tool: str, *versions: str, **others: Any) -> Imported:
    """Return migrations of these versions, of which the file is called as the version; R is for a repeatable one."""
    found = []
    for version in versions:
        name, _, digest = version.partition("=")
        run: Any = "on_change" if name.startswith("R ") else "once"
        found.append(Migration(name.removeprefix("R "), "", f"{name}.sql", "", (), run=run, checksum=digest))
    return Imported(tool, tuple(found), **others)


def rows(columns: str, *values: tuple[Any, ...]) -> list[dict[str, Any]]:
    return [dict(zip(columns.split(), row, strict=True)) for row in values]


MERGED = {"b": ("a",), "c": ("a",), "m": ("b", "c"), "n": ("m",)}
FLYWAY = "installed_rank version description type script checksum success"
LEDGERS: dict[str, tuple[Imported, list[dict[str, Any]], Recorded]] = {
    "dbmate": (migrations("dbmate", "1", "2", "3"), rows("version", ("3",), ("1",), ("7",)), Recorded((0, 2), ("7",))),
    "goose, the last entry of each": (
        migrations("goose", "1", "2", "3"),
        rows("id version_id is_applied", (4, 2, False), (1, 0, True), (2, 1, True), (3, 2, True), (5, 9, True)),
        Recorded((0,), ("9",)),
    ),
    "flyway, undone, deleted, changed": (
        migrations("flyway", "1.0=5", "2=6", "3=7", "4=8", "R a=1", "R b=2", "R c=3"),
        rows(
            FLYWAY,
            (3, "3", "", "SQL", "V3.sql", 1, True),
            (0, None, "<< schema >>", "SCHEMA", "x", None, True),
            (1, "1", "", "SQL", "V1.sql", 5, True),
            (2, "2", "", "SQL", "V2.sql", 6, True),
            (4, "2", "", "UNDO_SQL", "U2.sql", 6, True),
            (5, "9", "", "JDBC", "V9", None, True),
            (6, None, "a", "SQL", "R__a.sql", 1, True),
            (7, None, "b", "SQL", "R__b.sql", 9, True),
            (8, "4", "", "SQL", "V4.sql", 8, True),
            (9, "4", "", "DELETE", "V4.sql", 8, True),
        ),
        Recorded((0, 2, 4), ("V9",), ("3.sql",)),
    ),
    "flyway, from a baseline on": (
        migrations("flyway", "1", "1.5", "2"),
        rows(FLYWAY, (1, "1.5", "<< Baseline >>", "BASELINE", "<< Baseline >>", None, True)),
        Recorded((0, 1)),
    ),
    "sqitch, one reworked, another project": (
        migrations("sqitch", "a", "f", "f", "b", project="shop"),
        rows("change project committed_at", ("f", "shop", 2), ("a", "shop", 1), ("b", "other", 3), ("x", "shop", 4)),
        Recorded((0, 1), ("x",)),
    ),
    "alembic, two branches that are merged later": (
        migrations(
            "alembic-sql", "a", "b", "c", "m", "n", parents={"b": ("a",), "c": ("a",), "m": ("b", "c"), "n": ("m",)}
        ),
        rows("version_num", ("b",), ("c",), ("gone",)),
        Recorded((0, 1, 2), ("gone",)),
    ),
    "alembic, after the merge": (
        migrations(
            "alembic-sql", "a", "b", "c", "m", "n", parents={"b": ("a",), "c": ("a",), "m": ("b", "c"), "n": ("m",)}
        ),
        rows("version_num", ("m",)),
        Recorded((0, 1, 2, 3)),
    ),
    "alembic, from a revision on": (
        migrations("alembic-sql", "b", "c", parents={"b": ("a",), "c": ("b",)}),
        rows("version_num", ("a",)),
        Recorded(()),
    ),
    "node-pg-migrate": (
        migrations("node-pg-migrate", "1_a", "2_b"),
        rows("name", ("1_a",), ("3_c",)),
        Recorded((0,), ("3_c",)),
    ),
    "graphile": (
        migrations("graphile", "000001.sql=a", "000002.sql=b", ""),
        rows("filename hash", ("000001.sql", "a"), ("000002.sql", "other")),
        Recorded((0, 1), (), ("000002.sql.sql",)),
    ),
}


@pytest.mark.parametrize("name", LEDGERS)
def test_ledgers_are_understood(name: str) -> None:
    """What is applied, what no file has, and what has changed since."""
    imported, found, expected = LEDGERS[name]
    assert recorded(imported, found) == expected


def test_a_ledger_with_a_failure_is_refused() -> None:
    """It is unknown what a migration that failed has left."""
    failed = rows(FLYWAY, (1, "1", "", "SQL", "V1__a.sql", 1, False))
    with pytest.raises(DatabaseError, match=r"entries that failed: V1__a\.sql"):
        recorded(migrations("flyway", "1"), failed)


@pytest.mark.parametrize(("text", "number"), [("", 0), ("select 1;\n", -690524359), ("a\n\nb", -1635563411)])
def test_the_checksum_is_that_of_flyway(text: str, number: int) -> None:
    """The CRC of the lines without their ends, as a number with a sign."""
    assert checksum(text) == number
