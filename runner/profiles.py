"""Profiles: scripts that are a part of the project where they are chosen, and what a database must have for them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

import msgspec

from runner.errors import DatabaseError, InputError
from runner.manifest import Manifest, Project
from runner.objects import Object
from runner.quote import identifier
from runner.sql_files import read_sql

if TYPE_CHECKING:
    from psycopg import Connection

OPTION = "--profile"


def choose(project: Project, chosen: Collection[str]) -> Project:
    """Return the project with the scripts of no profile and those of the chosen ones; no other profile is left in it.

    Raise InputError.
    """
    manifest = project.manifest
    _check_listed(project)
    known = tuple(dict.fromkeys(name for script in manifest.scripts for name in script.profiles))
    for name in chosen:
        if name not in known:
            listed = ", ".join(known) or "none"
            raise InputError(f"the manifest has no profile {name!r}; it has: {listed}", place=OPTION)
    scripts = tuple(
        msgspec.structs.replace(script, profiles=tuple(name for name in script.profiles if name in chosen))
        for script in manifest.scripts
        if not script.profiles or {*script.profiles} & {*chosen}
    )
    if not scripts:
        raise InputError(f"every script is of a profile; choose one of: {', '.join(known)}", place=OPTION)
    profiles = tuple(profile for profile in manifest.profiles if profile.name in chosen)
    return _with(project, msgspec.structs.replace(manifest, scripts=scripts, profiles=profiles))


def left_out(project: Project, chosen: Project) -> Project:
    """Return a project with the scripts that a choice leaves out."""
    paths = {script.path for script in chosen.manifest.scripts}
    scripts = tuple(script for script in project.manifest.scripts if script.path not in paths)
    return _with(project, msgspec.structs.replace(project.manifest, scripts=scripts))


def require(connection: Connection[Any], project: Project, declared: Callable[[], Collection[Object]]) -> None:
    """Raise DatabaseError unless the database has what the chosen profiles require, or a script is about to make it.

    Asks nothing when they require nothing; `declared` tells what the scripts make.
    """
    keys = {profile.requires_extension: profile.name for profile in project.manifest.profiles}
    names = [name for name in keys if name]
    if not names:
        return
    for name, has, available in connection.execute(read_sql("profiles.sql"), {"names": names}):
        if has or (available and Object("extension", name) in declared()):
            continue
        hint = f"an administrator says 'create extension {identifier(name)};' in this database"
        if not available:
            hint = "an administrator installs it on the server, and creates it in this database"
        raise DatabaseError(
            f"the database has no extension {name!r}, which the profile {keys[name]!r} requires; nothing was changed",
            place=OPTION,
            notes=(f"hint: {hint}; or leave out {OPTION} {keys[name]}",),
        )


def _check_listed(project: Project) -> None:
    seen: set[str] = set()
    for index, profile in enumerate(project.manifest.profiles):
        place = f"{project.file}: profile[{index}].name"
        if profile.name in seen:
            raise InputError(f"{profile.name!r} is listed twice; remove one entry", place=place)
        if not any(profile.name in script.profiles for script in project.manifest.scripts):
            message = f"no script is of the profile {profile.name!r}; name it in one, or correct the name"
            raise InputError(message, place=place)
        seen.add(profile.name)


def _with(project: Project, manifest: Manifest) -> Project:
    return msgspec.structs.replace(project, manifest=manifest)
