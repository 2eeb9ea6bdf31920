"""Where the text of a statement on aggregates, operators, collations, casts or text search names what is in scratch.

Of these, others may have some of the same name: what is changed or made is called by the schema that it is in. A policy
is for everybody there: its roles may be missing, and are read off the statement.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from postgast import pg_query_pb2 as pg

from runner.catalog.relocation_guards import RelocationContext, home
from runner.sql.defined_names import COUNTERPARTS, DEFINITIONS, SORTS, kind_of, options_of
from runner.sql.names import Name, Sort, name_in
from runner.sql.quoting import identifier
from runner.sql.written_facts import PUBLIC

_FUNCTION = ("function", "procedure")


def places_in_definition(
    words: Sequence[str], places: Mapping[int, int], tree: Any, known: RelocationContext
) -> Iterator[tuple[int, str]]:
    """Return the tokens to replace, by their number; `places` are the numbers of tokens by the bytes they begin at."""
    scratch = identifier(known.scratch[known.target])
    sort = SORTS.get(kind_of(tree))
    changes = not isinstance(tree, pg.DefineStmt)
    if sort and changes:
        plain = (at for at in _subjects(words) if words[at + 1 : at + 2] != ["."])
        yield from ((at, f"{scratch}.{_quoted(sort, words[at])}") for at in plain)
    for option in options_of(tree):
        if option.defname in COUNTERPARTS and option.HasField("arg"):
            yield from _counterpart(words, places[option.location] + 2, scratch)
    if isinstance(tree, pg.CreateOpClassStmt) and tree.opfamilyname:
        yield from _family(words, tree, known)
    if isinstance(tree, (pg.CreatePolicyStmt, pg.AlterPolicyStmt)):
        yield from _roles(places, tree)
    if isinstance(tree, DEFINITIONS):
        for at in _functions(words, places, tree):
            name = Name("function", known.target, words[at])
            others = known.strangers.get(("function", words[at]), frozenset()) - known.own
            if words[at + 1 : at + 2] != ["."] and others and home(name, known) in known.own:
                yield at, f"{scratch}.{identifier(words[at])}"


def _roles(places: Mapping[int, int], tree: Any) -> Iterator[tuple[int, str]]:
    """Return what makes the roles that a policy names PUBLIC."""
    written = [places[node.role_spec.location] for node in tree.roles if node.role_spec.location > 0]
    if written:
        yield from ((at, PUBLIC if at == written[0] else "") for at in range(written[0], written[-1] + 1))


def _family(words: Sequence[str], tree: pg.CreateOpClassStmt, known: RelocationContext) -> Iterator[tuple[int, str]]:
    """Return the family of an operator class: one of others is left out."""
    first, name = words.index("using") + 2, home(name_in("opfamily", tree.opfamilyname), known)
    places = range(first, words.index("as", first))
    if name in known.own:
        own = f"family {identifier(known.scratch[name.schema])}.{identifier(name.word)}"
        yield from ((at, own if at == first else "") for at in places)
    else:
        yield from ((at, "") for at in places)


def _subjects(words: Sequence[str]) -> Iterator[int]:
    """Return where the objects are that ALTER or DROP is about."""
    first = 4 if words[1] == "text" else 3 if words[2] in ("class", "family") else 2
    if tuple(words[first : first + 2]) == ("if", "exists"):
        first += 2
    yield first
    depth = 0
    for at in range(first, len(words) if words[0] == "drop" else 0):
        depth += (words[at] == "(") - (words[at] == ")")
        if words[at] == "," and not depth:
            yield at + 1


def _counterpart(words: Sequence[str], at: int, scratch: str) -> Iterator[tuple[int, str]]:
    """Return the place of an operator that is made with another, when it has no schema."""
    if words[at] != "operator":
        yield at, f"operator({scratch}.{words[at]})"
    elif words[at + 3] != ".":
        yield at + 2, f"{scratch}.{words[at + 2]}"


def _functions(words: Sequence[str], places: Mapping[int, int], tree: Any) -> Iterator[int]:
    """Return where functions are named."""
    if isinstance(tree, pg.CreateCastStmt) and tree.HasField("func"):
        yield words.index("function") + 1
    for at in (places[option.location] for option in options_of(tree)):
        if words[at + 1 : at + 2] == ["="]:
            yield at + 2
    if isinstance(tree, (pg.CreateOpClassStmt, pg.AlterOpFamilyStmt)):
        for at, word in enumerate(words[:-2]):
            if word in _FUNCTION and words[at + 1].isdigit():
                yield words.index(")", at) + 1 if words[at + 2] == "(" else at + 2


def _quoted(sort: Sort, word: str) -> str:
    return word if sort == "operator" else identifier(word)
