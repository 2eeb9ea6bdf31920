"""The format of `field_mappings.json`, and the columns and rows that it stands for.

`docs/field_mappings.md` specifies it for people.
Source of the rules: the Jira-sync service, which reads the same document back from its `configurations` table.
"""

from __future__ import annotations

import json
import re
from typing import NoReturn

import msgspec

from runner.errors import InputError, Place
from runner.project.field_mappings_format import Document, Field, Group, Instance, InstanceField
from runner.project.input_files import convert, key_path, shown_value
from runner.project.key_places import excerpt_at, json_keys, pointing
from runner.project.manifest import FieldMappingsSection, ManifestFile
from runner.sql.objects import MOST_COLUMNS
from runner.sql.quoting import NAME_BYTES

COLUMN_TYPES = {
    "string": "text",
    "number": "numeric",
    "integer": "integer",
    "boolean": "boolean",
    "date": "date",
    "datetime": "timestamp",
    "array": "jsonb",
    "object": "jsonb",
    "status": "varchar(255)",
}
"""Field type → column type, as SQL."""

_FAMILIES = {
    "text": ("text", "character varying", "character", "citext"),
    "number": ("smallint", "integer", "bigint", "numeric", "real", "double precision"),
    "boolean": ("boolean",),
    "date": ("date",),
    "timestamp": ("timestamp", "timestamp without time zone", "timestamp with time zone"),
    "json": ("json", "jsonb"),
}
_SPELLINGS = {"varchar": "character varying"}
_LONGEST_TEXT = 255
"""Characters in a Jira field id or name, as the columns of `field_mappings` have them."""
_LONGEST_INSTANCE = 50
_SYSTEM_COLUMNS = frozenset({"cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"})
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KNOWN_FIELD_KEYS = ("type", "required", "description", "system_field", "field_id")


class MappedColumn(msgspec.Struct, frozen=True):
    """A column that a mapped field stands for; `type` is SQL."""

    name: str
    type: str
    comment: str


class Row(msgspec.Struct, frozen=True):
    """A Jira field of one instance, and the column that holds it."""

    jira_field_id: str
    jira_field_name: str
    db_column_name: str
    field_type: str
    is_custom: bool
    instance: str


class FieldMappings(msgspec.Struct, frozen=True):
    """What templates see as `field_mappings`: the table, its mapped columns, the rows, and the document as it is."""

    table: str
    columns: tuple[MappedColumn, ...]
    rows: tuple[Row, ...]
    document: dict[str, object]


def family(type_: str) -> str:
    """Return the family of a type as PostgreSQL prints it; a type of no known family is a family of its own."""
    base = re.sub(r"\s*\(.*?\)", "", type_)
    base = _SPELLINGS.get(base, base)
    return next((name for name, types in _FAMILIES.items() if base in types), base)


def mapped_variables(mappings: FieldMappings | None) -> dict[str, object]:
    """Return what templates see of field mappings, if there are any."""
    return {"field_mappings": mappings} if mappings else {}


def load_field_mappings(project: ManifestFile) -> FieldMappings | None:
    """Read and validate the mapping file that the manifest names, if it names one. Raise InputError."""
    section = project.manifest.field_mappings
    if section is None:
        return None
    text = project.read(section.file)
    with pointing(text, section.file, json_keys):
        return _Reader(section, _decode_json(text, section.file)).read()


