"""What a database is foreseen to be after its upgrades, before they are run."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from runner.catalog.snapshot import Snapshot
from runner.planning.aims import known_facts
from runner.planning.past import Applied
from runner.planning.program import DueScript, follow
from runner.planning.situation import Situation
from runner.sql.inventory import Inventory


def after_upgrades(upgrades: Sequence[DueScript], scripts: Sequence[DueScript], situation: Situation) -> Situation:
    """Return the situation as the text of upgrades tells that it is after them."""
    facts = Inventory(known_facts(situation.actual, situation.declared))
    for effect in (effect for flow in follow(upgrades, {}, situation.actual) for effect in flow.effects):
        definition = situation.declared.get(effect.object, effect.value)
        if effect.action == "change" and effect.object in facts:
            facts[effect.object] = definition
        facts.apply(effect._replace(value=definition) if effect.action == "create" else effect)
    past = situation.past
    recorded = (script for script in scripts if script.due.in_setup)
    done = {s.entry.path: Applied(s.parsed.checksum, "", "", past.run) for s in (*upgrades, *recorded)}
    return Situation(situation.declared, Snapshot(dict(facts)), replace(past, applied={**past.applied, **done}))
