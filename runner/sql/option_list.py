"""Options of publications and their like, as the text that definitions end with: `with (publish 'insert')`.

What a statement changes is such a text, too, in which `name drop` stands for an option that it drops.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from runner.sql.quoting import identifier

_OPTION = re.compile(r"(?P<name>\"(?:[^\"]|\"\")*\"|[^\s\"(),']+) (?P<value>'(?:[^']|'')*'|drop)")
_DROP = "drop"
STREAMING = "streaming"
"""The option of subscriptions whose default depends on the version."""
OPTIONS = "options"
"""The word before the options of servers, foreign tables and their columns."""


def options_text(options: Mapping[str, str | None]) -> str:
    """Return options as a text, in the order of their names; None stands for what is dropped."""
    return ", ".join(f"{identifier(name)} {_quoted(options[name])}" for name in sorted(options))


def options_in(text: str) -> dict[str, str]:
    """Return the options of a text, but for those that it drops."""
    return {name: value for name, value in _found(text) if value is not None}


def changed(options: Mapping[str, str], changes: str) -> dict[str, str]:
    """Return options after what a text sets and drops."""
    result = {**options}
    for name, value in _found(changes):
        if value is None:
            result.pop(name, None)
        else:
            result[name] = value
    return result


def _quoted(value: str | None) -> str:
    return _DROP if value is None else "'" + value.replace("'", "''") + "'"


def _found(text: str) -> Iterator[tuple[str, str | None]]:
    for match in _OPTION.finditer(text):
        name, value = match["name"], match["value"]
        name = name[1:-1].replace('""', '"') if name.startswith('"') else name
        yield name, None if value == _DROP else value[1:-1].replace("''", "'")


def listed_options(head: str, word: str, options: Mapping[str, str]) -> str:
    """Return a definition with its options after a word, if it has some."""
    return f"{head} {word} ({options_text(options)})" if options else head


def sorted_words(words: Iterable[str], order: Iterable[str]) -> str:
    """Return words, each once, in an order that is given."""
    found = set(words)
    return ", ".join(word for word in order if word in found)
