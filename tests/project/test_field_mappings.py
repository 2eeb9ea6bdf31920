"""The format of the mapping file: each rule has a bad sample in cases/field_mappings, and the message that it gets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runner.errors import InputError
from runner.project.field_mappings import FieldMappings, MappedColumn, Row, family, load_field_mappings
from runner.project.loading import load as load_all
from runner.project.manifest import FieldMappingsSection, Manifest, ManifestFile, ProjectSection, load_manifest
from tests.support.projects import CASES, ROOT

SAMPLES = CASES / "field_mappings"
UNPREFIXED = ("issue_key", "summary", "status", "project_name", "location_name", "last_updated")
INSTANCE = {"name": "Primary JIRA", "url": "https://primary.example.com"}


def load(folder: Path, file: str, prefix: str = "ndpu_") -> FieldMappings:
    section = FieldMappingsSection(file, "jira_issues_v2", prefix, UNPREFIXED)
    manifest = Manifest(ProjectSection("sample"), (), field_mappings=section)
    loaded = load_field_mappings(ManifestFile(manifest, folder, "manifest.toml"))
    assert loaded is not None
    return loaded


def mapped(type_: str = "string", id_: str = "f1", **others: object) -> dict[str, object]:
    """Return a field that the first instance maps."""
    return {"type": type_, "a": {"field_id": id_}, **others}


def read(folder: Path, fields: dict[str, Any], *instances: str, prefix: str = "ndpu_") -> FieldMappings:
    """Write a mapping file with one group of fields, and read it."""
    document = {
        "version": "1.0",
        "instances": dict.fromkeys(instances or ("a",), INSTANCE),
        "field_groups": {"group": {"fields": fields}},
    }
    (folder / "m.json").write_text(json.dumps(document), encoding="utf-8")
    return load(folder, "m.json", prefix)


def message(folder: Path, fields: dict[str, Any], *instances: str, prefix: str = "ndpu_") -> str:
    with pytest.raises(InputError) as caught:
        read(folder, fields, *instances, prefix=prefix)
    return str(caught.value)


@pytest.mark.parametrize("sample", sorted(path.stem for path in SAMPLES.glob("*.json")))
def test_bad_sample(sample: str) -> None:
    """A mapping file that breaks a rule gets one exact message: file, line or key, what is wrong, what to do."""
    with pytest.raises(InputError) as caught:
        load(SAMPLES, f"{sample}.json")
    assert str(caught.value) == (SAMPLES / f"{sample}.txt").read_text(encoding="utf-8").removesuffix("\n")
    assert caught.value.exit_code == 2


def test_every_sample_has_its_message() -> None:
    """No message lies about whose sample is gone."""
    assert {path.stem for path in SAMPLES.glob("*.txt")} == {path.stem for path in SAMPLES.glob("*.json")}


EXTREMES = {
    "deep": ("[" * 100_000, "m.json: not valid JSON: nested too deeply"),
    "large": ('{"version": 1e400}', "m.json: a number that PostgreSQL cannot store: too large, NaN or Infinity"),
    "long": (
        '{"version": ' + "9" * 5_000 + "}",
        "m.json: a number that PostgreSQL cannot store: too large, NaN or Infinity",
    ),
}


@pytest.mark.parametrize(("text", "expected"), EXTREMES.values(), ids=EXTREMES)
def test_extremes(tmp_path: Path, text: str, expected: str) -> None:
    """Whatever a mapping file holds, the answer is a message, never a traceback."""
    (tmp_path / "m.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load(tmp_path, "m.json")
    assert str(caught.value).startswith(expected)


def test_no_mappings() -> None:
    """A manifest without [field_mappings] has none."""
    assert load_field_mappings(ManifestFile(Manifest(ProjectSection("sample"), ()), ROOT, "manifest.toml")) is None


NAMES = {
    "order_number": "ndpu_order_number",
    "Order_Number": "ndpu_order_number",
    "ndpu_order_number": "ndpu_order_number",
    "NDPU_Order_Number": "ndpu_order_number",
    "ndpuorder": "ndpu_ndpuorder",
    "_order": "ndpu__order",
    "n": "ndpu_n",
    "select": "ndpu_select",
    "x1": "ndpu_x1",
    "issue_key": "issue_key",
    "summary": "summary",
    "Summary": "summary",
    "STATUS": "status",
    "project_name": "project_name",
    "location_name": "location_name",
    "last_updated": "last_updated",
    "summary_2": "ndpu_summary_2",
    "a" * 58: "ndpu_" + "a" * 58,
    "ndpu_" + "a" * 58: "ndpu_" + "a" * 58,
    # What a key of a field, or of the document, is called elsewhere is free here.
    "type": "ndpu_type",
    "field_id": "ndpu_field_id",
    "fields": "ndpu_fields",
}


@pytest.mark.parametrize(("key", "column"), NAMES.items())
def test_column_name(tmp_path: Path, key: str, column: str) -> None:
    """A column is called as its key, in lower case, with the prefix unless it has that already or is an exception."""
    mappings = read(tmp_path, {key: mapped()})
    assert [found.name for found in mappings.columns] == [column]
    assert [row.db_column_name for row in mappings.rows] == [column]


def test_no_prefix(tmp_path: Path) -> None:
    """The prefix may be empty."""
    assert read(tmp_path, {"Number": mapped()}, prefix="").columns[0].name == "number"


TYPES = {
    "string": "text",
    "number": "numeric",
    "integer": "integer",
    "boolean": "boolean",
    "date": "date",
    "datetime": "timestamp",
    "array": "jsonb",
    "object": "jsonb",
    "status": "varchar(255)",
}


@pytest.mark.parametrize(("field_type", "column_type"), TYPES.items())
def test_column_type(tmp_path: Path, field_type: str, column_type: str) -> None:
    """Each type of field has its type of column, and its row keeps the word of the file."""
    mappings = read(tmp_path, {"key": mapped(field_type)})
    assert mappings.columns[0].type == column_type
    assert mappings.rows[0].field_type == field_type


def test_comment(tmp_path: Path) -> None:
    """The comment of a column is the field's description, word for word, else it names the field."""
    text = 'Size; it\'s 100 % "sure" -- \\n 📦\n$$'
    fields = {
        "Plain": mapped(id_="1"),
        "empty": mapped(id_="2", description=""),
        "x": mapped(id_="3", description=text),
    }
    comments = [column.comment for column in read(tmp_path, fields).columns]
    assert comments == ["Field: Plain", "Field: empty", text]


