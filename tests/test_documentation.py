"""The documentation is true: commands, options, keys and links are there, and every command line runs.

A page that gets another kind of command line, or of block, tells the tables below how it is run, or why not.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import click
import msgspec
import pytest

from runner.cli.group import ORDER, cli, command_named
from runner.postgres import embedded
from runner.project.agreements import Section
from runner.project.manifest import Manifest
from tests.conftest import Run
from tests.support.git import make_release
from tests.support.pages import Page, pages, rows
from tests.support.projects import ROOT, copy_project, run_runner, runner_environment
from tests.support.runs import LONGEST
from tests.support.servers import Server, temporary_folder

README = Page(ROOT / "README.md")
COMMANDS = {name: command_named(name) for name in ORDER}
PAGES = {str(page): page for page in pages()}


# What a test of a command line has to know

RUNNER = re.compile(r"(?P<before>(?:\w+=\S+ )*)(?:python -m runner|scripts/run|(?:plainpg|runner)(?= \w))\b")
"""The runner by its names, after variables that are set for it; it becomes the one that is tested."""

PLACEHOLDERS = {
    r"\bCOMMAND\b": "check",
    r"\bSHELL\b": "bash",
    r"\bDIR\b": "rendered",
    r"\bHASH\b": "{hash}",
    r"--dsn postgres\S+ --dsn postgres\S+": "--dsn {dsn} --dsn {empty}",
    r"postgres(?:ql)?://\S+": "{dsn}",
    r"\bupgrade-test\b": "upgrade-test --dsn {dsn}",
    r"^psql -f schema\.sql": "psql -X -v ON_ERROR_STOP=1 -d {empty} -f schema.sql",
    r"^psql (?!-X)": "psql -X -v ON_ERROR_STOP=1 -d {dsn} ",
}
"""What stands for something else in a command line, and for what: patterns, in the order in which they are replaced.

`{dsn}` is the test's database, `{empty}` another one, `{hash}` is that of the plan at this moment.
"""

NOT_RUN = {
    r"pip install ": "needs a registry of packages",
    r"scripts/(?:test|torture)\b": "would run this test again",
    r"scripts/(?:check|bench)\b": "takes long, and is run with each change, or for measurements",
    r"scripts/compile-requirements\b": "needs a registry of packages, and changes the requirements",
    r"psql -f$": "names the program, not a file",
    r"scripts/(?:run)?$": "names the program, no command",
    r"python -m runner \w+ --profile citus\b": "needs a Citus cluster, which test_citus.py looks for",
    r"python -m runner init .*--from": "needs a database that has something, which test_adopted.py makes",
    r"python -m runner \w+ --profile roles\b": "needs roles, which test_roles.py makes",
    r"python -m runner accept ": "needs a difference, which test_agreed.py makes",
    r"python -m runner import ": "needs a folder of another tool, which test_importing.py and test_ledger.py make",
    r"git add ": "needs a repository, which test_new_project.py makes",
    r"(?:docker|kubectl)\b": "needs a container engine, or a cluster",
}
"""Command lines that the test does not run, and why; the files that they name have to be there."""

COMMAND_LINE = re.compile(rf"\$ |{RUNNER.pattern}|psql\b|{'|'.join(NOT_RUN)}")
"""How a command line begins."""

NO_COMMAND = re.compile(
    r"[{\[]|--var |❌|⠹|[0-9-]+T[0-9:]+[+-][0-9:]+ |(?:error|waiting up to)\b|\S+\.sql:[0-9]+: "
    r"|(?:grant|begin|select|create)\b",
)
"""How a block of code begins that is no command line: JSON, TOML, templates, SQL, messages, options."""

SHELL = ("", "sh", "console")
"""The languages of blocks that may hold command lines; a fence may name none."""

LANGUAGES = {*SHELL, "toml", "json", "yaml", "sql", "text", "dockerfile", "mermaid"}
"""The languages that a block may be in; Python is for the page whose examples are run in test_library.py."""

OTHER_OPTIONS = {
    "--upgrade": "scripts/compile-requirements",
    "--sql": "alembic",
    "--hypothesis-seed": "pytest",
    "--repeats": "scripts/bench",
    "--server": "scripts/test",
    "--rewrite": "scripts/test",
    **dict.fromkeys(("--inserts", "--schema-only"), "pg_dump"),
    **dict.fromkeys(("--require-hashes", "--no-deps", "--no-build-isolation"), "pip"),
    **dict.fromkeys(("--build", "--build-arg", "--env", "--read-only", "--rm", "--tag", "--volumes"), "docker"),
}
"""Options of other programs, which the pages name."""


def command_lines(page: Page) -> Iterator[str]:
    """Return the command lines of a page: of its blocks, then those within its prose."""
    for block in page.blocks:
        if block.language in SHELL and COMMAND_LINE.match(block.first):
            lines = block.text.replace("\\\n", " ").splitlines()
            typed = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
            yield from typed or [line for line in lines if line]
    yield from (text for text in page.inline if COMMAND_LINE.match(text))


def help_of(command: str) -> str:
    with click.Context(cli, info_name="python -m runner") as root:
        made = COMMANDS[command]
        return made.get_help(click.Context(made, root, info_name=command, terminal_width=80))


def examples(command: str) -> list[str]:
    """Return the command lines of a command's help."""
    _, _, below = help_of(command).partition("\n  Examples:\n")
    return [line.strip() for line in below.splitlines()]


