"""The stage of `check`: read a project as far as it can be read, and collect all that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from msgspec import Struct

from runner.errors import InputError
from runner.lint.diagnostics import Diagnostic, diagnostic_of
from runner.lint.rules import check_rules, long_names_in
from runner.lint.squawk import find_squawk, run_squawk
from runner.project import profiles
from runner.project.field_mappings import FieldMappings, load_field_mappings, mapped_variables
from runner.project.loading import require_queries, require_tables
from runner.project.lockfile import read_lockfile
from runner.project.manifest import ManifestFile, is_script_name, load_manifest
from runner.project.script_rules import refusals
from runner.project.templates import render, template_variables
from runner.sql.parser import parse
from runner.sql.simulation import State, declare
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
    project = profiles.choose(whole, chosen)
    others = profiles.left_out(whole, project).manifest.scripts
    field_mappings = load_field_mappings(project)
    linter = _Linter(whole, template_variables(project, mapped_variables(field_mappings)))
    linter.flaws += unlisted(whole)
    scripts = linter.parse_all([script.path for script in project.manifest.scripts])
    left_out = linter.parse_all([script.path for script in others])
    checks = linter.parse_all([check.path for check in project.manifest.checks])
    linter.require((*scripts, *left_out), checks)
    names = linter.declared(project, scripts)
    squawk = find_squawk()
    if squawk:
        linter.flaws += run_squawk(squawk, whole, [parsed.rendered for parsed in (*scripts, *left_out, *checks)])
    flaws = _in_order(whole, linter.flaws)
    return Checked(field_mappings, scripts, checks, len(others), names, flaws, has_squawk=bool(squawk))


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


class _Linter:
    def __init__(self, project: ManifestFile, variables: dict[str, object]) -> None:
        self.project = project
        self.variables = variables
        self.flaws: list[Diagnostic] = []

    def parse_all(self, paths: Sequence[str]) -> tuple[Script, ...]:
        """Return the files that can be parsed."""
        return tuple(parsed for path in paths if (parsed := self.parse(path)) is not None)

    def parse(self, path: str) -> Script | None:
        schema = self.project.manifest.project.schema
        try:
            return parse(render(path, self.project.read(path), self.variables), schema=schema)
        except InputError as error:
            self.flaws.append(diagnostic_of(error))
        return None

    def require(self, scripts: Sequence[Script], checks: Sequence[Script]) -> None:
        """Apply the rules that each command applies, and the one that is about a file by itself."""
        entries = {script.path: script for script in self.project.manifest.scripts}
        for parsed in scripts:
            self.flaws += (diagnostic_of(error) for error in refusals(entries[parsed.rendered.path], parsed))
            self.flaws += long_names_in(parsed)
        for parsed in checks:
            self.flaws += long_names_in(parsed)
            try:
                require_queries((parsed,))
            except InputError as error:
                self.flaws.append(diagnostic_of(error))

    def declared(self, project: ManifestFile, scripts: tuple[Script, ...]) -> State:
        """Return what the scripts declare together, checked when all of them could be read."""
        try:
            names = declare(scripts)
        except InputError as error:
            self.flaws.append(diagnostic_of(error))
            return {}
        if len(scripts) == len(project.manifest.scripts):
            self.flaws += check_rules(project, scripts, names)
            try:
                require_tables(project, names)
                read_lockfile(project)
            except InputError as error:
                self.flaws.append(diagnostic_of(error))
        return names
