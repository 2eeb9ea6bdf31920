"""Seals: how a script that is as it was when the lock file was written is known again without parsing it.

A seal is a hash of everything that parsing and planning depend on, and of the places of the statements that the script
sends to a database that is as declared. These are looked for by a simple splitter. Where it is wrong, or anything else
differs, the seal does not match, and the script is parsed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

import msgspec
from msgspec import Struct

from runner.project.manifest import Manifest
from runner.sql.source_map import Rendered
from runner.sql.statements import Script, Statement, data_node
from runner.version import __version__

_TOKEN = re.compile(
    r"""
    (?P<plain>[^-/'"$;]*+)
    (?:
        (?P<comment>--[^\n]*|/\*.*?\*/)
        | (?<=[eE])'(?:[^'\\]++|\\.|'')*+' | '(?:[^']++|'')*+' | "(?:[^"]++|"")*+" | (?P<dollars>\$\w*\$).*?(?P=dollars)
        | (?P<end>;|\Z)
        | .
    )
    """,
    re.VERBOSE | re.DOTALL,
)


class Seal(Struct, frozen=True):
    """What is known of a script: how many statements it has, the checksum of its tokens, and the hash."""

    total: int
    checksum: str
    hash: str


class Sealed(Struct, frozen=True):
    """The scripts, with those statements alone that they send to a database that is as declared, and the checks."""

    scripts: tuple[Script, ...]
    checks: tuple[Script, ...]


def open_seals(
    manifest: Manifest, scripts: Sequence[Rendered], checks: Sequence[Rendered], seals: Mapping[str, Seal]
) -> Sealed | None:
    """Return the scripts and checks as they were sealed, None unless all of them are as they were."""
    ground = _ground(manifest)
    found: list[Script] = []
    for rendered in (*scripts, *checks):
        seal = seals.get(rendered.path)
        known = _open(ground, rendered, seal) if seal else None
        if known is None:
            return None
        found.append(known)
    return Sealed(tuple(found[: len(scripts)]), tuple(found[len(scripts) :]))


def _open(ground: str, rendered: Rendered, seal: Seal) -> Script | None:
    of_text = _hash_of_text(ground, rendered, seal.total)
    if _hash(of_text, ()) == seal.hash:
        return Script(rendered, (), seal.checksum, "", seal.total)
    statements = tuple(_data_statements(rendered))
    if _hash(of_text, statements) == seal.hash:
        return Script(rendered, statements, seal.checksum, "", seal.total)
    return None


def _ground(manifest: Manifest) -> str:
    """Return what the plan of a script depends on besides its text."""
    project, section = manifest.project, manifest.field_mappings
    names = (project.schema, project.extension_schema, manifest.run.history_table, section.table if section else "")
    scripts = [(script.path, script.run, script.transaction, script.allow_destructive) for script in manifest.scripts]
    return hashlib.sha256(msgspec.json.encode((__version__, names, scripts, manifest.roles))).hexdigest()


def _hash_of_text(ground: str, rendered: Rendered, total: int) -> hashlib._Hash:
    """Return the hash of all but the places of the statements that are sent."""
    made = hashlib.sha256(msgspec.json.encode((ground, rendered.path, total)))
    texts = (text.encode() for text in (rendered.template, rendered.text))
    edges = (numbers.tobytes() for numbers in (rendered.edges.offsets, rendered.edges.lines))
    for data in chain(texts, edges):
        made.update(b"%d:" % len(data))
        made.update(data)
    return made


def _hash(of_text: hashlib._Hash, sent: Iterable[Statement]) -> str:
    made = of_text.copy()
    for statement in sent:
        made.update(b"%d+%d," % (statement.offset, len(statement.sql)))
    return made.hexdigest()[:32]


def _data_statements(rendered: Rendered) -> Iterator[Statement]:
    """Return the statements whose first word says that they read or write rows."""
    for start, end in _statements(rendered.text):
        node = data_node(rendered.text, start)
        if node:
            sql = rendered.text[start:end]
            yield Statement(rendered.path, rendered.line_at(start), start, sql, node)


def _statements(text: str) -> Iterator[tuple[int, int]]:
    """Return where statements begin and end, without the comments and white space around them."""
    start, end = -1, 0
    for token in _TOKEN.finditer(text):
        plain, begin = token["plain"], token.end("plain")
        if plain and not plain.isspace():
            start = start if start >= 0 else begin - len(plain.lstrip())
            end = token.start() + len(plain.rstrip())
        if token["end"] is not None:
            if start >= 0:
                yield start, end
            start = -1
        elif token["comment"] is None:
            start, end = (start if start >= 0 else begin), token.end()
