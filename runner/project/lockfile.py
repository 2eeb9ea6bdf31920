"""The format of `schema.lock.toml`: what the scripts declare, to be read in a review and compared with a catalog.

`docs/lock.md` describes it for people.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec.structs import replace

from runner.errors import Hint, InputError, Place
from runner.project.input_files import read_text, shown_value
from runner.project.key_places import excerpt_at, place_of_error, pointing, toml_keys
from runner.project.manifest import Manifest, ManifestFile
from runner.project.seals import Seal
from runner.sql.objects import WITH_PARTS, Facts, Object, without_table
from runner.sql.statements import Script
from runner.sql.uncompared import Uncompared
from runner.wording import shown

FILE = "schema.lock.toml"
FORMAT = 1
_TITLE = (
    "# What the scripts declare, in PostgreSQL's own words. Written by 'python -m runner lock'; do not edit it.\n\n"
)
_CURE = Hint("write it anew with 'python -m runner lock'")
_PARTS = {"column": "columns", "constraint": "constraints", "index": "indexes", "trigger": "triggers", "rule": "rules"}
_COMMENTS = {f"{kind.replace(' ', '_')}_comments": kind for kind in (*_PARTS, "domain constraint")}
_OTHER_SCHEMAS = "schemas"
_LAST_SHORT = 0xFFFF
"""The last character whose escape has four digits."""
_CONFLICT = ("<<<<<<< ", ">>>>>>> ", "||||||| ")


class Lockfile(msgspec.Struct, frozen=True):
    """What was declared when the file was written, and by what."""

    facts: Facts
    postgresql: int
    schema: str
    extension_schema: str
    scripts: Mapping[str, str]
    """Checksum of each script's statements that make objects."""
    seals: Mapping[str, Seal] = {}
    """How scripts and checks are known again without parsing them; they say nothing of what is declared."""
    dates: str = ""
    """The time zone and the order of day and month that it holds for, where what is declared depends on them."""
    uncompared: tuple[Uncompared, ...] = ()


class _Head(msgspec.Struct, forbid_unknown_fields=True):
    format: int
    postgresql: int
    schema: str
    extension_schema: str
    scripts: dict[str, str]
    seals: dict[str, str] = {}
    dates: str = ""
    not_compared: list[_Uncompared] = []


class _Uncompared(msgspec.Struct, forbid_unknown_fields=True):
    script: str
    objects: Annotated[list[str], msgspec.Meta(min_length=1)]
    reason: str


def make_lockfile(
    manifest: Manifest,
    scripts: tuple[Script, ...],
    postgresql: int,
    facts: Facts,
    *,
    seals: Mapping[str, Seal],
    dates: str,
    uncompared: tuple[Uncompared, ...] = (),
) -> Lockfile:
    """Return the lock of what scripts declare on a major version of PostgreSQL."""
    project = manifest.project
    schemas, checksums = (project.schema, project.extension_schema), _checksums(scripts)
    return Lockfile(facts, postgresql, *schemas, checksums, seals, dates, uncompared)


def stale(lock: Lockfile, manifest: Manifest, scripts: tuple[Script, ...], postgresql: int, dates: str) -> str | None:
    """Return why a lock does not hold for these scripts on this server, in a session; None when it does."""
    project = manifest.project
    if lock.extension_schema != project.extension_schema:
        return f"its extensions are in {lock.extension_schema}"
    checksums = _checksums(scripts)
    changed = [path for path in {**lock.scripts, **checksums} if lock.scripts.get(path) != checksums.get(path)]
    if changed:
        others = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        return f"{changed[0]}{others} changed"
    if lock.postgresql != postgresql:
        return f"it is for PostgreSQL {lock.postgresql}, and the server is {postgresql}"
    if lock.dates not in ("", dates):
        return f"it is for dates in {lock.dates}, and those of the session are in {dates}"
    return None


def facts_in(lock: Lockfile, schema: str) -> Facts:
    """Return what is declared when the target schema has another name than it had when the lock was written."""
    if schema == lock.schema:
        return lock.facts
    own = (item for item in lock.facts if item.subject.kind == "schema" and item.name == lock.schema)
    renamed = {item: item._replace(name=schema) for item in own}
    return {renamed.get(item, item): definition for item, definition in lock.facts.items()}


def _checksums(scripts: tuple[Script, ...]) -> dict[str, str]:
    return {script.rendered.path: script.ddl_checksum for script in scripts if script.ddl_checksum}


def read_lockfile(project: ManifestFile) -> Lockfile | None:
    """Return the lock beside the manifest, None when there is none. Raise InputError unless it is as it was written."""
    path = project.folder / FILE
    if not path.exists():
        return None
    place = str(Path(project.file).parent / FILE)
    try:
        text = read_text(path, place)
    except InputError as error:
        raise InputError(error.message, place=error.place, notes=(_CURE,)) from None
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        line = next((n for n, text in enumerate(text.split("\n"), 1) if text.startswith(_CONFLICT)), 0)
        if line:
            raise InputError("conflict markers of a merge", place=Place(place, line), notes=(_CURE,)) from None
        is_about_text = isinstance(error, tomllib.TOMLDecodeError)
        shown = excerpt_at(text, *place_of_error(text, error)) if is_about_text else ()
        raise InputError(f"not valid TOML: {error}", place=place, notes=(*shown, _CURE)) from None
    with pointing(text, place, toml_keys):
        return _read_document(document, place)


