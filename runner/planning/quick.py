"""The plan for a database that is as declared: nothing but statements that read and write rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from runner.catalog.snapshot import Snapshot
from runner.planning.due import due_now
from runner.planning.model import Options, Plan, ScriptPlan, Step
from runner.planning.past import Past
from runner.planning.reasons import DATA
from runner.postgres.settings import session_settings
from runner.project.manifest import Manifest
from runner.sql.objects import Object
from runner.sql.statements import Script


def has_schemas(manifest: Manifest, actual: Snapshot) -> bool:
    """Return whether the schemas are there that a run makes when they are missing, whatever the scripts declare."""
    names = (manifest.project.schema, manifest.project.extension_schema)
    return all(Object("schema", name) in actual.facts for name in names)


def quiet_plan(manifest: Manifest, scripts: Sequence[Script], past: Past, options: Options) -> Plan | None:
    """Return the plan of sealed scripts for a database that is as declared; None when one has to be run or recorded."""
    if past.history_ddl:
        return None
    plans = []
    for script, parsed in zip(manifest.scripts, scripts, strict=True):
        when = due_now(script, parsed, past, baseline=options.baseline)
        if when.stuck or (when.is_due and script.run != "always"):
            return None
        last = past.applied.get(script.path)
        changed = last is not None and last.checksum != parsed.checksum
        plans.append(ScriptPlan(script, parsed, when.is_due, changed, when.reason, tuple(_steps(parsed))))
    settings = session_settings(manifest, local=True)
    return Plan(past.run, settings, (), tuple(plans), options.single_transaction)


def _steps(parsed: Script) -> Iterator[Step]:
    for statement in parsed.statements:
        yield Step(statement, "run", DATA, statement.sql)
