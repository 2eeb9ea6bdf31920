"""Whether a lock file holds for scripts and a server, and what it says of each version of PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from runner.errors import InputError
from runner.project.lockfile import Lockfile, Override, ddl_checksums, read_lockfile
from runner.project.manifest import Manifest, ManifestFile
from runner.sql.objects import Facts
from runner.sql.statements import Script
from runner.wording import listed


def stale(lock: Lockfile, manifest: Manifest, scripts: tuple[Script, ...], postgresql: int, dates: str) -> str | None:
    """Return why a lock does not hold for these scripts on this server, in a session; None when it does."""
    project = manifest.project
    if lock.extension_schema != project.extension_schema:
        return f"its extensions are in {lock.extension_schema}"
    if lock.managed != manifest.managed_roles:
        return "it is for other managed roles"
    checksums = ddl_checksums(scripts)
    changed = [path for path in {**lock.scripts, **checksums} if lock.scripts.get(path) != checksums.get(path)]
    if changed:
        others = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        return f"{changed[0]}{others} changed"
    if postgresql not in lock.postgresql:
        return f"it is for PostgreSQL {versions_text(lock.postgresql)}, and the server is {postgresql}"
    if lock.dates not in ("", dates):
        return f"it is for dates in {lock.dates}, and those of the session are in {dates}"
    return None


def facts_in(lock: Lockfile, schema: str, postgresql: int) -> Facts:
    """Return what is declared on a version; the target schema may have another name than when the lock was written."""
    facts = lock.facts_on(postgresql)
    if schema == lock.schema:
        return facts
    own = (item for item in facts if item.subject.kind == "schema" and item.name == lock.schema)
    renamed = {item: item._replace(name=schema) for item in own}
    return {renamed.get(item, item): definition for item, definition in facts.items()}


def merged(locks: Sequence[Lockfile]) -> Lockfile:
    """Return one lock for the versions of several, of the same scripts; the last that has a version counts for it."""
    by_version = {version: lock for lock in locks for version in lock.postgresql}
    versions = tuple(sorted(by_version))
    newest = by_version[versions[-1]]
    facts, uncompared = newest.facts_on(versions[-1]), newest.uncompared_on(versions[-1])
    overrides = {}
    for version in versions[:-1]:
        own, own_uncompared = by_version[version].facts_on(version), by_version[version].uncompared_on(version)
        differing = {item: own.get(item) for item in {**facts, **own} if own.get(item) != facts.get(item)}
        if differing or own_uncompared != uncompared:
            overrides[version] = Override(differing, own_uncompared)
    return replace(locks[-1], facts=facts, postgresql=versions, uncompared=uncompared, overrides=overrides)


def with_versions_of_file(project: ManifestFile, lock: Lockfile) -> Lockfile:
    """Return a lock with those versions, too, that the file beside the manifest covers, if its scripts are the same."""
    written = _written(project)
    return merged((written, lock)) if written and is_of_same_scripts(written, lock) else lock


def is_of_same_scripts(lock: Lockfile, other: Lockfile) -> bool:
    """Return whether two locks may be one for the versions of both."""
    return _ground(lock) == _ground(other)


def _ground(lock: Lockfile) -> tuple[object, ...]:
    return lock.schema, lock.extension_schema, dict(lock.scripts), lock.dates, lock.managed


def with_seals_of_file(project: ManifestFile, lock: Lockfile) -> Lockfile:
    """Return a lock with the seals that the file beside the manifest has: they say nothing of what is declared."""
    written = _written(project)
    return replace(lock, seals=written.seals) if written and written.seals != lock.seals else lock


def _written(project: ManifestFile) -> Lockfile | None:
    try:
        return read_lockfile(project)
    except InputError:
        return None


def versions_text(versions: Sequence[int]) -> str:
    """Return versions as people say them: `15 to 18`, `15 and 18`."""
    first, last = versions[0], versions[-1]
    is_range = len(versions) > 2 and last - first == len(versions) - 1  # noqa: PLR2004  two are both named
    return f"{first} to {last}" if is_range else listed([str(version) for version in versions])