def test_rows(tmp_path: Path) -> None:
    """Each instance that maps a field has a row, in the instances' order; one without a name has the key's."""
    fields = {
        "Size": {
            "type": "integer",
            "b": {"field_id": "customfield_7", "name": "Size in B"},
            "a": {"field_id": "size"},
            "c": {"field_id": "customfield_7", "name": ""},
        }
    }
    assert read(tmp_path, fields, "a", "b", "c").rows == (
        Row("size", "Size", "ndpu_size", "integer", is_custom=False, instance="a"),
        Row("customfield_7", "Size in B", "ndpu_size", "integer", is_custom=True, instance="b"),
        Row("customfield_7", "Size", "ndpu_size", "integer", is_custom=True, instance="c"),
    )


@pytest.mark.parametrize("count", [1, 2, 40])
def test_number_of_instances(tmp_path: Path, count: int) -> None:
    """There may be any number of instances."""
    names = [f"jira_{number}" for number in range(count)]
    field = {"type": "string"} | {name: {"field_id": "customfield_1"} for name in names}
    mappings = read(tmp_path, {"key": field}, *names)
    assert len(mappings.columns) == 1
    assert [row.instance for row in mappings.rows] == names


UNMAPPED: list[dict[str, object]] = [
    {"type": "string"},
    {"type": "string", "system_field": True, "field_id": "summary"},
    {"type": "string", "a": {}},
    {"type": "string", "a": {"name": "Summary"}},
    {"type": "string", "a": {"field_id": None, "name": "Summary"}},
]


