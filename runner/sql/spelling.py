"""Objects as COMMENT and DROP name them."""

from __future__ import annotations

from runner.sql.objects import FOREIGN_TABLE, Facts, Object, qualified_name
from runner.sql.quoting import identifier, literal


def spelled(item: Object) -> str:
    """Return the kind and the name of an object, as they stand after COMMENT ON and DROP."""
    table = qualified_name(Object("table", item.table, "", item.schema))
    match item.kind:
        case "function" | "aggregate":
            name, bracket, arguments = item.name.partition("(")
            return f"{item.kind} {qualified_name(item._replace(name=name))}{bracket}{arguments}"
        case "trigger" | "rule" | "policy" | "constraint":
            return f"{item.kind} {identifier(item.name)} on {table}"
        case "domain constraint":
            return f"constraint {identifier(item.name)} on domain {table}"
        case "foreign-data wrapper":
            return f"foreign data wrapper {identifier(item.name)}"
        case "column":
            return f"column {table}.{identifier(item.name)}"
        case "schema" | "extension" | "event trigger" | "language" | "access method":
            return f"{item.kind} {identifier(item.name)}"
        case "publication" | "subscription" | "server":
            return f"{item.kind} {identifier(item.name)}"
    return f"{item.kind} {_spelled_otherwise(item)}"


def _spelled_otherwise(item: Object) -> str:
    """Return the name of what may be named by more than a word."""
    match item.kind:
        case "operator":
            return f"{identifier(item.schema)}.{item.name}" if item.schema else item.name
        case "operator class" | "operator family":
            name, _, method = item.name.rpartition(" using ")
            return f"{qualified_name(item._replace(name=name))} using {identifier(method)}"
        case "cast" | "transform" | "user mapping":
            return item.name
    return qualified_name(item)


def comment_of(item: Object, facts: Facts) -> tuple[str, ...]:
    """Return the statement that gives an object the comment that it has; nothing when it has none."""
    text = facts.get(item.comment)
    return (comment_sql(item.comment, text),) if text is not None else ()


def published(member: Object, definition: str) -> str:
    """Return a member of a publication as ALTER PUBLICATION names it alone; `definition` is what follows its name."""
    if member.kind == "publication schema":
        return f"tables in schema {identifier(member.schema) if member.schema else 'current_schema'}"
    table = qualified_name(Object("table", member.table, "", member.schema))
    return f"table only {table}{definition.removeprefix('table')}"


def dropped(item: Object, definition: str = "") -> str:
    """Return the statement that drops an object of a definition, or takes away its comment."""
    name, table = identifier(item.name), qualified_name(Object("table", item.table, "", item.schema))
    match item.kind:
        case "column" | "constraint":
            return f"alter table {table} drop {item.kind} {name}"
        case "domain constraint":
            return f"alter domain {table} drop constraint {name}"
        case "publication table" | "publication schema":
            return f"alter publication {name} drop {published(item, '')}"
        case "table" if definition.startswith(FOREIGN_TABLE):
            return f"drop foreign {spelled(item)}"
        case "function":
            return f"drop routine {spelled(item).removeprefix('function ')}"
    if item.is_label:
        return f"security label for {identifier(item.provider)} on {spelled(item.subject)} is null"
    return f"comment on {spelled(item.subject)} is null" if item.is_comment else f"drop {spelled(item)}"


def comment_sql(comment: Object, text: str) -> str:
    """Return the statement that gives an object its comment."""
    return f"comment on {spelled(comment.subject)} is {literal(text)}"
