"""The psql script of render: what was reviewed is what runs."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

from tests.conftest import MakeProject, Run
from tests.support.cases import TWINS
from tests.support.dumps import still_dump
from tests.support.projects import HOSTILE, ROOT, copy_project, edit_mappings, run_runner, run_together
from tests.support.servers import Server, psql


def assert_twins(server: Server, folder: Path) -> None:
    """Assert that psql and apply make the same database of a project, and that apply then finds nothing to do."""
    with server.database() as by_apply, server.database() as by_psql:
        rendered, applied = run_together(("render",), ("apply", "--dsn", by_apply), folder=folder)
        assert (rendered.code, applied.code) == (0, 0), f"{rendered}\n{applied}"
        script = folder / "rendered.sql"
        script.write_text(rendered.out, encoding="utf-8")
        fed = psql(by_psql, script)
        assert fed.returncode == 0, fed.stderr
        assert still_dump(by_psql) == still_dump(by_apply)
        again = run_runner("apply", "--json", "--dsn", by_psql, folder=folder)
        assert again.code == 0, again
        assert {script["status"] for script in again.json["scripts"]} == {"unchanged"}


def test_psql_makes_the_database_that_apply_makes(server: Server, tmp_path: Path) -> None:
    """Schema, data and history of this repository's project are the same either way."""
    assert_twins(server, copy_project(tmp_path))


@pytest.mark.parametrize("case", TWINS)
def test_psql_reads_a_script_as_the_runner_does(server: Server, project: MakeProject, case: str) -> None:
    """Nothing in a script is a command or a variable of psql's own, and settings end with their script."""
    facts = TWINS[case]
    folder = project(facts["scripts"], options=facts.get("options", {}), **facts.get("manifest", {}))
    assert_twins(server, folder)


def test_psql_reads_hostile_mappings_as_the_runner_does(server: Server, tmp_path: Path) -> None:
    """Text of the mapping file is data for psql too."""
    folder = copy_project(tmp_path)
    specs = {
        f"hostile_{number}": {
            "type": "string",
            "description": text,
            "instance_1": {"field_id": f"\\gexec :x {number}", "name": text},
        }
        for number, text in enumerate(HOSTILE)
    }
    edit_mappings(folder, lambda document: document["field_groups"].update(hostile={"fields": specs}))
    assert_twins(server, folder)


def test_psql_stops_at_the_first_error(run: Run, project: MakeProject, database: str, tmp_path: Path) -> None:
    """A script that fails is rolled back, those before it stay, and those after it are not run, as with "stop"."""
    project(
        {
            "010_item.sql": "create table if not exists item (id integer);",
            "020_fails.sql": "create table if not exists made (id integer);\nselect 1 / 0;",
            "030_more.sql": "create table if not exists more (id integer);",
        }
    )
    script = tmp_path / "rendered.sql"
    script.write_text(run("render").out, encoding="utf-8")
    fed = psql(database, script)
    assert fed.returncode == 3
    assert "division by zero" in fed.stderr
    with psycopg.connect(database) as connection:
        found = connection.execute("select relname from pg_stat_user_tables order by 1").fetchall()
        assert found == [("item",), ("runner_history",), ("runner_history_release",)]


def test_rendering_is_reproducible(run: Run) -> None:
    """The same files give the same bytes, whatever the order of hashes, the locale or the time zone."""
    places: tuple[dict[str, str], ...] = (
        {"PYTHONHASHSEED": "1", "LC_ALL": "C", "TZ": "Asia/Tokyo"},
        {"PYTHONHASHSEED": "2", "LC_ALL": "C.UTF-8", "TZ": "America/New_York"},
    )
    first, second = (run("render", folder=ROOT, variables=variables).out for variables in places)
    assert first == second
    assert "create table" in first


def test_rendering_needs_no_database(run: Run) -> None:
    """A database that is named, but is not there, does not matter."""
    variables = {"DATABASE_URL": "postgresql://nowhere.invalid/none"}
    assert run("render", folder=ROOT, variables=variables).code == 0
    assert run("check", folder=ROOT, variables=variables).code == 0


def test_render_writes_a_folder(run: Run, tmp_path: Path) -> None:
    """With --output each script and check is a file, rendered, and a second time it is the same."""
    folder = copy_project(tmp_path)
    for _ in range(2):
        result = run("render", "--profile", "citus", "--profile", "roles", "--output", "out/deep", folder=folder)
        assert result.code == 0, result
        written = {path.relative_to(folder / "out/deep"): path.read_text() for path in folder.glob("out/deep/**/*.sql")}
        sources = {path.relative_to(folder): path.read_text() for path in folder.glob("sql/**/*.sql")}
        assert written.keys() == sources.keys()
        tables = Path("sql/020_tables.sql")
        assert written[tables] == sources[tables]
        assert not any("{{" in text or "{%" in text for text in written.values())


def test_render_says_what_is_in_the_way(run: Run, project: MakeProject, tmp_path: Path) -> None:
    """A file where a folder should be is one message and exit code 2."""
    project({"010_item.sql": "select 1;"})
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "script").write_text("")
    result = run("render", "--output", "out")
    assert result.code == 2
    assert result.err.startswith("error: out/script/010_item.sql: cannot be written: ")
    assert len(result.err.splitlines()) == 1


def test_render_as_a_document(run: Run, project: MakeProject) -> None:
    """With --json the psql script is a text in the document."""
    project({"010_item.sql": "select 'größe';"})
    document = json.loads(run("render", "--json").out)
    assert document == {"ok": True, "sql": run("render").out}
    assert document["sql"].startswith("-- small: 1 script, rendered by runner ")


def test_variables_can_be_given(run: Run, project: MakeProject) -> None:
    """--var changes a value of the manifest for one run."""
    project({"010_item.sql": "select {{ text }}, {{ number }};"}, variables={"text": "a", "number": 1})
    assert "select 'a', 1;" in run("render").out
    assert "select 'it''s', 2;" in run("render", "--var", "text=it's", "--var", "number=2").out
