"""The stage of `check`: read a project as far as it can be read, and collect all that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path, PurePosixPath

from msgspec import Struct

from runner.errors import InputError
from runner.lint.diagnostics import Diagnostic, diagnostic_of
from runner.lint.hidden_characters import hidden_characters, not_allowed
from runner.lint.rules import check_rules, long_names_in, privileges_of
from runner.lint.squawk import find_squawk, run_squawk
from runner.project import profiles
from runner.project.field_mappings import FieldMappings
from runner.project.input_files import read_text
from runner.project.loading import read_project, render_files
from runner.project.manifest import ManifestFile, is_script_name, load_manifest
from runner.sql.inventory import Inventory
from runner.sql.simulation import State
from runner.sql.statements import Script


class Checked(Struct, frozen=True):
    """A project as far as it could be read, and what is wrong with it, in the order of the files."""

    field_mappings: FieldMappings | None
    scripts: tuple[Script, ...]
    checks: tuple[Script, ...]
    left_out: int
    """How many scripts are of profiles that were not chosen: they are checked each by itself."""
    names: State
    flaws: tuple[Diagnostic, ...]
    has_squawk: bool

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong: warnings may be there."""
        return not self.errors

    @property
    def errors(self) -> int:
        """How many errors there are."""
        return sum(flaw.severity == "error" for flaw in self.flaws)


def check(manifest: Path, overrides: tuple[str, ...] = (), chosen: tuple[str, ...] = ()) -> Checked:
    """Check all that needs no server. Raise InputError for a manifest or a mapping file that cannot be read."""
    whole = load_manifest(manifest, overrides)
    chosen_project = profiles.choose(whole, chosen)
    others = profiles.left_out(whole, chosen_project)
    project, problems = read_project(chosen_project, with_seals=False)
    files, left_out = project.files, render_files(others, project.field_mappings)
    names = next(iter(files.names.values), Inventory())
    flaws = [*unlisted(whole), *map(diagnostic_of, chain(problems, left_out.problems_of_each()))]
    read = (*files.scripts.values, *left_out.scripts.values, *files.checks.values)
    flaws += chain.from_iterable(map(long_names_in, read))
    flaws += privileges_of(read)
    flaws += hidden_in(whole, read)
    if files.are_complete:
        flaws += check_rules(chosen_project, files.scripts.values, names)
    squawk = find_squawk()
    if squawk:
        flaws += run_squawk(squawk, whole, [parsed.rendered for parsed in read])
    return Checked(
        project.field_mappings,
        files.scripts.values,
        files.checks.values,
        len(others.manifest.scripts),
        names,
        _in_order(whole, flaws),
        has_squawk=bool(squawk),
    )


def hidden_in(project: ManifestFile, read: Sequence[Script]) -> Iterator[Diagnostic]:
    """Return the hidden characters of all files of a project that can be read, but for those that a script allows."""
    manifest, parsed = project.manifest, {script.rendered.path: script for script in read}
    mappings = [manifest.field_mappings.file] if manifest.field_mappings else []
    with suppress(InputError):
        path = project.folder / PurePosixPath(project.file).name
        yield from hidden_characters(project.file, read_text(path, project.file))
    for file in (*(entry.path for entry in manifest.scripts), *(entry.path for entry in manifest.checks), *mappings):
        with suppress(InputError):
            yield from not_allowed(hidden_characters(file, project.read(file)), parsed.get(file))


def unlisted(project: ManifestFile) -> Iterator[Diagnostic]:
    """Return the files beside the listed ones that look like scripts: no command reads them, and none would say so."""
    manifest = project.manifest
    listed = {*(script.path for script in manifest.scripts), *(check.path for check in manifest.checks)}
    for folder in sorted({PurePosixPath(path).parent for path in listed}):
        for found in sorted((project.folder / folder).glob("*.sql")):
            path = str(folder / found.name)
            if is_script_name(found.name) and path not in listed:
                hint = "list it as a [[script]] or a [[check]], or remove it"
                yield Diagnostic(
                    "unlisted", "warning", "not in the manifest, and so no command reads it", path, hint=hint
                )


def _in_order(project: ManifestFile, flaws: Sequence[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return what was found by file and line, and only once what a loop has made several times."""
    paths = [*(script.path for script in project.manifest.scripts), *(check.path for check in project.manifest.checks)]
    order = {path: number for number, path in enumerate(paths)}
    return tuple(sorted(dict.fromkeys(flaws), key=lambda flaw: (order.get(flaw.file, -1), flaw.line or 0)))
