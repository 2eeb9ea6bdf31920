"""Input with damage: edits of bytes and of words that mean something to a parser, and the runner in this process."""

from __future__ import annotations

import os
import re
import signal
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any
from unittest import mock

from hypothesis import strategies as st

from runner.cli.main import run_command
from tests.support.projects import CASES, Result
from tests.support.servers import environment

FOLDER = CASES / "fuzz"
LONGEST = 30
"""Seconds after which a run hangs."""
MARK = "Xyzzy42"
"""What every secret holds; percent-encoding leaves it as it is."""
SECRETS = (MARK, f"a/{MARK}", f"a@{MARK}", f"{MARK}@b/c", f"5432/{MARK}", f"{MARK}#?&é", f"'{MARK} \\'", f"%{MARK}%")

_PARTS = re.compile(rb"\w+|\s+|[^\w\s]")
_KINDS = (
    "insert",
    "replace",
    "delete",
    "double",
    "flip",
    "repeat",
    "part deleted",
    "part doubled",
    "part moved",
    "cut",
)
_SCALE = 10_000
_MOST_REPEATED = 500
_BYTES = (
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\r\n",
    b"\r",
    b"\xed\xa0\x80",
    "é表😀\u2028\x85".encode(),
    b"\x1b[31m",
    b"\n",
    b"",
)
Edit = tuple[str, int, int, bytes]


def words(*languages: str) -> list[bytes]:
    """Return words and phrases of languages, from a list of each, one in a line."""
    return [word for name in languages for word in (FOLDER / "words" / f"{name}.txt").read_bytes().splitlines()]


def edits(known: Sequence[bytes], *, most: int = 4) -> st.SearchStrategy[list[Edit]]:
    """Draw what `damaged` does, with words that the file's own parser knows, and some of the bytes that none knows."""
    places = st.integers(0, _SCALE)
    token = st.sampled_from((*known, *_BYTES)) | st.binary(max_size=12)
    return st.lists(st.tuples(st.sampled_from(_KINDS), places, places, token), min_size=1, max_size=most)


def damaged(data: bytes, changes: Sequence[Edit]) -> bytes:
    """Apply edits; the places of an edit are ten-thousandths of what there is."""
    for kind, where, other, token in changes:
        data = (
            _by_parts(data, kind, where, other)
            if kind.startswith("part")
            else _by_bytes(data, kind, where, other, token)
        )
    return data


def _by_bytes(data: bytes, kind: str, where: int, other: int, token: bytes) -> bytes:
    start = len(data) * where // _SCALE
    end = min(start + 1 + 40 * other // _SCALE, len(data))
    before, span, after = data[:start], data[start:end], data[end:]
    match kind:
        case "insert":
            return before + token + span + after
        case "replace":
            return before + token + after
        case "delete":
            return before + after
        case "double":
            return before + span + span + after
        case "flip":
            return before + bytes(byte ^ 1 << other % 8 for byte in span[:1]) + span[1:] + after
        case "repeat":
            return before + token * (_MOST_REPEATED * other // _SCALE) + span + after
        case _:
            return before


def _by_parts(data: bytes, kind: str, where: int, other: int) -> bytes:
    parts = _PARTS.findall(data)
    if not parts:
        return data
    place, target = (min(len(parts) * number // _SCALE, len(parts) - 1) for number in (where, other))
    part = parts[place]
    if kind != "part doubled":
        del parts[place]
    if kind != "part deleted":
        parts.insert(target, part)
    return b"".join(parts)


def statements() -> list[bytes]:
    """Return the SQL of the cases of all tests."""
    found: list[bytes] = []

    def walk(value: Any) -> None:
        if isinstance(value, str) and re.search(r"\b(create|select|insert|alter|update|comment|drop) ", value.lower()):
            found.append(value.encode())
        for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            walk(item)

    for path in sorted(CASES.glob("*.toml")):
        walk(tomllib.loads(path.read_text(encoding="utf-8")))
    return found


class HangError(BaseException):
    """A run does not end; no handler of the runner takes it for an error of its own."""


def run_here(arguments: Sequence[str], *, folder: Path, variables: Mapping[str, str] | None = None) -> Result:
    """Run the runner in this process as its program does, in `folder` and with nothing else in its environment."""
    out, err = BytesIO(), BytesIO()
    streams = [TextIOWrapper(buffer, "utf-8", "backslashreplace") for buffer in (out, err)]
    try:
        with (
            mock.patch.multiple(sys, stdout=streams[0], stderr=streams[1]),
            mock.patch.dict(os.environ, environment() | dict(variables or {}), clear=True),
            chdir(folder),
            _at_most(LONGEST),
        ):
            code = _exit_code(arguments)
            for stream in streams:
                stream.flush()
    except HangError:
        raise AssertionError(f"{arguments} hangs") from None
    return Result(code, out.getvalue().decode(), err.getvalue().decode())


def _exit_code(arguments: Sequence[str]) -> int:
    try:
        return run_command(list(arguments))
    except SystemExit as ended:  # a shell asks for completions
        return int(ended.code or 0)


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    def stop(_number: int, _frame: object) -> None:
        raise HangError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
