"""Everything that is known without a server: read, rendered, and parsed where the lock file does not know it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from runner.errors import InputError, Place
from runner.project import profiles
from runner.project.field_mappings import FieldMappings, load_field_mappings, mapped_variables
from runner.project.lockfile import Lockfile, read_lockfile
from runner.project.manifest import CheckEntry, ManifestFile, ScriptEntry, check_name, load_manifest
from runner.project.outcomes import Read, each, outcomes, parted, raise_first
from runner.project.seals import Sealed, open_seals
from runner.project.templates import Template, depends_on, render_each, template_variables
from runner.project.variables import Overrides
from runner.sql.objects import Object
from runner.sql.restrict_lines import without_restrict
from runner.sql.source_map import Rendered
from runner.sql.statements import Script

if TYPE_CHECKING:
    from runner.sql.simulation import State

_NOWHERE = " "
"""A schema that no script names."""


def _nothing() -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Files:
    """The scripts and checks that could be rendered; they are parsed when somebody asks for their statements."""

    project: ManifestFile
    rendered_scripts: tuple[Rendered, ...]
    rendered_checks: tuple[Rendered, ...]
    unrendered: tuple[InputError, ...]
    """What is wrong with the others."""

    @cached_property
    def scripts(self) -> Read[Script]:
        """The scripts with all their statements."""
        return self._parse(self.rendered_scripts, self.project.manifest.project.schema)

    @cached_property
    def checks(self) -> Read[Script]:
        """The checks with all their statements."""
        return self._parse(self.rendered_checks, self.project.manifest.project.schema)

    @cached_property
    def declaring(self) -> tuple[Script, ...]:
        """The scripts that could be read and declare the schema: an upgrade is written for what was there before."""
        upgrades = {script.path for script in self.project.manifest.scripts if script.run == "upgrade"}
        return tuple(script for script in self.scripts.values if script.rendered.path not in upgrades)

    @cached_property
    def names(self) -> Read[State]:
        """What the scripts declare, as far as their text tells."""
        from runner.sql.simulation import declare

        return each(declare, [self.declaring])

    @property
    def are_complete(self) -> bool:
        """Whether all scripts could be read, and taken together."""
        return len(self.scripts.values) == len(self.project.manifest.scripts) and not self.names.problems

    def problems(self) -> Iterator[InputError]:
        """Return what is wrong with each script and check, then with what the scripts declare together."""
        yield from self.problems_of_each()
        yield from self.names.problems
        if self.are_complete:
            from runner.project.script_rules import refused_together

            entries = {script.path: script for script in self.project.manifest.scripts}
            yield from refused_together([(entries[script.rendered.path], script) for script in self.declaring])
            yield from _wrong_tables(self.project, *self.names.values)

    def problems_of_each(self) -> Iterator[InputError]:
        """Return what is wrong with each script and each check by itself."""
        from runner.project.script_rules import refusals, refusals_of_check

        entries = {script.path: script for script in self.project.manifest.scripts}
        yield from self.unrendered
        yield from self.scripts.problems
        for script in self.scripts.values:
            yield from refusals(entries[script.rendered.path], script)
        yield from self.checks.problems
        yield from chain.from_iterable(map(refusals_of_check, self.checks.values))

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
        elsewhere = self._parse(rendered, schema=_NOWHERE).required()
        both = zip((*self.scripts.required(), *self.checks.required()), elsewhere, strict=True)
        return all(
            here.statements == there.statements and here.ddl_checksum == there.ddl_checksum for here, there in both
        )

    def _parse(self, rendered: Iterable[Rendered], schema: str) -> Read[Script]:
        from runner.sql.parser import parse

        return each(partial(parse, schema=schema, managed=self.project.manifest.managed_roles), rendered)


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
        return self.files.scripts.required()

    @property
    def declaring(self) -> tuple[Script, ...]:
        """The scripts that declare the schema, with all their statements."""
        self.files.scripts.required()
        return self.files.declaring

    @property
    def checks(self) -> tuple[Script, ...]:
        """The checks with all their statements."""
        return self.sealed.checks if self.sealed else self.files.checks.required()

    @property
    def names(self) -> State:
        """What the scripts declare, as far as their text tells."""
        return self.files.names.required()[0]

    def numbered(self, release: int | None) -> Project:
        """Return the project with another number of its release than the manifest's, if one is given."""
        if release is None:
            return self
        manifest = self.project.manifest
        other = msgspec.structs.replace(manifest, project=msgspec.structs.replace(manifest.project, release=release))
        return replace(self, project=msgspec.structs.replace(self.project, manifest=other))

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
        files = render_files(project, self.field_mappings)
        raise_first(files.problems())
        return Project(project, self.field_mappings, files, self.lock)


