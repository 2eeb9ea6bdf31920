"""The format of `manifest.toml`; `docs/manifest.md` specifies it for people."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

import msgspec

from runner.errors import Hint, InputError, Place
from runner.project.agreements import AcceptEntry, IgnoreEntry, Section
from runner.project.input_files import convert, key_path, read_text, shown_value
from runner.project.key_places import excerpt_at, place_of_error, pointing, toml_keys
from runner.project.role_names import check_roles
from runner.project.units import ByteSize, Duration
from runner.project.variables import Overrides, check_variable, override
from runner.sql.lock_rules import HAZARDS
from runner.sql.quoting import NAME_BYTES

OLDEST_POSTGRESQL = 15
_LONGEST_HISTORY_TABLE = 50
_LOWER_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_FILE_NAME = re.compile(r"([0-9]{3,})_[a-z0-9_]+\.sql")

RunMode = Literal["always", "on_change", "once", "upgrade"]
OnError = Literal["continue", "stop"]
RepairLevel = Literal["none", "additive", "align"]
OlderFiles = Literal["leave", "apply"]
ReleaseNumber = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
ProfileName = Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9_-]*$")]
Profiles = Annotated[tuple[ProfileName, ...], msgspec.Meta(min_length=1)]


class ProjectSection(Section, frozen=True):
    """What is made, and where in the database."""

    name: str
    schema: str = "public"
    extension_schema: str = "public"
    minimum_postgresql: Annotated[int, msgspec.Meta(ge=OLDEST_POSTGRESQL)] = OLDEST_POSTGRESQL
    release: ReleaseNumber | None = None
    """Which files are newer than others; without, the history decides."""
    trusted_creators: tuple[str, ...] = ()
    """Roles that may create objects where scripts look for names; `PUBLIC` is every role."""


class RunSection(Section, frozen=True):
    """How scripts are run; durations and sizes as PostgreSQL writes them, a duration of `0` for no limit."""

    on_error: OnError = "stop"
    role: str | None = None
    lock_timeout: Duration = Duration("1s")
    lock_retries: Annotated[int, msgspec.Meta(ge=0, le=100)] = 30
    statement_timeout: Duration = Duration("0")
    idle_in_transaction_session_timeout: Duration = Duration("1min")
    concurrent_index_above: ByteSize = ByteSize("64MB")
    concurrent_index_timeout: Duration = Duration("6h")
    history_table: str = "runner_history"
    repair: RepairLevel = "additive"
    rewrite_above: ByteSize = ByteSize("64MB")
    hazard_above: ByteSize = ByteSize("64MB")
    """How large a table may be that a step rewrites or blocks, or a relation that it drops, without an allowance."""
    allow_hazards: tuple[str, ...] = ()
    """Kinds of hazards, each alone or for a table: `rewrites_table:item`."""
    older: OlderFiles = "leave"
    """What is done with a database that newer files were applied to."""

    @property
    def release_table(self) -> str:
        """The table of the releases, which is made with that of the history."""
        return release_table(self.history_table)


class RolesSection(Section, frozen=True):
    """Whose privileges are compared, of roles by name and of PUBLIC; with profiles, only where one is chosen."""

    managed: tuple[str, ...]
    profiles: Profiles = ()


class FieldMappingsSection(Section, frozen=True):
    """Where the field mappings stand, and how a field becomes a column."""

    file: str
    table: str
    prefix: str = ""
    unprefixed: tuple[str, ...] = ()


class ScriptEntry(Section, frozen=True):
    """A numbered SQL file, and when it is run."""

    path: str
    description: str
    run: RunMode = "always"
    transaction: bool = True
    allow_destructive: bool = False
    profiles: Profiles = ()
    """It is a part of the project only where one of these is chosen; without any, always."""


class ProfileEntry(Section, frozen=True):
    """What a database must have for the scripts of a profile."""

    name: ProfileName
    description: str
    requires_extension: Annotated[str, msgspec.Meta(min_length=1, max_length=NAME_BYTES)] | None = None


class CheckEntry(Section, frozen=True):
    """A numbered SQL file that returns the rows that are wrong."""

    path: str
    description: str


_TABLES = {"scripts": "script", "checks": "check", "profiles": "profile", "accepted": "accept", "ignored": "ignore"}


class Manifest(Section, frozen=True, rename=_TABLES):
    """The whole manifest; paths are relative to its folder."""

    project: ProjectSection
    scripts: tuple[ScriptEntry, ...]
    run: RunSection = RunSection()
    roles: RolesSection | None = None
    variables: dict[str, object] = msgspec.field(default_factory=dict)
    field_mappings: FieldMappingsSection | None = None
    checks: tuple[CheckEntry, ...] = ()
    profiles: tuple[ProfileEntry, ...] = ()
    accepted: tuple[AcceptEntry, ...] = ()
    ignored: tuple[IgnoreEntry, ...] = ()

    @property
    def managed_roles(self) -> tuple[str, ...] | None:
        """The roles whose privileges are compared, besides PUBLIC; None when nobody's are."""
        return self.roles.managed if self.roles else None


