"""The pages of the documentation, taken apart: code, links, anchors, tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.support.projects import ROOT

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$\n?", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?<=\n\n)(?:(?: {4}.*)?\n)+", re.MULTILINE)
_INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """Some lines of code; a language only where a fence names one."""

    language: str
    text: str

    @property
    def first(self) -> str:
        """The first line."""
        return self.text.split("\n", 1)[0]


@dataclass(frozen=True)
class Page:
    """A page of Markdown."""

    path: Path

    def __str__(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def prose(self) -> str:
        """The text without its blocks of code."""
        return _INDENTED.sub("\n", _FENCE.sub("\n", self.text))

    @property
    def blocks(self) -> Iterator[Block]:
        """The blocks of code, fenced ones first."""
        for language, text in _FENCE.findall(self.text):
            yield Block(language, text)
        for found in _INDENTED.findall(_FENCE.sub("\n", self.text)):
            text = re.sub(r"^ {4}", "", found, flags=re.MULTILINE).strip("\n")
            if text:
                yield Block("", text)

    @property
    def inline(self) -> list[str]:
        """The code within the prose."""
        return [text.replace(r"\|", "|") for text in _INLINE.findall(self.prose)]

    @property
    def links(self) -> list[str]:
        """Where the links lead, those to other sites aside."""
        return [link for link in _LINK.findall(_INLINE.sub("", self.prose)) if "://" not in link]

    @cached_property
    def anchors(self) -> set[str]:
        """What a link can name after its #: the headings, as GitHub makes anchors of them."""
        plain = [re.sub(r"[`*]", "", heading).strip().lower() for heading in _HEADING.findall(self.prose)]
        return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in plain}

    def section(self, heading: str) -> str:
        """Return the text below a heading, up to the next of any level."""
        found = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#+ |\Z)", self.text, re.MULTILINE | re.DOTALL)
        return found[1] if found else ""


def rows(text: str) -> list[list[str]]:
    """Return the cells of all tables in a text, without those of the headings."""
    lines = [re.split(r"(?<!\\)\|", line)[1:-1] for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line] for line in lines]
    below = [i for i, line in enumerate(cells) if all(re.fullmatch(":?-+:?", cell) for cell in line)]
    return [line for i, line in enumerate(cells) if i not in below and i + 1 not in below]


def pages() -> list[Page]:
    """Return the pages that people read, but for the one that `docs` writes."""
    found = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
    return [Page(path) for path in found if path.name != "schema.md"]