def _read_document(document: dict[str, Any], place: str) -> Lockfile:
    head = document.pop("lock", None)
    if not isinstance(head, dict) or "format" not in head:
        raise InputError("not a lock file: [lock] is missing", place=place, notes=(_CURE,))
    if head["format"] != FORMAT:
        message = f"format {shown_value(head['format'])}, and this runner knows {FORMAT}"
        raise InputError(message, place=Place(place, key="lock.format"), notes=(_CURE,))
    if not _is_unedited(head.pop("checksum", None), head, document):
        raise InputError(
            "it was edited: its checksum does not match", place=Place(place, key="lock.checksum"), notes=(_CURE,)
        )
    try:
        known = msgspec.convert(head, _Head)
    except msgspec.ValidationError as error:
        raise InputError(f"not a lock file: {error}", place=place, notes=(_CURE,)) from None
    facts = _read_facts(document, place)
    seals = {path: _seal(text) for path, text in known.seals.items()}
    schemas = known.schema, known.extension_schema
    uncompared = tuple(Uncompared(item.script, tuple(item.objects), item.reason) for item in known.not_compared)
    return Lockfile(facts, known.postgresql, *schemas, known.scripts, seals, known.dates, uncompared)


def _read_facts(document: Mapping[str, Any], place: str) -> Facts:
    try:
        facts = dict(_facts(document))
        wrong = next((str(item) for item, definition in facts.items() if not isinstance(definition, str)), None)
    except AttributeError as error:  # something else where a table belongs
        wrong = str(error)
    if wrong is not None:
        raise InputError(f"not a lock file: {wrong}", place=place, notes=(_CURE,))
    return facts


def _seal(text: str) -> Seal:
    total, checksum, sealed = (*text.split(), "", "", "")[:3]
    return Seal(int(total) if re.fullmatch("[0-9]{1,18}", total) else 0, checksum, sealed)


def with_seals_of_file(project: ManifestFile, lock: Lockfile) -> Lockfile:
    """Return a lock with the seals that the file beside the manifest has: they say nothing of what is declared."""
    try:
        written = read_lockfile(project)
    except InputError:
        return lock
    return replace(lock, seals=written.seals) if written and written.seals != lock.seals else lock


def _is_unedited(checksum: object, head: Mapping[str, Any], document: Mapping[str, Any]) -> bool:
    try:
        return checksum == _checksum(head, document)
    except RecursionError:
        return False


def lockfile_text(lock: Lockfile) -> str:
    """Return the lock as the text of its file; the same lock always gives the same text."""
    import tomli_w

    document = _document(lock.facts)
    head: dict[str, Any] = {
        "format": FORMAT,
        "postgresql": lock.postgresql,
        "schema": lock.schema,
        "extension_schema": lock.extension_schema,
        **({"dates": lock.dates} if lock.dates else {}),
        "scripts": dict(lock.scripts),
        "seals": {path: f"{seal.total} {seal.checksum} {seal.hash}" for path, seal in lock.seals.items()},
    }
    if lock.uncompared:
        head["not_compared"] = [{**item._asdict(), "objects": list(item.objects)} for item in lock.uncompared]
    head = {"checksum": _checksum(head, document), **head}
    whole = {"lock": head, **document}
    text = tomli_w.dumps(whole, multiline_strings=True)
    if tomllib.loads(text) != whole:  # a carriage return before a line feed is lost in strings of several lines
        text = tomli_w.dumps(whole)
    return _TITLE + "\n".join(line if line.isprintable() else "".join(map(_seen, line)) for line in text.split("\n"))


def _seen(character: str) -> str:
    """Return a character as TOML writes it, what cannot be seen as its escape."""
    code = ord(character)
    escape = f"\\u{code:04x}" if code <= _LAST_SHORT else f"\\U{code:08x}"
    return character if shown(character) == character else escape


def _checksum(head: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    return hashlib.sha256(msgspec.json.encode([head, document], order="deterministic")).hexdigest()


def _document(facts: Facts) -> dict[str, Any]:
    """Return facts as nested tables: the kind, the name, and what belongs to it."""
    kinds = {(item.schema, item.name): item.kind for item in facts if item.kind in WITH_PARTS}
    tables = {without_table(item): item.table for item in facts if item.kind == "index"}
    document: dict[str, Any] = {}
    for item, definition in facts.items():
        base = document if not item.schema else _below(document, _OTHER_SCHEMAS, item.schema)
        kind = item.subject.kind
        if table := item.table or tables.get(item.subject):
            section = f"{_key(kind)}_comments" if item.is_comment else _PARTS[kind]
            owner = kinds.get((item.schema, table), "table")
            _below(base, _key(owner), table, section)[item.name] = definition
        else:
            _below(base, _key(kind), item.name)["comment" if item.is_comment else "definition"] = definition
    return document


def _below(document: dict[str, Any], *keys: str) -> dict[str, Any]:
    for key in keys:
        document = document.setdefault(key, {})
    return document


def _key(kind: str) -> str:
    return kind.replace(" ", "_")


def _facts(document: Mapping[str, Any], schema: str = "") -> Iterator[tuple[Object, str]]:
    """Return the facts that `_document` has nested."""
    sections = {name: kind for kind, name in _PARTS.items()} | _COMMENTS
    for key, objects in document.items():
        if key == _OTHER_SCHEMAS and not schema:
            for name, below in objects.items():
                yield from _facts(below, name)
            continue
        kind = key.replace("_", " ")
        for name, entry in objects.items():
            for part, value in entry.items():
                if part == "definition":
                    yield Object(kind, name, "", schema), value
                elif part == "comment":
                    yield Object(kind, name, "", schema).comment, value
                elif part in sections:
                    for inner, text in value.items():
                        item = Object(sections[part], inner, name, schema)
                        yield item.comment if part in _COMMENTS else item, text
