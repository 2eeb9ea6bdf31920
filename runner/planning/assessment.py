"""What each step of a plan locks in this database, added to it when all steps are known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from runner.catalog.relations import Relations
from runner.planning.claimed import Claimed
from runner.planning.locks import locks_of
from runner.planning.model import LateRepair, Plan, ScriptPlan, Step
from runner.sql.claim import Claim
from runner.sql.claims import claims_of
from runner.sql.objects import Facts

Ask = Callable[[frozenset[str], frozenset[str]], Relations]
"""Returns the relations of the database, asked with the names of functions and of more schemas."""


def assessed(plan: Plan, facts: Facts, schema: str, ask: Ask) -> Plan:
    """Return the plan, whose steps know what they lock; `schema` is the one that unqualified names mean.

    Where nothing is claimed that is there, nothing is asked.
    """
    claims = {step.sql: claims_of(step.sql, schema) for step in _steps(plan) if _may_claim(step)}
    every = [claim for own in claims.values() for claim in own]
    if not every:
        return plan
    schemas = frozenset(item.schema for claim in every for item in (claim.relation, *claim.named) if item.schema)
    relations = ask(frozenset(name for claim in every for name in claim.functions), schemas)
    return _Assessment(claims, relations, facts).of(plan)


def _steps(plan: Plan) -> Iterator[Step]:
    yield from plan.sent
    if plan.forecast:
        yield from plan.forecast.sent


def _may_claim(step: Step) -> bool:
    """Return whether a step may be about more than rows that it adds or changes."""
    return bool(not step.statement.is_data or step.statement.traits.destroys)


class _Assessment:
    """Goes through the steps in the order in which they are sent."""

    def __init__(self, claims: Mapping[str, Sequence[Claim]], relations: Relations, facts: Facts) -> None:
        self.claims = claims
        self.relations = relations
        self.claimed = Claimed(relations, facts)

    def of(self, plan: Plan) -> Plan:
        scripts = tuple(self.script(script) for script in plan.scripts)
        by_path = {script.script.path: script for script in scripts}
        late = tuple(self.late(repair, by_path[repair.script.script.path]) for repair in plan.late)
        return replace(plan, scripts=scripts, late=late, forecast=plan.forecast and self.of(plan.forecast))

    def script(self, script: ScriptPlan) -> ScriptPlan:
        if not script.is_run:
            return script
        order = (*script.own_steps, *(step for steps in script.later_steps for step in steps))
        told = {id(step): self.step(step) for step in order}
        return replace(script, steps=tuple(told.get(id(step), step) for step in script.steps))

    def late(self, repair: LateRepair, script: ScriptPlan) -> LateRepair:
        return replace(repair, script=script, steps=tuple(self.step(step) for step in repair.steps))

    def step(self, step: Step) -> Step:
        here = [each for claim in self.claims.get(step.sql, ()) for each in self.claimed.here(claim)]
        return replace(step, locks=locks_of(here, self.relations)) if here else step