class ManifestFile(msgspec.Struct, frozen=True):
    """A validated manifest, the folder it stands in, and the name that messages call it by."""

    manifest: Manifest
    folder: Path
    file: str

    def read(self, path: str) -> str:
        """Return the text of a file that the manifest names."""
        return read_text(self.folder / path, path)


def load_manifest(path: Path, overrides: Overrides = ()) -> ManifestFile:
    """Read and validate a manifest; `overrides` are other values for its variables. Raise InputError."""
    file = str(path)
    if not path.exists():
        hint = Hint("run it where the manifest is, or give --manifest PATH")
        raise InputError("file not found; create it, or correct the path", place=file, notes=(hint,))
    text = read_text(path, file)
    with pointing(text, file, toml_keys):
        manifest = convert(_decode_toml(text, file), Manifest, file=file)
        project = ManifestFile(manifest, path.absolute().parent, file)
        _check_values(project)
        _check_paths(project, "script", [script.path for script in manifest.scripts])
        _check_paths(project, "check", [check.path for check in manifest.checks])
        if manifest.field_mappings:
            _check_inside(project, "field_mappings.file", manifest.field_mappings.file)
    variables = override(manifest.variables, overrides)
    return msgspec.structs.replace(project, manifest=msgspec.structs.replace(manifest, variables=variables))


def release_table(history_table: str) -> str:
    """Return what the table of the releases is called."""
    return f"{history_table}_release"


def is_script_name(name: str) -> bool:
    """Return whether a file has a name that the manifest may list."""
    return bool(_FILE_NAME.fullmatch(name))


def _decode_toml(text: str, file: str) -> dict[str, object]:
    try:
        document = tomllib.loads(text)
        _check_strings(document, "", file)
    except tomllib.TOMLDecodeError as error:
        what = re.sub(r"\('([^']*)',\)", r"'\1'", str(error)).rpartition(" (at ")[0]
        line, column = place_of_error(text, error)
        problem = what[:1].lower() + what[1:].replace("overwrite a value", "give a key two values")
        shown = excerpt_at(text, line, column)
        raise InputError(f"not valid TOML: {problem}", place=Place(file, line), notes=shown, column=column) from error
    except (RecursionError, ValueError):
        raise InputError("not valid TOML: nested too deeply, or a number with too many digits", place=file) from None
    return document


def _check_strings(value: object, key: str, file: str) -> None:
    if isinstance(value, str) and "\0" in value:
        raise InputError("NUL character; PostgreSQL cannot store it, remove it", place=Place(file, key=key))
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in items:
        _check_strings(item, key_path(key, step), file)


