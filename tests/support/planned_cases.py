"""Cases of the planner: the database before, the project, and commands in this process."""

from __future__ import annotations

import io
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import psycopg

from runner.cli.group import cli
from runner.errors import RunnerError
from tests.support.projects import Result, write_project
from tests.support.servers import psql

EMPTY = """
    select format('drop extension %I cascade', extname) from pg_extension where extname <> 'plpgsql'
    union all
    select format('drop schema %I cascade', nspname) from pg_namespace where nspname !~ '^pg_|^information_schema$'
    union all
    select format('drop publication %I', pubname) from pg_publication
    union all
    select format('drop subscription %I', subname)
    from pg_subscription as s join pg_database as d on s.subdbid = d.oid where datname = current_database()
    union all
    select format('drop foreign data wrapper if exists %I cascade', fdwname) from pg_foreign_data_wrapper
    union all
    select format('drop transform if exists for %s language %I', trftype::regtype, l.lanname)
    from pg_transform as t join pg_language as l on t.trflang = l.oid where t.oid >= 16384
    union all
    select format('drop cast if exists (%s as %s)', castsource::regtype, casttarget::regtype)
    from pg_cast where oid >= 16384
    union all
    select format('drop language if exists %I cascade', lanname) from pg_language where oid >= 16384
    union all
    select format('drop access method if exists %I cascade', amname) from pg_am where oid >= 16384
    union all -- what an operator class has left in PostgreSQL's own families
    select format('alter operator family %s using %I drop %s (%s, %s)', f.opfname, m.amname, p.part, p.left, p.right)
    from (
        select 'operator ' || amopstrategy as part, amoplefttype::regtype as left, amoprighttype::regtype as right,
            amopfamily as family, 'pg_amop'::regclass as classid, oid from pg_amop
        union all
        select 'function ' || amprocnum, amproclefttype::regtype, amprocrighttype::regtype,
            amprocfamily, 'pg_amproc'::regclass, oid from pg_amproc
    ) as p
    join pg_opfamily as f on p.family = f.oid
    join pg_am as m on f.opfmethod = m.oid
    where p.oid >= 16384 and f.oid < 16384
        and not exists (
            select from pg_depend as d where d.classid = p.classid and d.objid = p.oid and d.deptype in ('i', 'e')
        )
"""


def run_command(folder: Path, command: str, dsn: str, *arguments: str) -> Result:
    """Run a command of the runner in this process."""
    out, err = io.StringIO(), io.StringIO()
    line = [command, "--manifest", str(folder / "manifest.toml"), "--dsn", dsn, *arguments]
    with redirect_stdout(out), redirect_stderr(err):
        try:
            code = cli.main(line, prog_name="runner", standalone_mode=False)
        except RunnerError as error:
            return Result(error.exit_code, out.getvalue(), f"{err.getvalue()}error: {error}")
    return Result(code or 0, out.getvalue(), err.getvalue())


def write_case(folder: Path, facts: Mapping[str, Any], scripts: str = "scripts", options: str = "options") -> Path:
    """Write the project of a case, or that of its earlier version."""
    return write_project(folder, facts[scripts], options=facts.get(options, {}), **facts.get("manifest", {}))


def begin(folder: Path, facts: Mapping[str, Any], dsn: str) -> None:
    """Make of an empty database what it is before the plan: an earlier version was applied, and hands changed it."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for drop in connection.execute(EMPTY).fetchall():
            connection.execute(drop[0])
        connection.execute("create schema public")
        if "earlier" in facts:
            write_case(folder, facts, "earlier")
            applied = run_command(folder, "apply", dsn)
            assert applied.code == 0, applied
        if "before" in facts:
            connection.execute(facts["before"])


def feed(folder: Path, dsn: str, script: str) -> tuple[int, str]:
    """Run a script with psql; return its exit code and its errors."""
    (folder / "dry.sql").write_text(script, encoding="utf-8")
    fed = psql(dsn, folder / "dry.sql")
    return fed.returncode, "\n".join(line for line in fed.stderr.splitlines() if "ERROR: " in line)
