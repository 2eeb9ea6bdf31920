"""Text of others in Markdown and Mermaid: it is shown as it is, and is no markup."""

from __future__ import annotations

import re

from runner.wording import shown

_MARKUP = re.compile(r"[\\`*\[<>&|~$]|(?<!\w)_|_(?!\w)|!(?=\[)")
_OPENING = re.compile(r"^(?:[#+=:-]|[0-9]+(?=[.)]))")
"""What a paragraph that begins with it would not be."""
_NOT_PLAIN = re.compile(r"[^\w .-]")
_ENTITIES = re.compile(r"[^\w ]")


def text(value: str) -> str:
    """Return a value as text in one line."""
    escaped = _MARKUP.sub(lambda found: f"\\{found[0]}", shown(" ".join(value.split())))
    return _OPENING.sub(lambda found: f"{found[0]}\\" if found[0].isdigit() else f"\\{found[0]}", escaped)


def code(value: str) -> str:
    """Return a value as code in one line, nothing of nothing; a bar is as a table needs it."""
    line = shown(" ".join(value.split()))
    if "`" in line or "\\" in line:  # what no span of code holds, in a table
        return f"<code>{_ENTITIES.sub(lambda found: f'&#{ord(found[0])};', line)}</code>"
    line = line.replace("|", "\\|")
    return f"`{line}`" if line else ""


def plain(value: str) -> str:
    """Return a value as a name or a label of Mermaid, which has no escapes: other characters become underscores."""
    return _NOT_PLAIN.sub("_", value)
