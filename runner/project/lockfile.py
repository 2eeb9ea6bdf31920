"""The format of `schema.lock.toml`: what the scripts declare, to be read in a review and compared with a catalog.

`docs/lock.md` describes it for people.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec

from runner.errors import Hint, InputError, Place
from runner.project.input_files import read_text, shown_value
from runner.project.key_places import excerpt_at, place_of_error, pointing, toml_keys
from runner.project.lock_document import ABSENT, nested, unnested
from runner.project.manifest import Manifest, ManifestFile
from runner.project.seals import Seal
from runner.sql.objects import Facts, Object
from runner.sql.statements import Script
from runner.sql.uncompared import Uncompared
from runner.wording import PROGRAM, shown

FILE = "schema.lock.toml"
FORMAT = 3
_TITLE = (
    "# What the scripts declare, in PostgreSQL's own words. Written by 'python -m runner lock'; do not edit it.\n\n"
)
_CURE = Hint(f"write it anew with '{PROGRAM} lock'")
_OVERRIDES = "overrides"
_VERSIONS = re.compile(r"^postgresql = \[\n((?:    [0-9]+,\n)+)\]", re.MULTILINE)
_LAST_SHORT = 0xFFFF
"""The last character whose escape has four digits."""
_CONFLICT = ("<<<<<<< ", ">>>>>>> ", "||||||| ")


class Override(msgspec.Struct, frozen=True):
    """What an older version says in other words; None is what it does not have."""

    facts: Mapping[Object, str | None]
    uncompared: tuple[Uncompared, ...] = ()


class Lockfile(msgspec.Struct, frozen=True):
    """What was declared when the file was written, and by what; `facts` are those of the newest version."""

    facts: Facts
    postgresql: tuple[int, ...]
    """The major versions that it covers, in their order."""
    schema: str
    extension_schema: str
    scripts: Mapping[str, str]
    """Checksum of each script's statements that make objects."""
    seals: Mapping[str, Seal] = {}
    """How scripts and checks are known again without parsing them; they say nothing of what is declared."""
    dates: str = ""
    """The time zone and the order of day and month that it holds for, where what is declared depends on them."""
    uncompared: tuple[Uncompared, ...] = ()
    overrides: Mapping[int, Override] = {}
    """What differs on older versions."""
    managed: tuple[str, ...] | None = None
    """Whose privileges are among the facts."""

    def facts_on(self, postgresql: int) -> Facts:
        """Return what is declared in the words of a version that it covers."""
        if postgresql not in self.overrides:
            return self.facts
        known = {**self.facts, **self.overrides[postgresql].facts}
        return {item: text for item, text in known.items() if text is not None}

    def uncompared_on(self, postgresql: int) -> tuple[Uncompared, ...]:
        """Return what is not compared on a version that it covers."""
        return self.overrides[postgresql].uncompared if postgresql in self.overrides else self.uncompared


class _Head(msgspec.Struct, forbid_unknown_fields=True):
    format: int
    postgresql: Annotated[list[Annotated[int, msgspec.Meta(gt=0)]], msgspec.Meta(min_length=1)]
    schema: str
    extension_schema: str
    scripts: dict[str, str]
    seals: dict[str, str] = {}
    dates: str = ""
    not_compared: list[_Uncompared] = []
    not_compared_on: dict[str, list[_Uncompared]] = {}
    managed_roles: list[str] | None = None


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
    schemas, checksums = (project.schema, project.extension_schema), ddl_checksums(scripts)
    managed = manifest.managed_roles
    return Lockfile(facts, (postgresql,), *schemas, checksums, seals, dates, uncompared, managed=managed)


def ddl_checksums(scripts: tuple[Script, ...]) -> dict[str, str]:
    """Return the checksum of each script's statements that make objects, where it has any."""
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
    overridden = document.pop(_OVERRIDES, {})
    overrides = _read_overrides(overridden, known, place)
    facts = _read_facts(document, place)
    seals = {path: _seal(text) for path, text in known.seals.items()}
    schemas, versions = (known.schema, known.extension_schema), tuple(known.postgresql)
    uncompared = _read_uncompared(known.not_compared)
    managed = None if known.managed_roles is None else tuple(known.managed_roles)
    return Lockfile(facts, versions, *schemas, known.scripts, seals, known.dates, uncompared, overrides, managed)


