"""Everything that is known without a server: read, rendered, and parsed where the lock file does not know it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from runner.errors import InputError, Place
from runner.project import profiles
from runner.project.field_mappings import FieldMappings, load_field_mappings, mapped_variables
from runner.project.lockfile import Lockfile, read_lockfile
from runner.project.manifest import CheckEntry, ManifestFile, ScriptEntry, check_name, load_manifest
from runner.project.script_rules import check_scripts
from runner.project.seals import Sealed, open_seals
from runner.project.templates import depends_on, render, template_variables
from runner.project.variables import Overrides
from runner.sql.objects import Object
from runner.sql.simulation import declare
from runner.sql.source_map import Rendered
from runner.sql.statements import Script

if TYPE_CHECKING:
    from runner.sql.simulation import State


_NOWHERE = " "
"""A schema that no script names."""


@dataclass(frozen=True)
class Files:
    """The scripts and checks as they were rendered; they are parsed when somebody asks for their statements."""

    project: ManifestFile
    rendered_scripts: tuple[Rendered, ...]
    rendered_checks: tuple[Rendered, ...]

    @cached_property
    def scripts(self) -> tuple[Script, ...]:
        """The scripts with all their statements. Raise InputError."""
        scripts = self._parse(self.rendered_scripts, self.project.manifest.project.schema)
        check_scripts(self.project, scripts)
        return scripts

    @cached_property
    def checks(self) -> tuple[Script, ...]:
        """The checks with all their statements. Raise InputError."""
        checks = self._parse(self.rendered_checks, self.project.manifest.project.schema)
        require_queries(checks)
        return checks

    @cached_property
    def names(self) -> State:
        """What the scripts declare, as far as their text tells. Raise InputError."""
        names = declare(self.scripts)
        require_tables(self.project, names)
        return names

    def require_valid(self) -> None:
        """Raise InputError for what is wrong in a script or a check."""
        _ = self.scripts, self.checks, self.names

    def hold_in(self, schema: str) -> bool:
        """Return whether nothing in them would be another when the target had that name. Raise InputError."""
        name = re.escape(schema.replace('"', '""'))
        word = re.compile(rf"(?<!\w){name}(?!\w)", re.IGNORECASE)
        rendered = (*self.rendered_scripts, *self.rendered_checks)
        return self._name_no_target and not any(word.search(file.text) for file in rendered)

    @cached_property
    def _name_no_target(self) -> bool:
        """Whether neither a template reads the target schema's name, nor a statement has it."""
        rendered = (*self.rendered_scripts, *self.rendered_checks)
        if any(depends_on(file.template, "schema") for file in rendered):
            return False
        elsewhere = self._parse(rendered, schema=_NOWHERE)
        both = zip((*self.scripts, *self.checks), elsewhere, strict=True)
        return all(
            here.statements == there.statements and here.ddl_checksum == there.ddl_checksum for here, there in both
        )

    def _parse(self, rendered: Sequence[Rendered], schema: str) -> tuple[Script, ...]:
        from runner.sql.parser import parse

        return tuple(parse(file, schema=schema) for file in rendered)


@dataclass(frozen=True)
class Project:
    """Everything that is known without a server; `sealed` is set when the lock file knows the scripts as they are."""

    project: ManifestFile
    field_mappings: FieldMappings | None
    files: Files
    lock: Lockfile | None = None
    sealed: Sealed | None = None

    @property
    def scripts(self) -> tuple[Script, ...]:
        """The scripts with all their statements."""
        return self.files.scripts

    @property
    def checks(self) -> tuple[Script, ...]:
        """The checks with all their statements."""
        return self.sealed.checks if self.sealed else self.files.checks

    @property
    def names(self) -> State:
        """What the scripts declare, as far as their text tells."""
        return self.files.names

    def for_schema(self, schema: str | None = None) -> Project:
        """Return the project with another target schema than the manifest's, if one is given. Raise InputError.

        What does not depend on it is not done again.
        """
        manifest = self.project.manifest
        if schema is None or schema == manifest.project.schema:
            return self
        check_name(schema, "--schema")
        section = msgspec.structs.replace(manifest.project, schema=schema)
        other = msgspec.structs.replace(manifest, project=section)
        project = msgspec.structs.replace(self.project, manifest=other)
        if self.files.hold_in(schema):
            return replace(self, project=project)
        files = _render(project, self.field_mappings)
        files.require_valid()
        return Project(project, self.field_mappings, files, self.lock)


def load(manifest: Path, overrides: Overrides = (), chosen: tuple[str, ...] = (), *, with_lock: bool = True) -> Project:
    """Read, render and parse what the manifest names, of scripts with profiles only those of the chosen ones.

    Raise InputError; nothing needs a server. What is as it was when the lock file was written has been parsed then,
    and is not parsed again.
    """
    project = profiles.choose(load_manifest(manifest, overrides), chosen)
    field_mappings = load_field_mappings(project)
    files = _render(project, field_mappings)
    try:
        lock = read_lockfile(project) if with_lock else None
    except InputError:
        files.require_valid()  # what is wrong with a script comes first
        raise
    known = lock.seals if lock else {}
    sealed = open_seals(project.manifest, files.rendered_scripts, files.rendered_checks, known)
    if sealed is None:
        files.require_valid()
    return Project(project, field_mappings, files, lock, sealed)


def _render(project: ManifestFile, field_mappings: FieldMappings | None) -> Files:
    variables = template_variables(project, mapped_variables(field_mappings))

    def rendered(entries: Sequence[ScriptEntry | CheckEntry]) -> tuple[Rendered, ...]:
        return tuple(render(entry.path, project.read(entry.path), variables) for entry in entries)

    return Files(project, rendered(project.manifest.scripts), rendered(project.manifest.checks))


def require_queries(checks: tuple[Script, ...]) -> None:
    """Raise InputError for a check that does more than read."""
    for check in checks:
        path = check.rendered.path
        if not check.statements:
            raise InputError("empty; a check is a SELECT that returns the rows that are wrong", place=path)
        for statement in check.statements:
            if statement.node != "select_stmt":
                raise InputError(
                    "a check only reads: SELECT the rows that are wrong", place=Place(path, statement.line)
                )


def require_tables(project: ManifestFile, declared: State) -> None:
    """Raise InputError when the table of the field mappings is missing, or a script makes that of the history."""
    manifest, file = project.manifest, project.file
    if Object("table", manifest.run.history_table) in declared:
        message = f"a script makes a table {manifest.run.history_table!r} too; give the history another name"
        raise InputError(message, place=Place(file, key="run.history_table"))
    section = manifest.field_mappings
    if section and Object("table", section.table) not in declared:
        message = f"no script makes a table {section.table!r}; make it, or correct the name"
        raise InputError(message, place=Place(file, key="field_mappings.table"))
