"""The project of the migrations of another tool: its files, and what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import tomli_w
from msgspec.structs import replace

from runner.errors import Hint, InputError, Place
from runner.project.importing.ledgers import LEDGERS
from runner.project.importing.migrations import Imported, Migration
from runner.project.loading import read_project
from runner.project.manifest import ManifestFile, load_manifest
from runner.project.templates import Template, render_each
from runner.project.variables import Overrides, override
from runner.sql.parser import parse
from runner.sql.source_map import Rendered

_STEP = 10
_LONGEST = 50
_MOST_SHOWN = 5


def placed(imported: Imported) -> dict[str, Migration]:
    """Return the migrations by the paths of their scripts."""
    return {_path(place, migration): migration for place, migration in enumerate(imported.migrations, 1)}


def _path(place: int, migration: Migration) -> str:
    name = re.sub(r"[^a-z0-9]+", "_", migration.title.lower()).strip("_")[:_LONGEST].strip("_")
    return f"sql/{place * _STEP:03}_{name or 'migration'}.sql"


def project_files(name: str, manifest: str, imported: Imported) -> dict[str, str]:
    """Return the files of the project; the manifest is called `manifest`."""
    scripts = placed(imported)
    sections: list[dict[str, Any]] = [{"project": {"name": name}}]
    sections += [{"variables": dict(imported.variables)}] if imported.variables else []
    entries = ["[[script]]\n" + tomli_w.dumps(_entry(path, migration)) for path, migration in scripts.items()]
    ignored = "[[ignore]]\n" + tomli_w.dumps(_ignored(imported.tool))
    text = "\n".join([*(tomli_w.dumps(section) for section in sections), *entries, ignored])
    files = {path: migration.text for path, migration in scripts.items()}
    return {manifest: f"# Imported from {imported.tool}; docs/manifest.md specifies this format.\n\n{text}", **files}


def _ignored(tool: str) -> dict[str, object]:
    """Return the entry for the ledger, which no script declares."""
    ledger = LEDGERS[tool]
    names = [f"{ledger.schema}.{ledger.table}"] if ledger.schema else [ledger.table, f"*.{ledger.table}"]
    return {"kind": "table", "objects": names, "because": f"the ledger of {tool}"}


def _entry(path: str, migration: Migration) -> dict[str, object]:
    described = migration.title if migration.title in migration.version else f"{migration.version} {migration.title}"
    entry: dict[str, object] = {"path": path, "description": described.strip() or migration.title, "run": migration.run}
    return entry | ({} if migration.transaction else {"transaction": False})


def with_values(imported: Imported, variables: Overrides) -> Imported:
    """Return the migrations with other values for some placeholders. Raise InputError."""
    return replace(imported, variables=override(dict(imported.variables), variables))


def settled(imported: Imported) -> Imported:
    """Return the migrations with it settled which are transactions, where their statements decide that."""
    undecided = [migration for migration in imported.migrations if migration.transaction is None]
    values: dict[str, object] = {"schema": "public", **_stand_ins(imported)}
    rendered = render_each([Template(migration.file, migration.text) for migration in undecided], values)
    without = {migration.file for migration, file in zip(undecided, rendered, strict=True) if _needs_none(file)}
    decided = (
        migration
        if migration.transaction is not None
        else replace(migration, transaction=migration.file not in without)
        for migration in imported.migrations
    )
    return replace(imported, migrations=tuple(decided))


def _needs_none(file: Rendered | InputError) -> bool:
    """Return whether a migration has a statement that cannot run in a transaction."""
    if isinstance(file, InputError):
        return False  # which is an error of the whole project, too
    try:
        return any(statement.traits.outside for statement in parse(file, schema="public").statements)
    except InputError:
        return False


def require_same(project: ManifestFile, files: Mapping[str, str]) -> None:
    """Raise InputError unless a project has the scripts already, as they would be written."""
    listed = {script.path for script in project.manifest.scripts}
    for path, text in files.items():
        if path != Path(project.file).name and (path not in listed or project.read(path) != text):
            hint = Hint("the ledger is about the scripts as they are imported; import into an empty place")
            message = "is not what the import would write" if path in listed else "is not in the manifest"
            raise InputError(f"{message}; nothing was recorded", place=path, notes=(hint,))


def require_readable(imported: Imported) -> None:
    """Raise InputError, with the place in the file of the tool, where a migration cannot be a script."""
    tried = replace(imported, variables=_stand_ins(imported))
    with TemporaryDirectory() as folder:
        for path, text in project_files("imported", "manifest.toml", tried).items():
            file = Path(folder) / path
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
        project = load_manifest(Path(folder) / "manifest.toml")
        problems = list(read_project(project, with_lock=False)[1])
    if problems:
        raise _of_tool(problems, placed(imported))


def _stand_ins(imported: Imported) -> dict[str, str]:
    return {name: value or name.lower() for name, value in imported.variables.items()}


def _of_tool(problems: list[InputError], scripts: Mapping[str, Migration]) -> InputError:
    """Return the first problem, and where the others are, by the files of the tool."""
    first, *others = problems
    more = tuple(_others(others, scripts))
    return InputError(first.message, place=_place(first, scripts), notes=(*first.notes, *more), column=first.column)


def _others(problems: list[InputError], scripts: Mapping[str, Migration]) -> Iterator[str]:
    for problem in problems[:_MOST_SHOWN]:
        yield f"also {_place(problem, scripts)}: {problem.message}"
    if len(problems) > _MOST_SHOWN:
        yield f"… and {len(problems) - _MOST_SHOWN} more"


def _place(problem: InputError, scripts: Mapping[str, Migration]) -> str:
    migration = scripts.get(problem.place.file)
    if migration is None:
        return problem.place
    line = problem.line
    return Place(migration.file, migration.lines[line - 1] if line and line <= len(migration.lines) else None)