def _check_values(project: ManifestFile) -> None:
    manifest, file = project.manifest, project.file
    if not manifest.project.name.strip():
        raise InputError("empty; name the project", place=Place(file, key="project.name"))
    names = {
        "project.schema": manifest.project.schema,
        "project.extension_schema": manifest.project.extension_schema,
        "run.history_table": manifest.run.history_table,
    }
    if manifest.run.role is not None:
        names["run.role"] = manifest.run.role
    if manifest.field_mappings:
        names["field_mappings.table"] = manifest.field_mappings.table
        _check_prefix(manifest.field_mappings, file)
    for key, name in names.items():
        check_name(name, Place(file, key=key))
    check_roles(manifest.project.trusted_creators, file, "project", "trusted_creators")
    check_roles(manifest.managed_roles or (), file, "roles", "managed")
    if len(manifest.run.history_table.encode()) > _LONGEST_HISTORY_TABLE:
        message = f"at most {_LONGEST_HISTORY_TABLE} bytes, because its constraints are named after it"
        raise InputError(message, place=Place(file, key="run.history_table"))
    for index, text in enumerate(manifest.run.allow_hazards):
        check_allowance(text, Place(file, key=key_path("run", "allow_hazards", index)))
    for name, value in manifest.variables.items():
        check_variable(name, value, Place(file, key=f"variables.{name}"))
    if not manifest.scripts:
        raise InputError("no script; list at least one [[script]]", place=Place(file, key="script"))


def check_name(name: str, place: str) -> None:
    """Raise InputError unless a schema or a table can have the name."""
    if not name or len(name.encode()) > NAME_BYTES:
        raise InputError(f"a name has 1 to {NAME_BYTES} bytes, not {shown_value(name)}", place=place)
    if name.startswith("pg_") or name in ("information_schema", "$user"):
        raise InputError(f"the name {shown_value(name)} belongs to PostgreSQL; choose another", place=place)


def check_allowance(text: str, place: str) -> None:
    """Raise InputError unless it is a kind of hazard, alone or with what it is about."""
    kind, colon, name = text.partition(":")
    if kind not in HAZARDS or (colon and not name.strip()):
        known = ", ".join(HAZARDS)
        raise InputError(f"expected a hazard, or HAZARD:TABLE, not {shown_value(text)}; they are {known}", place=place)


def _check_prefix(section: FieldMappingsSection, file: str) -> None:
    texts = {"prefix": section.prefix} | {f"unprefixed[{i}]": name for i, name in enumerate(section.unprefixed)}
    for key, text in texts.items():
        if not _LOWER_NAME.fullmatch(text) and (text or key != "prefix"):
            message = f"expected lower-case letters, digits and _, as columns have them, not {shown_value(text)}"
            raise InputError(message, place=Place(file, key=f"field_mappings.{key}"))


def _check_paths(project: ManifestFile, section: str, paths: list[str]) -> None:
    previous = -1
    seen: set[Path] = set()
    for index, path in enumerate(paths):
        key = key_path(section, index, "path")
        place = Place(project.file, key=key)
        target = _check_inside(project, key, path)
        match = _FILE_NAME.fullmatch(PurePosixPath(path).name)
        if not match:
            raise InputError(
                f"expected a file name like 010_tables.sql (number, _, lower-case words), not {path!r}", place=place
            )
        if target in seen:
            raise InputError(f"{path!r} is listed twice; remove one entry", place=place)
        if int(match[1]) <= previous:
            raise InputError(
                f"numbers must increase: {path!r} comes after number {previous:03}; reorder or renumber", place=place
            )
        previous = int(match[1])
        seen.add(target)


def _check_inside(project: ManifestFile, key: str, path: str) -> Path:
    place = Place(project.file, key=key)
    parts = PurePosixPath(path).parts
    if not parts or PurePosixPath(path).is_absolute() or ".." in parts or "\\" in path or "\0" in path:
        raise InputError(f"expected a path below the manifest's folder, with /, not {path!r}", place=place)
    if str(PurePosixPath(path)) != path:
        raise InputError(f"write the path as {str(PurePosixPath(path))!r}, not {path!r}", place=place)
    target = project.folder / path
    try:
        resolved = target.resolve()
        if not resolved.is_relative_to(project.folder.resolve()):
            raise InputError(f"{path!r} is a link that leaves the manifest's folder; copy the file in", place=place)
        if not resolved.exists():
            raise InputError(f"{path!r} does not exist; create it, or correct the path", place=place)
        if not resolved.is_file():
            raise InputError(f"{path!r} is not a file", place=place)
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "a link that leads to itself"
        raise InputError(f"{path!r} cannot be read: {reason}", place=place) from error
    return resolved