@dataclass
class Typist:
    """Types command lines in a copy of the project that has a database of its own."""

    folder: Path
    dsn: str
    empty: str
    failed: list[str] = field(default_factory=list)

    def type(self, line: str) -> None:
        """Run a command line, and keep it when it fails."""
        if any(re.match(pattern, line) for pattern in NOT_RUN):
            named = re.findall(r"(?<![\w/.])(?:scripts|requirements|tests)/[\w./-]+\w", line)
            missing = [name for name in named if "NAME" not in name and not (ROOT / name).exists()]
            self.failed += [f"{line}: {name} does not exist" for name in missing]
        elif not (RUNNER.match(line) or line.startswith("psql ")):
            self.failed.append(f"{line}: how is it to be run? tell PLACEHOLDERS, or NOT_RUN with the reason")
        else:
            ended = self.run(self.filled(line))
            if ended.returncode:
                self.failed.append(f"{line}: exit code {ended.returncode}\n{ended.stdout}{ended.stderr}")

    def filled(self, line: str) -> str:
        """Return a line with all that stands for something else replaced."""
        line = RUNNER.sub(lambda found: f"{found['before']}{sys.executable} -m runner", line)
        for pattern, value in PLACEHOLDERS.items():
            line = re.sub(pattern, lambda _, value=value: value, line)  # type: ignore[misc]
        if "{hash}" in line:
            planned = run_runner("plan", "--json", "--dsn", self.dsn, folder=self.folder)
            line = line.replace("{hash}", planned.json["hash"])
        return line.replace("{dsn}", shlex.quote(self.dsn)).replace("{empty}", shlex.quote(self.empty))

    def run(self, line: str) -> subprocess.CompletedProcess[str]:
        """Give a line to a shell."""
        variables = {"DATABASE_URL": self.dsn, "PATH": f"{embedded.programs()}{os.pathsep}{os.environ['PATH']}"}
        return subprocess.run(
            ["sh", "-c", line],  # noqa: S607  where it is differs
            check=False,
            capture_output=True,
            cwd=self.folder,
            encoding="utf-8",
            env=runner_environment(variables),
            stdin=subprocess.DEVNULL,
            timeout=LONGEST,
        )


