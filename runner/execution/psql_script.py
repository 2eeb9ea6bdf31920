"""Write a plan as a psql script that does what `apply` does: the same transactions, settings and history rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from msgspec import Struct

from runner.execution.schedule import BLOCKED, Attempt, Label, Send, Turn, ended, repaired, schedule
from runner.planning.model import Plan
from runner.postgres.settings import RESET, begin_reading, psql_session_start, run_lock_key
from runner.project.manifest import Manifest
from runner.sql.quoting import identifier, literal
from runner.sql.rewriting import with_free_colons
from runner.sql.statements import Script
from runner.version import __version__
from runner.wording import shown

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
select pg_catalog.pg_try_advisory_lock({key}) as runner_has_lock \\gset
\\if :runner_has_lock
\\else
    do $$ begin raise exception 'another run holds the lock'; end $$;
\\endif
"""
_MEANING = """
-- Whatever the settings of the database: a text means the same, and no limit but the manifest's ends a transaction.
\\set runner_settings
{settings}
select pg_catalog.current_setting('transaction_timeout', true) is not null as runner_has_limit \\gset
\\if :runner_has_limit
    \\set runner_settings :runner_settings ' set transaction_timeout = 0;'
\\endif
:runner_settings
"""
_BEGAN = "select pg_catalog.clock_timestamp() as runner_started \\gset"
_SECONDS = "extract(epoch from clock_timestamp() - :'runner_started'::timestamptz)"
_TITLES: dict[Label, str] = {
    "setup": "The schemas and the history table, as far as they are missing, and the release",
    "release": "The release",
    "released": "The release is applied",
    "single": "A single transaction: all or nothing",
}
_FORECAST = "These are the upgrades. What comes after them is planned then: make another dry run."
_OLDER = "Nothing is sent: these files are older than run {0.run} of {0.at} by {0.by}"
_PARAGRAPHS = ("begin", "limits", "role", "ended")


class DryRun(Struct, frozen=True):
    """What only the script of a dry run tells: the manifest, the database in words, and when it was planned."""

    manifest: str
    target: str
    made: str
    uncompared: tuple[str, ...]
    """What is not compared, in a line each."""
    end: str
    """The last line."""


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
    blocks = [header.format(**{name: shown(str(word)) for name, word in words.items()}) + _SETTINGS]
    if dry_run:
        blocks.append(_LOCK.format(key=run_lock_key(manifest)))
    added = (f"\\set runner_settings :runner_settings {literal(f' {setting};')}" for setting in psql_session_start())
    blocks.append(_MEANING.format(settings="\n".join(added)))
    if manifest.run.role:
        blocks.append(f"set role {identifier(manifest.run.role)};\n")
    if plan.older:
        blocks.append(_block(_OLDER.format(plan.older.newest), []))
    for turn in schedule(plan, manifest):
        blocks += _blocks(plan, manifest, turn)
    if plan.forecast:
        blocks.append(f"\n-- {_FORECAST}\n")
    elif checks:
        lines = [f"{setting};" for setting in begin_reading(manifest)]
        for statement in (statement for check in checks for statement in check.statements):
            lines += _statement(f"{statement.script}:{statement.line}", statement.sql)
        blocks.append(_block("Checks: each returns the rows that are wrong", [*lines, "rollback;"]))
    if dry_run:
        blocks.append(f"select pg_catalog.pg_advisory_unlock({run_lock_key(manifest)});\n")
        blocks.append("".join(f"-- {shown(line)}\n" for line in (*dry_run.uncompared, dry_run.end)))
    return "\n".join(blocks)


def _release_options(plan: Plan) -> Iterator[str]:
    """Return the options by which `apply` records the same release."""
    made = plan.release
    if made and made.release.number is not None:
        yield f"--release {made.release.number}"
    if made and made.is_again:
        yield "--allow-older"


def _blocks(plan: Plan, manifest: Manifest, turn: Turn) -> Iterator[str]:
    for attempt in turn.attempts:
        yield _attempt(plan, manifest, attempt)
    if turn.script and turn.script.stuck:
        yield _block(f"{turn.script.script.path} is not run, and apply fails: {turn.script.reason}", [])
    end = ended(plan, manifest, turn.script, _SECONDS) if turn.script else ()
    sends = (send for part in turn.parts for send in (part.sends or end) if not send.is_runners)
    began = [_BEGAN] if any(part.kind == "ending" for part in turn.parts) else []
    for title, group in groupby(sends, _title):
        yield _block(title, [*began, *_lines(group)])


def _attempt(plan: Plan, manifest: Manifest, attempt: Attempt) -> str:
    """Return the block of a late repair, which sends nothing when rows block it."""
    ending = repaired(plan, manifest, attempt.repair, _SECONDS)
    sends = [send for part in attempt.parts for send in (part.sends or ending) if not send.is_runners]
    lines = [_BEGAN, *_lines(attempt.question.sends), f"\\if :{BLOCKED}", "\\else", *_lines(sends), "\\endif"]
    return _block(f"{attempt.repair.place}: after the scripts, if no rows block it: {attempt.repair.objects[0]}", lines)


def _title(send: Send) -> str | None:
    if send.label == "commit":
        return None
    return f"{send.script.script.path}: {send.script.script.description}" if send.script else _TITLES[send.label]


def _lines(sends: Iterable[Send]) -> Iterator[str]:
    before = None
    for send in sends:
        if send.step:
            yield from _statement(send.place, send.sql)
        else:
            yield from ("",) if send.label in _PARAGRAPHS and before not in (None, send.label) else ()
            yield f"{with_free_colons(send.sql)} \\gset" if send.label == "question" else f"{send.sql};"
            yield from (":runner_settings",) if send.sql == RESET else ()
        before = send.label


def _block(title: str | None, lines: Sequence[str]) -> str:
    head = () if title is None else ("", f"-- {shown(title)}")
    return "\n".join((*head, *lines, ""))


def _statement(place: str, sql: str) -> tuple[str, ...]:
    return ("", f"-- {shown(place)}", f"{with_free_colons(sql)};")
