"""The projects that are measured: this repository's, a wide one of many mapped fields, and a large one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SCRIPTS, TABLES, COLUMNS, FIELDS = 100, 10, 5, 1_500
STATEMENTS = 100_000


def own(folder: Path) -> Path:
    """Copy this repository's project."""
    for name in ("manifest.toml", "field_mappings.json"):
        shutil.copy(ROOT / name, folder / name)
    shutil.copytree(ROOT / "sql", folder / "sql")
    return folder


def wide(folder: Path) -> Path:
    """Write this repository's project with 1,500 mapped fields."""
    own(folder)
    path = folder / "field_mappings.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    document["field_groups"]["many"] = {
        "description": "Many fields.",
        "fields": {
            f"field_{number}": {
                "type": "string",
                "required": False,
                "description": f"Field {number}",
                "instance_1": {"field_id": f"customfield_{90_000 + number}", "name": f"Field {number}"},
            }
            for number in range(FIELDS)
        },
    }
    path.write_text(json.dumps(document), encoding="utf-8")
    return folder


def large(folder: Path, scripts: int = SCRIPTS) -> Path:
    """Write 1,000 tables and 2,000 indexes in 100 scripts, or more."""
    manifest = ['[project]\nname = "large"\n']
    (folder / "sql").mkdir()
    for script in range(1, scripts + 1):
        name = f"sql/{script * 10:05}_tables.sql"
        (folder / name).write_text("\n".join(_table(script, table) for table in range(TABLES)), encoding="utf-8")
        manifest.append(f'[[script]]\npath = "{name}"\ndescription = "ten tables"\n')
    (folder / "manifest.toml").write_text("\n".join(manifest), encoding="utf-8")
    return folder


def long(folder: Path) -> Path:
    """Write one script of 100,000 statements: a table, and rows."""
    (folder / "sql").mkdir()
    rows = (
        f"insert into item select {n}, 'item number {n}' where not exists (select from item where id = {n});\n"  # noqa: S608
        for n in range(STATEMENTS - 1)
    )
    table = "create table if not exists item (id integer primary key, name text);\n"
    (folder / "sql" / "010_items.sql").write_text(table + "".join(rows), encoding="utf-8")
    entry = '[[script]]\npath = "sql/010_items.sql"\ndescription = "items"\n'
    (folder / "manifest.toml").write_text(f'[project]\nname = "long"\n{entry}', encoding="utf-8")
    return folder


def _table(script: int, table: int) -> str:
    name = f"t_{script:03}_{table}"
    columns = ", ".join(f"c{number} text" for number in range(COLUMNS))
    return (
        f"create table if not exists {name} (id integer, {columns}, constraint {name}_pkey primary key (id));\n"
        f"create index if not exists {name}_c0_idx on {name} (c0);\n"
        f"create index if not exists {name}_c1_idx on {name} (c1, c2);\n"
    )
