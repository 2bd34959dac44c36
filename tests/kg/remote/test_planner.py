"""Random queries on random data: a server without GeoSPARQL gives the answers of our own store."""

import re
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kg.embedded.store import EmbeddedStore
from kg.planner.costs import Costs
from kg.remote.store import RemoteStore
from tests.kg.planner.test_plans_change_no_answer import answer
from tests.kg.remote_servers import oxigraph
from tests.strategies.documents import documents
from tests.strategies.geometries import PROLOGUE
from tests.strategies.queries import queries
from tests.strategies.shapes import shapes
from tests.strategies.updates import updates

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with oxigraph(tmp_path_factory.mktemp("oxigraph")) as url:
        yield url


def labelled(found):
    """Return an answer in which all blank nodes are alike: each store has labels of its own."""
    if isinstance(found, bool):
        return found
    names, rows = found if isinstance(found, tuple) else ([], found)
    counted = Counter()
    for row, count in rows.items():
        counted[re.sub(r"_:\w+", "_:", str(row))] += count
    return names, counted


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    documents(),
    st.lists(st.one_of(queries(), shapes(), updates()), min_size=2, max_size=8),
    st.sampled_from([0, 200]),
)
def test_a_remote_store_answers_as_ours_does(served, data, script, few):
    costs = Costs(few_candidates=few)
    remote, own = RemoteStore(served, costs=costs), EmbeddedStore(costs=costs)
    for store in (remote, own):
        store.update("DROP ALL")
        store.update(PROLOGUE + f"INSERT DATA {{ {data} }}")
    for step in script:
        if any(word in step for word in ("SELECT", "ASK")):
            expected = labelled(answer(own.query(step, rewrite=False)))
            found = labelled(answer(remote.query(step, rewrite=False)))
            assert found == expected, remote.explain(step, rewrite=False)
        else:
            remote.update(step)
            own.update(step)
