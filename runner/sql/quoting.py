"""How a Python value becomes safe SQL: a literal, or an identifier."""

from __future__ import annotations

import datetime
import json
import math
import re
from typing import NoReturn

KEYWORDS = frozenset(
    """
    all analyse analyze and any array as asc asymmetric authorization between bigint binary bit boolean both
    case cast char character check coalesce collate collation column concurrently constraint create cross
    current_catalog current_date current_role current_schema current_time current_timestamp current_user dec
    decimal default deferrable desc distinct do else end except exists extract false fetch float for foreign
    freeze from full grant greatest group grouping having ilike in initially inner inout int integer intersect
    interval into is isnull join json json_array json_arrayagg json_exists json_object json_objectagg json_query
    json_scalar json_serialize json_table json_value lateral leading least left like limit localtime
    localtimestamp merge_action national natural nchar none normalize not notnull null nullif numeric offset on
    only or order out outer overlaps overlay placing position precision primary real references returning right
    row select session_user setof similar smallint some substring symmetric system_user table tablesample then
    time timestamp to trailing treat trim true union unique user using values varchar variadic verbose when
    where window with xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi
    xmlroot xmlserialize xmltable
    """.split()
)
"""Words that need quotes as an identifier. Source: pg_get_keywords() of PostgreSQL 18, catcode other than U."""

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
NAME_BYTES = 63


def literal(value: object) -> str:
    """Return a SQL literal; lists and dicts become jsonb. Raise ValueError for what SQL cannot hold."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value!r} is no SQL number")
        return repr(value)
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, (list, dict)):
        return _string(_json(value)) + "::jsonb"
    return _moment(value)


def identifier(name: object) -> str:
    """Return a name as an identifier, in quotes when it needs them. Raise ValueError when it cannot be one."""
    if not isinstance(name, str):
        raise ValueError(f"an identifier is a string, not {name!r}")
    require_storable(name)
    if not 0 < len(name.encode()) <= NAME_BYTES:
        raise ValueError(f"an identifier has 1 to {NAME_BYTES} bytes, not {name!r}")
    if _PLAIN.fullmatch(name) and name not in KEYWORDS:
        return name
    return '"' + name.replace('"', '""') + '"'


def require_storable(text: str) -> None:
    """Raise ValueError for text that PostgreSQL cannot store: NUL, and halves of surrogate pairs."""
    if "\0" in text:
        raise ValueError("PostgreSQL cannot store a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"half of a surrogate pair cannot be stored: {text!r}") from None


def _string(text: str) -> str:
    require_storable(text)
    quoted = text.replace("'", "''")
    if "\\" in quoted:
        return "E'" + quoted.replace("\\", "\\\\") + "'"
    return f"'{quoted}'"


def _json(value: object) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, default=_refuse)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"not a JSON value: {error}") from None
    if re.search(r"(?<!\\)(?:\\\\)*\\u0000", text):
        raise ValueError("PostgreSQL cannot store a NUL character")
    return text


def _refuse(value: object) -> NoReturn:
    raise ValueError(f"{value} is a {type(value).__name__}")


def _moment(value: object) -> str:
    """Return a date or time as a typed literal; datetimes keep their offset, if they have one."""
    if isinstance(value, datetime.datetime):
        return f"'{value.isoformat(' ')}'::{'timestamptz' if value.tzinfo else 'timestamp'}"
    if isinstance(value, datetime.date):
        return f"'{value.isoformat()}'::date"
    if isinstance(value, datetime.time):
        return f"'{value.isoformat()}'::{'timetz' if value.tzinfo else 'time'}"
    raise ValueError(f"a {type(value).__name__} has no SQL literal")