@pytest.mark.parametrize("field", UNMAPPED)
def test_field_that_no_instance_maps(tmp_path: Path, field: dict[str, object]) -> None:
    """A field without a field id under any instance has no column and no row."""
    mappings = read(tmp_path, {"key": field, "a" * 70: field})
    assert (mappings.columns, mappings.rows) == ((), ())


def test_nothing_mapped(tmp_path: Path) -> None:
    """A document may have no instances and no groups."""
    (tmp_path / "m.json").write_text('{"version": "1", "instances": {}, "field_groups": {}}', encoding="utf-8")
    mappings = load(tmp_path, "m.json")
    assert (mappings.columns, mappings.rows) == ((), ())


@pytest.mark.parametrize(("first", "second"), [("string", "string"), ("array", "object")])
def test_two_keys_for_one_column(tmp_path: Path, first: str, second: str) -> None:
    """Keys that fall together on one column of one type share it."""
    mappings = read(tmp_path, {"size": mapped(first, "f1"), "NDPU_Size": mapped(second, "f2")})
    assert mappings.columns == (MappedColumn("ndpu_size", TYPES[first], "Field: size"),)
    assert [(row.jira_field_id, row.db_column_name) for row in mappings.rows] == [
        ("f1", "ndpu_size"),
        ("f2", "ndpu_size"),
    ]


def test_one_id_in_two_instances(tmp_path: Path) -> None:
    """Instances number their fields on their own: one id may mean two fields."""
    fields = {"x": {"type": "string", "a": {"field_id": "f"}}, "y": {"type": "string", "b": {"field_id": "f"}}}
    assert [row.db_column_name for row in read(tmp_path, fields, "a", "b").rows] == ["ndpu_x", "ndpu_y"]


def test_document(tmp_path: Path) -> None:
    """The document that is saved is the file's, with everything that is in it, in its order."""
    text = (ROOT / "field_mappings.json").read_text(encoding="utf-8")
    (tmp_path / "m.json").write_text(text, encoding="utf-8")
    assert json.dumps(load(tmp_path, "m.json").document) == json.dumps(json.loads(text))


def test_spelled_nul_that_is_none(tmp_path: Path) -> None:
    """A backslash before u0000 is text, not a NUL."""
    assert read(tmp_path, {"x": mapped(description="\\u0000")}).columns[0].comment == "\\u0000"


def many(count: int) -> dict[str, Any]:
    return {f"field_{number}": mapped(id_=f"customfield_{number}") for number in range(count)}


@pytest.mark.parametrize("count", [1_500, 1_600])
def test_many_fields(tmp_path: Path, count: int) -> None:
    """As many fields as a table has room for are no trouble."""
    mappings = read(tmp_path, many(count))
    assert len(mappings.columns) == len(mappings.rows) == count
    assert mappings.columns[-1] == MappedColumn(f"ndpu_field_{count - 1}", "text", f"Field: field_{count - 1}")


def test_too_many_columns(tmp_path: Path) -> None:
    """More columns than a table can have are an error."""
    expected = "m.json: field_groups: 1,601 mapped columns; a table can have 1,600, dropped ones included"
    assert message(tmp_path, many(1_601)).split("\n")[0] == expected


def test_many_keys_for_few_columns(tmp_path: Path) -> None:
    """It is columns that are counted, not fields: two keys for one column are one."""
    fields = many(900) | {f"FIELD_{number}": mapped(id_=f"other_{number}") for number in range(900)}
    mappings = read(tmp_path, fields)
    assert (len(mappings.columns), len(mappings.rows)) == (900, 1_800)


def test_name_of_instance_that_does_not_fit(tmp_path: Path) -> None:
    """The name of an instance is stored in a varchar(50): a longer one is an error before a database is involved."""
    name = "jira_" + "x" * 46
    field = {"type": "string", name: {"field_id": "f"}}
    assert message(tmp_path, {"key": field}, name).startswith(f"m.json: instances.{name}: ")


