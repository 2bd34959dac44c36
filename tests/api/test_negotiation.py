import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.errors import STATUS, NotAcceptableError, status_of
from api.web.negotiation import choose
from kg.errors import DeepCubeError, QueryError, StoreLockedError

OFFERED = ["text/turtle", "text/html", "application/n-triples"]


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, "text/turtle"),
        ("", "text/turtle"),
        ("*/*", "text/turtle"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"),
        ("application/n-triples", "application/n-triples"),
        ("text/*;q=0.3, application/*", "application/n-triples"),
        ("text/turtle;q=0, */*", "text/html"),
        ("TEXT/HTML ; Q=0.5", "text/html"),
        ("nonsense, text/html", "text/html"),
    ],
)
def test_the_best_wish_wins(accept, expected):
    assert choose(accept, OFFERED) == expected


@pytest.mark.parametrize("accept", ["image/png", "text/turtle;q=0", "text/html;q=much"])
def test_what_cannot_be_sent_is_refused(accept):
    with pytest.raises(NotAcceptableError, match="cannot send"):
        choose(accept, OFFERED)


@given(st.text(max_size=40))
def test_no_header_breaks_it(accept):
    with contextlib.suppress(NotAcceptableError):
        assert choose(accept, OFFERED) in OFFERED


def test_the_most_specific_class_of_an_error_decides():
    assert status_of(QueryError("x")) == 400
    assert status_of(StoreLockedError("x")) == 503
    assert status_of(DeepCubeError("x")) == 500
    assert DeepCubeError in STATUS
