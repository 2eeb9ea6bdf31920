"""Definitions of domains taken apart."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

from runner.catalog.definitions import NAME

_CHECK = r"CHECK \((?:'(?:[^']|'')*'|[^'])*?\)(?: NOT VALID)?"
_DOMAIN = re.compile(
    r"(?P<type>.+?)(?: collate (?P<collation>(?:\"(?:[^\"]|\"\")*\"|[^\s\"])+))?(?P<not_null> not null)?"
    rf"(?P<constraints>(?: constraint {NAME} {_CHECK}(?: comment '(?:[^']|'')*')?)*)"
    r"(?: default (?P<default>.*))?",
    re.DOTALL,
)
_CONSTRAINT = re.compile(
    rf" constraint (?P<name>{NAME}) (?P<check>{_CHECK})"
    rf"(?: comment '(?P<comment>(?:[^']|'')*)')?(?= constraint {NAME} CHECK \(|\Z)",
    re.DOTALL,
)


class DomainConstraint(Struct, frozen=True):
    """A constraint of a domain, and its comment, empty when it has none."""

    check: str
    comment: str

    @property
    def valid(self) -> str:
        """The words for it once it is validated."""
        return self.check.removesuffix(" NOT VALID")


class DomainDefinition(Struct, frozen=True):
    """The parts of a domain's definition; constraints by their names, as SQL writes them."""

    type: str
    collation: str
    not_null: bool
    default: str
    constraints: Mapping[str, DomainConstraint]


def domain_definition(definition: str) -> DomainDefinition:
    """Take the definition of a domain apart."""
    match = _DOMAIN.fullmatch(definition)
    parts = match.groupdict(default="") if match else {"type": definition}
    return DomainDefinition(
        type=parts["type"],
        collation=parts.get("collation", ""),
        not_null=bool(parts.get("not_null")),
        default=parts.get("default", ""),
        constraints={
            found["name"]: DomainConstraint(found["check"], (found["comment"] or "").replace("''", "'"))
            for found in _CONSTRAINT.finditer(parts.get("constraints", ""))
        },
    )