@pytest.fixture
def typist(tmp_path: Path, database: str, server: Server) -> Iterator[Typist]:
    """Types in a copy of the project, with an empty database, and one that stays empty until it is named."""
    folder = copy_project(tmp_path)
    shutil.copy(ROOT / "schema.lock.toml", folder)
    make_release(folder, "v1.0.0")
    (folder / "rows.sql").write_text("insert into sync_config (config_key) values ('example');", encoding="utf-8")
    with server.database() as empty:
        (folder / "targets.txt").write_text(f"{database}\n{empty}\n", encoding="utf-8")
        yield Typist(folder, database, empty)


# Command lines


@pytest.mark.long
@pytest.mark.parametrize("page", PAGES)
def test_every_command_line_runs(typist: Typist, page: str) -> None:
    """What a page says to type can be typed, from its top to its end, in a copy of this project."""
    for line in command_lines(PAGES[page]):
        typist.type(line)
    assert typist.failed == []


@pytest.mark.parametrize("page", PAGES)
def test_every_block_is_known(page: str) -> None:
    """No block of code is passed over: it has a language, holds command lines, or begins as something else does."""
    blocks = list(PAGES[page].blocks)
    languages = LANGUAGES | ({"python"} if page == "docs/library.md" else set())
    assert {block.language for block in blocks} <= languages
    lines = [block.first for block in blocks if block.language in SHELL]
    assert [line for line in lines if not COMMAND_LINE.match(line) and not NO_COMMAND.match(line)] == []


def test_command_lines_are_found() -> None:
    """The tests above are about something: blocks, prose and help have command lines, and few are not run."""
    lines = [line for page in PAGES.values() for line in command_lines(page)]
    run = [line for line in lines if not any(re.match(pattern, line) for pattern in NOT_RUN)]
    assert {"scripts/run apply", "scripts/run render > schema.sql", "psql -f changes.sql"} <= set(run)
    assert len(run) > 20


@pytest.mark.long
def test_the_examples_of_the_help_run(typist: Typist) -> None:
    """Each command's examples can be typed, one command after the other, in the order in which help lists them."""
    typist.type("python -m runner apply")
    for command in cli.list_commands(click.Context(cli)):
        for line in examples(command):
            typist.type(line)
    assert typist.failed == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_examples(command: str) -> None:
    """Two to four command lines of this command end its help, within 80 columns."""
    lines = examples(command)
    assert 2 <= len(lines) <= 4
    assert [line for line in lines if not line.startswith(f"python -m runner {command}")] == []
    assert [line for line in help_of(command).splitlines() if len(line) > 80] == []


def test_help_lists_all_commands_whole(run: Run) -> None:
    """The help of the program has every command in the order of work, each with a sentence that is not cut off."""
    out = run("--help", variables={"COLUMNS": "80"}).out
    listed = re.findall(r"^  ([\w-]+) {2,}(.*)$", out.partition("Commands:\n")[2], re.MULTILINE)
    assert sorted(name for name, _ in listed) == sorted(COMMANDS)
    assert [name for name, _ in listed][:8] == ["init", "import", "new", "check", "render", "plan", "apply", "verify"]
    assert [text for _, text in listed if not text.endswith(".") or text.endswith("...")] == []


# Commands and options

COMMAND_ROWS = rows(PAGES["docs/commands.md"].section("Commands"))
OPTION_ROWS = rows(PAGES["docs/commands.md"].section("Options"))
NEEDS_DATABASE = {row[0].strip("`").split()[0] for row in COMMAND_ROWS if row[2] != "no"}


def test_the_commands_are_documented() -> None:
    """The table of commands has every one with its arguments, and no other; it tells which need a database."""
    documented = [row[0].strip("`").split() for row in COMMAND_ROWS]
    assert sorted(words[0] for words in documented) == sorted(COMMANDS)
    for name, *arguments in documented:
        parameters = [p for p in COMMANDS[name].params if isinstance(p, click.Argument) and p.nargs == 1]
        named = [(str(p.name).upper(), p.required) for p in parameters]
        assert arguments == [argument if required else f"[{argument}]" for argument, required in named]
    assert with_option("--dsn") == NEEDS_DATABASE


