"""Whom a plan trusts: the history is read only when it is the runner's own, and nobody else may create objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from runner.catalog.snapshot import Question
from runner.catalog.untrusted import Untrusted, trusted_roles_sql
from runner.errors import DatabaseError, Hint
from runner.project.manifest import Manifest
from runner.resources import read_sql
from runner.sql.quoting import identifier

_READ_ONLY = "select pg_catalog.set_config('transaction_read_only', 'on', true)"
"""Holds to the end of the pipeline, which is a transaction by itself."""
_NAME_IT = "or name the role in trusted_creators, [project] in the manifest"
_OTHER_NAME = Hint("if it is not the runner's, give the history another name, run.history_table in the manifest")


def problems_question(manifest: Manifest) -> Question:
    """Return the question what is wrong with the tables of the history and the releases."""
    return _problems(), _parameters(manifest)


def guarded(manifest: Manifest, queries: Mapping[str, str]) -> tuple[Question, ...]:
    """Return the queries of these tables after two questions, of which the second has no row where nothing is read.

    That is where one of them is not there, or one is not the runner's own.
    """
    guard = read_sql("planning/history_guard.sql").format(trusted_roles=trusted_roles_sql(), problems=_problems())
    parameters = {**_parameters(manifest), "tables": list(queries)}
    return (_READ_ONLY, None), (guard, parameters), *((query, None) for query in queries.values())


def require_own(manifest: Manifest, problems: Sequence[tuple[str, str, str | None]]) -> None:
    """Raise DatabaseError when something is wrong with the tables of the history and the releases."""
    if not problems:
        return
    table = problems[0][0]
    own = [(what, cure) for name, what, cure in problems if name == table]
    hints = [Hint(f"once an administrator has looked at it: {cure};") for _, cure in own if cure]
    if any("is not trusted" in what for what, _ in own):
        hints.append(Hint(_NAME_IT))
    name = f"{identifier(manifest.project.schema)}.{identifier(table)}"
    whats = "; ".join(what for what, _ in own)
    raise DatabaseError(f"{name} is not a history table: {whats}; it was not read", notes=(*hints, _OTHER_NAME))


def require_no_creators(untrusted: Sequence[Untrusted]) -> None:
    """Raise DatabaseError when a role that is not trusted may create objects where scripts look for names."""
    creators = [one for one in untrusted if one.problem == "creates"]
    if not creators:
        return
    roles = ", ".join(f"{one.what} in {one.object}" for one in creators)
    hints = tuple(Hint(one.cure) for one in creators)
    message = f"roles that are not trusted may create objects that scripts would find: {roles}; nothing was changed"
    raise DatabaseError(message, notes=(*hints, Hint(_NAME_IT)))


@cache
def _problems() -> str:
    return read_sql("planning/history_problems.sql").format(trusted_roles=trusted_roles_sql())


def _parameters(manifest: Manifest) -> dict[str, Any]:
    project, run = manifest.project, manifest.run
    trusted = list(project.trusted_creators)
    return {
        "schema": project.schema,
        "history": run.history_table,
        "releases": run.release_table,
        "trusted": trusted,
    }
