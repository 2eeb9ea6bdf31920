"""The settings that a session or a transaction of the runner has."""

from __future__ import annotations

from runner.project.manifest import Manifest
from runner.resources import read_sql
from runner.sql.quoting import identifier, literal

OWN_PATH = "pg_catalog, pg_temp"
"""Where the runner's own SQL looks for names: nothing that somebody makes is found there, whatever it is called."""
ON_OWN_PATH = f"set local search_path = {OWN_PATH}"

MEANING = {
    "default_transaction_isolation": "read committed",
    "default_transaction_deferrable": "off",
    "standard_conforming_strings": "on",
    "backslash_quote": "safe_encoding",
    "array_nulls": "on",
    "transform_null_equals": "off",
    "quote_all_identifiers": "off",
    "xmloption": "content",
    "datestyle": "ISO",
    "intervalstyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
}
"""What a session has whatever the database, the role or the server says: a text means and stores the same everywhere.

What PostgreSQL takes from the place of a server when it makes one is the database's own, as in psql: the time zone, and
the order of day and month, which this date style keeps. So is `default_transaction_read_only`, which protects it.
"""

ALL_ROWS = "set local row_security = off"
"""Makes a policy that hides rows from the role an error."""


def run_lock_name(manifest: Manifest) -> str:
    """Return what the advisory lock that lets one run in at a time is called."""
    return f"runner {manifest.project.schema}.{manifest.run.history_table}"


def run_lock_key(manifest: Manifest) -> str:
    """Return, as SQL that means the same on every search path, the number of that lock."""
    return f"pg_catalog.hashtextextended({literal(run_lock_name(manifest))}, 0)"


def search_path(manifest: Manifest) -> str:
    """Return where names without a schema are looked for, as SET takes it."""
    project = manifest.project
    return ", ".join(identifier(schema) for schema in dict.fromkeys((project.schema, project.extension_schema)))


def session_settings(manifest: Manifest, *, local: bool) -> tuple[str, ...]:
    """Return the statements that give a transaction, or the session, the settings that scripts rely on."""
    return _settings(manifest, "set local" if local else "set", search_path(manifest))


def own_settings(manifest: Manifest) -> tuple[str, ...]:
    """Return the statements that give the same settings to a transaction of the runner's own SQL."""
    return _settings(manifest, "set local", OWN_PATH)


def begin_reading(manifest: Manifest) -> tuple[str, ...]:
    """Return the statements that begin a transaction in which rows are read for people.

    A policy that hides rows from the role is an error there: what they say would be about a part of the rows.
    """
    return ("begin read only", *session_settings(manifest, local=True), ALL_ROWS)


def _settings(manifest: Manifest, command: str, path: str) -> tuple[str, ...]:
    run = manifest.run
    return (
        f"{command} client_encoding = 'UTF8'",
        f"{command} standard_conforming_strings = on",
        f"{command} search_path = {path}",
        f"{command} lock_timeout = {literal(run.lock_timeout)}",
        f"{command} statement_timeout = {literal(run.statement_timeout)}",
        f"{command} idle_in_transaction_session_timeout = {literal(run.idle_in_transaction_session_timeout)}",
    )


def session_start(manifest: Manifest) -> tuple[str, str]:
    """Return the statements that give a session its settings, which RESET ALL takes away.

    The second one returns the process that serves the session; the first is short, because the limit of others is one
    for it too.
    """
    meaning = (f"pg_catalog.set_config('{name}', '{value}', false)" for name, value in MEANING.items())
    settings = read_sql("postgres/session.sql").format(
        path=literal(OWN_PATH), lock_timeout=literal(manifest.run.lock_timeout), meaning=",\n    ".join(meaning)
    )
    return f"set statement_timeout = {literal(manifest.run.statement_timeout)}", settings


def psql_session_start() -> tuple[str, ...]:
    """Return the statements that give a session of psql what scripts need of such a session."""
    return tuple(f"set {name} = {literal(value)}" for name, value in MEANING.items())


def build_settings(manifest: Manifest) -> tuple[str, ...]:
    """Return the statements that give the session the limits of an index that is built CONCURRENTLY.

    It waits for transactions that began before it, and nobody waits for it.
    """
    return (
        *session_settings(manifest, local=False),
        "set lock_timeout = 0",
        f"set statement_timeout = {literal(manifest.run.concurrent_index_timeout)}",
    )


def own_role(manifest: Manifest) -> tuple[str, ...]:
    """Return the statements that end a role which a script has set: its history row is written by the runner's own."""
    role = manifest.run.role
    return ("reset session authorization", f"set role {identifier(role)}" if role else "reset role")


def tag(script: str, line: int) -> str:
    """Return the comment that names a statement's place in the log of the server and to those who look at it."""
    return f"/* {script.replace('*/', '* /').replace('/*', '/ *')}:{line} */ "


RESET = "reset all"
"""End what a script has set for the session, which outlives its transaction."""
