"""Profiles: scripts that are a part of the project where they are chosen, and what a database must have for them."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from runner.errors import InputError, Place
from runner.project.manifest import Manifest, ManifestFile

OPTION = "--profile"


def choose(project: ManifestFile, chosen: Collection[str]) -> ManifestFile:
    """Return the project with the scripts of no profile and those of the chosen ones; no other profile is left in it.

    So are the managed roles. Raise InputError.
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
    section = manifest.roles
    roles = section if section and (not section.profiles or {*section.profiles} & {*chosen}) else None
    return _with(project, msgspec.structs.replace(manifest, scripts=scripts, profiles=profiles, roles=roles))


def left_out(project: ManifestFile, chosen: ManifestFile) -> ManifestFile:
    """Return a project with the scripts that a choice leaves out, and nothing else."""
    paths = {script.path for script in chosen.manifest.scripts}
    scripts = tuple(script for script in project.manifest.scripts if script.path not in paths)
    return _with(project, msgspec.structs.replace(project.manifest, scripts=scripts, checks=()))


def _check_listed(project: ManifestFile) -> None:
    manifest = project.manifest
    seen: set[str] = set()
    for index, profile in enumerate(manifest.profiles):
        place = Place(project.file, key=f"profile[{index}].name")
        if profile.name in seen:
            raise InputError(f"{profile.name!r} is listed twice; remove one entry", place=place)
        _check_used(project, profile.name, place)
        seen.add(profile.name)
    for index, name in enumerate(manifest.roles.profiles if manifest.roles else ()):
        _check_used(project, name, Place(project.file, key=f"roles.profiles[{index}]"))


def _check_used(project: ManifestFile, name: str, place: Place) -> None:
    if not any(name in script.profiles for script in project.manifest.scripts):
        message = f"no script is of the profile {name!r}; name it in one, or correct the name"
        raise InputError(message, place=place)


def _with(project: ManifestFile, manifest: Manifest) -> ManifestFile:
    return msgspec.structs.replace(project, manifest=manifest)