@pytest.mark.parametrize("key", ["ctid", "tableoid", "xmin", "Xmax", "cmin", "cmax"])
def test_column_that_every_table_has(tmp_path: Path, key: str) -> None:
    """A system column's name, which no column can have, is an error before a database is involved."""
    assert message(tmp_path, {key: mapped()}, prefix="").startswith(f"m.json: field_groups.group.fields.{key}: ")


# The fields of the service: group, key, type, required, id in instance_1, id in instance_2, name in Jira, description.
SYSTEM_FIELDS = """
system_fields | summary | string   | yes | summary
system_fields | status  | status   | yes | status
system_fields | updated | datetime |     | updated | Last time the issue was updated in JIRA
"""
FIELDS = """
order_details | order_number | string | yes | customfield_10501 | customfield_10501 | NDPU Order Number
order_details | raw_photos | integer | | customfield_12581 | customfield_12602 | NDPU Number of Raw Photos
media_links | dropbox_raw | string | | customfield_12541 | customfield_12541 | PES - Raw Media Link
media_links | dropbox_edited | string | | customfield_12542 | customfield_12542 | PES - Edited Media Link
media_links | raw_media_folder | string | | customfield_10713 | customfield_10713 | NDPU Raw Media Folder Link
media_links | edited_media_folder | string | | customfield_10714 | customfield_10714 | NDPU Edited Media Folder Link
delivery_options | same_day_delivery | string | | customfield_12573 | customfield_12573 | NDPU Same Day Delivery
delivery_options | escalated_editing | boolean | | customfield_11712 | customfield_11712 | Escalated Editing
editing_details | editor_notes | string | | customfield_11601 | customfield_11601 | NDPU Notes for Editor
editing_details | platform_escalation_notes | string | | customfield_12668 | customfield_12668 \
| NDP Platform Escalation Notes
editing_details | edited_media_revision_notes | string | | customfield_10716 | customfield_10716 \
| NDPU Edited Media Revision Notes
editing_details | editing_revision_notes | string | | customfield_11501 | customfield_11501 \
| NDPE - Editing Revision Notes
editing_details | editing_team | string | | customfield_12644 | customfield_12648 | NDPU Editing Team
client_info | client_name | string | yes | customfield_10600 | customfield_10600 | Client Name
client_info | client_email | string | yes | customfield_10601 | customfield_10601 | Client Email
client_info | location_name | string | | project.name | project.name | Project Name | Location name from project name
client_info | listing_address | string | | customfield_10603 | customfield_10603 | NDPU Listing Address \
| Full listing address
service_info | service_type | string | | customfield_11104 | customfield_11104 | NDPU Service
instructions | access_instructions | string | | customfield_12594 | customfield_12611 | NDPU Access Instructions
instructions | special_instructions | string | | customfield_12595 | customfield_12612 | NDPU Special Instructions
timestamps | at_listing_timestamp | datetime | | customfield_12584 | customfield_12609 | NDPU At Listing Timestamp
timestamps | shoot_complete_timestamp | datetime | | customfield_12583 | customfield_12606 \
| NDPU Shoot Complete Timestamp
timestamps | uploaded_timestamp | datetime | | customfield_12585 | customfield_12608 | NDPU Uploaded Timestamp
timestamps | start_edit_timestamp | datetime | | customfield_12586 | customfield_12607 | NDPU Start Edit Timestamp
timestamps | mp_ready_timestamp | datetime | | customfield_12587 | customfield_12610 | NDPU MP Ready Timestamp
timestamps | final_review_timestamp | datetime | | customfield_12689 | customfield_12703 | NDPU Final Review Timestamp
timestamps | closed_timestamp | datetime | | customfield_12690 | customfield_12704 | NDPU Closed Timestamp
"""


def cells(table: str, columns: int) -> list[list[str]]:
    lines = [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()]
    return [line + [""] * (columns - len(line)) for line in lines]