def with_option(option: str) -> set[str]:
    """Return the commands that have an option."""
    return {name for name, command in COMMANDS.items() if any(option in p.opts for p in command.params)}


def meant(text: str) -> set[str]:
    """Return the commands that a cell means."""
    named = set(re.findall(r"`([\w-]+)`", text))
    if text.startswith("all"):
        return set(COMMANDS) - named
    if text == "those that need a database":
        return NEEDS_DATABASE
    return named


def test_the_options_are_documented() -> None:
    """The table of options has every one with its value, of exactly the commands that have it, and no other."""
    table = {}
    for names, of, _ in OPTION_ROWS:
        *others, last = re.findall(r"`([^`]+)`", names)
        option, _, value = last.partition(" ")
        table[option, value] = (set(others), meant(of) if of != "before a command" else {""})
    found: dict[tuple[str, str], tuple[set[str], set[str]]] = {}
    for name, command in {"": cli, **COMMANDS}.items():
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                *others, option = sorted(parameter.opts, key=len)
                value = "" if parameter.is_flag else str(parameter.make_metavar(click.Context(command)))
                found.setdefault((option, value), (set(others), set()))[1].add(name)
    found.pop(("--help", ""), None)
    helped = table.pop(("--help", ""))
    assert helped == ({"-h"}, set(COMMANDS))
    assert table == found


def test_no_option_is_named_that_is_not_there() -> None:
    """Every option that a page names is one of the runner's, or of a program that is known here."""
    known = {option for command in (cli, *COMMANDS.values()) for p in command.params for option in p.opts} | {"--help"}
    named = {
        (str(page), option)
        for page in PAGES.values()
        for text in (*page.inline, *command_lines(page))
        for option in re.findall(r"(?<![\w-])--[a-z][\w-]*", text)
    }
    assert {option for _, option in named} >= {"--dsn", "--expect", "--var"}
    assert {(page, option) for page, option in named if option not in known | OTHER_OPTIONS.keys()} == set()
    assert {option for option in OTHER_OPTIONS if option not in {option for _, option in named}} == set()


# Keys, fields, exit codes


def sections(type_: type[msgspec.Struct]) -> Iterator[tuple[str, type[msgspec.Struct]]]:
    """Return the tables of the manifest, as its page heads them."""
    for info in msgspec.structs.fields(type_):
        text = str(info.type)
        for candidate in Section.__subclasses__():
            if re.search(rf"\b{candidate.__name__}\b", text):
                is_list = "tuple" in text
                yield (f"[[{info.encode_name}]]" if is_list else f"[{info.encode_name}]"), candidate


MANIFEST = dict(sections(Manifest))


@pytest.mark.parametrize("heading", MANIFEST)
def test_every_key_of_the_manifest_is_documented(heading: str) -> None:
    """The table of a section has exactly the keys that the manifest accepts, with their types and defaults."""
    table = {row[0].strip("`"): row for row in rows(PAGES["docs/manifest.md"].section(heading)) if len(row) == 4}
    infos = {info.encode_name: info for info in msgspec.structs.fields(MANIFEST[heading])}
    assert list(table) == list(infos)
    for name, (_, _, default, _) in table.items():
        if infos[name].required:
            assert default == "required"
        elif infos[name].default is not None:
            shown = json.dumps(list(infos[name].default) if infos[name].default == () else infos[name].default)
            assert default == f"`{shown}`"


def test_the_manifest_has_no_other_section() -> None:
    """Every table of the manifest has its heading."""
    assert {"[project]", "[run]", "[field_mappings]", "[[script]]", "[[check]]"} <= set(MANIFEST)
    headings = set(re.findall(r"^## (\[.*\])$", PAGES["docs/manifest.md"].text, re.MULTILINE))
    assert headings == {*MANIFEST, "[variables]"}


