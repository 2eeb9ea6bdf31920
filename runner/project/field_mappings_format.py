"""The format of `field_mappings.json`; `docs/field_mappings.md` specifies it for people."""

from __future__ import annotations

from typing import Any

import msgspec


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Instance(_Strict, frozen=True):
    """A Jira instance."""

    name: str
    url: str


class Group(_Strict, frozen=True):
    """Fields that belong together."""

    fields: dict[str, Any]
    description: str = ""


class Document(_Strict, frozen=True):
    """The whole file; its instances, groups and fields are read one by one, so that each mistake has its place."""

    version: str
    instances: dict[str, Any]
    field_groups: dict[str, Any]
    last_updated: str = ""
    description: str = ""


class Field(_Strict, frozen=True):
    """A field, and the type of its column; each instance has an entry of its own beside these keys."""

    type: str
    required: bool = False
    description: str = ""
    system_field: bool = False
    field_id: str | None = None


class InstanceField(_Strict, frozen=True):
    """A field of one instance."""

    field_id: str | None = None
    name: str | None = None
