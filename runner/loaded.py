"""Everything that is known without a server: read, rendered, and parsed where the lock file does not know it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from runner import profiles
from runner.errors import InputError
from runner.field_mappings import FieldMappings, load_field_mappings
from runner.lock import Lock, read_lock
from runner.manifest import Check, Overrides, Project, Script, load_manifest
from runner.objects import Object
from runner.parsed import Parsed
from runner.render import Rendered, render, template_variables
from runner.seal import Sealed, open_seals

if TYPE_CHECKING:
    from runner.fold import State


@dataclass(frozen=True)
class Loaded:
    """Everything that is known without a server: the manifest, its files rendered, and what the lock file knows.

    The files are parsed when somebody asks for their statements; where they are not sealed, that is at once.
    """

    project: Project
    field_mappings: FieldMappings | None
    rendered_scripts: tuple[Rendered, ...]
    rendered_checks: tuple[Rendered, ...]
    lock: Lock | None = None
    sealed: Sealed | None = None

    @cached_property
    def scripts(self) -> tuple[Parsed, ...]:
        """The scripts with all their statements. Raise InputError."""
        return self._parsed[0]

    @cached_property
    def checks(self) -> tuple[Parsed, ...]:
        """The checks with all their statements. Raise InputError."""
        return self.sealed.checks if self.sealed else self._parsed[1]

    @cached_property
    def names(self) -> State:
        """What the scripts declare, as far as their text tells. Raise InputError."""
        return self._parsed[2]

    @cached_property
    def _parsed(self) -> tuple[tuple[Parsed, ...], tuple[Parsed, ...], State]:
        from runner.fold import declare
        from runner.rules import check_scripts
        from runner.statements import parse

        schema = self.project.manifest.project.schema
        scripts = tuple(parse(rendered, schema=schema) for rendered in self.rendered_scripts)
        checks = tuple(parse(rendered, schema=schema) for rendered in self.rendered_checks)
        require_queries(checks)
        check_scripts(self.project, scripts)
        names = declare(scripts)
        require_tables(self.project, names)
        return scripts, checks, names


def load(manifest: Path, overrides: Overrides = (), chosen: tuple[str, ...] = (), *, with_lock: bool = True) -> Loaded:
    """Read, render and parse what the manifest names, of scripts with profiles only those of the chosen ones.

    Raise InputError; nothing needs a server. What is as it was when the lock file was written has been parsed then,
    and is not parsed again.
    """
    project = profiles.choose(load_manifest(manifest, overrides), chosen)
    field_mappings = load_field_mappings(project)
    variables = template_variables(project, field_mappings)

    def rendered(entries: Sequence[Script | Check]) -> tuple[Rendered, ...]:
        return tuple(render(entry.path, project.read(entry.path), variables) for entry in entries)

    scripts, checks = rendered(project.manifest.scripts), rendered(project.manifest.checks)
    loaded = Loaded(project, field_mappings, scripts, checks)
    try:
        lock = read_lock(project) if with_lock else None
    except InputError:
        loaded.scripts  # noqa: B018  what is wrong with a script comes first
        raise
    sealed = open_seals(project.manifest, scripts, checks, lock.seals) if lock else None
    loaded = replace(loaded, lock=lock, sealed=sealed)
    if sealed is None:
        loaded.scripts  # noqa: B018  raises what is wrong
    return loaded


def require_queries(checks: tuple[Parsed, ...]) -> None:
    """Raise InputError for a check that does more than read."""
    for check in checks:
        path = check.rendered.path
        if not check.statements:
            raise InputError("empty; a check is a SELECT that returns the rows that are wrong", place=path)
        for statement in check.statements:
            if statement.node != "select_stmt":
                raise InputError("a check only reads: SELECT the rows that are wrong", place=f"{path}:{statement.line}")


def require_tables(project: Project, declared: State) -> None:
    """Raise InputError when the table of the field mappings is missing, or a script makes that of the history."""
    manifest, file = project.manifest, project.file
    if Object("table", manifest.run.history_table) in declared:
        message = f"a script makes a table {manifest.run.history_table!r} too; give the history another name"
        raise InputError(message, place=f"{file}: run.history_table")
    section = manifest.field_mappings
    if section and Object("table", section.table) not in declared:
        message = f"no script makes a table {section.table!r}; make it, or correct the name"
        raise InputError(message, place=f"{file}: field_mappings.table")
