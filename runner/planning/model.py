"""A plan is a value: for each script and statement, what will be done, why, and the SQL that is sent.

Everything that runs or shows a plan reads this one list: `execute` sends it, `psql` writes it, `report` shows it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from itertools import groupby
from typing import Literal

import msgspec
from msgspec import Struct

from runner.errors import Place
from runner.planning.hazards import Hazard
from runner.planning.locks import TableLock
from runner.planning.reasons import Reason
from runner.planning.releases import Older, Recording
from runner.project.manifest import ScriptEntry
from runner.sql.objects import Object
from runner.sql.statements import Script, Statement

StepAction = Literal["unchanged", "create", "alter", "run"]


class Step(Struct, frozen=True, gc=False):
    """What is done for a statement; `sql` is what is sent: the statement, a part of it, or what repairs its object."""

    statement: Statement
    action: StepAction
    reason: Reason
    sql: str
    about: tuple[Object, ...] = ()
    """What a repair is about."""
    transaction: int = 0
    """0 is the script's own; the steps of another number are a transaction of their own after it, in this order.

    What is below 0 is sent before it.
    """
    concurrently: bool = False
    """It builds an index CONCURRENTLY: it is sent alone, in no transaction, and may take its time."""
    locks: tuple[TableLock, ...] = ()
    """What it locks of what was there before the run, above ROW EXCLUSIVE."""
    hazards: tuple[Hazard, ...] = ()

    @property
    def objects(self) -> tuple[Object, ...]:
        """What the step is about."""
        declaration = self.statement.declaration
        is_named_otherwise = declaration.gives_access and self.reason.objects
        written = tuple(effect.object for effect in declaration.effects)
        return self.about or (self.reason.objects if is_named_otherwise else written)

    @property
    def place(self) -> Place:
        """Where its statement is."""
        return Place(self.statement.script, self.statement.line)

    @property
    def is_generated(self) -> bool:
        """Whether its SQL is neither the script's nor clauses of it, and sent in the script's own transaction."""
        is_written = self.sql == self.statement.sql or (self.statement.node == "alter_table_stmt" and not self.about)
        return not (self.transaction or is_written)


class ScriptPlan(Struct, frozen=True):
    """A script and its steps; `reason` says why it is due or not, `changed` that it was edited since it was applied.

    With `stuck`, a person has to look first: it is not run, and counts as failed. With `in_setup`, it is recorded by
    the setup, and not run. With `goes_on`, late repairs belong to it, and its history row tells of its end after these.
    """

    script: ScriptEntry
    parsed: Script
    due: bool
    changed: bool
    reason: Reason
    steps: tuple[Step, ...]
    stuck: bool = False
    in_setup: bool = False
    goes_on: bool = False

    @property
    def to_send(self) -> tuple[Step, ...]:
        """The steps that send something."""
        return tuple(step for step in self.steps if step.action != "unchanged")

    @property
    def own_steps(self) -> tuple[Step, ...]:
        """The steps that are sent in the script's own transaction."""
        return tuple(step for step in self.to_send if step.transaction == 0)

    @property
    def earlier_steps(self) -> tuple[tuple[Step, ...], ...]:
        """The steps that are sent before it, each group a transaction."""
        return in_transactions(step for step in self.to_send if step.transaction < 0)

    @property
    def later_steps(self) -> tuple[tuple[Step, ...], ...]:
        """The steps that are sent after it, each group a transaction."""
        return in_transactions(step for step in self.to_send if step.transaction > 0)

    @property
    def is_recorded_apart(self) -> bool:
        """Whether its end comes after its own transaction: its history row is written at its beginning, and again."""
        return not self.script.transaction or bool(self.later_steps)

    @property
    def ends(self) -> Literal["applied", "started"]:
        """How its history row tells that its steps have ended: late repairs may be to come."""
        return "started" if self.goes_on else "applied"

    @property
    def is_run(self) -> bool:
        """Whether anything is sent for it: statements, or the record that there were none to send."""
        if not self.due or self.stuck or self.in_setup:
            return False
        return bool(self.to_send) or self.script.run != "always"

    @property
    def pending(self) -> int:
        """How much is not yet as declared; the data statements of an `always` script do not count."""
        if self.script.run != "always":
            return int(self.due)
        return sum(step.action in ("create", "alter") for step in self.steps)


def in_transactions(steps: Iterable[Step]) -> tuple[tuple[Step, ...], ...]:
    """Return steps by the numbers of their transactions."""
    ordered = sorted(steps, key=_transaction)
    return tuple(tuple(group) for _, group in groupby(ordered, _transaction))


def _transaction(step: Step) -> int:
    return step.transaction


