"""Lists in the words of a definition: commas count where they are in no string, name or brackets."""

from __future__ import annotations

import re

_PIECE = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|[(),]|[^'\"(),]+")


def list_in(text: str) -> tuple[tuple[str, ...], str]:
    """Return the items of a list from after its bracket to the one that closes it, and what is after that."""
    items, depth, end = [""], 0, 0
    for match in _PIECE.finditer(text):
        piece, end = match[0], match.end()
        depth += (piece == "(") - (piece == ")")
        if depth < 0:
            break
        if piece == "," and not depth:
            items.append("")
        else:
            items[-1] += piece
    return tuple(item.strip() for item in items), text[end:]