class _Reader:
    """Goes through the document field by field, so that each error can name its key."""

    def __init__(self, section: FieldMappingsSection, raw: object) -> None:
        self.section = section
        self.file = section.file
        self.raw = raw
        self.columns: dict[str, MappedColumn] = {}
        self.column_keys: dict[str, str] = {}
        self.rows: dict[tuple[str, str], Row] = {}
        self.row_keys: dict[tuple[str, str], str] = {}

    def read(self) -> FieldMappings:
        document = convert(self.raw, Document, file=self.file)
        self.instances = tuple(document.instances)
        for name, instance in document.instances.items():
            key = key_path("instances", name)
            self.check_name(name, key)
            if len(name) > _LONGEST_INSTANCE:
                self.fail(key, f"an instance's key has at most {_LONGEST_INSTANCE} characters, not {len(name)}")
            if name in _KNOWN_FIELD_KEYS:
                self.fail(key, f"{name!r} is a key of fields; give the instance another name")
            convert(instance, Instance, file=self.file, key=key)
        for group, value in document.field_groups.items():
            key = key_path("field_groups", group)
            for field, spec in convert(value, Group, file=self.file, key=key).fields.items():
                self.read_field(field, spec, key_path(key, "fields", field))
        if len(self.columns) > MOST_COLUMNS:
            self.fail(
                "field_groups",
                f"{len(self.columns):,} mapped columns; a table can have {MOST_COLUMNS:,}, dropped ones included",
            )
        raw: dict[str, object] = self.raw  # type: ignore[assignment]
        return FieldMappings(self.section.table, tuple(self.columns.values()), tuple(self.rows.values()), raw)

    def read_field(self, name: str, spec: object, key: str) -> None:
        self.check_name(name, key)
        if not isinstance(spec, dict):
            self.fail(key, f"expected an object, not {shown_value(spec)}")
        own = {k: v for k, v in spec.items() if k not in self.instances}
        if unknown := next((k for k in own if k not in _KNOWN_FIELD_KEYS), None):
            known = ", ".join((*_KNOWN_FIELD_KEYS, *self.instances))
            self.fail(key_path(key, unknown), f"unknown key {unknown!r}; known here: {known}")
        field = convert(own, Field, file=self.file, key=key)
        if field.type not in COLUMN_TYPES:
            known = ", ".join(COLUMN_TYPES)
            self.fail(key_path(key, "type"), f"unknown field type {field.type!r}; known types: {known}")
        mapped = [
            (instance, convert(spec[instance], InstanceField, file=self.file, key=key_path(key, instance)))
            for instance in self.instances
            if instance in spec
        ]
        mapped = [(instance, entry) for instance, entry in mapped if entry.field_id is not None]
        if not mapped:
            return
        column = self.column_name(name)
        self.add_column(column, field, name, key)
        for instance, entry in mapped:
            self.add_row(instance, entry, column, field.type, name, key_path(key, instance))

    def column_name(self, name: str) -> str:
        lowered = name.lower()
        if lowered in self.section.unprefixed or lowered.startswith(self.section.prefix):
            return lowered
        return self.section.prefix + lowered

    def add_column(self, name: str, field: Field, field_name: str, key: str) -> None:
        if name in _SYSTEM_COLUMNS:
            self.fail(key, f"{name!r} is a column that every table has already; rename the key")
        if len(name.encode()) > NAME_BYTES:
            self.fail(
                key, f"column name {name!r} has {len(name)} bytes; PostgreSQL allows {NAME_BYTES}, shorten the key"
            )
        column = MappedColumn(name, COLUMN_TYPES[field.type], field.description or f"Field: {field_name}")
        other = self.columns.setdefault(name, column)
        if other.type != column.type:
            self.fail(
                key,
                f"column {name!r} would be {column.type} here and {other.type} for {self.column_keys[name]}; "
                "rename one key, or give both the same type",
            )
        self.column_keys.setdefault(name, key)

    def add_row(self, instance: str, entry: InstanceField, column: str, type_: str, name: str, key: str) -> None:
        if not entry.field_id or len(entry.field_id) > _LONGEST_TEXT:
            shown = shown_value(entry.field_id)
            self.fail(key_path(key, "field_id"), f"a Jira field id has 1 to {_LONGEST_TEXT} characters, not {shown}")
        field_name = entry.name or name
        if len(field_name) > _LONGEST_TEXT:
            shown = shown_value(field_name)
            self.fail(key_path(key, "name"), f"a Jira field name has at most {_LONGEST_TEXT} characters, not {shown}")
        identity = (entry.field_id, instance)
        if identity in self.rows:
            self.fail(
                key_path(key, "field_id"),
                f"{entry.field_id!r} of {instance} is mapped already by {self.row_keys[identity]}; remove one",
            )
        custom = entry.field_id.startswith("customfield_")
        self.rows[identity] = Row(entry.field_id, field_name, column, type_, custom, instance)
        self.row_keys[identity] = key

    def check_name(self, name: str, key: str) -> None:
        if not _IDENTIFIER.fullmatch(name):
            self.fail(key, f"expected a key of letters, digits and _ that starts with a letter or _, not {name!r}")

    def fail(self, key: str, message: str) -> NoReturn:
        raise InputError(message, place=Place(self.file, key=key))


class _Repeated(dict[str, object]):
    """An object in which a key stands twice, which JSON allows and a reader cannot mean."""

    key = ""


def _decode_json(text: str, file: str) -> object:
    try:
        document = json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant)
        json.dumps(document, allow_nan=False, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        message = f"not valid JSON: {error.msg[:1].lower()}{error.msg[1:]}"
        shown = excerpt_at(text, error.lineno, error.colno)
        raise InputError(message, place=Place(file, error.lineno), notes=shown, column=error.colno) from None
    except RecursionError:
        raise InputError("not valid JSON: nested too deeply", place=file) from None
    except UnicodeEncodeError:
        message = "half of a surrogate pair (\\ud800 to \\udfff); PostgreSQL cannot store it"
        raise InputError(message, place=file) from None
    except ValueError:
        raise InputError("a number that PostgreSQL cannot store: too large, NaN or Infinity", place=file) from None
    _check_values(document, "", file)
    return document


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) == len(pairs):
        return result
    repeated = _Repeated(result)
    names = [name for name, _ in pairs]
    repeated.key = next(name for name in names if names.count(name) > 1)
    return repeated


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(constant)


def _check_values(value: object, key: str, file: str) -> None:
    """Raise InputError for a repeated key and for a NUL character, which jsonb cannot hold."""
    if isinstance(value, _Repeated):
        raise InputError("the key stands twice; remove one", place=Place(file, key=key_path(key, value.key)))
    if isinstance(value, str) and "\0" in value:
        raise InputError("\\u0000 in a string; PostgreSQL cannot store it, remove it", place=Place(file, key=key))
    if isinstance(value, dict):
        for name, item in value.items():
            _check_values(name, key, file)
            _check_values(item, key_path(key, name), file)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _check_values(item, key_path(key, index), file)