def test_fields_of_the_service() -> None:
    """The file of this repository has the 30 fields of the service, in their groups, as the service describes them."""
    expected = []
    for group, key, type_, required, id_, description in cells(SYSTEM_FIELDS, 6):
        field = {"type": type_, "required": required == "yes", "system_field": True, "field_id": id_}
        expected.append((group, key, field | ({"description": description} if description else {})))
    for group, key, type_, required, first, second, name, description in cells(FIELDS, 8):
        ids = {"instance_1": first, "instance_2": second}
        field = {"type": type_, "required": required == "yes"}
        field |= {instance: {"field_id": id_, "name": name} for instance, id_ in ids.items()}
        expected.append((group, key, field | ({"description": description} if description else {})))
    document = json.loads((ROOT / "field_mappings.json").read_text(encoding="utf-8"))
    groups = document["field_groups"]
    found = [(group, key, field) for group in groups for key, field in groups[group]["fields"].items()]
    assert len(expected) == 30
    assert found == expected
    names = {instance: value["name"] for instance, value in document["instances"].items()}
    assert names == {"instance_1": "Primary JIRA", "instance_2": "Secondary JIRA"}


def test_columns_and_rows_of_the_service() -> None:
    """They make 27 columns, of which one has no prefix, and 54 rows; the three system fields make none."""
    mappings = load_field_mappings(load_manifest(ROOT / "manifest.toml"))
    assert mappings is not None
    columns, rows = [], []
    for _, key, type_, _, first, second, name, description in cells(FIELDS, 8):
        column = key if key == "location_name" else f"ndpu_{key}"
        columns.append(MappedColumn(column, TYPES[type_], description or f"Field: {key}"))
        for instance, id_ in (("instance_1", first), ("instance_2", second)):
            rows.append(Row(id_, name, column, type_, is_custom=id_.startswith("customfield_"), instance=instance))
    assert (len(columns), len(rows), mappings.table) == (27, 54, "jira_issues_v2")
    assert mappings.columns == tuple(columns)
    assert mappings.rows == tuple(rows)
    assert [row.jira_field_id for row in rows if not row.is_custom] == ["project.name"] * 2


def test_table_of_the_service() -> None:
    """With the columns that the file adds, 17 of them, the table has 47; and every mapped one has its comment."""
    loaded = load_all(ROOT / "manifest.toml")
    assert loaded.field_mappings is not None
    mapped_columns = loaded.field_mappings.columns
    table = {item.name for item in loaded.names if item.kind == "column" and item.table == "jira_issues_v2"}
    created = loaded.scripts[1].statements[0].declaration
    own = {effect.object.name for effect in created.effects if effect.object.kind == "column"}
    assert len(table) == 47
    assert len(table - own) == len({column.name for column in mapped_columns} - own) == 17
    comments = {
        item.name: text
        for item, text in loaded.names.items()
        if item.kind == "comment on column" and item.table == "jira_issues_v2"
    }
    assert {column.name: comments[column.name] for column in mapped_columns} == {
        column.name: column.comment for column in mapped_columns
    }
    assert comments.keys() == table


FAMILIES = [
    ["text", "character varying", "character varying(255)", "varchar(255)", "varchar", "character(3)", "citext"],
    ["smallint", "integer", "bigint", "numeric", "numeric(10,2)", "real", "double precision"],
    ["boolean"],
    ["date"],
    ["timestamp", "timestamp without time zone", "timestamp(3) without time zone", "timestamp with time zone"],
    ["json", "jsonb"],
    ["uuid"],
    ["text[]"],
    ["integer[]"],
    ["time without time zone"],
    ["interval"],
    ["bytea"],
    ['"char"'],
]


def test_families() -> None:
    """Types of one family hold the same values; every other type is a family of its own, arrays too."""
    found = [{family(type_) for type_ in types} for types in FAMILIES]
    assert [len(names) for names in found] == [1] * len(FAMILIES)
    assert len(set.union(*found)) == len(FAMILIES)


@pytest.mark.parametrize("type_", TYPES.values())
def test_family_of_column_types(type_: str) -> None:
    """Each type that a mapped column can have belongs to a known family."""
    assert family(type_) in {"text", "number", "boolean", "date", "timestamp", "json"}
