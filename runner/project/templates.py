"""Render a template into SQL, where a value becomes a literal by itself, and keep the way back to the template's lines.

While Jinja works, marks between NUL characters (which no input can hold) stand in the text: the line of the template
that a piece came from, and where an output begins and ends. They are taken out again at the end.
"""

from __future__ import annotations

import re
import traceback
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property, partial
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from runner.errors import Hint, InputError, Place
from runner.project.compiled_templates import compiled
from runner.project.manifest import ManifestFile
from runner.project.template_limits import (
    CODE,
    MOST_CHARACTERS,
    TOO_LARGE,
    Answer,
    CutOff,
    answers,
    limited_memory,
)
from runner.project.template_tokens import RawToken, mark, marked
from runner.sql.excerpts import lines_to
from runner.sql.placement import JINJA_HINT
from runner.sql.quoting import identifier, literal, require_storable
from runner.sql.source_map import OUTPUT_BEGINS, OUTPUT_ENDS, Edges, Rendered, as_written

if TYPE_CHECKING:
    from jinja2 import Environment
    from jinja2.lexer import Token
    from jinja2.nodes import EvalContext


_BEGIN, _END = mark(OUTPUT_BEGINS), mark(OUTPUT_ENDS)
_UNDEFINED = re.compile(r"'(\w+)' is undefined")
TEMPLATE_SYNTAX = ("{{", "{%", "{#")
"""What begins an expression, a tag or a comment of Jinja."""
_HTML_OR_RANDOM = "e escape forceescape random safe striptags tojson urlize xmlattr"
_REFUSED_TAGS = frozenset({"autoescape", "extends", "filter", "from", "import", "include"})
"""A script is one file, and nothing may put out values unquoted."""
_TOO_LONG = f"more than {MOST_CHARACTERS:,} characters; make several scripts of it"


class Sql(str):
    """SQL text that is put out as it is; anything that string operations make of it is a plain value again."""

    __slots__ = ("marked",)
    marked: str

    def __new__(cls, marked: str) -> Self:  # noqa: D102
        text = super().__new__(cls, "".join(marked.split("\0")[::2]))
        text.marked = marked
        return text


class Template(NamedTuple):
    """The text of a file that messages call `path`."""

    path: str
    text: str

    @property
    def has_syntax(self) -> bool:
        """Whether anything of it is Jinja's."""
        return any(syntax in self.text for syntax in TEMPLATE_SYNTAX)


def render(path: str, template: str, variables: dict[str, object]) -> Rendered:
    """Render a template that messages call `path`. Raise InputError with the template's line."""
    (rendered,) = render_each([Template(path, template)], variables)
    if isinstance(rendered, InputError):
        raise rendered
    return rendered


def render_each(templates: Sequence[Template], variables: dict[str, object]) -> Iterator[Rendered | InputError]:
    """Return each template rendered, or what is wrong with it, with the template's line; the work begins now."""
    rendered = answers(partial(_answer, variables), [template for template in templates if template.has_syntax])
    return _results(templates, rendered)


def _results(templates: Sequence[Template], rendered: Iterator[Answer | CutOff]) -> Iterator[Rendered | InputError]:
    for template in templates:
        if template.has_syntax:
            yield _result(template, next(rendered))
        elif len(template.text) > MOST_CHARACTERS:
            yield InputError(_TOO_LONG, place=template.path)
        else:
            yield as_written(*template)


def depends_on(template: str, variable: str) -> bool:
    """Return whether a template, which can be rendered, reads a variable."""
    if not any(syntax in template for syntax in TEMPLATE_SYNTAX):
        return False
    from jinja2.meta import find_undeclared_variables

    return variable in find_undeclared_variables(_environment().parse(template))


def template_variables(project: ManifestFile, others: Mapping[str, object]) -> dict[str, object]:
    """Return what every template of a project sees: what the manifest says, and others."""
    manifest = project.manifest
    return {
        **manifest.variables,
        "schema": manifest.project.schema,
        "extension_schema": manifest.project.extension_schema,
        **others,
    }


def _answer(variables: dict[str, object], template: Template) -> Answer:
    """Return a template rendered, its marks included, or an empty string, what is wrong and at which line."""
    from jinja2 import TemplateSyntaxError

    environment = _environment()
    try:
        with limited_memory():
            sql: Any = compiled(environment, *template).render(variables)
    except TemplateSyntaxError as error:
        return "", _lowered(error.message), error.lineno
    except Exception as error:  # noqa: BLE001  whatever an expression raises
        lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if _file_of(frame) == CODE]
        line = _line_of(environment, template.text, error, lines[-1]) if lines else 0
        return "", _in_words(error), line
    return (sql.marked,) if len(sql.marked) <= MOST_CHARACTERS else ("", _TOO_LONG, 0)


def _result(template: Template, answer: Answer | CutOff) -> Rendered | InputError:
    if isinstance(answer, CutOff):
        message, line = answer
        if line:
            line = compiled(_environment(), *template).get_corresponding_lineno(line)
    else:
        sql, *problem = answer
        if not problem:
            return _without_marks(template.path, str(sql), template.text)
        message, line = str(problem[0]), int(problem[1])
    shown = lines_to(template.text, line) if line else ()
    place = Place(template.path, line) if line else template.path
    return InputError(message, place=place, notes=(*shown, *_help(message)))


