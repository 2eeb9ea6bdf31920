"""`docs`: the declared catalog as a page."""

from __future__ import annotations

import re
from pathlib import Path

from tests.conftest import MakeProject, Run
from tests.support.projects import ROOT, copy_project, run_runner

SCRIPTS = {
    "010_item.sql": """
create table if not exists item (
    id integer generated always as identity primary key,
    "Odd | name" text not null default 'a|b',
    twice integer generated always as (2) stored
);
comment on table item is 'Items, or | parts.';
comment on column item.id is 'Number.';
create table if not exists part (item integer references item (id), name text, unique (item, name), check (item > 0));
create index if not exists part_name_idx on part (lower(name)) where item > 1;
comment on index part_name_idx is 'Finds by name.';
create policy part_few on part to reader using (item < 9);
alter table part enable row level security;
alter table part force row level security;
comment on policy part_few on part is 'Few.';
create statistics if not exists part_both on item, name from part;
""",
    "020_more.sql": """
alter table item add column if not exists size numeric(8, 2);
create or replace view large as select * from item where size > 100;
comment on view large is 'What is large.';
create or replace function one() returns integer language sql as 'select 1';
create extension if not exists pg_trgm;
create aggregate total(integer) (sfunc = int4pl, stype = integer);
create publication pages for table item (id, size) where (id > 1) with (publish = 'insert');
create publication everything for all tables;
""",
    "030_roles.sql": """
alter table item owner to "the owner";
grant select, update ("Odd | name", id), insert (id) on item to app with grant option;
grant select on item, large to reader;
revoke execute on function one() from public;
alter default privileges grant select on tables to reader;
alter default privileges in schema public grant execute on functions to app;
""",
}
MANAGED = {"managed": ["app", "reader", "the owner"]}


def test_the_page_of_this_repository_is_fresh() -> None:
    """It is committed as the scripts are, and no database is needed to see that."""
    result = run_runner("docs", "--check", "--dsn", "host=/nowhere", "--wait", "0")
    assert result.code == 0, result
    text = (ROOT / "docs" / "schema.md").read_text()
    assert text.count("\n## ") == 16 + 2
    anchors = set(re.findall(r"\]\(#([^)]+)\)", text))
    assert anchors == set(re.findall(r"^## (.+)$", text, re.MULTILINE)) - {"Diagram", "Extensions"}


def test_a_page_has_all_that_is_declared(run: Run, project: MakeProject, database: str) -> None:
    """Tables with columns, constraints and indexes, what refers to what, and everything else, with its script."""
    folder = project(SCRIPTS, roles=MANAGED)
    result = run("docs", "--dsn", database)
    assert result.code == 0, result
    lines = (folder / "docs" / "schema.md").read_text().splitlines()
    given = 'select with grant option, insert (id) with grant option, update (id, "Odd \\| name") with grant option'
    for line in (
        f"| app | {given} |",
        f"| [table item](#item) | owner | {given} | select |  |",
        "| [item](#item) | 4 | Items, or \\| parts. |",
        '    "item" ||--o{ "part" : "item"',
        "        integer item FK,UK",
        "Declared by `script/010_item.sql`.",
        "| id | integer |  | `generated always as identity` | Number. | `script/010_item.sql` |",
        "| Odd \\| name | text |  | `'a\\|b'::text` |  | `script/010_item.sql` |",
        "| twice | integer | yes | `generated: 2` |  | `script/010_item.sql` |",
        "| size | numeric(8,2) | yes |  |  | `script/020_more.sql` |",
        "| part_name_idx | `btree (lower(name)) where item > 1` | Finds by name. | `script/010_item.sql` |",
        "Row-level security: on, forced: it is for the owner too.",
        "| part_few | all | reader | `item < 9` |  | Few. | `script/010_item.sql` |",
        "Statistics `part_both`: `on item, name from part`",
        "## Views",
        "## Functions and procedures",
        "| pg_trgm |  |  | `script/020_more.sql` |",
        "## Aggregates",
        'Owner: `"the owner"`.',
        "| reader | select |",
        "| pages | `with (publish 'insert')` | `table item (id, size) where (id > 1)` |  | `script/020_more.sql` |",
        "| everything |  | `all tables` |  | `script/020_more.sql` |",
        "## Who may do what",
        '| object | "the owner" | app | reader | PUBLIC |',
        "| new functions of the role of the run in schema public |  | execute |  |  |",
        "| function one() |  |  |  | none |",
        "| view large |  |  | select |  |",
    ):
        assert line in lines, line
    assert run("docs", "--check", "--dsn", database).code == 0


def test_a_page_that_is_not_fresh_is_told(run: Run, tmp_path: Path) -> None:
    """With --check nothing is written, and the exit code is 1."""
    copy_project(tmp_path)
    (tmp_path / "schema.lock.toml").write_bytes((ROOT / "schema.lock.toml").read_bytes())
    result = run("docs", "--check", "--json")
    assert (result.code, result.json["fresh"], result.json["file"]) == (1, False, "docs/schema.md")
    assert not (tmp_path / "docs").exists()
