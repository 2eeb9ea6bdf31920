"""What a statement is called in a message: the command in capitals, and a clause as it is written."""

from __future__ import annotations

import re

import postgast

from runner.sql.tokens import COMMENTS

_ONE_WORD = frozenset(
    """
    ANALYZE CALL CLOSE CLUSTER COPY DEALLOCATE DECLARE DO EXECUTE FETCH GRANT LISTEN LOAD MOVE NOTIFY PREPARE REVOKE
    UNLISTEN VACUUM
    """.split()
)
"""Commands whose second word is a name."""
_COMMAND = re.compile(
    r"""
    (?: create (?:\ or\ replace)? | alter | drop | comment\ on | refresh | import )
    (?:\ (?: constraint(?=\ trigger) | global | local | procedural | recursive | temp | temporary | trusted | unique
        | unlogged ))*
    \ (?: access\ method | default\ privileges | event\ trigger | foreign\ data\ wrapper | foreign\ schema
        | foreign\ table | large\ object | materialized\ view | operator\ class | operator\ family
        | text\ search\ \w+ | user\ mapping | \w+ )
    | \w+ (?:\ [a-z]+)?
    """,
    re.IGNORECASE | re.VERBOSE,
)
_LONGEST_CLAUSE = 100


def command_of(sql: str) -> str:
    """Return the words of the command that a statement is, in capitals."""
    words = " ".join(_words(sql[:200]))
    found = _COMMAND.match(words)
    command = found[0].upper() if found else ""
    first = command.partition(" ")[0]
    return first if first in _ONE_WORD else command


def clause_of(sql: str, number: int) -> str:
    """Return a clause of ALTER TABLE and its like, as it is written, by its number from 0."""
    words = _words(sql)
    at = 3 if words[1].lower() in ("foreign", "materialized") else 2
    for optional in ("if", "exists", "only"):
        at += words[at].lower() == optional
    at += 1
    while words[at] == ".":
        at += 2
    clauses: list[list[str]] = [[]]
    depth = 0
    for word in words[at + (words[at] == "*") :]:
        depth += (word in ("(", "[")) - (word in (")", "]"))
        if word == "," and not depth:
            clauses.append([])
        else:
            clauses[-1].append(word)
    text = re.sub(r" (?=[,.)\]])|(?<=[(.\[]) ", "", " ".join(clauses[number]))
    return text if len(text) <= _LONGEST_CLAUSE else f"{text[:_LONGEST_CLAUSE]}…"


def _words(sql: str) -> list[str]:
    data = sql.encode()
    tokens = postgast.scan(sql).tokens
    return [data[token.start : token.end].decode() for token in tokens if token.token not in COMMENTS]
