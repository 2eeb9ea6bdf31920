"""What gives a trigger its declaration: another definition, and when it fires."""

from __future__ import annotations

import re
from collections.abc import Iterator

from runner.catalog.diff import Difference
from runner.repair.context import Context
from runner.repair.proposal import Proposal, alter, proposal
from runner.sql.objects import Object
from runner.sql.quoting import identifier
from runner.sql.spelling import comment_of, spelled

_STATE = re.compile(r"(?P<sql>.*?)(?: (?P<state>disabled|enabled replica|enabled always))?", re.DOTALL)
_PLAIN = "CREATE TRIGGER "
FIRES = {"": "enable", "disabled": "disable", "enabled replica": "enable replica", "enabled always": "enable always"}


def different(context: Context, item: Difference, table: Object) -> Iterator[Proposal]:
    """Replace the trigger, or drop and make it in one transaction; what the statement itself does is left to it."""
    (old, was), (new, state) = parts(item.actual or ""), parts(item.declared or "")
    written = context.written(item.object)
    if not new or (old != new and not state and written and written[0].declaration.replaces):
        return
    fires = (firing(item.object, table, state),)
    if old == new:
        yield proposal(item, "differs", f"{was or 'enabled'}, declared {state or 'enabled'}", now=fires)
    elif old.startswith(_PLAIN) and new.startswith(_PLAIN):
        now = (new.replace(_PLAIN, "CREATE OR REPLACE TRIGGER ", 1), *(fires if state else ()))
        yield proposal(item, "differs", now=now)
    else:
        comment = comment_of(item.object, context.actual.facts)
        now = (f"drop {spelled(item.object)}", new, *comment, *(fires if state else ()))
        yield proposal(item, "differs", now=now, instead=True)


def firing(item: Object, table: Object, state: str) -> str:
    """Return the statement that lets a trigger or a rule fire when it should."""
    return alter(table, (f"{FIRES[state]} {item.kind} {identifier(item.name)}",))


def parts(definition: str) -> tuple[str, str]:
    """Return the statement that makes a trigger or a rule, and when it fires unless that is the usual."""
    match = _STATE.fullmatch(definition)
    return (match["sql"], match["state"] or "") if match else (definition, "")
