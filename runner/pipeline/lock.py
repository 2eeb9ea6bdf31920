"""Make the lock file: build the declared schema and seal the scripts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from runner.catalog.declared import Declared, build_declared
from runner.catalog.snapshot import Snapshot
from runner.errors import DatabaseError, Hint
from runner.planning.model import Options, Plan, ScriptPlan
from runner.planning.past import Applied, Past
from runner.planning.planner import make_plan
from runner.planning.situation import Situation
from runner.postgres.dates import dates_of, other_dates
from runner.postgres.errors import statement_error
from runner.project.loading import Project
from runner.project.lock_versions import is_of_same_scripts, merged
from runner.project.lockfile import Lockfile, make_lockfile
from runner.project.manifest import Manifest
from runner.project.seals import Seal, _ground, _hash, _hash_of_text, open_seals
from runner.sql.objects import PRESENT, Facts, Object, without_table
from runner.sql.statements import Script
from runner.wording import listed

if TYPE_CHECKING:
    from psycopg import Connection


_CLEARLY = "write moments with their offset, '2026-11-28 12:00+00', and dates as '2026-11-28'"


class Locked(NamedTuple):
    """A lock that was made, and how many objects scripts make of kinds that are not compared, by kind."""

    lock: Lockfile
    other_kinds: Mapping[str, int]


def lock_on(connection: Connection[Any], loaded: Project, say: Callable[[str], None]) -> Locked:
    """Return a fresh lock, and say what depends on the session. Raise StatementError for a statement that fails."""
    manifest = loaded.project.manifest
    declared = build_declared(connection, manifest, loaded.declaring, loaded.names, say)
    _require_built(loaded, declared)
    version = connection.info.server_version // 10_000
    seals = _seals(loaded, declared.facts)
    if not seals:
        say("no seals: each start parses all scripts; docs/lock.md tells when that is so")
    dates = _dates(connection, loaded, declared.facts, say)
    lock = make_lockfile(
        manifest,
        loaded.declaring,
        version,
        declared.facts,
        seals=seals,
        dates=dates,
        uncompared=declared.uncompared,
    )
    return Locked(lock, declared.other_kinds)


def one_lock(locks: Sequence[Lockfile]) -> Lockfile:
    """Return one lock for all versions. Raise DatabaseError when what is declared depends on dates that differ."""
    for lock in locks[1:]:
        if not is_of_same_scripts(lock, locks[0]):
            dates = listed(sorted({lock.dates or "any form", locks[0].dates or "any form"}))
            message = f"what is declared depends on dates, and those of the servers are in {dates}"
            raise DatabaseError(message, notes=(Hint(_CLEARLY),))
    return merged(locks)


def _dates(connection: Connection[Any], loaded: Project, facts: Facts, say: Callable[[str], None]) -> str:
    """Return the time zone and the order of dates that the facts hold for; nothing when they hold for all."""
    with other_dates(connection):
        manifest = loaded.project.manifest
        others = build_declared(connection, manifest, loaded.declaring, loaded.names, lambda _: None).facts
    dates = dates_of(connection)
    depending = [item for item, definition in facts.items() if others.get(item) != definition]
    for item in depending:
        say(f"{item}: depends on the time zone, or on the order of day and month, here {dates}; {_CLEARLY}")
    return dates if depending else ""


def _seals(loaded: Project, declared: Facts) -> dict[str, Seal]:
    """Return the seals of scripts and checks, from a plan for a database that is as declared, where all was applied.

    There are none when they would not hold: what is sent is found by a simple splitter.
    """
    manifest = loaded.project.manifest
    schemas = (manifest.project.schema, manifest.project.extension_schema)
    actual = Snapshot({**declared, **{Object("schema", name): PRESENT for name in schemas}})
    applied = {parsed.rendered.path: Applied(parsed.checksum, "", "", 1) for parsed in loaded.scripts}
    situation = Situation(declared, actual, Past(applied, {}, 1, ()))
    plan = make_plan(manifest, loaded.scripts, situation, Options())
    seals = make_seals(manifest, plan, loaded.checks, declared)
    files = loaded.files
    return seals if open_seals(manifest, files.rendered_scripts, files.rendered_checks, seals) else {}


def _require_built(loaded: Project, declared: Declared) -> None:
    """Raise StatementError for the first statement that failed."""
    sources = {parsed.rendered.path: parsed for parsed in loaded.scripts}
    for unbuilt in declared.unbuilt:
        if unbuilt.error:
            raise statement_error(unbuilt.error, sources[unbuilt.statement.script], unbuilt.statement)


def make_seals(manifest: Manifest, plan: Plan, checks: Sequence[Script], declared: Facts) -> dict[str, Seal]:
    """Return the seals by path; `plan` is the one for a database that is as declared, where all was applied.

    There are none when it does more than to read and write rows, or would, if what it drops or renames were there.
    """
    kept = {without_table(item) for item in declared}
    if not plan.only_data or any(_removes(script, kept) for script in plan.scripts):
        return {}
    ground = _ground(manifest)
    sent = [(script.parsed, [step.statement for step in script.to_send]) for script in plan.scripts]
    sent += [(check, list(check.statements)) for check in checks]
    return {
        parsed.rendered.path: Seal(
            parsed.total, parsed.checksum, _hash(_hash_of_text(ground, parsed.rendered, parsed.total), own)
        )
        for parsed, own in sent
    }


def _removes(plan: ScriptPlan, kept: Collection[Object]) -> bool:
    """Return whether a script that is run always may find something to rename, or to drop and not to make again."""
    effects = [effect for statement in plan.parsed.statements for effect in statement.declaration.effects]
    return plan.script.run == "always" and any(
        effect.action == "rename" or (effect.action == "drop" and without_table(effect.object) not in kept)
        for effect in effects
    )
