"""The files of a project whose scripts declare what a database has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import tomli_w
from msgspec import Struct
from msgspec.structs import replace

from runner.errors import InputError, Place
from runner.project.manifest import RunMode, ScriptEntry
from runner.project.raw_text import as_template
from runner.project.script_rules import refusals, refused_together
from runner.sql.dump_entries import DumpEntry
from runner.sql.parser import parse
from runner.sql.quoting import identifier
from runner.sql.source_map import as_written
from runner.wording import count


class _Layer(Struct, frozen=True):
    """A script: its name, what it makes, when it is run, and the kinds of entries, by their beginning."""

    name: str
    description: str
    run: RunMode
    kinds: tuple[str, ...]


_ACCESS = ("ACL", "DEFAULT ACL")
_LAYERS = (
    _Layer("extensions", "extensions", "always", ("EXTENSION",)),
    _Layer("schemas", "schemas", "always", ("SCHEMA",)),
    _Layer(
        "collations",
        "collations, text search and foreign servers",
        "always",
        ("COLLATION", "CONVERSION", "FOREIGN DATA WRAPPER", "SERVER", "USER MAPPING", "TEXT SEARCH", "ACCESS METHOD"),
    ),
    _Layer("types", "types and domains", "always", ("TYPE", "DOMAIN", "SHELL TYPE")),
    _Layer("functions", "functions and procedures", "always", ("FUNCTION", "PROCEDURE")),
    _Layer("base_types", "base types, which are not compared", "once", ()),
    _Layer(
        "operators",
        "aggregates, operators, casts, transforms and languages",
        "always",
        ("AGGREGATE", "OPERATOR", "CAST", "TRANSFORM", "PROCEDURAL LANGUAGE"),
    ),
    _Layer("tables", "tables and sequences", "always", ("TABLE", "SEQUENCE", "DEFAULT", "FOREIGN TABLE")),
    _Layer("constraints", "primary keys, unique constraints and checks", "always", ("CONSTRAINT", "CHECK CONSTRAINT")),
    _Layer("indexes", "indexes", "always", ("INDEX",)),
    _Layer("foreign_keys", "foreign keys", "always", ("FK CONSTRAINT",)),
    _Layer("views", "views and materialized views", "always", ("VIEW", "MATERIALIZED VIEW")),
    _Layer("triggers", "triggers", "always", ("TRIGGER",)),
    _Layer(
        "policies",
        "rules, policies, statistics, event triggers, publications and the like",
        "always",
        (
            "RULE",
            "POLICY",
            "ROW SECURITY",
            "STATISTICS",
            "EVENT TRIGGER",
            "PUBLICATION",
            "SUBSCRIPTION",
            "SECURITY LABEL",
        ),
    ),
    _Layer("others", "what is not compared", "once", ("",)),
    _Layer("grants", "what roles may do", "always", _ACCESS),
    _Layer("other_grants", "what roles may do with what is not compared", "once", ()),
)
_HEADER = """-- {description}
--
-- Why:    written from a database by 'init --from', as pg_dump has it.
-- Re-run: {again}
-- Locks:  none in a database that is up to date.
"""
_AGAIN = {"always": "makes what is missing, and repairs what differs.", "once": "is run once in each database."}
_BODIES = "-- A function may name what later scripts make.\nset local check_function_bodies = off;"


class WrittenSchema(NamedTuple):
    """The files by path, and what they do not have, in words."""

    files: Mapping[str, str]
    lost: tuple[str, ...]


def written_schema(name: str, manifest: str, entries: Sequence[DumpEntry], role: str) -> WrittenSchema:
    """Return the files for the entries of a dump; `manifest` is what its file is called. Raise InputError.

    Owners other than the `role` that applies them are trusted.
    """
    schema = _schema(entries)
    entries = [_without_maker(entry, role) for entry in entries]
    managed = _managed(entries, schema)
    scripts: dict[_Layer, list[DumpEntry]] = {layer: [] for layer in _LAYERS}
    for entry, layer in _placed(entries, schema, managed):
        scripts[layer].append(entry)
    files: dict[str, str] = {}
    listed: list[dict[str, str]] = []
    for number, (layer, own) in enumerate(scripts.items(), 1):
        if own:
            path = f"sql/{number * 10:03}_{layer.name}.sql"
            files[path] = _script(layer, own)
            run = {"run": layer.run} if layer.run != "always" else {}
            listed.append({"path": path, "description": layer.description} | run)
    owners = sorted({entry.owner for entry in entries} - {"", role})
    trusted = {"trusted_creators": owners} if owners else {}
    sections = [tomli_w.dumps({"project": {"name": name, "schema": schema, **trusted}})]
    sections += [tomli_w.dumps({"roles": {"managed": managed}})] if managed is not None else []
    sections += ["[[script]]\n" + tomli_w.dumps(entry) for entry in listed]
    files[manifest] = "# docs/manifest.md specifies this format.\n\n" + "\n".join(sections)
    lost = Counter(what for entry in entries if entry.lost for what in entry.lost.split(", "))
    lost += Counter(f"owner {entry.owner}" for entry in entries if entry.owner in owners)
    return WrittenSchema(files, tuple(f"{what} of {count(number, 'object')}" for what, number in sorted(lost.items())))


def _schema(entries: Iterable[DumpEntry]) -> str:
    """Return the target schema: `public`, unless all is in another one."""
    schemas = {entry.schema for entry in entries if entry.schema}
    return schemas.pop() if len(schemas) == 1 else "public"


def _without_maker(entry: DumpEntry, role: str) -> DumpEntry:
    """Return an entry whose default privileges are about what the role of the run makes, whoever that is."""
    if entry.kind != "DEFAULT ACL" or not role:
        return entry
    return replace(entry, sql=entry.sql.replace(f"privileges for role {identifier(role)} ", "privileges ", 1))


def _managed(entries: Sequence[DumpEntry], schema: str) -> list[str] | None:
    """Return the roles that may do something by a GRANT; None when nothing is granted or revoked."""
    own = [entry for entry in entries if entry.kind in _ACCESS]
    parsed = (parse(as_written(entry.name, entry.sql), schema=schema, managed=()) for entry in own)
    declarations = (statement.declaration for script in parsed for statement in script.statements)
    names = {_unquoted(role) for declaration in declarations for role in declaration.unmanaged}
    return sorted(names) if own else None


def _unquoted(role: str) -> str:
    return role[1:-1].replace('""', '"') if role.startswith('"') else role


def _strangers(entries: Sequence[DumpEntry], schema: str, managed: Sequence[str] | None) -> frozenset[int]:
    """Return which entries are about privileges on what no other entry makes, such as a part of an extension."""
    pairs = []
    for place, entry in sorted(enumerate(entries), key=lambda numbered: numbered[1].kind in _ACCESS):
        try:
            parsed = parse(as_written(str(place), entry.sql), schema=schema, managed=managed)
        except InputError:
            continue
        run: RunMode = "always" if entry.kind in _ACCESS else "once"
        pairs.append((ScriptEntry(str(place), entry.name, run), parsed))
    places = (error.place for error in refused_together(pairs))
    return frozenset(int(place.file) for place in places if isinstance(place, Place))


def _placed(
    entries: Sequence[DumpEntry], schema: str, managed: Sequence[str] | None
) -> Iterator[tuple[DumpEntry, _Layer]]:
    """Yield each entry with its layer: not before that of an entry above it that it names."""
    ranks: dict[str, int] = {}
    rank = 0
    strangers = _strangers(entries, schema, managed)
    for place, entry in enumerate(entries):
        if entry.kind != "COMMENT":
            rank = max((ranks[word] for word in entry.words & ranks.keys()), default=0)
            rank = max(rank, _rank(entry))
            while _LAYERS[rank].run == "always" and (place in strangers or _is_refused(entry, schema, managed)):
                rank = next(later for later in range(rank + 1, len(_LAYERS)) if _LAYERS[later].run == "once")
            for name in entry.names:
                ranks[name] = max(rank, ranks.get(name, 0))
        elif _LAYERS[rank].run == "always" and _is_refused(entry, schema, managed):
            rank = next(later for later in range(rank + 1, len(_LAYERS)) if _LAYERS[later].run == "once")
        yield entry, _LAYERS[rank]


def _rank(entry: DumpEntry) -> int:
    if entry.kind == "RULE" and entry.sql.startswith("create or replace view"):
        return _rank(DumpEntry("VIEW", entry.name, entry.schema, ""))
    fits = [
        (len(kind), rank)
        for rank, layer in enumerate(_LAYERS)
        for kind in layer.kinds
        if entry.kind == kind or (entry.kind.startswith(f"{kind} ") and kind) or not kind
    ]
    return max(fits)[1]


def _is_refused(entry: DumpEntry, schema: str, managed: Sequence[str] | None) -> bool:
    """Return whether a script that is run always may not hold an entry."""
    try:
        parsed = parse(as_written(entry.name, entry.sql), schema=schema, managed=managed)
    except InputError:
        return True
    return any(True for _ in refusals(ScriptEntry(entry.name, entry.name), parsed))


def _script(layer: _Layer, entries: Sequence[DumpEntry]) -> str:
    """Return a script: one object a block, with its comments beside it."""
    title = layer.description[0].upper() + layer.description[1:] + "."
    parts = [_HEADER.format(description=title, again=_AGAIN[layer.run])]
    has_bodies = any(entry.kind in ("FUNCTION", "PROCEDURE") for entry in entries)
    parts += [f"\n{_BODIES}\n"] if has_bodies else []
    for entry in entries:
        before = "" if entry.kind == "COMMENT" else "\n"
        template = as_template(entry.sql, f"{entry.kind} {entry.name}")
        parts.append(f"{before}{template}\n")
    return "".join(parts)
