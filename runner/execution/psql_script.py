"""Write a plan as a psql script that does what `apply` does: the same transactions, settings and history rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from runner.planning import history
from runner.planning.model import Plan, ScriptPlan, Step
from runner.planning.releases import begin_release, end_release
from runner.postgres.settings import RESET, build_settings, own_role, run_lock_key, session_settings
from runner.project.manifest import Manifest
from runner.sql.quoting import identifier
from runner.sql.rewriting import with_free_colons
from runner.sql.statements import Script
from runner.version import __version__

_RENDERED = """\
-- {name}: {scripts}, rendered by runner {version}.
-- Run it with psql -f on a database that lacks all of it; it stops at the first error.
-- A script is one transaction, with its row in {history} inside, unless the manifest says otherwise.
"""
_PLANNED = """\
-- {name}: what 'apply' would send, planned by runner {version} from {manifest}.
-- Plan {hash}, made {made}
-- for {target}.
-- Run it with psql -f; it stops at the first error. '{apply} --expect {hash}' does the same.
"""
_SETTINGS = """\
\\set ON_ERROR_STOP on
\\set ON_ERROR_ROLLBACK off
\\set AUTOCOMMIT on
\\encoding UTF8
"""
_LOCK = """
-- One run at a time: this fails at once when another has the lock.
select pg_try_advisory_lock({key}) as runner_has_lock \\gset
\\if :runner_has_lock
\\else
    do $$ begin raise exception 'another run holds the lock'; end $$;
