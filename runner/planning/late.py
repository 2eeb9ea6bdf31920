"""Late repairs: what only rows block which the run itself changes is tried once more after the scripts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from runner.catalog.diff import holds
from runner.planning.aims import Place
from runner.planning.model import LateRepair, ScriptPlan, Step
from runner.planning.reasons import Reason
from runner.repair.proposal import Late, Proposal
from runner.sql.objects import Facts, Object
from runner.sql.respelling import names_in
from runner.sql.spelling import comment_sql
from runner.sql.statements import Statement, effects_in

Placed = Mapping[tuple[str, int], Sequence[Proposal]]
"""The repairs of a plan, by the key of the statement at which they are made."""
Apart = Callable[[Object, Sequence[str]], tuple[str, ...]]
"""Returns a transaction about a table as builds of indexes, CONCURRENTLY; nothing when it is something else."""
_WRITES = frozenset({"insert", "update", "delete", "merge", "truncate"})
"""The words without which a SELECT, with the functions that it names, changes no rows."""


def with_late_repairs(
    scripts: Sequence[ScriptPlan],
    placed: Placed,
    places: Sequence[Place],
    goal: Facts,
    state: Facts,
    *,
    apart: Apart,
) -> tuple[tuple[ScriptPlan, ...], tuple[LateRepair, ...]]:
    """Return the scripts, which know what is tried after them, and that; `state` are the facts after the scripts.

    The names in a repair are those from before the run, so that nothing may be renamed that it names.
    """
    candidates = list(_candidates(scripts, placed, goal, state))
    if not candidates:
        return tuple(scripts), ()
    touched, renamed = _touched(scripts), _renamed(places)
    found = [one for one in candidates if one.is_touched(touched) and renamed.isdisjoint(one.names)]
    because = {one.made.object: one.made.blocked_by for one in found}
    paths = {one.statement.script for one in found}
    told = {script.script.path: _told(script, because, paths) for script in scripts}
    repairs = (LateRepair(told[one.statement.script], one.late.blocked, tuple(one.steps(goal, apart))) for one in found)
    return tuple(told.values()), tuple(repairs)


class _Candidate(NamedTuple):
    """What rows block, and the statement that declares it."""

    statement: Statement
    made: Proposal
    late: Late

    @property
    def names(self) -> set[str]:
        """The names in its SQL."""
        own = (self.late.rows, *(sql for transaction in self.late.transactions for sql in transaction))
        return {name for sql in own for name in names_in(sql)}

    def is_touched(self, names: Collection[str]) -> bool:
        """Return whether statements with some names may change the rows that block it."""
        return any(table.name in names for table in self.late.tables)

    def steps(self, goal: Facts, apart: Apart) -> Iterator[Step]:
        """Return its statements, each with the number of its transaction; a comment waits for its object."""
        made, late = self.made, self.late
        problem = "differs" if late.detail else made.problem
        reason = Reason("repairs", parts=(Reason(problem, (made.object,), late.detail or made.detail),))
        text = goal.get(made.object.comment) if problem == "missing" else None
        comments = ((comment_sql(made.object.comment, text),),) if text is not None else ()
        number = 0
        for transaction in (*late.transactions, *comments):
            builds = apart(made.table, transaction)
            for place, sql in enumerate(builds or transaction):
                number += bool(builds) or not place
                about = (made.object,)
                yield Step(self.statement, "alter", reason, sql, about, number, concurrently=bool(builds))


def _candidates(scripts: Sequence[ScriptPlan], placed: Placed, goal: Facts, state: Facts) -> Iterator[_Candidate]:
    """Yield what rows block, and no statement of the plan makes.

    A script that is not repeated and has no transaction is left out: when it is cut off, nobody can tell how far.
    """
    if not any(made.late for several in placed.values() for made in several):
        return
    for script in scripts:
        if script.script.run != "always" and not script.script.transaction:
            continue
        for statement in script.parsed.statements:
            for made in placed.get(statement.key, ()):
                declared = goal.get(made.object)
                if made.late and declared is not None and not holds(declared, state.get(made.object)):
                    yield _Candidate(statement, made, made.late)


def _touched(scripts: Sequence[ScriptPlan]) -> set[str]:
    """Return the names in the statements of this run that may change rows, and in the functions that they name."""
    functions = _functions(scripts)
    touched: set[str] = set()
    for step in (step for script in scripts if script.is_run for step in script.to_send if not step.about):
        statement = step.statement
        if statement.is_data or statement.changes_rows:
            names = names_in(statement.sql)
            names = names.union(*(functions[name] for name in names & functions.keys()))
            if statement.changes_rows or names & _WRITES:
                touched |= names
    return touched


def _functions(scripts: Sequence[ScriptPlan]) -> dict[str, set[str]]:
    """Return the names in what makes each function, by its name."""
    found: dict[str, set[str]] = {}
    for statement, effect in effects_in(script.parsed for script in scripts):
        if effect.object.kind == "function" and effect.action == "create":
            found.setdefault(effect.object.name.partition("(")[0], set()).update(names_in(statement.sql))
    return found


def _renamed(places: Sequence[Place]) -> set[str]:
    """Return the names that something has before the run, and not after it."""
    aims = (aim for place in places for aim in place.aims if aim.is_due)
    return {aim.effect.object.name for aim in aims if aim.effect.action in ("rename", "move")}


def _told(script: ScriptPlan, because: Mapping[Object, str], paths: Collection[str]) -> ScriptPlan:
    """Return a script that knows whether something late belongs to it; its steps tell what is tried again."""
    goes_on = script.script.path in paths and script.script.run != "always"
    return replace(script, steps=tuple(_told_step(step, because) for step in script.steps), goes_on=goes_on)


def _told_step(step: Step, because: Mapping[Object, str]) -> Step:
    reason = step.reason
    if not reason.left_because or {because.get(item) for item in reason.objects} != {reason.left_because}:
        return step
    again = f"{reason.left_because}; this is tried again after the scripts"
    return replace(step, reason=replace(reason, left_because=again))
