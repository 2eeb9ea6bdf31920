"""What a person can do about an error of the server, where that is known: a hint or two beneath the server's own."""

from __future__ import annotations

import re

from runner.errors import DatabaseError, Hint
from runner.execution.sender import Failure
from runner.planning.model import ScriptPlan
from runner.postgres.errors import policy_notes
from runner.project.manifest import Manifest
from runner.sql.objects import Object, qualified_name
from runner.sql.quoting import identifier, literal

# Patterns as text: they are compiled when something has failed, and not at each start.
_SCHEMA = r"permission denied for schema (.+)"
_DATABASE = r"permission denied for database (.+)"
_OWNER = r"must be owner of (.+)|permission denied for (?:table|sequence|view) .+"
_ALONE = (
    "a script is one transaction: put the statement into a script of its own that has transaction = false in the"
    " manifest, and apply without --single-transaction"
)
_NOT_THERE = (
    "COMMIT and ROLLBACK work in DO, and in a procedure that CALL starts by itself: not below a function, in a block"
    " with EXCEPTION, or in a procedure with SET or SECURITY DEFINER"
)
_EXTENSION = r"permission denied to create extension"


def notes_on(failure: Failure, role: str, sql: str, *, in_transaction: bool = True) -> tuple[str, ...]:
    """Return notes on a failed statement that `role` sent, in the transaction of its script or in none."""
    match failure.error.sqlstate:
        case "55P03" | "40P01":  # lock_not_available, deadlock_detected
            return _on_lock(failure)
        case "42501":  # insufficient_privilege
            return policy_notes(failure.error) or _on_privilege(
                failure.error.diag.message_primary or "", identifier(role), sql
            )
        case "55P04":  # unsafe_new_enum_value_usage
            return (Hint("use it in a later script, and apply without --single-transaction"),)
        case "2D000":  # invalid_transaction_termination
            return (*((Hint(_ALONE),) if in_transaction else ()), Hint(_NOT_THERE))
        case "25006":  # read_only_sql_transaction
            return (Hint("connect to the primary: this is a standby, or default_transaction_read_only is on"),)
        case "53100":  # disk_full
            return (Hint("nothing of the statement is left; make room on the server, and apply again"),)
    return ()


def _on_lock(failure: Failure) -> tuple[str, ...]:
    held = tuple(f"held by {blocker}" for blocker in failure.blockers)
    pids = [blocker.pid for blocker in failure.blockers if blocker.pid]
    ends = f"end it with: select pg_terminate_backend({pids[0]});" if pids else "end what holds the lock"
    waits = "lock_timeout and lock_retries of the manifest say how long a run waits"
    return (*held, Hint(f"let it end, or {ends} then apply again; {waits}"))


def _on_privilege(said: str, role: str, sql: str) -> tuple[str, ...]:
    if known := re.match(_SCHEMA, said, re.DOTALL):
        needs = "usage" if sql and not sql.lower().startswith("create") else "create"
        grant = f"grant {needs} on schema {identifier(known[1])} to {role};"
        return (Hint(f"the owner of the schema, or a superuser, says: {grant}"),)
    if known := re.match(_DATABASE, said, re.DOTALL):
        grant = f"grant create on database {identifier(known[1])} to {role};"
        return (Hint(f"the owner of the database says: {grant}"),)
    if re.match(_EXTENSION, said):
        return (Hint(f"an administrator says, once, in this database: {' '.join(sql.split())};"),)
    if re.match(_OWNER, said):
        return (Hint("apply as the owner, or name a role that owns it and that you are a member of: run.role"),)
    return ()


def stuck_error(manifest: Manifest, script: ScriptPlan) -> DatabaseError:
    """Return the error of a script that a person has to look at first."""
    table = qualified_name(Object("table", manifest.run.history_table, "", manifest.project.schema))
    own = f"project = {literal(manifest.project.name)} and script = {literal(script.script.path)}"
    where = f"{own} and status = 'started'"
    return DatabaseError(
        str(script.reason),
        place=script.script.path,
        notes=(
            Hint("look at what it did, and do the rest by hand; then 'apply --baseline' records it as applied"),
            Hint(f"to have it run again from its beginning: delete from {table} where {where};"),  # noqa: S608
        ),
    )