\\endif
"""
_SETUP = "The schemas and the history table, as far as they are missing, and the release"
_RELEASE = "The release"
_OLDER = "Nothing is sent: these files are older than run {0.run} of {0.at} by {0.by}"
_APPLIED = "The release is applied"


class DryRun(Struct, frozen=True):
    """What only the script of a dry run tells: the manifest, the database in words, and when it was planned."""

    manifest: str
    target: str
    made: str


def write_psql_script(plan: Plan, manifest: Manifest, checks: Sequence[Script], dry_run: DryRun | None = None) -> str:
    """Return the psql script; equal plans give the same text, but for what the header of a dry run tells."""
    profiles = dict.fromkeys(name for script in manifest.scripts for name in script.profiles)
    words = {
        "name": manifest.project.name,
        "version": __version__,
        "history": manifest.run.history_table,
        "scripts": "1 script" if len(plan.scripts) == 1 else f"{len(plan.scripts)} scripts",
        "hash": plan.hash,
        "apply": " ".join(["apply", *(f"--profile {name}" for name in profiles), *_release_options(plan)]),
    }
    if dry_run:
        words |= {"manifest": dry_run.manifest, "target": dry_run.target, "made": dry_run.made}
    header = _PLANNED if dry_run else _RENDERED
    blocks = [header.format(**{name: _in_comment(str(word)) for name, word in words.items()}) + _SETTINGS]
    if dry_run:
        blocks.append(_LOCK.format(key=run_lock_key(manifest)))
    if manifest.run.role:
        blocks.append(f"set role {identifier(manifest.run.role)};\n")
    if plan.older:
        blocks.append(_block(_OLDER.format(plan.older.newest), []))
    blocks += _all_at_once(plan, manifest) if plan.single else _one_by_one(plan, manifest)
    if checks:
        lines = ["begin read only;", *_terminated(session_settings(manifest, local=True))]
        for check in checks:
            lines += _statements((statement.script, statement.line, statement.sql) for statement in check.statements)
        blocks.append(_block("Checks: each returns the rows that are wrong", [*lines, "rollback;"]))
    if dry_run:
        blocks.append(f"select pg_advisory_unlock({run_lock_key(manifest)});\n")
    return "\n".join(blocks)


def _release_options(plan: Plan) -> Iterator[str]:
    """Return the options by which `apply` records the same release."""
    made = plan.release
    if made and made.release.number is not None:
        yield f"--release {made.release.number}"
    if made and made.is_again:
        yield "--allow-older"


def _one_by_one(plan: Plan, manifest: Manifest) -> Iterator[str]:
    settings = [*_terminated(session_settings(manifest, local=True))]
    if opening := (*plan.setup, *begin_release(manifest, plan.release)):
        yield _block(_SETUP if plan.setup else _RELEASE, ["begin;", *settings, *_terminated(opening), "commit;"])
    for script in plan.scripts:
        if script.stuck:
            yield _block(f"{script.script.path} is not run, and apply fails: {script.reason}", [])
        if script.is_run:
            yield _block(_title(script), _script(plan, script, manifest))
    closing = end_release(manifest, plan.release)
    if closing and not any(script.stuck for script in plan.scripts):
        yield _block(_APPLIED, ["begin;", *settings, *_terminated(closing), "commit;"])


def _all_at_once(plan: Plan, manifest: Manifest) -> Iterator[str]:
    settings = [*_terminated(session_settings(manifest, local=True))]
    yield _block("A single transaction: all or nothing", ["begin;", *settings])
    if opening := (*plan.setup, *begin_release(manifest, plan.release)):
        yield _block(_SETUP if plan.setup else _RELEASE, [*_terminated(opening)])
    for script in plan.scripts:
        if script.is_run:
            record = history.record_applied(manifest, plan.run, script)
            end = _terminated([*own_role(manifest), record, RESET])
            yield _block(_title(script), [*settings, *_steps(script.own_steps), "", *end])
    yield "\n".join([*_terminated(end_release(manifest, plan.release)), "commit;\n"])


def _script(plan: Plan, script: ScriptPlan, manifest: Manifest) -> list[str]:
    settings = [*_terminated(session_settings(manifest, local=script.script.transaction))]
    role = [*_terminated(own_role(manifest))]
    if not script.is_recorded_apart:
        record = history.record_applied(manifest, plan.run, script)
        return ["begin;", *settings, *_steps(script.own_steps), "", *role, f"{record};", f"{RESET};", "commit;"]
    seconds = "extract(epoch from clock_timestamp() - :'runner_started'::timestamptz)"
    start = f"{history.record_started(manifest, plan.run, script)};"
    end = f"{history.record_ended(manifest, plan.run, script, seconds=seconds)};"
    began = "select clock_timestamp() as runner_started \\gset"
    if script.script.transaction:
        own = ["begin;", *settings, *_steps(script.own_steps), "", *role, start, f"{RESET};", "commit;"]
    else:
        own = [start, *settings, *_alone(script.own_steps, manifest), "", *role, f"{RESET};"]
    return [began, *own, *_later(script, manifest), "", end]


def _alone(steps: Sequence[Step], manifest: Manifest) -> Iterator[str]:
    """Return the steps of a script without a transaction; an index that is built CONCURRENTLY has limits of its own."""
    for step in steps:
        if step.concurrently:
            yield from (*_build(step, manifest), *_terminated(session_settings(manifest, local=False)))
        else:
            yield from _steps([step])


def _later(script: ScriptPlan, manifest: Manifest) -> Iterator[str]:
    for steps in script.later_steps:
        if steps[0].concurrently:
            yield from (*_build(steps[0], manifest), f"{RESET};")
        else:
            settings = _terminated(session_settings(manifest, local=True))
            yield from ("", "begin;", *settings, *_steps(steps), "commit;")


def _build(step: Step, manifest: Manifest) -> Iterator[str]:
    return iter(("", *_terminated(build_settings(manifest)), *_steps([step])))


def _title(script: ScriptPlan) -> str:
    return f"{script.script.path}: {script.script.description}"


def _steps(steps: Sequence[Step]) -> Iterator[str]:
    return _statements((step.statement.script, step.statement.line, step.sql) for step in steps)


def _block(title: str, lines: Sequence[str]) -> str:
    return "\n".join(("", f"-- {_in_comment(title)}", *lines, ""))


def _statements(statements: Iterator[tuple[str, int, str]]) -> Iterator[str]:
    for path, line, sql in statements:
        yield ""
        yield f"-- {_in_comment(path)}:{line}"
        yield f"{with_free_colons(sql)};"


def _in_comment(text: str) -> str:
    """Return the text in one line: both line feed and carriage return end a comment of SQL."""
    return " ".join(text.split())


def _terminated(statements: Sequence[str] | Iterator[str]) -> Iterator[str]:
    return (f"{statement};" for statement in statements)
