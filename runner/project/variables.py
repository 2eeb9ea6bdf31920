"""The variables of the manifest and other values for them."""

from __future__ import annotations

import datetime
import math
import re
import tomllib
from collections.abc import Mapping
from contextlib import suppress

from runner.errors import InputError, Place
from runner.project.input_files import shown_value

RESERVED_VARIABLES = frozenset(
    {"schema", "extension_schema", "field_mappings", "true", "True", "false", "False", "none", "None"}
)
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
Overrides = tuple[str, ...] | Mapping[str, object]
"""Values for variables: `NAME=VALUE` as people type it, or values by name."""


def check_variable(name: str, value: object, place: Place) -> None:
    """Raise InputError for a variable that templates cannot have."""
    if not _VARIABLE_NAME.fullmatch(name):
        raise InputError("expected a name of letters, digits and _; rename the variable", place=place)
    if name in RESERVED_VARIABLES:
        raise InputError("the name has a meaning of its own in templates; rename the variable", place=place)
    _check_variable_value(value, place)


def _check_variable_value(value: object, place: Place) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            _check_variable_value(item, place.below(f".{key}"))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _check_variable_value(item, place.below(f"[{index}]"))
    elif isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"expected a finite number, not {value!r}", place=place)


def override(variables: dict[str, object], overrides: Overrides) -> dict[str, object]:
    """Return the variables with other values for some of them. Raise InputError."""
    result = dict(variables)
    if isinstance(overrides, Mapping):
        for name, value in overrides.items():
            default = _default(name, variables, "variables")
            result[name] = _of_type(value, default, given=value, name=name, place="variables")
        return result
    for override in overrides:
        name, equals, text = override.partition("=")
        if not equals:
            raise InputError(f"expected NAME=VALUE, not {override!r}", place="--var")
        default = _default(name, variables, "--var")
        parsed = text if isinstance(default, str) else _parse_value(text)
        result[name] = _of_type(parsed, default, given=text, name=name, place="--var")
    return result


def _default(name: str, variables: dict[str, object], place: str) -> object:
    if name not in variables:
        known = ", ".join(variables) or "none"
        raise InputError(f"the manifest has no variable {name!r}; it has: {known}", place=place)
    return variables[name]


def _parse_value(text: str) -> object:
    """Return the value that `text` is in TOML; None when it is none."""
    try:
        parsed = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):  # a number with too many digits is a plain ValueError
        return None
    return parsed["value"] if len(parsed) == 1 else None


def _of_type(value: object, default: object, *, given: object, name: str, place: str) -> object:
    """Return a value when it has the type of the manifest's; a whole number may stand for a float."""
    if isinstance(default, float) and type(value) is int:
        with suppress(OverflowError):
            value = float(value)
    kinds = (bool, int, float, str, list, dict, datetime.datetime, datetime.date, datetime.time)
    kind = next(kind for kind in kinds if isinstance(default, kind))
    if type(value) is not kind:
        raise InputError(f"{name} is of type {kind.__name__} in the manifest, not {shown_value(given)}", place=place)
    if isinstance(value, str) and "\0" in value:
        raise InputError(f"{name}: NUL character; PostgreSQL cannot store it", place=place)
    _check_variable_value(value, Place(place, key=name))
    return value