def test_every_key_of_the_documents_is_documented() -> None:
    """Each key that a JSON document can have stands in a table, or an example, of the page about output."""
    modules = [ROOT / "runner" / "report" / name for name in ("json_documents.py", "plan_json.py")]
    trees = [ast.parse(module.read_text(encoding="utf-8")) for module in modules]
    written = [key for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Dict) for key in node.keys]
    keys = {key.value for key in written if isinstance(key, ast.Constant) and isinstance(key.value, str)}
    assert {"ok", "hash", "findings", "runner_version"} <= keys
    text = PAGES["docs/output.md"].text
    assert {key for key in keys if f"`{key}`" not in text and f'"{key}"' not in text} == set()


def test_the_exit_codes_are_documented() -> None:
    """The page has a row for each exit code of the program, and no other."""
    table = {row[0] for row in rows(PAGES["docs/output.md"].section("Exit codes"))}
    assert table == {"0", "1", "2", "130", "143"}


# Links


@pytest.mark.parametrize("page", [*PAGES, "CHANGELOG.md", "SECURITY.md"])
def test_every_link_leads_somewhere(page: str) -> None:
    """A link leads to a file of this repository, and to a heading that is there."""
    here = Page(ROOT / page)
    broken = []
    for link in here.links:
        path, _, anchor = link.partition("#")
        target = (here.path.parent / path).resolve() if path else here.path
        is_whole = target.exists() and (not anchor or anchor in Page(target).anchors)
        broken += [] if is_whole else [link]
    assert broken == []


def test_every_page_is_linked() -> None:
    """README leads to the index of the pages, and the index to every file beside it."""
    assert "docs/README.md" in README.links
    folder = {path.name for path in (ROOT / "docs").iterdir()}
    assert folder - {"README.md"} <= set(PAGES["docs/README.md"].links)


# What README shows


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that the embedded PostgreSQL may keep its data in."""
    with temporary_folder() as folder:
        yield folder


def test_the_session_is_what_is_printed(place: Path) -> None:
    """README's first and second run are what a new user sees, but for seconds and the version of PostgreSQL."""
    shutil.copy(ROOT / "schema.lock.toml", copy_project(place))
    typed = "$ scripts/run apply\n"
    first, second = [block.text.removeprefix(typed) for block in README.blocks if block.text.startswith(typed)][:2]
    for shown in (first, second):
        applied = run_runner("apply", folder=place)
        printed = re.escape(re.sub(r"[0-9]+\.[0-9]+", "0.0", shown)).replace("…\\\n", "(?:.*\n)+")
        assert re.fullmatch(printed, re.sub(r"[0-9]+\.[0-9]+", "0.0", applied.err + applied.out).strip())


def test_a_project_of_ones_own(place: Path) -> None:
    """README's manifest and script are a whole project: nothing to complain about, applied once, and then unchanged."""
    section = README.section("A project of your own")
    manifest, script = re.findall(r"^```(?:toml|sql)\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    (place / "sql").mkdir()
    (place / "manifest.toml").write_text(manifest)
    (place / "sql" / "010_tables.sql").write_text(script)
    elsewhere = place / "elsewhere"
    elsewhere.mkdir()
    rules = {flaw["rule"] for flaw in run_runner("check", "--json", folder=place).json["findings"]}
    assert {rule for rule in rules if not rule.startswith("squawk/")} == set()  # squawk may be installed, or not
    assert run_runner("apply", "--manifest", "../manifest.toml", folder=elsewhere).code == 0
    assert "1 unchanged" in run_runner("apply", folder=place).out
    assert len(manifest.splitlines()) <= 10
    assert run_runner("new", "indexes", folder=place).code == 0
    assert (place / "sql" / "020_indexes.sql").exists()
