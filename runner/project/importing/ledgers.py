"""What the ledgers of other tools say: which migrations a database has. Nothing here asks a server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from runner.errors import DatabaseError, Hint
from runner.project.importing.flyway import version_key
from runner.project.importing.migrations import Imported, Migration
from runner.wording import listed

Rows = Sequence[Mapping[str, Any]]


class Ledger(Struct, frozen=True):
    """A table in which a tool keeps what it has run: its schema, where that is always the same, and its columns."""

    table: str
    columns: tuple[str, ...]
    schema: str | None = None


class Recorded(Struct, frozen=True):
    """Which migrations a ledger has, by their places, and what it has that no file has, in words.

    `changed` are migrations whose files are others than those that were run.
    """

    applied: tuple[int, ...]
    unknown: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


LEDGERS = {
    "dbmate": Ledger("schema_migrations", ("version",)),
    "goose": Ledger("goose_db_version", ("id", "version_id", "is_applied")),
    "flyway": Ledger(
        "flyway_schema_history", ("installed_rank", "version", "description", "type", "script", "checksum", "success")
    ),
    "sqitch": Ledger("changes", ("change", "project", "committed_at"), "sqitch"),
    "alembic-sql": Ledger("alembic_version", ("version_num",)),
    "node-pg-migrate": Ledger("pgmigrations", ("name",)),
    "graphile": Ledger("migrations", ("filename", "hash"), "graphile_migrate"),
}


def recorded(imported: Imported, rows: Rows) -> Recorded:
    """Return what the rows of a ledger say of the migrations. Raise DatabaseError for one that did not end well."""
    return _RULES[imported.tool](imported, rows)


def _by_version(imported: Imported, versions: Iterable[str]) -> Recorded:
    places = {migration.version: place for place, migration in enumerate(imported.migrations) if migration.version}
    found = list(dict.fromkeys(versions))
    unknown = tuple(version for version in found if version not in places)
    return Recorded(tuple(sorted(places[version] for version in found if version in places)), unknown)


def _dbmate(imported: Imported, rows: Rows) -> Recorded:
    return _by_version(imported, (str(row["version"]) for row in rows))


def _goose(imported: Imported, rows: Rows) -> Recorded:
    last = {row["version_id"]: row["is_applied"] for row in sorted(rows, key=lambda row: int(row["id"]))}
    return _by_version(imported, (str(version) for version, is_applied in last.items() if is_applied and version))


def _node(imported: Imported, rows: Rows) -> Recorded:
    return _by_version(imported, (str(row["name"]) for row in rows))


def _graphile(imported: Imported, rows: Rows) -> Recorded:
    found = _by_version(imported, (str(row["filename"]) for row in rows))
    hashes = {str(row["filename"]): str(row["hash"]) for row in rows}
    applied = [imported.migrations[place] for place in found.applied]
    changed = (one.file for one in applied if one.checksum and one.checksum != hashes[one.version])
    return Recorded(found.applied, found.unknown, tuple(changed))


def _sqitch(imported: Imported, rows: Rows) -> Recorded:
    """Return the changes in turn: one that was reworked is in the plan and in the ledger more than once."""
    places: dict[str, list[int]] = {}
    for place, migration in enumerate(imported.migrations):
        places.setdefault(migration.version, []).append(place)
    applied, unknown = list[int](), list[str]()
    for row in sorted(rows, key=lambda row: row["committed_at"]):
        if row["project"] == imported.project:
            left = places.get(str(row["change"]), [])
            if left:
                applied.append(left.pop(0))
            else:
                unknown.append(str(row["change"]))
    return Recorded(tuple(sorted(applied)), tuple(unknown))


def _alembic(imported: Imported, rows: Rows) -> Recorded:
    """Return the revisions of the ledger, which are the last of each branch, and those that they come after."""
    heads = [str(row["version_num"]) for row in rows]
    known = {migration.version for migration in imported.migrations}
    found, waiting = set[str](), [head for head in heads if head in known]
    while waiting:
        version = waiting.pop()
        if version not in found:
            found.add(version)
            waiting += imported.parents.get(version, ())
    before = {parent for parents in imported.parents.values() for parent in parents}
    return _by_version(imported, [*(head for head in heads if head not in known | before), *(found & known)])


def _flyway(imported: Imported, rows: Rows) -> Recorded:
    ordered = sorted(rows, key=lambda row: int(row["installed_rank"]))
    failed = [str(row["script"]) for row in ordered if not row["success"]]
    if failed:
        hint = Hint("repair the database, and run 'flyway repair', which removes the entry")
        raise DatabaseError(f"the ledger has entries that failed: {listed(failed)}", notes=(hint,))
    versions: dict[tuple[int, ...], Mapping[str, Any]] = {}
    repeated: dict[str, Mapping[str, Any]] = {}
    baseline: tuple[int, ...] = ()
    for row in ordered:
        kind, version = str(row["type"]), row["version"]
        if version is None:
            if kind not in ("SCHEMA", "DELETE"):
                repeated[str(row["description"])] = row
            continue
        key = version_key(str(version))
        if kind.startswith("UNDO") or kind == "DELETE":
            versions.pop(key, None)
        elif kind in ("BASELINE", "SQL_BASELINE", "JDBC_BASELINE"):
            baseline = key
        else:
            versions[key] = row
    return _flyway_matches(imported, versions, repeated, baseline)


def _flyway_matches(
    imported: Imported,
    versions: Mapping[tuple[int, ...], Mapping[str, Any]],
    repeated: Mapping[str, Mapping[str, Any]],
    baseline: tuple[int, ...],
) -> Recorded:
    """Return which migrations are there: a repeatable one that has changed since is not."""
    applied, changed, seen = list[int](), list[str](), set[object]()
    for place, migration in enumerate(imported.migrations):
        if migration.run == "on_change":
            row = repeated.get(migration.version)
            seen.add(migration.version)
            applied += [place] if row and _is_same(migration, row) else []
            continue
        key = version_key(migration.version)
        row = versions.get(key)
        seen.add(key)
        applied += [place] if row or key <= baseline else []
        changed += [migration.file] if row and not _is_same(migration, row) else []
    rows = [*versions.items(), *repeated.items()]
    unknown = tuple(str(row["script"]) for key, row in rows if key not in seen)
    return Recorded(tuple(applied), unknown, tuple(changed))


def _is_same(migration: Migration, row: Mapping[str, Any]) -> bool:
    return row["checksum"] is None or str(row["checksum"]) == migration.checksum


_RULES: Mapping[str, Callable[[Imported, Rows], Recorded]] = {
    "dbmate": _dbmate,
    "goose": _goose,
    "flyway": _flyway,
    "sqitch": _sqitch,
    "alembic-sql": _alembic,
    "node-pg-migrate": _node,
    "graphile": _graphile,
}
