"""JSON Schemas of the files that people write, for their editors, made from the types that read these files."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import FieldInfo, fields

from runner.project.field_mappings_format import Document, Field, Group, Instance, InstanceField
from runner.project.manifest import Manifest
from runner.project.units import PATTERNS, ByteSize, Duration

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_DEFINITION = "#/$defs/{name}"


def manifest_schema() -> dict[str, Any]:
    """Return the schema of a manifest."""
    return schema_of(_with_plain_defaults(Manifest), "manifest.toml")


def field_mappings_schema() -> dict[str, Any]:
    """Return the schema of a document of field mappings, whose fields have an entry for each instance."""
    made = schema_of(Document, "field mappings")
    _, parts = msgspec.json.schema_components([Group, Field, Instance, InstanceField], ref_template=_DEFINITION)
    made["$defs"].update(parts)
    for struct, key, part in (
        ("Document", "instances", "Instance"),
        ("Document", "field_groups", "Group"),
        ("Group", "fields", "Field"),
    ):
        made["$defs"][struct]["properties"][key]["additionalProperties"] = {"$ref": _DEFINITION.format(name=part)}
    made["$defs"]["Field"]["additionalProperties"] = {"$ref": _DEFINITION.format(name="InstanceField")}
    return made


def schema_of(type_: type[msgspec.Struct], title: str) -> dict[str, Any]:
    """Return the schema of the files that are read as a type."""
    return {"$schema": _DIALECT, "title": title, **msgspec.json.schema(type_, schema_hook=_unit_schema)}


def _unit_schema(type_: type) -> dict[str, Any]:
    if type_ is object:
        return {"description": "Any value."}
    return {"type": "string", "pattern": f"^(?:{PATTERNS[type_]})$"}


def _with_plain_defaults(struct: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """Return a struct whose defaults can be written as JSON: units as the text that they are, tables not at all."""
    own = [(field.name, _type_of(field), _default_of(field)) for field in fields(struct)]
    names = {field.name: field.encode_name for field in fields(struct)}
    namespace = {"__doc__": struct.__doc__}
    return msgspec.defstruct(struct.__name__, own, namespace=namespace, rename=names, forbid_unknown_fields=True)


def _type_of(field: FieldInfo) -> Any:
    return _with_plain_defaults(type(field.default)) if isinstance(field.default, msgspec.Struct) else field.type


def _default_of(field: FieldInfo) -> Any:
    if isinstance(field.default, msgspec.Struct):
        return msgspec.field(default_factory=dict)
    if isinstance(field.default, (Duration, ByteSize)):
        return str(field.default)
    if field.default_factory is not msgspec.NODEFAULT:
        return msgspec.field(default_factory=field.default_factory)
    return field.default
