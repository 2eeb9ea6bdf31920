"""What each kind of statement locks, and what it does to rows and objects: one line a kind, as PostgreSQL does it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias, get_args

LEVELS = (
    "ROW SHARE",
    "SHARE UPDATE EXCLUSIVE",
    "SHARE",
    "SHARE ROW EXCLUSIVE",
    "EXCLUSIVE",
    "ACCESS EXCLUSIVE",
)
"""The locks that a plan tells of, from the weakest to the strongest."""
_RS, _SU, _S, _SR, _X, _AX = LEVELS
Rows = Literal["", "scans", "rewrites", "empties"]
"""What is done to all rows of a relation: nothing, each is read, each is written anew, or they are gone at once."""
HazardKind = Literal[
    "blocks_reads",
    "blocks_writes",
    "rewrites_table",
    "scans_table",
    "deletes_data",
    "drops_object",
    "rebuilds_index",
    "replaces_code",
    "long_running",
    "may_fail_on_rows",
    "changes_access",
]
"""What somebody should know of a step before it is sent."""
HAZARDS: tuple[HazardKind, ...] = get_args(HazardKind)
Link: TypeAlias = Literal["parent", "default", "sibling", "referenced", "referencing", "sequences", "indexes", "table"]
"""Relations that PostgreSQL locks because the catalog ties them to another one: the table that it is a partition of,
the default partition below it or beside it, the tables that its foreign keys refer to, those whose foreign keys refer
to it, the sequences of its columns, its indexes, and the table of an index."""


class Rule(NamedTuple):
    """What a kind of statement does to the relation that it is about, and to those below it."""

    lock: str = ""
    rows: Rows = ""
    does: tuple[HazardKind, ...] = ()
    named: str = ""
    """The lock on the other relations that it names."""
    named_rows: Rows = ""
    linked: Mapping[Link, str] = {}
    """The locks on relations that are linked with it."""
    below: Literal["all", "partitions", "none"] = "all"
    """What below the relation is locked like it: partitions, and those that inherit from it."""


_FAILS: tuple[HazardKind, ...] = ("may_fail_on_rows",)
_DROPS: tuple[HazardKind, ...] = ("drops_object",)
_DELETES: tuple[HazardKind, ...] = ("deletes_data", "drops_object")
_ACCESS: tuple[HazardKind, ...] = ("changes_access",)
_CODE: tuple[HazardKind, ...] = ("replaces_code",)
_REBUILDS: tuple[HazardKind, ...] = ("rebuilds_index",)
_GONE: Mapping[Link, str] = {"parent": _AX, "sibling": _AX, "referenced": _AX, "referencing": _AX, "sequences": _AX}

RULES: Mapping[str, Rule] = {
    # what makes something
    "CREATE INDEX": Rule(_S, "scans", below="partitions"),
    "CREATE INDEX CONCURRENTLY": Rule(_SU, "scans", below="partitions"),
    "CREATE UNIQUE INDEX": Rule(_S, "scans", _FAILS, below="partitions"),
    "CREATE UNIQUE INDEX CONCURRENTLY": Rule(_SU, "scans", _FAILS, below="partitions"),
    "CREATE TABLE PARTITION OF": Rule(_AX, linked={"referenced": _SR, "referencing": _SR}, below="none"),
    "CREATE TABLE INHERITS": Rule(_SU, below="none"),
    "CREATE TABLE REFERENCES": Rule(_SR, below="partitions"),
    "CREATE TRIGGER": Rule(_SR, below="partitions"),
    "CREATE OR REPLACE TRIGGER": Rule(_SR, does=_CODE, below="partitions"),
    "CREATE RULE": Rule(_AX, below="none"),
    "CREATE OR REPLACE RULE": Rule(_AX, does=_CODE, below="none"),
    "CREATE POLICY": Rule(_AX, does=_ACCESS, below="none"),
    "CREATE OR REPLACE VIEW": Rule(_AX, does=_CODE),
    "CREATE OR REPLACE FUNCTION": Rule(does=_CODE),
    "CREATE STATISTICS": Rule(_SU, below="none"),
    "CREATE PUBLICATION": Rule(_SU, below="partitions"),
    # what changes a table
    "ADD COLUMN": Rule(_AX),
    "ADD COLUMN FILLED": Rule(_AX, "rewrites"),
    "ADD COLUMN NOT NULL": Rule(_AX, "scans", _FAILS),
    "ADD CHECK": Rule(_AX, "scans", _FAILS),
    "ADD CHECK NOT VALID": Rule(_AX),
    "ADD NOT NULL": Rule(_AX, "scans", _FAILS),
    "ADD NOT NULL NOT VALID": Rule(_AX),
    "ADD UNIQUE": Rule(_AX, "scans", _FAILS),
    "ADD UNIQUE USING INDEX": Rule(_AX),
    "ADD PRIMARY KEY": Rule(_AX, "scans", _FAILS),
    "ADD PRIMARY KEY USING INDEX": Rule(_AX, "scans", _FAILS),
    "ADD EXCLUDE": Rule(_AX, "scans", _FAILS),
    "ADD FOREIGN KEY": Rule(_SR, "scans", _FAILS, named=_SR, named_rows="scans"),
    "ADD FOREIGN KEY NOT VALID": Rule(_SR, named=_SR),
    "ADD FOREIGN KEY OF PARTITIONS": Rule(_AX, named=_AX),
    "ALTER COLUMN TYPE": Rule(_AX, "rewrites", ("rebuilds_index", "may_fail_on_rows"), _AX, "scans"),
    "ALTER COLUMN COLLATION": Rule(_AX, "scans", _REBUILDS, named=_AX),
    "ALTER COLUMN TYPE IN PLACE": Rule(_AX, named=_AX),
    "ALTER COLUMN TYPE CHECKED": Rule(_AX, "scans", named=_AX),
    "ALTER COLUMN": Rule(_AX),
    "SET NOT NULL": Rule(_AX, "scans", _FAILS),
    "SET NOT NULL PROVEN": Rule(_AX),
    "SET EXPRESSION": Rule(_AX, "rewrites", _REBUILDS),
    "ALTER IDENTITY": Rule(_AX, named=_AX),
    "SET STATISTICS": Rule(_SU),
    "SET OPTIONS": Rule(_SU, below="none"),
    "SET ACCESS METHOD": Rule(_AX, "rewrites", _REBUILDS, linked={"sequences": _AX}, below="none"),
    "CLUSTER ON": Rule(_SU, below="none"),
    "VALIDATE CONSTRAINT": Rule(_SU, "scans", _FAILS),
    "VALIDATE FOREIGN KEY": Rule(_SU, "scans", _FAILS, named=_RS, named_rows="scans"),
    "ALTER CONSTRAINT": Rule(_AX, named=_AX),
    "DROP COLUMN": Rule(_AX, does=_DELETES, named=_AX, linked={"referenced": _AX}),
    "DROP CONSTRAINT": Rule(_AX, does=_DROPS),
    "DROP FOREIGN KEY": Rule(_AX, does=_DROPS, named=_AX, linked={"referenced": _AX}),
    "ALTER TRIGGER": Rule(_SR),
    "ALTER RULE": Rule(_AX, below="none"),
    "ROW LEVEL SECURITY": Rule(_AX, does=_ACCESS, below="none"),
    "OWNER": Rule(_AX, does=_ACCESS, linked={"sequences": _AX}, below="none"),
    "INHERIT": Rule(_AX, named=_SU, below="none"),
    "NO INHERIT": Rule(_AX, below="none"),
    "ATTACH PARTITION": Rule(_SU, linked={"referenced": _SR, "referencing": _SR}, below="none"),
    "ATTACHED PARTITION": Rule(_AX, "scans", _FAILS),
    "ATTACHED PARTITION PROVEN": Rule(_AX),
    "DEFAULT PARTITION": Rule(_AX, "scans", _FAILS, below="partitions"),
    "DEFAULT PARTITION PROVEN": Rule(_AX, below="partitions"),
    "DETACH PARTITION": Rule(
        _AX, named=_AX, linked={"default": _AX, "referenced": _SR, "referencing": _SR}, below="none"
    ),
    "DETACH PARTITION CONCURRENTLY": Rule(_SU, named=_AX, linked={"referenced": _SR}, below="none"),
    "ALTER TABLE": Rule(_AX),
    "RENAME": Rule(_AX),
    "SET SCHEMA": Rule(_AX, linked={"sequences": _AX}, below="none"),
    # what changes something else
    "ALTER INDEX": Rule(_SU),
    "ATTACH INDEX": Rule(_SU, named=_AX, below="none"),
    "ALTER VIEW": Rule(_AX),
    "ALTER SEQUENCE": Rule(_SR),
    "ALTER SEQUENCE LOGGED": Rule(_AX),
    "CHECK DOMAIN": Rule(_S, "scans", _FAILS),
    "ALTER POLICY": Rule(_AX, does=_ACCESS, below="none"),
    "ALTER PUBLICATION": Rule(_SU, below="partitions"),
    "COMMENT": Rule(_SU, below="none"),
    "ACCESS": Rule(does=_ACCESS),
    # what drops something
    "DROP TABLE": Rule(_AX, does=_DELETES, linked=_GONE),
    "DROP MATERIALIZED VIEW": Rule(_AX, does=_DROPS),
    "DROP INDEX": Rule(_AX, does=_DROPS, named=_AX),
    "DROP INDEX CONCURRENTLY": Rule(_SU, does=_DROPS, linked={"table": _SU}),
    "DROP POLICY": Rule(_AX, does=("drops_object", "changes_access"), below="none"),
    "DROP STATISTICS": Rule(_SU, does=_DROPS, below="none"),
    "DROP CASCADE": Rule(),
    "DROP DEPENDENT": Rule(_AX, does=_DELETES),
    "DROP": Rule(_AX, does=_DROPS),
    # what is about rows
    "DELETE": Rule(does=("deletes_data",)),
    "TRUNCATE": Rule(_AX, "empties", ("deletes_data",), linked={"sequences": _AX}),
    "TRUNCATE CASCADE": Rule(_AX, "empties", ("deletes_data",), linked={"sequences": _AX, "referencing": _AX}),
    "REFRESH MATERIALIZED VIEW": Rule(_AX, "rewrites", ("rebuilds_index", "long_running")),
    "REFRESH MATERIALIZED VIEW CONCURRENTLY": Rule(_X, "scans", ("long_running",)),
    "ANALYZE": Rule(_SU),
    "VACUUM": Rule(_SU, "scans"),
    "VACUUM FULL": Rule(_AX, "rewrites", _REBUILDS, below="partitions"),
    "CLUSTER": Rule(_AX, "rewrites", _REBUILDS, below="partitions"),
    "REINDEX": Rule(_S, "scans", _REBUILDS, linked={"indexes": _AX}, below="partitions"),
    "REINDEX INDEX": Rule(_AX, "rewrites", _REBUILDS, _S, "scans", below="partitions"),
    "REINDEX CONCURRENTLY": Rule(_SU, "scans", _REBUILDS, linked={"table": _SU}, below="partitions"),
    "LOCK": Rule(),
}
