"""What somebody should know of a step before it is sent, with the relation that it is about and how large that is."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from runner.sql.lock_rules import HazardKind, Rows
from runner.sql.objects import Object
from runner.wording import shown

REFUSED: frozenset[HazardKind] = frozenset(
    {"deletes_data", "drops_object", "rewrites_table", "blocks_reads", "blocks_writes"}
)
"""What is not sent without an allowance where it is about much."""
DESTRUCTIVE: frozenset[HazardKind] = frozenset({"deletes_data", "drops_object"})
"""What `allow_destructive` of a script allows."""
_STRONGER: Mapping[HazardKind, HazardKind] = {"blocks_writes": "blocks_reads"}
"""What an allowance of another kind includes."""
_SENTENCES: Mapping[HazardKind, str] = {
    "blocks_reads": "reads of {0} wait while {1}",
    "blocks_writes": "writes to {0} wait while {1}",
    "rewrites_table": "every row of {0} is rewritten",
    "scans_table": "every row of {0} is read",
    "deletes_data": "rows of {0} are deleted",
    "drops_object": "{0} is dropped",
    "rebuilds_index": "indexes of {0} are rebuilt",
    "replaces_code": "{0} is replaced",
    "long_running": "the larger {0} is, the longer it takes",
    "may_fail_on_rows": "rows of {0} can make it fail",
    "changes_access": "privileges change",
}
"""A sentence for each kind; {0} is what it is about, {1} what goes on meanwhile."""
_MEANWHILE: Mapping[Rows, str] = {"scans": "every row of {0} is read", "rewrites": "every row of {0} is rewritten"}
_OWN: Mapping[Rows, str] = {"scans": "all its rows are read", "rewrites": "all its rows are rewritten"}
"""What goes on, with the rows of another table or its own."""


class Hazard(Struct, frozen=True):
    """A hazard of a step; `rows` are those that PostgreSQL counted last, `size` is in bytes.

    `during` is what is done meanwhile to all rows, those of `other` if they are not its own.
    """

    kind: HazardKind
    item: Object | None = None
    rows: int | None = None
    size: int = 0
    during: Rows = ""
    other: Object | None = None
    is_refused: bool = False
    """It is about much, and nothing allows it."""

    def __str__(self) -> str:
        words = _MEANWHILE if self.other else _OWN
        during = words.get(self.during, "").format(shown(str(self.other)))
        return _SENTENCES[self.kind].format(shown(str(self.item)), during)

    @property
    def allowance(self) -> str:
        """What allows it, as the manifest and --allow-hazard name it."""
        return f"{self.kind}:{_name(self.item)}" if self.item else self.kind

    def is_allowed(self, allowances: frozenset[str]) -> bool:
        """Return whether its kind, or one that includes it, is allowed for everything or for what it is about."""
        kinds = [kind for kind in (self.kind, _STRONGER.get(self.kind)) if kind]
        names = _names(self.item) if self.item else ()
        return any({kind, *(f"{kind}:{name}" for name in names)} & allowances for kind in kinds)


def _name(item: Object) -> str:
    return f"{item.schema}.{item.name}" if item.schema else item.name


def _names(item: Object) -> tuple[str, ...]:
    """Return what an allowance may call an object: by its name, and a part of a table by that of the table."""
    table = item._replace(name=item.table) if item.table else item
    return tuple(dict.fromkeys((_name(item), _name(table))))
