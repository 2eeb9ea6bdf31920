"""What mends a domain: its default, its NOT NULL and its constraints, which are validated after the rest."""

from __future__ import annotations

from collections.abc import Iterator

from runner.catalog.diff import Difference
from runner.catalog.domain_definitions import DomainConstraint, DomainDefinition, domain_definition
from runner.repair.context import Context
from runner.repair.proposal import Proposal, folded, proposal
from runner.sql.objects import Object, qualified_name
from runner.sql.quoting import literal


def different(context: Context, item: Difference, domain: Object) -> Iterator[Proposal]:
    """Change what ALTER DOMAIN changes; whatever refuses fewer values than before is not validated."""
    old, new = domain_definition(item.actual or ""), domain_definition(item.declared or "")
    if (old.type, old.collation) != (new.type, new.collation):
        detail = f"{item.actual}, declared {item.declared}"
        blocked_by = "a domain keeps its type: it would have to be made anew, with every column that has it"
        yield proposal(item, "differs", detail, blocked_by=blocked_by)
        return
    name = qualified_name(domain)
    yield from folded(item, [context.judged(part) for part in _parts(context, item, name, old, new)])


def _parts(
    context: Context, item: Difference, name: str, old: DomainDefinition, new: DomainDefinition
) -> Iterator[Proposal]:
    alter = f"alter domain {name}"
    if old.default != new.default:
        change = f"set default {new.default}" if new.default else "drop default"
        detail = f"default {old.default or 'none'}, declared {new.default or 'none'}"
        yield proposal(item, "differs", detail, now=(f"{alter} {change}",))
    if old.not_null and not new.not_null:
        yield proposal(item, "differs", "NOT NULL", now=(f"{alter} drop not null",))
    elif new.not_null and not old.not_null:
        blocked_by = "every column of the domain would be looked at under locks, and rows may have no value"
        yield proposal(item, "differs", "NOT NULL declared", now=(f"{alter} set not null",), blocked_by=blocked_by)
    yield from _constraints(context, item, name, old, new)


def _constraints(
    context: Context, item: Difference, name: str, old: DomainDefinition, new: DomainDefinition
) -> Iterator[Proposal]:
    alter = f"alter domain {name}"
    for quoted in sorted(old.constraints.keys() - new.constraints.keys()):
        drops, needs = f"{alter} drop constraint {quoted}", context.needs_align()
        yield proposal(item, "differs", f"constraint {quoted}", now=(drops,), blocked_by=needs)
    for quoted, constraint in new.constraints.items():
        there = old.constraints.get(quoted)
        if there != constraint:
            yield _constraint(context, item, name, quoted, (there, constraint))


def _constraint(
    context: Context,
    item: Difference,
    name: str,
    quoted: str,
    sides: tuple[DomainConstraint | None, DomainConstraint],
) -> Proposal:
    """Add a constraint without looking at values, which is done in a transaction after that."""
    old, new = sides
    alter, detail = f"alter domain {name}", f"constraint {quoted}"
    comment = (f"comment on constraint {quoted} on domain {name} is {_text(new)}",)
    validates = ((f"{alter} validate constraint {quoted}",),) if new.valid == new.check else ()
    comments = comment if new.comment != (old.comment if old else "") else ()
    if old and old.check == new.check:
        return proposal(item, "differs", f"comment of {detail}", now=comments)
    if old and old.valid == new.check:
        return proposal(item, "differs", f"{detail} is not validated", now=comments, then=validates)
    drops = (f"{alter} drop constraint {quoted}",) if old else ()
    now = (*drops, f"{alter} add constraint {quoted} {new.valid} not valid", *(comment if new.comment else ()))
    needs = context.needs_align() if old else ""
    return proposal(item, "differs", f"{detail} declared", now=now, then=validates, blocked_by=needs)


def _text(constraint: DomainConstraint) -> str:
    return literal(constraint.comment) if constraint.comment else "null"
