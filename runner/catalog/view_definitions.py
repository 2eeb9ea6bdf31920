"""Definitions of views and materialized views taken apart."""

from __future__ import annotations

import re

from runner.sql.objects import NO_DATA

_QUERY = re.compile(r"(?:\A|\s)as (?=(?:SELECT|WITH|VALUES|TABLE|\()\s*)", re.IGNORECASE)


def query_of(definition: str) -> tuple[str, str]:
    """Return what the definition of a view says before its query, and the query."""
    match = _QUERY.search(definition)
    return (definition[: match.start()].strip(), definition[match.end() :]) if match else (definition, "")


def has_no_data(definition: str) -> bool:
    """Return whether a materialized view is not filled."""
    return NO_DATA in definition and query_of(definition)[0].endswith(NO_DATA)


def without_data(definition: str) -> str:
    """Return the definition of a materialized view as it is when nobody has filled it."""
    head, query = query_of(definition)
    return definition if not query or has_no_data(definition) else f"{head} {NO_DATA} as {query}".lstrip()


def with_data(definition: str) -> str:
    """Return the definition of a materialized view as it is when it is filled."""
    head, query = query_of(definition)
    return f"{head.removesuffix(NO_DATA).strip()} as {query}".lstrip() if has_no_data(definition) else definition
