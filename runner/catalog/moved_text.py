"""The text of a statement that is moved into the scratch schemas: some of its tokens are replaced."""

from __future__ import annotations

import re
from collections.abc import Sequence

import postgast
from postgast import pg_query_pb2 as pg

from runner.catalog.relocated_definitions import places_in_definition
from runner.catalog.relocation_guards import RelocationContext, home, option_of
from runner.sql.names import Name
from runner.sql.quoting import NAME_BYTES, identifier, literal
from runner.sql.references import References
from runner.sql.restrictions import is_concurrent_detach

_BODY = "/* body {} */"
_STANDS_FOR_BODY = re.compile(r"/\* body ([0-9]+) \*/.*\Z", re.DOTALL)
_NOTHING = {"sql": " select null::{}", "plpgsql": " begin return null; end"}
"""Bodies that can be evaluated: PostgreSQL does that with an immutable function of constants."""
_TWO = 2


def restore_body(definition: str, bodies: Sequence[str]) -> str:
    """Return a function's definition with the body that a comment stands for."""
    match = _STANDS_FOR_BODY.search(definition)
    return f"{definition[: match.start()]}{bodies[int(match[1])]}" if match else definition


class MovedText:
    """The text of a statement, in which tokens are replaced."""

    def __init__(self, movable: References, known: RelocationContext, *, qualified: bool) -> None:
        self.qualified = qualified
        self.data = movable.sql.encode()
        self.tokens = [t for t in postgast.scan(movable.sql).tokens if t.token not in (pg.SQL_COMMENT, pg.C_COMMENT)]
        self.words = [self.word(token) for token in self.tokens]
        self.places = {token.start: index for index, token in enumerate(self.tokens)}
        self.movable = movable
        self.tree = movable.tree
        self.known = known
        self.bodies: list[str] = []
        self.replaced: dict[int, str] = {}

    def moved(self) -> str:
        """Return the text with the names of scratch schemas, without bodies, data and CONCURRENTLY."""
        self.move_names()
        self.move_strings()
        self.move_calls()
        self.replaced.update(places_in_definition(self.words, self.places, self.tree, self.known))
        suffix = ""
        match self.tree:
            case pg.CommentStmt() if self.tree.object.object_with_args.args_unspecified:
                self.qualify(self.words.index("is") - 1)
            case pg.CreateFunctionStmt():
                self.take_body()
            case pg.IndexStmt() | pg.DropStmt() if self.tree.concurrent:
                self.replaced[self.words.index("concurrently")] = ""
            case pg.AlterTableStmt() if is_concurrent_detach(self.tree):
                self.replaced[len(self.words) - 1] = ""
            case pg.CreateTableAsStmt() if not self.tree.into.skip_data:
                if self.words[-2:] == ["with", "data"]:
                    self.replaced[len(self.words) - 1] = "no data"
                else:
                    suffix = " with no data"
            case pg.AlterObjectSchemaStmt():
                self.replaced[len(self.words) - 1] = identifier(self.known.scratch[self.tree.newschema])
        return self.text() + suffix

    def move_names(self) -> None:
        """Replace each schema that stands before a name of which the statement makes use."""
        names = (*self.movable.made, *self.movable.subjects, *self.movable.references)
        wanted = {(name.schema, name.word): name for name in names if name.schema}
        columns = {
            node.location for node in self.movable.nodes if isinstance(node, pg.ColumnRef) and len(node.fields) == _TWO
        }
        for index in range(len(self.words) - 2):
            follows_dot = index > 0 and self.words[index - 1] == "."
            if self.words[index + 1] != "." or follows_dot or self.tokens[index].start in columns:
                continue
            name = wanted.get((self.words[index], self.words[index + 2]))
            if name:
                self.replaced[index] = identifier(self.place_of(name))

    def place_of(self, name: Name) -> str:
        """Return the schema in which a name that has one is found during the build."""
        member = self.known.members.get((name.sort, name.word))
        if home(name, self.known) not in self.known.own and member:
            return member
        return self.known.scratch.get(name.schema, name.schema)

    def move_strings(self) -> None:
        """Put the scratch schema into strings that name something, as in nextval('schema.name')."""
        for string in self.movable.strings:
            named = MovedText(References(string.sql), self.known, qualified=False)
            named.move_names()
            if string.is_schema:
                named.rename_schema()
            if named.replaced:
                text = named.text().removeprefix(string.before).removesuffix(string.after)
                self.replaced[self.places[string.node.location]] = literal(text)

    def rename_schema(self) -> None:
        """Replace the schema that COMMENT ON SCHEMA is about."""
        scratch = self.known.scratch.get(self.tree.object.string.sval)
        if scratch:
            self.replaced[3] = identifier(scratch)

    def move_calls(self) -> None:
        """Put the scratch schema before own functions where the search path has others that they do not hide.

        One in scratch hides one with the same arguments; types of scripts are others there: ambiguous at worst.
        """
        for node in self.movable.nodes:
            if not isinstance(node, pg.FuncCall) or len(node.funcname) != 1 or node.location not in self.places:
                continue
            word = node.funcname[0].string.sval
            home = Name("function", self.known.target, word)
            others = self.known.strangers.get(("function", word), frozenset())
            if home in self.known.own and (others - self.known.own or (others and self.qualified)):
                self.qualify(self.places[node.location])

    def qualify(self, place: int) -> None:
        """Put the target's scratch schema before a name, unless it has a schema."""
        if place == 0 or self.words[place - 1] != ".":
            scratch = identifier(self.known.scratch[self.known.target])
            self.replaced[place] = f"{scratch}.{identifier(self.words[place])}"

    def otherwise(self) -> tuple[str, ...] | None:
        """Return what is sent where there is such a cast, or such a default class: then the real one counts."""
        if isinstance(self.tree, pg.CreateCastStmt):
            return ()
        if not isinstance(self.tree, pg.CreateOpClassStmt) or not self.tree.is_default:
            return None
        self.replaced[self.words.index("default", 3 + len(self.tree.opclassname))] = ""
        return (self.text(),)

    def take_body(self) -> None:
        """Put a comment with a number in the place of a function's body."""
        for option in self.tree.options:
            if option.def_elem.defname == "as":
                first = next(i for i, t in enumerate(self.tokens) if t.start > option.def_elem.location)
                number = len(self.known.bodies) + len(self.bodies)
                self.replaced[first] = literal(_BODY.format(number) + self.nothing())
                self.bodies.append(option.def_elem.arg.list.items[0].string.sval)

    def nothing(self) -> str:
        """Return a body that gives null, for a function that returns one value."""
        result = self.tree.return_type
        modes = {pg.FunctionParameterMode.Name(item.function_parameter.mode) for item in self.tree.parameters}
        if not self.tree.HasField("return_type") or result.setof or "FUNC_PARAM_TABLE" in modes:
            return ""
        end = min(item.def_elem.location for item in self.tree.options if item.def_elem.location > result.location)
        text = self.data[result.location : end].decode()
        if len(result.names) > 1 and result.names[0].string.sval != "pg_catalog":
            name = Name("type", result.names[-2].string.sval, result.names[-1].string.sval)
            text = f"{identifier(self.place_of(name))}.{identifier(name.word)}"
        return _NOTHING.get(option_of(self.tree, "language"), "").format(text)

    def word(self, token: pg.ScanToken) -> str:
        """Return a token as PostgreSQL reads a name."""
        data = self.data[token.start : token.end]
        data = data[1:-1].replace(b'""', b'"') if data.startswith(b'"') else data.lower()
        return data[:NAME_BYTES].decode(errors="ignore")

    def text(self) -> str:
        """Return the statement as it is now."""
        pieces, place = [], 0
        for index, text in sorted(self.replaced.items()):
            token = self.tokens[index]
            pieces += [self.data[place : token.start].decode(), text]
            place = token.end
        return "".join((*pieces, self.data[place:].decode()))