def load(
    manifest: Path,
    overrides: Overrides = (),
    chosen: tuple[str, ...] = (),
    *,
    with_lock: bool = True,
    meanwhile: Callable[[], object] = _nothing,
) -> Project:
    """Read, render and parse what the manifest names, of scripts with profiles only those of the chosen ones.

    `meanwhile` is called while another process renders. Raise InputError; nothing needs a server.
    """
    chosen_project = profiles.choose(load_manifest(manifest, overrides), chosen)
    project, problems = read_project(chosen_project, with_lock=with_lock, meanwhile=meanwhile)
    raise_first(problems)
    return project


def read_project(
    project: ManifestFile,
    *,
    with_lock: bool = True,
    with_seals: bool = True,
    meanwhile: Callable[[], object] = _nothing,
) -> tuple[Project, Iterator[InputError]]:
    """Return the project as far as it can be read, and what is wrong with it, the first problem first.

    What is as it was when the lock file was written has been parsed then, and is not parsed again, unless without
    seals. Raise InputError for field mappings that cannot be read.
    """
    field_mappings = load_field_mappings(project)
    rendering = begin_rendering(project, field_mappings)
    locks = each(read_lockfile, [project] if with_lock else [])
    meanwhile()
    files = rendering()
    lock = next(iter(locks.values), None)
    sealed = None
    if lock and with_seals and not files.unrendered:
        sealed = open_seals(project.manifest, files.rendered_scripts, files.rendered_checks, lock.seals)
    problems = iter(()) if sealed else chain(files.problems(), locks.problems)
    return Project(project, field_mappings, files, lock, sealed), problems


def render_files(project: ManifestFile, field_mappings: FieldMappings | None) -> Files:
    """Return the scripts and checks of a project, rendered as far as they can be read."""
    return begin_rendering(project, field_mappings)()


def begin_rendering(project: ManifestFile, field_mappings: FieldMappings | None) -> Callable[[], Files]:
    """Begin to render the scripts and checks of a project. Return what waits for them."""
    manifest = project.manifest

    def read(entry: ScriptEntry | CheckEntry) -> Template:
        return Template(entry.path, without_restrict(project.read(entry.path)))

    entries: tuple[ScriptEntry | CheckEntry, ...] = (*manifest.scripts, *manifest.checks)
    files = outcomes(read, entries)
    templates = [file for file in files if isinstance(file, Template)]
    rendered = render_each(templates, template_variables(project, mapped_variables(field_mappings)))

    def end() -> Files:
        ended = [file if isinstance(file, InputError) else next(rendered) for file in files]
        scripts, checks = parted(ended[: len(manifest.scripts)]), parted(ended[len(manifest.scripts) :])
        return Files(project, scripts.values, checks.values, scripts.problems + checks.problems)

    return end


def _wrong_tables(project: ManifestFile, declared: State) -> Iterator[InputError]:
    """Return an error when a script makes the table of the history, or none makes that of the field mappings."""
    manifest, file = project.manifest, project.file
    for name in (manifest.run.history_table, manifest.run.release_table):
        if Object("table", name) in declared:
            message = f"a script makes a table {name!r} too; give the history another name"
            yield InputError(message, place=Place(file, key="run.history_table"))
    section = manifest.field_mappings
    if section and Object("table", section.table) not in declared:
        message = f"no script makes a table {section.table!r}; make it, or correct the name"
        yield InputError(message, place=Place(file, key="field_mappings.table"))
