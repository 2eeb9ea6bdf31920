"""What is found in scratch schemas is known by the names of the schemas that these stand for."""

from __future__ import annotations

import pytest

from runner.catalog.scratch_facts import ScratchNames

NAMES = ScratchNames({"public": "_s_000", "other": "_s_n1", "o'x": "_s_n12", "Big": "_s_001"}, "extensions", "_s_x")


@pytest.mark.parametrize(
    ("found", "declared"),
    [
        ("_s_001", "Big"),
        ("_s_x", "extensions"),
        ("_s_n12.item", "\"o'x\".item"),
        ("_s_n1.f('_s_n12.part'::regclass, '_s_x'::text)", "other.f('\"o''x\".part'::regclass, 'extensions'::text)"),
        ("_s_001.f(_s_000.g())", '"Big".f(public.g())'),
        ("_s_9.item", "_s_9.item"),
    ],
)  # fmt: skip
def test_scratch_schemas_have_their_declared_names(found: str, declared: str) -> None:
    """A name that another one begins with, quotes in a name, and a text that is the name itself are told apart."""
    assert NAMES.declared(found) == declared
