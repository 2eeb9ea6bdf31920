"""Placeholders of other tools as variables of templates: in SQL, in strings, in quoted names, and in bodies."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from msgspec import Struct

from runner.errors import Hint, InputError, Place
from runner.project.importing.migrations import Part, made
from runner.project.importing.own_transactions import Lines
from runner.project.raw_text import as_template
from runner.project.variables import RESERVED_VARIABLES
from runner.sql.restrict_lines import FLAGS, QUOTED

_COMMENTS = ("--", "/*")
_PREFIX = re.compile(r"(?<![\w$])(?:u&|[bnx])\Z", re.IGNORECASE)
"""What makes another kind of string, where it ends before one."""
_GLUED = re.compile(r"[\w$\"'}]")


class Placeholders(Struct, frozen=True):
    """How a tool writes placeholders: `pattern` has groups `name` and `default`, as a part of a verbose pattern.

    `values` are those that are known, by name; `known` are expressions for some, which need no variable.
    """

    pattern: str
    values: Mapping[str, str] = {}
    known: Mapping[str, str] = {}
    fold: bool = False
    """Whether names are the same in capital and small letters."""

    def made(self, lines: Lines, file: str) -> tuple[Part, dict[str, str]]:
        """Return lines of a file as a template, and their placeholders by variable."""
        names: dict[str, str] = {}

        def template(text: str, first: int) -> str:
            done, found = self.substitute(text, file, first)
            names.update(found)
            return done

        return made(lines, template), names

    def substitute(self, text: str, file: str, first: int) -> tuple[str, dict[str, str]]:
        """Return SQL as a template, and the placeholders in it by variable. Raise InputError.

        `first` is the line of the text in its file.
        """
        whole = re.compile(
            rf"(?P<quoted> {QUOTED} ) | (?P<word> [\w$]* (?: (?:{_unnamed(self.pattern)}) [\w$]* )+ )", FLAGS
        )
        parts: list[str] = []
        names: dict[str, str] = {}
        end = 0
        for found in whole.finditer(text):
            place = Place(file, first + text.count("\n", 0, found.start()))
            expression = self._replaced(found, place, names)
            if expression is not None:
                parts += [as_template(text[end : found.start()], place), _apart(text, found, expression)]
                end = found.end()
        parts.append(as_template(text[end:], Place(file, first)))
        return "".join(parts), names

    def _replaced(self, found: re.Match[str], place: Place, names: dict[str, str]) -> str | None:
        """Return the expression for a token with placeholders; None when it has none, or is a comment."""
        token = found[0]
        if token.startswith(_COMMENTS) or not re.search(self.pattern, token, re.VERBOSE):
            return None
        if found["word"]:
            return _output(f"{self._joined(token, names)} | sql")
        if token.startswith('"'):
            name = token[1:-1].replace('""', '"')
            return _output(f"{self._joined(name, names)} | identifier")
        if token.startswith("$"):
            mark = f"${found['tag']}$"
            return _output(self._joined(token.removeprefix(mark).removesuffix(mark), names, is_value=True))
        if token.startswith("'") and not _PREFIX.search(found.string, max(found.start() - 3, 0), found.start()):
            value = token[1:-1].replace("''", "'")
            return _output(self._joined(value, names, is_value=True))
        hint = Hint("write the string as '…'; its value is put in as it is")
        raise InputError("a placeholder in a string with escapes", place=place, notes=(hint,))

    def _joined(self, text: str, names: dict[str, str], *, is_value: bool = False) -> str:
        """Return a text with placeholders as an expression of Jinja."""
        parts, end = list[str](), 0
        for found in re.finditer(self.pattern, text, re.VERBOSE):
            parts += [_string(text[end : found.start()])] if found.start() > end else []
            parts.append(self._variable(found, names))
            end = found.end()
        parts += [_string(text[end:])] if end < len(text) else []
        joined = " ~ ".join(parts)
        return joined if len(parts) == 1 or is_value else f"({joined})"

    def _variable(self, found: re.Match[str], names: dict[str, str]) -> str:
        name = next(value for key, value in found.groupdict().items() if key.startswith("name") and value)
        name = name.lower() if self.fold else name
        if name in self.known:
            return self.known[name]
        variable = _variable_name(name)
        default = found.groupdict().get("default") or ""
        names[variable] = names.get(variable) or self.values.get(name, default)
        return variable


def merged(found: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return the values of the variables of several files."""
    values: dict[str, str] = {}
    for each in found:
        for name, value in each.items():
            values[name] = values.get(name) or value
    return values


def _apart(text: str, found: re.Match[str], expression: str) -> str:
    """Return an expression with spaces where it would be glued to its neighbours."""
    before, after = text[: found.start()][-1:], text[found.end() :][:1]
    return f"{' ' if _GLUED.match(before) else ''}{expression}{' ' if _GLUED.match(after) else ''}"


def _variable_name(name: str) -> str:
    plain = re.sub(r"\W", "_", name, flags=re.ASCII)
    return f"{plain}_" if plain in RESERVED_VARIABLES else f"_{plain}" if plain[:1].isdigit() else plain


def _output(expression: str) -> str:
    return f"{{{{ {expression} }}}}"


def _string(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _unnamed(pattern: str) -> str:
    return re.sub(r"\(\?P<\w+>", "(?:", pattern)
