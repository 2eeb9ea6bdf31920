"""Numbers and lists in words, and text of others so that all of it can be seen."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from unicodedata import category

PROGRAM = name if (name := Path(next(iter(sys.argv), "")).name) in ("plainpg", "runner") else "python -m runner"
"""What the program is called in messages: as it was started."""

_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Categories of Unicode: control characters, what turns or joins text and has no width, the ends of lines."""


def count(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number} {noun if number == 1 else plural(noun)}"


def plural(noun: str) -> str:
    """Return several of a noun."""
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}{'es' if noun.endswith(('x', 's')) else 's'}"


def with_uncompared(text: str, number: int) -> str:
    """Return the last line of a command with how much was not compared."""
    return f"{text}; {number} not compared" if number else text


def listed(words: Sequence[str]) -> str:
    """Return words as people list them."""
    return ", ".join(words[:-1]) + (" and " if len(words) > 1 else "") + words[-1] if words else ""


def shown(text: str) -> str:
    """Return a text as one line in which all can be seen: what controls a terminal or hides is written as its escape.

    For all that comes from a database or a file. Tabs stay.
    """
    return text if text.isprintable() else "".join(map(_seen, text))


def _seen(character: str) -> str:
    is_seen = character == "\t" or category(character) not in _UNSEEN
    return character if is_seen else character.encode("unicode_escape").decode()
