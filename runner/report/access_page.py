"""Who may do what, in Markdown: per table, and as one table of roles and objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from runner.catalog.policy_definitions import policy_definition
from runner.catalog.table_definitions import table_definition
from runner.project.lock_privileges import joined_text
from runner.report.markdown import code, text
from runner.sql.objects import IN_SCHEMA, NEW, PRESENT, PUBLICATION_MEMBERS, Facts, Object
from runner.sql.privileges import PUBLIC, RUNNING, owner_of, role_of
from runner.sql.publications import ALL_TABLES, PUBLICATION, is_for_all
from runner.sql.quoting import identifier
from runner.sql.spelling import published

HEADING = "Who may do what"
_OWNER = "owner"
_RELATIONS = ("table", "view", "materialized view")
_POLICY_HEAD = (
    "| policy | for | roles | using | with check | meaning | declared by |",
    "|---|---|---|---|---|---|---|",
)
Access = Mapping[Object, Mapping[str, str]]
"""Of each object what each role may do with it: `select, update (a, b)`, or `owner`."""


def access_of(facts: Facts) -> Access:
    """Return what is declared of roles, by object; privileges on columns are with those on their table."""
    relations = {
        (item.schema, item.name): item for item in facts if item.kind in ("table", "view", "materialized view")
    }
    whole: dict[Object, dict[str, str]] = {}
    columns: dict[Object, dict[str, dict[str, str]]] = {}
    for item, definition in facts.items():
        if not item.is_access:
            continue
        subject = item.subject
        if item == owner_of(subject):
            whole.setdefault(subject, {})[definition] = _OWNER
        elif subject.kind == "column":
            table = relations.get((subject.schema, subject.table), Object("table", subject.table, "", subject.schema))
            whole.setdefault(table, {}).setdefault(role_of(item), "")
            columns.setdefault(table, {}).setdefault(role_of(item), {})[subject.name] = definition
        elif whole.setdefault(subject, {}).get(role_of(item)) != _OWNER:
            whole[subject][role_of(item)] = definition
    return {
        subject: {role: joined_text(own, columns.get(subject, {}).get(role, {})) for role, own in roles.items()}
        for subject, roles in whole.items()
    }


def access_lines(table: Object, facts: Facts, access: Access, places: Mapping[Object, str]) -> Iterator[str]:
    """Yield the owner of a table, what each role may do with it, and which rows its policies let them see."""
    roles = access.get(table, {})
    for role in (role for role, own in roles.items() if own == _OWNER):
        yield from (f"Owner: {code(role)}.", "")
    given = [(role, own) for role, own in roles.items() if own != _OWNER]
    if given:
        yield from ("| role | may |", "|---|---|", *(f"| {text(role)} | {text(own)} |" for role, own in given), "")
    definition = table_definition(facts[table])
    if definition.has_row_security or definition.is_forced:
        state = "on" if definition.has_row_security else "off"
        yield from (
            f"Row-level security: {state}{', forced: it is for the owner too' if definition.is_forced else ''}.",
            "",
        )
    policies = [
        item for item in facts if item.kind == "policy" and (item.table, item.schema) == (table.name, table.schema)
    ]
    if policies:
        yield from (*_POLICY_HEAD, *(_policy(item, facts, places) for item in policies), "")


def _policy(item: Object, facts: Facts, places: Mapping[Object, str]) -> str:
    own = policy_definition(facts[item])
    words = (own.applies.replace("for ", ""), own.roles.removeprefix("to "))
    comment = text(facts.get(item.comment, ""))
    cells = (text(item.name), *map(text, words), code(own.using), code(own.check), comment, code(places.get(item, "")))
    return f"| {' | '.join(cells)} |"


def access_table(access: Access, schema: str, anchors: Mapping[Object, str]) -> Iterator[str]:
    """Yield one table of what each role may do with each object; `schema` is the target."""
    roles = sorted({role for own in access.values() for role in own}, key=lambda role: (role == PUBLIC, role))
    if not roles:
        return
    yield from (f"## {HEADING}", "", "What PostgreSQL gives by itself is not listed: all to an owner, and to PUBLIC")
    yield from ("`execute` on functions and `usage` on types, unless it says `none`.", "")
    yield from (f"| object | {' | '.join(map(text, roles))} |", "|---" * (len(roles) + 1) + "|")
    for item, own in access.items():
        name = text(_described(item, schema))
        name = f"[{name}](#{anchors[item]})" if item in anchors else name
        yield f"| {name} | {' | '.join(text(own.get(role, '')) for role in roles)} |"
    yield ""


def _described(item: Object, schema: str) -> str:
    """Return what an object is, in words."""
    if not item.kind.startswith(NEW):
        return str(item)
    maker = "the role of the run" if item.name == RUNNING else item.name
    within = f" in schema {identifier(item.schema or schema)}" if item.kind.endswith(IN_SCHEMA) else ""
    return f"{item.kind.removesuffix(IN_SCHEMA)} of {maker}{within}"


def publication_lines(facts: Facts, places: Mapping[Object, str]) -> Iterator[str]:
    """Yield what publications publish, and how."""
    publications = [item for item in facts if item.kind == PUBLICATION]
    if not publications:
        return
    yield from (
        "## Publications",
        "",
        "| name | definition | publishes | meaning | declared by |",
        "|---|---|---|---|---|",
    )
    for item in publications:
        definition = facts[item]
        members = [other for other in facts if other.kind in PUBLICATION_MEMBERS and other.name == item.name]
        said = [
            published(m, "" if facts[m] == PRESENT else facts[m]).replace("table only ", "table ", 1) for m in members
        ]
        said += [ALL_TABLES.removeprefix("for ")] if is_for_all(definition) else []
        how = definition.removeprefix(PUBLICATION).removeprefix(f" {ALL_TABLES}").strip()
        comment = text(facts.get(item.comment, ""))
        cells = (text(item.name), code(how), ", ".join(map(code, said)), comment, code(places.get(item, "")))
        yield f"| {' | '.join(cells)} |"
    yield ""