@cache
def _environment() -> Environment:
    from jinja2 import StrictUndefined, Undefined, pass_eval_context
    from jinja2.lexer import Lexer
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class MarkingLexer(Lexer):
        """Jinja's, with marks; it is the one that decides what goes with a tag."""

        def tokeniter(self, *given: Any, **named: Any) -> Iterator[RawToken]:
            return marked(super().tokeniter(*given, **named))

        def wrap(self, *given: Any, **named: Any) -> Iterator[Token]:
            return _allowed(super().wrap(*given, **named))

    class SqlEnvironment(ImmutableSandboxedEnvironment):
        """Jinja whose captured text (macros, set and call blocks) is SQL, and whose other values are not."""

        @cached_property
        def lexer(self) -> Lexer:
            return MarkingLexer(self)

        @staticmethod
        def concat(pieces: Iterable[str]) -> Sql:
            return Sql("".join([piece.marked if isinstance(piece, Sql) else piece for piece in pieces]))

    environment = SqlEnvironment(
        undefined=StrictUndefined,
        finalize=pass_eval_context(partial(_finalize, undefined=Undefined)),  # else constants are computed with no line
        keep_trailing_newline=True,
        optimized=False,  # an error in a constant keeps its line
    )
    for name in _HTML_OR_RANDOM.split():
        del environment.filters[name]
    del environment.globals["lipsum"]
    environment.filters["identifier"] = partial(_identifier, undefined=Undefined)
    environment.filters["sql"] = partial(_raw, undefined=Undefined)
    return environment


def _allowed(tokens: Iterable[Token]) -> Iterator[Token]:
    """Yield the tokens of a template. Raise TemplateSyntaxError for a tag that is refused."""
    from jinja2 import TemplateSyntaxError

    previous = ""
    for token in tokens:
        if previous == "block_begin" and token.value in _REFUSED_TAGS:
            raise TemplateSyntaxError(f"{{% {token.value} %}} is not available here", token.lineno)
        previous = token.type
        yield token


def _finalize(_: EvalContext, value: object, undefined: type[object]) -> str:
    if isinstance(value, Sql):
        return f"{_BEGIN}{value.marked}{_END}"
    _require_defined(value, undefined)
    return f"{_BEGIN}{literal(value)}{_END}"


def _identifier(value: object, undefined: type[object]) -> Sql:
    _require_defined(value, undefined)
    return Sql(identifier(value))


def _raw(value: object, undefined: type[object]) -> Sql:
    _require_defined(value, undefined)
    if isinstance(value, Sql):
        return value
    if not isinstance(value, str):
        raise ValueError(f"the filter sql takes a string, not {value!r}")
    require_storable(value)
    return Sql(value)


def _require_defined(value: object, undefined: type[object]) -> None:
    if isinstance(value, undefined):
        str(value)  # says which name it is, if there is one
        raise ValueError("an inline if without else has no value; add one")


def _without_marks(path: str, rendered: str, template: str) -> Rendered:
    pieces = rendered.split("\0")  # text and marks in turn
    starts, lines = array("I", [0]), array("I", [1])
    edges = Edges(array("I"), array("I"), bytearray())
    begun: list[int] = []
    offset, line = 0, 1
    for text, word in zip(pieces[::2], pieces[1::2], strict=False):  # the last text has no mark
        offset += len(text)
        if word.isdigit():
            line = int(word)
            starts.append(offset)
            lines.append(line)
            continue
        kind, line_of_tag = word[0], word[1:]
        begun += [line] if kind == OUTPUT_BEGINS else []
        edges.offsets.append(offset)
        edges.lines.append(int(line_of_tag) if line_of_tag else begun[-1] if kind == OUTPUT_BEGINS else begun.pop())
        edges.kinds.append(ord(kind))
    return Rendered(path, "".join(pieces[::2]), edges, starts, lines, template)


def _line_of(environment: Environment, template: str, error: Exception, line: int) -> int:
    """Return the line that an error is about: an undefined name is noticed where it is put out, maybe far below."""
    from jinja2 import nodes

    found = _UNDEFINED.fullmatch(str(error))
    if not found:
        return line
    named = [node.lineno for node in environment.parse(template).find_all(nodes.Name) if node.name == found[1]]
    return line if line in named or not named else named[0]


def _file_of(frame: Any) -> str:
    return str(frame.f_code.co_filename)


def _in_words(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return TOO_LARGE
    if isinstance(error, (RecursionError, SyntaxError)):
        return "nested too deeply, or a macro that calls itself without an end"
    if "integer string conversion" in str(error):  # Python's own limit, whose cure is none of a template
        return "a number of more digits than can be written"
    return _lowered(str(error))


def _lowered(message: str | None) -> str:
    text = (message or "cannot be rendered").rstrip(".")
    return text[:1].lower() + text[1:] if text[1:2].islower() and not text.startswith("PostgreSQL") else text


def _help(message: str) -> tuple[str, ...]:
    if "no filter named" in message:
        return (Hint("values are SQL literals by themselves; `| identifier` makes a name, `| sql` raw SQL"),)
    if "is undefined" in message:
        return (Hint("variables stand in the manifest under [variables]"),)
    if re.search("expected|missing end|unknown tag|no SQL literal", message):
        return (JINJA_HINT,)
    return ()
