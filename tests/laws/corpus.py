"""Every project and every statement of tests/cases that can be applied, as projects for an empty database."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from tests.execution.test_executor import ITEM
from tests.planning.test_changing import RECIPES
from tests.project.test_script_rules import OBJECTS
from tests.sql.test_grammar import CORPUS
from tests.support.pages import Page
from tests.support.projects import CASES, ROOT, write_project
from tests.support.random_schemas import NAMES, SLOTS, statements
from tests.verification.test_findings import SCRIPT

Options = Mapping[str, object]

ALWAYS: Options = {"allow_destructive": True}
ONCE: Options = {"run": "once"}
ALONE: Options = {"run": "once", "transaction": False}
PLACEHOLDERS = {"<schema>": "public", "<SCHEMA>": "PUBLIC", "<unicode>": r'U&"publi\0063"', "<role>": "nobody"}


class Example(NamedTuple):
    """The scripts of a project; `ways` are the manifest keys of its last script, of which the first allowed are taken.

    Of a `sample` the statements are left out that the server refuses.
    """

    scripts: Mapping[str, str]
    ways: tuple[Options, ...] = (ALWAYS,)
    options: Mapping[str, Options] = {}
    manifest: Mapping[str, Any] = {}
    folder: Path | None = None
    sample: bool = False

    def write(self, folder: Path, way: Options) -> Path:
        """Write the project, and return its folder."""
        if self.folder:
            return self.folder
        last = list(self.scripts)[-1]
        options = {**self.options, last: {**way, **self.options.get(last, {})}}
        return write_project(folder, self.scripts, options=options, **self.manifest)


Examples = Iterator[tuple[str, Example]]
"""Examples with their names."""


@cache
def cases(name: str) -> dict[str, Any]:
    return tomllib.loads((CASES / name).read_text(encoding="utf-8"))


def one(sql: str, *ways: Options, before: str = "") -> Example:
    scripts = {"010_before.sql": before} if before else {}
    return Example({**scripts, "020_script.sql": f"{sql}\n;"}, ways, dict.fromkeys(scripts, ONCE))


def projects(name: str) -> Examples:
    for case, facts in cases(name).items():
        yield case, Example(facts["scripts"], ({},), facts.get("options", {}), facts.get("manifest", {}))


def texts(name: str, key: str) -> Examples:
    return ((case, one(facts[key], {})) for case, facts in cases(name).items())


def failures() -> Examples:
    made = "create table made (id integer);\n"
    return ((case, one(made + facts["sql"], ONCE, before=ITEM)) for case, facts in cases("failures.toml").items())


def rules() -> Examples:
    for sql in dict.fromkeys(sql_in(cases("rules.toml"))):
        yield sql, one(sql, ALWAYS, ONCE, ALONE, before=OBJECTS)


def sql_in(node: Any) -> Iterator[str]:
    """Return the statements below a node of a document."""
    if isinstance(node, str):
        yield node
    elif "sql" in node:
        yield node["sql"]
    else:
        for item in node.values() if isinstance(node, dict) else node:
            yield from sql_in(item)


def scratch() -> Examples:
    for case, sql in cases("scratch.toml")["reach"].items():
        text = re.sub("|".join(PLACEHOLDERS), lambda found: PLACEHOLDERS[found[0]], sql)
        yield case, one(text, ONCE)
    for case, facts in cases("scratch.toml")["facts"].items():
        yield case, one(facts["script"], facts.get("options", ONCE))


def schemas() -> Examples:
    """Return schemas that have each text of schemas.toml at least once."""
    for number in range(max(map(len, SLOTS.values()))):
        choices = {key: variants[number % len(variants)] for key, variants in SLOTS.items()}
        script = "".join(f"{sql};\n" for sql in statements(choices | NAMES))
        yield f"schema {number}", Example({"010_all.sql": script}, (ALONE,), sample=True)


def documentation() -> Examples:
    for title, releases in RECIPES.items():
        for number, release in enumerate(releases, start=1):
            yield f"{title}, release {number}", Example(release["scripts"], ({},), release["options"])
    section = Page(ROOT / "README.md").section("A project of your own")
    manifest, script = re.findall(r"^```(?:toml|sql)\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    variables = {"variables": tomllib.loads(manifest)["variables"]}
    yield "README's project", Example({"010_tables.sql": script}, ({},), manifest=variables)
    yield "this project", Example({}, ({},), folder=ROOT)


def grammar(*ways: Options) -> Examples:
    return ((sql, one(sql, *ways)) for sql, _ in CORPUS)


SOURCES: Mapping[str, Callable[[], Examples]] = {
    "ddl.sql": lambda: grammar(ALWAYS, ONCE, ALONE),
    "rules.toml": rules,
    "scratch.toml": scratch,
    "plan.toml": lambda: projects("plan.toml"),
    "schemas.toml": schemas,
    "repairs.toml": lambda: texts("repairs.toml", "declared"),
    "starts.toml": lambda: projects("starts.toml"),
    "catalog.toml": lambda: texts("catalog.toml", "declared"),
    "twins.toml": lambda: projects("twins.toml"),
    "failures.toml": failures,
    "findings.toml": lambda: iter([("what is declared", one(SCRIPT, {}))]),
    "documentation": documentation,
}
"""Where examples come from."""
