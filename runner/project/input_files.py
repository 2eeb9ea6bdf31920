"""Read input files, and turn what they hold into typed values, strictly."""

from __future__ import annotations

import re
import types
import typing
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from runner.errors import InputError, Place
from runner.project.units import decode_unit

T = TypeVar("T")

_PATH_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")
_LONGEST_SHOWN_VALUE = 60
_WORDS = {"str": "a string", "int": "a whole number", "bool": "true or false", "array": "an array"}


def read_text(path: Path, shown: str) -> str:
    """Return the text of a UTF-8 file without byte order mark or carriage returns; errors call it `shown`."""
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            raise InputError("not a file", place=shown)  # a pipe or a device may never end
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError("file not found; create it, or correct the path", place=shown) from None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", place=shown) from error
    return decoded(data, shown)


def decoded(data: bytes, shown: str) -> str:
    """Return UTF-8 text without byte order mark or carriage returns; errors call its file `shown`."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"byte 0x{data[error.start]:02x} is not UTF-8; save the file as UTF-8", place=Place(shown, line)
        ) from error
    text = without_returns(text)
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise InputError("NUL character; PostgreSQL cannot store it, remove it", place=Place(shown, line))
    return text


def without_returns(text: str) -> str:
    """Return a text whose lines end as those of all files do here."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def convert(raw: object, type_: type[T], *, file: str, key: str = "") -> T:
    """Return `raw` as a `type_`; an error names the file, the key below `key`, the value, and what is known there."""
    try:
        return msgspec.convert(raw, type_, dec_hook=decode_unit)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$")
        steps = [name or int(index) for name, index in _PATH_STEP.findall(where.rstrip("`"))]
        raise _explain(what, raw, type_, steps, file=file, key=key) from None


def key_path(*steps: str | int) -> str:
    """Return a key path as people write it: `key_path("script", 0, "path")` is `script[0].path`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps if step != "")
    return text.removeprefix(".")


def shown_value(value: object) -> str:
    """Return a value for an error message, short enough for a line."""
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN_VALUE else text[: _LONGEST_SHOWN_VALUE - 1] + "…"


def _explain(what: str, raw: object, type_: type[object], steps: list[str | int], *, file: str, key: str) -> InputError:
    if match := re.fullmatch(r"Object contains unknown field `(.*)`", what):
        known = ", ".join(_keys_at(type_, steps))
        place = key_path(key, *steps, match[1])
        return InputError(f"unknown key {match[1]!r}; known here: {known}", place=Place(file, key=place))
    if match := re.fullmatch(r"Object missing required field `(.*)`", what):
        place = key_path(key, *steps, match[1])
        return InputError("missing; add it", place=Place(file, key=place))
    value = raw
    for step in steps:
        value = value[step]  # type: ignore[index]
    expected = _expected_at(type_, steps) if what.startswith("Invalid enum value") else ""
    problem = expected or _in_words(what, "an object" if file.endswith(".json") else "a table")
    return InputError(f"{problem}, not {shown_value(value)}", place=Place(file, key=key_path(key, *steps)))


def _in_words(what: str, word_for_object: str) -> str:
    text = re.sub(r", got .*| \| null|`", "", what)
    for name, word in {**_WORDS, "object": word_for_object}.items():
        text = re.sub(rf"\b{name}\b", word, text)
    return text[:1].lower() + text[1:]


def _type_at(type_: Any, steps: list[str | int]) -> Any:
    for step in steps:
        if isinstance(step, int):
            type_ = typing.get_args(type_)[0]
        else:
            type_ = {field.encode_name: field.type for field in msgspec.structs.fields(type_)}[step]
        if isinstance(type_, types.UnionType):
            type_ = typing.get_args(type_)[0]  # the other is None
    return type_


def _keys_at(type_: Any, steps: list[str | int]) -> tuple[str, ...]:
    struct: type[msgspec.Struct] = _type_at(type_, steps)
    return struct.__struct_encode_fields__


def _expected_at(type_: Any, steps: list[str | int]) -> str:
    return "expected one of " + ", ".join(repr(choice) for choice in typing.get_args(_type_at(type_, steps)))
