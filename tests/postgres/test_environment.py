"""The file `.env`: it names the database where the environment does not, and changes nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.conftest import MakeProject, Run

ITEM = {"010_item.sql": "create table if not exists item (id integer);"}
NOWHERE = "postgresql://127.0.0.1:1/nowhere"


def quoted(dsn: str) -> str:
    return f'"{dsn}"'


def as_service(dsn: str) -> str:
    """Return the lines that name a database in the way of the sync service."""
    names = {"DB_HOST": "host", "DB_PORT": "port", "DB_NAME": "dbname", "DB_USER": "user"}
    given = conninfo_to_dict(dsn)
    return "".join(f"{name}={given[key]}\n" for name, key in names.items() if given.get(key))


def test_a_file_names_the_database(run: Run, project: MakeProject, database: str) -> None:
    """`.env` is that beside the manifest, wherever the command is run; other programs have their variables in it."""
    folder = project(ITEM)
    (folder / "elsewhere").mkdir()
    (folder / ".env").write_text(f"# mine\nexport APP_KEY='a b'\n\nDATABASE_URL={quoted(database)} # the test's\n")
    applied = run("apply", "--manifest", "../manifest.toml", folder=folder / "elsewhere")
    assert applied.code == 0, applied
    assert "embedded" not in applied.said


def test_another_file_is_named(run: Run, project: MakeProject, database: str) -> None:
    """`--env-file` is read instead of `.env`, and has to be there."""
    folder = project(ITEM)
    (folder / ".env").write_text(f"DATABASE_URL={NOWHERE}\n")
    (folder / "staging.env").write_text(as_service(database))
    assert run("apply", "--env-file", "staging.env").code == 0
    missing = run("apply", "--env-file", "nowhere.env")
    assert missing.code == 2
    assert "error: nowhere.env: file not found" in missing.err


@pytest.mark.parametrize("line", [f"DATABASE_URL={NOWHERE}", "PGHOST=nowhere.invalid\nPGPORT=1", "DB_NAME=nowhere"])
@pytest.mark.parametrize("way", ["DATABASE_URL", "PGDATABASE", "DB_NAME", "--dsn"])
def test_the_environment_goes_before_the_file(
    run: Run, project: MakeProject, database: str, way: str, line: str
) -> None:
    """Neither a variable nor which database the environment, or an option, names is another one with a file."""
    folder = project(ITEM)
    given = {key: str(value) for key, value in conninfo_to_dict(database).items()}
    ways = {
        "DATABASE_URL": {"DATABASE_URL": database},
        "PGDATABASE": {"PGHOST": given["host"], "PGUSER": given["user"], "PGDATABASE": given["dbname"]},
        "DB_NAME": {"DB_HOST": given["host"], "DB_USER": given["user"], "DB_NAME": given["dbname"]},
        "--dsn": {},
    }
    port = {"PGPORT": given.get("port", "5432")}
    (folder / ".env").write_text(line)
    arguments = ("--dsn", database) if way == "--dsn" else ()
    applied = run("apply", *arguments, variables=ways[way] | port)
    assert applied.code == 0, applied


def test_a_line_that_cannot_be_read_is_named(run: Run, project: MakeProject, tmp_path: Path) -> None:
    """Its place is shown, and not what is in it."""
    project(ITEM)
    (tmp_path / ".env").write_text("DB_NAME=shop\n\nDB_PASSWORD='sesame\n")
    refused = run("status")
    assert refused.code == 2
    assert "error: .env:3: expected NAME=value" in refused.err
    assert "sesame" not in refused.said


def test_a_file_runs_no_command(run: Run, project: MakeProject, database: str, tmp_path: Path) -> None:
    """What psql or the system would read from a variable is not taken from a file."""
    project(ITEM)
    (tmp_path / "rc").write_text(r"\! touch planted")
    (tmp_path / ".env").write_text(f"PSQLRC={tmp_path}/rc\nDATABASE_URL={quoted(database)}\n")
    assert run("shell", "--", "-c", "select 1").code == 0
    assert not (tmp_path / "planted").exists()
