"""Where a key is that an error names: in its own table, in the second of several, in a value of one line."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.project.key_places import json_keys, toml_keys

TOML = """
name = "x"
[run] # [other]
"on error" = "[run]"
limits.low = [1, 2]
limits.high={a = 1}
[[script]]
path = "a = b"
[ script.more ]
path = 1
[[ script ]]
  path = "b"
"""
PLACES = {
    "name": (2, 1),
    "run": (3, 2),
    "run.on error": (4, 1),
    "run.limits.low": (5, 1),
    "run.limits.high": (6, 1),
    "script[0]": (7, 3),
    "script[0].path": (8, 1),
    "script.more": (9, 3),
    "script.more.path": (10, 1),
    "script[1]": (11, 4),
    "script[1].path": (12, 3),
}


def test_keys_of_toml() -> None:
    """Each key and each header of a table is found where it is written; tomllib reads the same text."""
    found = {}
    for key, offset in toml_keys(TOML):
        before = TOML[:offset]
        found[key] = (before.count("\n") + 1, len(before.rpartition("\n")[2]) + 1)
    assert found == PLACES
    assert len(tomllib.loads(TOML)["script"]) == 2


VALUES = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('ab"\\\\,:{[ä', max_size=3), inner, max_size=3),
    max_leaves=12,
)


def paths(value: Any) -> list[str]:
    """Return the keys of objects in their order."""
    if isinstance(value, dict):
        return [each for key, item in value.items() for each in (key, *paths(item))]
    return [each for item in value for each in paths(item)] if isinstance(value, list) else []


@given(VALUES, st.sampled_from([None, 1]))
def test_keys_of_json(value: Any, indent: int | None) -> None:
    """Each key of any document is found, in its order, where it is written."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    places = [offset for _, offset in json_keys(text)]
    assert [json.JSONDecoder().raw_decode(text, offset)[0] for offset in places] == paths(value)


@pytest.mark.parametrize(
    ("text", "key", "place"),
    [
        ('{"a": [{"b": 1}, {"b": 2, "c": "x,{"}]}', "a[1].c", 26),
        ('{"a,b": {"[": 1}, "c": []}', "c", 18),
    ],
)
def test_paths_of_json(text: str, key: str, place: int) -> None:
    """Objects in a list are counted; what is in a string is no mark."""
    assert dict(json_keys(text))[key] == place
