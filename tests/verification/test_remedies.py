"""Tests of what a person can do about a finding."""

import pytest

from runner.catalog.diff import Difference
from runner.repair.proposal import Proposal
from runner.sql.objects import Object
from runner.verification.remedies import Remedies

COLUMN, INDEX = Object("column", "a", "t"), Object("index", "i", "t")
WHY = {
    "the column of the comment": (COLUMN, COLUMN, "column t.a is missing"),
    "a column of the same name": (COLUMN._replace(table="u"), COLUMN, "not done"),
    "the index of the comment": (INDEX, INDEX, "index i is missing"),
    "an index of another schema": (INDEX._replace(schema="s"), INDEX, "not done"),
}


@pytest.mark.parametrize(("missing", "commented", "why"), WHY.values(), ids=WHY)
def test_comment_on_what_is_missing(missing: Object, commented: Object, why: str) -> None:
    """What a comment is on is missing itself only when it is that very object."""
    proposals = {missing: (Proposal(missing, Object("table", "t"), "missing", blocked_by="rows"),)}
    comment = commented.comment
    difference = Difference("different", comment, "new", "old", comment)
    assert Remedies(proposals, {}, "not done").of(difference).why == why
