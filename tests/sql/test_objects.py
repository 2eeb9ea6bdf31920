"""Tests of the identities of objects and of the comments on them."""

import pytest

from runner.sql.objects import Object

COMMENTS = [
    (Object("table", "t", "", "s"), Object("comment on table", "t", "", "s")),
    (Object("column", "a", "t"), Object("comment on column", "a", "t")),
    (Object("index", "i", "", "s"), Object("comment on index", "i", "", "s")),
]


@pytest.mark.parametrize(("item", "comment"), COMMENTS)
def test_comment(item: Object, comment: Object) -> None:
    assert item.comment == comment
    assert comment.subject == item
    assert (item.is_comment, comment.is_comment) == (False, True)
    assert item.subject is item


def test_comment_on_an_index_names_no_table() -> None:
    index = Object("index", "i", "t", "s")
    assert index.comment == Object("comment on index", "i", "", "s")
    assert str(index.comment) == f"comment on {index}"