class LateRepair(Struct, frozen=True):
    """A repair that only rows block which the run itself changes: it is tried once more after the scripts.

    `script` is the one that declares the objects, `is_blocked` the condition, as SQL, under which nothing is sent.
    """

    script: ScriptPlan
    is_blocked: str
    steps: tuple[Step, ...]

    @property
    def place(self) -> Place:
        """Where the objects are declared."""
        return Place(self.script.script.path, self.steps[0].statement.line)

    @property
    def objects(self) -> tuple[Object, ...]:
        """What it is about."""
        return self.steps[0].objects

    @property
    def reason(self) -> Reason:
        """What is repaired."""
        return self.steps[0].reason


class Options(Struct, frozen=True):
    """What a user asks of a plan.

    With `baseline`, the scripts that are not run always and not recorded are recorded without being run. With
    `upgrade_from`, so are the upgrades before the one of that path, in a database without a history. With
    `allow_older`, files are applied that are older than those that were applied last. `allow_hazards` are allowed
    besides those of the manifest, each as `KIND` or `KIND:TABLE`.
    """

    baseline: bool = False
    single_transaction: bool = False
    upgrade_from: str | None = None
    allow_older: bool = False
    allow_hazards: tuple[str, ...] = ()


class Plan(Struct, frozen=True):
    """All that a run does, in order; `setup` makes the schemas and the history table that are missing.

    `settings` are those of each transaction. With `single`, all of it is one transaction. When upgrades are due, the
    plan is for these alone, and what comes after is a `forecast`: it is planned again then. `release` is written down
    in the first transaction, and again after the last. When the files are `older` than the database, nothing is sent.
    What is `late` comes after the scripts. `allowed` are the hazards that the manifest or the user allows.
    """

    run: int
    settings: tuple[str, ...]
    setup: tuple[str, ...]
    scripts: tuple[ScriptPlan, ...]
    single: bool = False
    forecast: Plan | None = None
    release: Recording | None = None
    older: Older | None = None
    late: tuple[LateRepair, ...] = ()
    allowed: tuple[str, ...] = ()

    @property
    def pending(self) -> int:
        """How much is not yet as declared."""
        later = self.forecast.pending if self.forecast else 0
        return sum(script.pending for script in self.scripts) + len(self.late) + later

    @property
    def all_scripts(self) -> tuple[ScriptPlan, ...]:
        """The scripts, those that come after upgrades as they are foreseen."""
        own = {script.script.path for script in self.scripts}
        later = self.forecast.scripts if self.forecast else ()
        return (*self.scripts, *(script for script in later if script.script.path not in own))

    @property
    def sent(self) -> tuple[Step, ...]:
        """The steps that send something, or may do so."""
        own = (script.to_send for script in self.scripts if script.is_run)
        return tuple(step for steps in (*own, *(repair.steps for repair in self.late)) for step in steps)

    @property
    def refused(self) -> tuple[tuple[Step, Hazard], ...]:
        """The hazards that are about much, and that nothing allows, with their steps; those after upgrades too."""
        own = tuple((step, hazard) for step in self.sent for hazard in step.hazards if hazard.is_refused)
        return (*own, *(self.forecast.refused if self.forecast else ()))

    @property
    def data_statements(self) -> int:
        """How many statements are sent that read or write rows, those that come after upgrades too."""
        later = self.forecast.data_statements if self.forecast else 0
        return sum(step.statement.is_data for step in self.sent) + later

    @property
    def is_done(self) -> bool:
        """Whether the database has all that the files declare, as far as a plan can tell."""
        return self.older.is_enough if self.older else not self.pending

    @property
    def only_data(self) -> bool:
        """Whether nothing is sent but statements that read or write rows."""
        return not self.setup and all(step.statement.is_data for step in self.sent)

    @property
    def hash(self) -> str:
        """What identifies the plan: equal plans send the same SQL in the same transactions."""
        scripts = [
            (
                script.script.path,
                script.script.transaction,
                script.parsed.checksum,
                [(step.transaction, step.sql) for step in script.to_send],
            )
            for script in self.scripts
            if script.due and not script.stuck
        ]
        late = [(repair.is_blocked, [(step.transaction, step.sql) for step in repair.steps]) for repair in self.late]
        release = (("release", self.release.release.identity),) if self.release else ()
        older = (("older", self.older.identity, self.older.newest.checksum),) if self.older else ()
        parts = (self.settings, self.setup, scripts, *(("single",) if self.single else ()), *release, *older)
        parts = (*parts, ("late", late)) if late else parts
        parts = (*parts, ("allowed", self.allowed)) if self.allowed else parts
        return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()
