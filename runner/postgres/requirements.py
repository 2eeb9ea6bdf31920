"""What a database must have for the chosen profiles."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from runner.errors import DatabaseError, Hint
from runner.project.manifest import ManifestFile
from runner.project.profiles import OPTION
from runner.resources import read_sql
from runner.sql.objects import Object
from runner.sql.quoting import identifier

if TYPE_CHECKING:
    from psycopg import Connection


def require_extensions(
    connection: Connection[Any], project: ManifestFile, declared: Callable[[], Collection[Object]]
) -> None:
    """Raise DatabaseError unless the database has what the chosen profiles require, or a script is about to make it.

    Asks nothing when they require nothing; `declared` tells what the scripts make.
    """
    keys = {profile.requires_extension: profile.name for profile in project.manifest.profiles}
    names = [name for name in keys if name]
    if not names:
        return
    for name, has, available in connection.execute(read_sql("postgres/requirements.sql"), {"names": names}):
        if has or (available and Object("extension", name) in declared()):
            continue
        hint = f"an administrator says 'create extension {identifier(name)};' in this database"
        if not available:
            hint = "an administrator installs it on the server, and creates it in this database"
        raise DatabaseError(
            f"the database has no extension {name!r}, which the profile {keys[name]!r} requires; nothing was changed",
            place=OPTION,
            notes=(Hint(f"{hint}; or leave out {OPTION} {keys[name]}"),),
        )
