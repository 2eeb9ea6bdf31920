"""The locks and the hazards of each step in this database, added to a plan when all its steps are known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from runner.catalog.relations import Relations
from runner.planning.claimed import Claimed
from runner.planning.hazard_finder import HazardFinder, Limits, Look
from runner.planning.locks import locks_of
from runner.planning.model import LateRepair, Plan, ScriptPlan, Step, in_transactions
from runner.sql.claim import Claim
from runner.sql.claims import claims_of
from runner.sql.objects import Facts

_RELATIONS = ("table", "view", "materialized view", "sequence")
Ask = Callable[[frozenset[str], frozenset[str]], Relations]
"""Returns the relations of the database, asked with the names of functions and of more schemas."""


def assessed(plan: Plan, facts: Facts, schema: str, ask: Ask, limits: Limits, look: Look) -> Plan:
    """Return the plan, whose steps know their locks and hazards; `schema` is the one that unqualified names mean.

    Where nothing is claimed, or nothing is there, nothing is asked.
    """
    claims = {step.sql: claims_of(step.sql, schema) for step in _steps(plan) if _may_claim(step)}
    every = [claim for own in claims.values() for claim in own]
    if not every and not any(step.statement.is_data for step in _seldom_sent(plan)):
        return plan
    schemas = frozenset(item.schema for claim in every for item in (claim.relation, *claim.named) if item.schema)
    is_new = not schemas and not any(item.kind in _RELATIONS for item in facts)
    functions = frozenset(name for claim in every for name in claim.functions)
    relations = Relations() if is_new else ask(functions, schemas)
    return _Assessment(claims, Claimed(relations, facts), HazardFinder(relations, facts, limits, look)).of(plan)


def _steps(plan: Plan) -> Iterator[Step]:
    yield from plan.sent
    if plan.forecast:
        yield from plan.forecast.sent


def _seldom_sent(plan: Plan) -> Iterator[Step]:
    """Yield the steps of scripts that are not run always: their data statements may take long."""
    for script in plan.all_scripts:
        if script.is_run and script.script.run != "always":
            yield from script.to_send


def _may_claim(step: Step) -> bool:
    """Return whether a step may be about more than rows that it adds or changes."""
    return bool(not step.statement.is_data or step.statement.traits.destroys)


class _Assessment:
    """Goes through the steps in the order in which they are sent."""

    def __init__(self, claims: Mapping[str, Sequence[Claim]], claimed: Claimed, finder: HazardFinder) -> None:
        self.claims = claims
        self.claimed = claimed
        self.finder = finder
        self.is_single = False
        """Whether all of the run is one transaction."""

    def of(self, plan: Plan) -> Plan:
        self.is_single = plan.single
        scripts = tuple(self.script(script) for script in plan.scripts)
        by_path = {script.script.path: script for script in scripts}
        late = tuple(self.late(repair, by_path[repair.script.script.path]) for repair in plan.late)
        return replace(plan, scripts=scripts, late=late, forecast=plan.forecast and self.of(plan.forecast))

    def script(self, script: ScriptPlan) -> ScriptPlan:
        if not script.is_run:
            return script
        own = script.own_steps
        parts = (own,) if script.script.transaction else tuple((step,) for step in own)
        transactions = (*script.earlier_steps, *parts, *script.later_steps)
        told = {id(step): new for steps in transactions for step, new in self.transaction(steps, script)}
        return replace(script, steps=tuple(told.get(id(step), step) for step in script.steps))

    def late(self, repair: LateRepair, script: ScriptPlan) -> LateRepair:
        new = (each for steps in in_transactions(repair.steps) for _, each in self.transaction(steps, script))
        return replace(repair, script=script, steps=tuple(new))

    def transaction(self, steps: Sequence[Step], script: ScriptPlan) -> Iterator[tuple[Step, Step]]:
        """Yield the steps of a transaction, each with what it becomes."""
        if not self.is_single:
            self.finder.begin()
        for step in steps:
            here = [each for claim in self.claims.get(step.sql, ()) for each in self.claimed.here(claim)]
            locks = locks_of(here, self.claimed.relations)
            hazards = self.finder.of(step, script.script, here, locks)
            yield step, replace(step, locks=locks, hazards=hazards) if locks or hazards else step
