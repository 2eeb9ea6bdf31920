"""What pg_dump writes of a schema, entry by entry, in the form of scripts that people edit."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from runner.sql.restrict_lines import FLAGS, QUOTED

_TOKEN = re.compile(
    rf"""
    (?P<head> ^--[ ](?:Data[ ]for[ ])?Name:[ ](?P<name>[^\n]*);[ ]Type:[ ](?P<type>[A-Z ]+);
        [ ]Schema:[ ](?P<schema>[^\n]*);[ ]Owner:[ ](?P<owner>[^\n;]*)(?:;[ ]Tablespace:[ ](?P<space>[^\n]*))?$ )
    | ^COPY[ ][^\n]+[ ]FROM[ ]stdin;\n.*?^\\\.$
    | {QUOTED}
    | (?P<word> [^\W\d][\w$]* )
    """,
    FLAGS,
)
_WORD = re.compile(r'"((?:[^"]|"")*)"|([^\W\d][\w$]*)')
_OWNER = re.compile(r"\n+ALTER [A-Z ]+ [^;]+ OWNER TO (\"(?:[^\"]|\"\")*\"|[^\s;]+);\s*\Z")
_SETTING = re.compile(r"(?:^|\n+)SET (default_tablespace|default_table_access_method) = ([^;\n]*);\s*\Z")
_AROUND = re.compile(r"\A(?:\s|--\n)+|(?:\s|\n--)+\Z")
_REMARK = re.compile(r"(?:--[^\n]*\s*)*")
"""What pg_dump says and does not do: `-- *not* creating schema`."""
_ROWS = ("TABLE DATA", "MATERIALIZED VIEW DATA", "SEQUENCE SET", "BLOB", "STATISTICS DATA")
"""Kinds of entries that are no schema, by their beginning."""
_USUAL = "heap"
_WITH_METHOD = ("TABLE", "MATERIALIZED VIEW")
_END = "\n--\n-- PostgreSQL database dump complete\n"
_AGAIN = {
    r"create (table|sequence|schema|materialized view)(?! if not exists)": r"create \1 if not exists",
    r"create (unique )?index": r"create \1index if not exists",
    r"create (function|procedure|view|trigger)": r"create or replace \1",
}
"""How a statement is written that is run always."""


class DumpEntry(Struct, frozen=True):
    """An object as pg_dump writes it: its kind as pg_dump calls it, its name without its schema, and its statements."""

    kind: str
    name: str
    schema: str
    sql: str
    lost: str = ""
    """Which settings are left out of the statements."""
    owner: str = ""
    """The role that owns it, which is left out, too."""

    @property
    def names(self) -> frozenset[str]:
        """What others call it, in lower case; of a part of a table there is no such name."""
        return frozenset({self.name.partition("(")[0].lower()})

    @property
    def is_schema(self) -> bool:
        """Whether it makes an object, and not rows or what is counted of them."""
        return not self.kind.startswith(_ROWS)

    @property
    def words(self) -> frozenset[str]:
        """The names and words in it, in lower case, whatever they mean."""
        return words(self.sql)


def words(text: str) -> frozenset[str]:
    """Return the words of a text in lower case, with or without quotation marks."""
    return frozenset((quoted or bare).lower() for quoted, bare in _WORD.findall(text))


def dump_entries(dump: str) -> Iterator[DumpEntry]:
    """Yield the entries of a dump in their order, in which each depends on those before it."""
    dump = dump.rpartition(_END)[0] or dump
    heads = [found for found in _TOKEN.finditer(dump) if found["head"]]
    starts = [*(found.start() for found in heads), len(dump)]
    _, method = _without_settings(dump[: starts[0]], _USUAL)
    for head, end in zip(heads, starts[1:], strict=True):
        body, following = _without_settings(dump[head.end() : end], method)
        lost = [f"tablespace {head['space']}"] if head["space"] else []
        lost += [f"access method {method}"] if method != _USUAL and head["type"] in _WITH_METHOD else []
        owner = _OWNER.search(body)
        sql = formatted(body[: owner.start()] if owner else body)
        role = owner[1].strip('"').replace('""', '"') if owner else ""
        schema = "" if head["schema"] == "-" else head["schema"]
        if not _REMARK.fullmatch(sql):
            yield DumpEntry(head["type"], head["name"], schema, sql, ", ".join(lost), role)
        method = following


def _without_settings(text: str, method: str) -> tuple[str, str]:
    """Return a text without the settings at its end, and the access method for the tables after it."""
    text = _AROUND.sub("", text)
    while setting := _SETTING.search(text):
        text = text[: setting.start()]
        method = setting[2] if setting[1] == "default_table_access_method" else method
    return text, method


def formatted(sql: str) -> str:
    """Return statements with their words in lower case, but for what is quoted, and so that they can be run again."""
    text = _TOKEN.sub(lambda found: found[0].lower() if found["word"] else found[0], sql.strip())
    for pattern, again in _AGAIN.items():
        text, is_found = re.subn(rf"\A{pattern}\b", again, text)
        if is_found:
            break
    return re.sub(r"\n{3,}", "\n\n", text)
