"""A reason is a value; its text is a sentence, and nothing reads that again."""

from __future__ import annotations

import pytest

from runner.planning.past import Applied
from runner.planning.reasons import Reason
from runner.sql.objects import Object

TABLE, COLUMN, CHECK = Object("table", "item"), Object("column", "name", "item"), Object("constraint", "c", "item")
PAST = Applied("", "2026-01-02 03:04", "me", 7)
SENTENCES = {
    "always": Reason("always"),
    "missing: table item": Reason("missing", (TABLE,)),
    "missing, and not added: column item.name and 1 more": Reason("not added", (COLUMN, CHECK)),
    "invalid: constraint item.c: not validated": Reason("invalid", (CHECK,), "not validated"),
    "constraint item.c is not validated, and is left unchanged: rows; and 1 more": Reason(
        "invalid", (CHECK, COLUMN), left_because="rows"
    ),
    "to drop: table item\ndiffers: column item.name: {0}": Reason(
        "repairs", parts=(Reason("to drop", (TABLE,)), Reason("differs", (COLUMN,), "{0}"))
    ),
    "applied on 2026-01-02 03:04 by me": Reason("applied", past=PAST),
    "run 7 of 2026-01-02 03:04 by me was cut off after its own transaction": Reason("cut off after its own", past=PAST),
}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_text(sentence: str) -> None:
    """A reason prints as a sentence."""
    reason = SENTENCES[sentence]
    assert f"{reason}" == str(reason) == sentence