def _read_overrides(document: Any, head: _Head, place: str) -> dict[int, Override]:
    known = {str(version): version for version in head.postgresql}
    keys = {*document, *head.not_compared_on} if isinstance(document, dict) else {shown_value(document)}
    for key in sorted(keys - known.keys()):
        raise InputError(f"not a lock file: overrides of {key!r}", place=place, notes=(_CURE,))
    overrides = {}
    for key in sorted(keys):
        read = _read_definitions(document.get(key, {}), place)
        facts = {item: None if text is ABSENT else text for item, text in read.items()}
        uncompared = _read_uncompared(head.not_compared_on.get(key, head.not_compared))
        overrides[known[key]] = Override(facts, uncompared)
    return overrides


def _read_uncompared(items: Sequence[_Uncompared]) -> tuple[Uncompared, ...]:
    return tuple(Uncompared(item.script, tuple(item.objects), item.reason) for item in items)


def _read_facts(document: Mapping[str, Any], place: str) -> Facts:
    facts = _read_definitions(document, place)
    for item, definition in facts.items():
        if definition is ABSENT:
            raise InputError(f"not a lock file: {item}", place=place, notes=(_CURE,))
    return facts


def _read_definitions(document: Mapping[str, Any], place: str) -> dict[Object, Any]:
    try:
        facts = dict(unnested(document))
        found = (item for item, text in facts.items() if not isinstance(text, str) and text is not ABSENT)
        wrong = next(map(str, found), None)
    except AttributeError as error:  # something else where a table belongs
        wrong = str(error)
    if wrong is not None:
        raise InputError(f"not a lock file: {wrong}", place=place, notes=(_CURE,))
    return facts


def _seal(text: str) -> Seal:
    total, checksum, sealed = (*text.split(), "", "", "")[:3]
    return Seal(int(total) if re.fullmatch("[0-9]{1,18}", total) else 0, checksum, sealed)


def _is_unedited(checksum: object, head: Mapping[str, Any], document: Mapping[str, Any]) -> bool:
    try:
        return checksum == _checksum(head, document)
    except RecursionError:
        return False


def lockfile_text(lock: Lockfile) -> str:
    """Return the lock as the text of its file; the same lock always gives the same text."""
    import tomli_w

    document = nested(lock.facts, lock.facts)
    if lock.overrides:
        document[_OVERRIDES] = {str(v): nested(each.facts, lock.facts) for v, each in lock.overrides.items()}
    head: dict[str, Any] = {
        "format": FORMAT,
        "postgresql": list(lock.postgresql),
        "schema": lock.schema,
        "extension_schema": lock.extension_schema,
        **({"dates": lock.dates} if lock.dates else {}),
        "scripts": dict(lock.scripts),
        "seals": {path: f"{seal.total} {seal.checksum} {seal.hash}" for path, seal in lock.seals.items()},
    }
    if lock.managed is not None:
        head["managed_roles"] = list(lock.managed)
    if lock.uncompared:
        head["not_compared"] = _uncompared_tables(lock.uncompared)
    others = {str(v): each.uncompared for v, each in lock.overrides.items() if each.uncompared != lock.uncompared}
    if others:
        head["not_compared_on"] = {version: _uncompared_tables(items) for version, items in others.items()}
    head = {"checksum": _checksum(head, document), **head}
    whole = {"lock": head, **document}
    text = tomli_w.dumps(whole, multiline_strings=True)
    if tomllib.loads(text) != whole:  # a carriage return before a line feed is lost in strings of several lines
        text = tomli_w.dumps(whole)
    text = _VERSIONS.sub(_on_one_line, text, count=1)
    return _TITLE + "\n".join(line if line.isprintable() else "".join(map(_seen, line)) for line in text.split("\n"))


def _on_one_line(found: re.Match[str]) -> str:
    return f"postgresql = [{', '.join(re.findall('[0-9]+', found[1]))}]"


def _uncompared_tables(items: Sequence[Uncompared]) -> list[dict[str, Any]]:
    return [{**item._asdict(), "objects": list(item.objects)} for item in items]


def _seen(character: str) -> str:
    """Return a character as TOML writes it, what cannot be seen as its escape."""
    code = ord(character)
    escape = f"\\u{code:04x}" if code <= _LAST_SHORT else f"\\U{code:08x}"
    return character if shown(character) == character else escape


def _checksum(head: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    return hashlib.sha256(msgspec.json.encode([head, document], order="deterministic")).hexdigest()
