"""The command `json-schema`: what editors need to complete and check the files that people write."""

from __future__ import annotations

import json

import click

from runner.cli.options import examples

FILES = ("manifest", "field-mappings", "targets")


@click.command(epilog=examples("json-schema manifest > manifest.schema.json", "json-schema targets"))
@click.argument("file", type=click.Choice(FILES))
def json_schema(file: str) -> int:
    """Print the JSON Schema of a file, for editors."""
    from runner.fleet.targets import TargetsFile
    from runner.project.json_schemas import field_mappings_schema, manifest_schema, schema_of

    if file == "manifest":
        schema = manifest_schema()
    elif file == "field-mappings":
        schema = field_mappings_schema()
    else:
        schema = schema_of(TargetsFile, "targets")
    click.echo(json.dumps(schema, indent=2, ensure_ascii=False))
    return 0
