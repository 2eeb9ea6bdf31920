"""How privileges and owners are brought to what is declared: what is missing is given, what is too much is taken."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from runner.catalog.diff import Difference
from runner.repair.context import Context
from runner.repair.proposal import Proposal
from runner.sql.access_sql import given_sql, owner_sql, taken_sql
from runner.sql.objects import Object
from runner.sql.privileges import GRANTED_BY, PUBLIC, default_text, owner_of, privileges_text, read_privileges, role_of


def brought(context: Context, item: Difference, _: Object) -> Iterator[Proposal]:
    """Yield what gives, and what takes; nothing of it for a role that there is not."""
    schema = context.evidence.manifest.project.schema
    for made in proposals_for(item.object, item.declared, item.actual, schema):
        role = made.becomes if item.object == owner_of(item.object.subject) else role_of(item.object)
        blocked_by = made.blocked_by or _without_role(context, role or "")
        if not blocked_by and (made.problem == "not declared" or item.object == owner_of(item.object.subject)):
            blocked_by = context.needs_align()
        yield made if not blocked_by else _blocked(made, blocked_by)


def proposals_for(item: Object, declared: str | None, there: str | None, schema: str) -> Iterator[Proposal]:
    """Yield what an object needs from what is there; `schema` is the target."""
    if item == owner_of(item.subject):
        if declared is not None and declared != there:
            yield Proposal(item, item, "differs", becomes=declared, now=(owner_sql(item, declared),))
        return
    kind, default = item.subject.kind, default_text(item)
    wanted = read_privileges(kind, default if declared is None else declared)
    before = read_privileges(kind, default if there is None else there)
    given = {name: option for name, option in wanted.items() if before.get(name, False) < option or name not in before}
    after = privileges_text(kind, before | given)
    if given:
        problem = "missing" if there is None else "differs"
        yield Proposal(item, item, problem, becomes=after, now=tuple(given_sql(item, given, schema)))  # type: ignore[arg-type]
    own = [name for name in before if name not in wanted and GRANTED_BY not in name]
    options = [name for name in wanted if before.get(name) and not wanted[name]]
    taken = [taken_sql(item, own, schema)] if own else []
    taken += [taken_sql(item, options, schema, option=True)] if options else []
    if taken:
        yield Proposal(item, item, "not declared", becomes=declared, now=tuple(taken))
    yield from _of_others(item, [name for name in before if GRANTED_BY in name], declared, schema)


def _of_others(item: Object, names: list[str], declared: str | None, schema: str) -> Iterator[Proposal]:
    """Yield what only those can take who have given it."""
    for name in names:
        privilege, _, grantor = name.partition(GRANTED_BY)
        sql = (f"set role {grantor}", taken_sql(item, [privilege], schema), "reset role")
        why = f"{grantor} has given it, and only {grantor} can take it"
        yield Proposal(item, item, "not declared", privilege, becomes=declared, now=sql, blocked_by=why)


def _without_role(context: Context, role: str) -> str:
    access = context.actual.access
    is_known = access is None or role == PUBLIC or role in access.roles
    return "" if is_known else f"role {role} does not exist; an administrator says 'create role {role};' first"


def _blocked(made: Proposal, blocked_by: str) -> Proposal:
    return replace(made, blocked_by=blocked_by)
