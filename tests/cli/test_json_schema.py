"""`json-schema`: what an editor takes for right is what the runner reads, as far as a schema can say it."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from runner.cli.group import cli
from tests.support.projects import CASES, ROOT

PAGE = ROOT / "docs" / "manifest.schema.json"
WRONG = (
    "unknown_key*",
    "missing_*",
    "retries_*",
    "duration_no_number",
    "profile_name_*",
    "profiles_empty",
    "too_old_*",
)
"""Cases of manifests whose mistakes a schema knows."""


def printed(file: str) -> str:
    """Return what the command prints."""
    result = CliRunner().invoke(cli, ["json-schema", file])
    assert result.exit_code == 0, result
    return result.stdout


def validator(file: str) -> Any:
    """Return what an editor does with a file, and with the schema itself."""
    schema = json.loads(printed(file))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_files_of_this_project_are_right() -> None:
    """Manifest and field mappings; the manifest names the schema that is committed, as it is made now."""
    text = (ROOT / "manifest.toml").read_text()
    assert text.startswith(f"#:schema {PAGE.relative_to(ROOT)}\n")
    assert printed("manifest") == PAGE.read_text()
    validator("manifest").validate(tomllib.loads(text))
    validator("field-mappings").validate(json.loads((ROOT / "field_mappings.json").read_text()))
    validator("targets").validate({"target": [{"dsn": "service=one", "name": "one"}, {"dsn": "service=two"}]})


@pytest.mark.parametrize("pattern", WRONG)
def test_mistakes_are_seen(pattern: str) -> None:
    """An unknown key, a missing one, a value of another type or out of its range."""
    found = sorted(path for path in (CASES / "manifest").glob(pattern) if "of_field_mappings" not in path.name)
    assert found
    for case in found:
        manifest = tomllib.loads((case / "manifest.toml").read_text())
        assert not validator("manifest").is_valid(manifest), case.name


@pytest.mark.parametrize(
    ("file", "document"),
    [
        ("targets", {"target": [{"name": "one"}]}),
        ("targets", {"target": [{"dsn": "service=one", "password": "x"}]}),
        ("field-mappings", {"version": "1", "instances": {"a": {"name": "A"}}, "field_groups": {}}),
        ("field-mappings", {"version": "1", "instances": {}, "field_groups": {"g": {"fields": {"f": {}}}}}),
        ("manifest", {"project": {"name": "x"}, "script": [], "run": {"lock_timeout": "one second"}}),
        ("manifest", {"project": {"name": "x"}, "script": [], "run": {"rewrite_above": "64 megabytes"}}),
    ],
)
def test_a_wrong_document(file: str, document: object) -> None:
    assert not validator(file).is_valid(document)
