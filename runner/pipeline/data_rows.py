"""How many rows the data statements of a plan change: they are run, and rolled back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
from msgspec import Struct

from runner.errors import without_passwords
from runner.planning.model import Plan, Step
from runner.postgres.settings import RESET, own_role, session_settings, session_start
from runner.project.manifest import Manifest

if TYPE_CHECKING:
    from psycopg import Connection

_SETTINGS = "variable_set_stmt"


class DataRows(Struct, frozen=True):
    """What a data statement does to the rows that are there now.

    `rows` are those that it changes, or returns if it is a SELECT; None when it is unknown, and `reason` tells why.
    """

    step: Step
    rows: int | None
    reason: str = ""


def rows_of_data(connection: Connection[Any], plan: Plan, manifest: Manifest) -> tuple[DataRows, ...]:
    """Run the data statements of a plan in one transaction, roll it back, and return what each did.

    Nothing else of the plan is run: what a statement needs that is yet to be made is the reason why its rows are
    unknown. Sequences move, triggers fire, and the rows are locked until the end.
    """
    found: list[DataRows] = []
    connection.execute("begin")
    try:
        for script in (script for script in plan.scripts if script.is_run):
            start = (*own_role(manifest), RESET, *session_start(manifest), *session_settings(manifest, local=True))
            for setting in start:  # whatever the script before has set
                connection.execute(setting.encode())
            for step in script.steps:
                if step.statement.is_data and step.action == "run":
                    found.append(_tried(connection, step))
                elif step.statement.node == _SETTINGS:
                    _tried(connection, step)
    finally:
        if not connection.closed:
            connection.execute("rollback")
    return tuple(found)


def _tried(connection: Connection[Any], step: Step) -> DataRows:
    connection.execute("savepoint data")
    try:
        rows = connection.execute(step.sql.encode()).rowcount
    except psycopg.Error as error:
        if connection.closed:
            raise
        connection.execute("rollback to data")
        return DataRows(step, None, without_passwords(f"{error.diag.message_primary} [{error.sqlstate}]"))
    return DataRows(step, rows)
