"""The shapes that are planned beyond one pattern and its filter: with a plan as without it."""

from hypothesis import given
from hypothesis import strategies as st

from kg.embedded.store import EmbeddedStore
from kg.geosparql.aggregates import AGGREGATES
from kg.geosparql.functions import FUNCTIONS
from tests.kg.planner.test_plans_change_no_answer import check, costs
from tests.strategies.documents import documents
from tests.strategies.geometries import PROLOGUE, UNITS
from tests.strategies.shapes import shapes, wheres
from tests.strategies.updates import updates


@given(
    documents(),
    st.lists(st.one_of(shapes(), shapes(), updates()), min_size=2, max_size=8),
    st.sampled_from([0, 200]),
    st.sampled_from([0, 2000]),
)
def test_a_query_of_any_shape_answers_as_the_store_does_without_an_index(data, script, few, many):
    with EmbeddedStore(costs=costs(few, many)) as store:
        store.update(PROLOGUE + f"INSERT DATA {{ {data} }}")
        for step in script:
            if any(word in step for word in ("SELECT", "ASK")):
                check(store, step)
            else:
                store.update(step)


@given(
    documents(),
    wheres(),
    st.sampled_from(["", "", "WITH ex:n1", "USING ex:n1", "USING ex:n1 USING NAMED ex:n2"]),
    st.sampled_from([0, 200]),
)
def test_a_planned_update_writes_what_it_does_without_a_plan(data, where, graphs, few):
    first, using = (graphs, "") if graphs.startswith("WITH") else ("", graphs)
    update = (
        f"{PROLOGUE}{UNITS}{first} DELETE {{ ?s ex:near ?o }} INSERT {{ ?s ex:saw ?w, ?d, ?b }} "
        f"{using} WHERE {{ {where} }} ; INSERT DATA {{ ex:f0 ex:done 1 }}"
    )
    with EmbeddedStore(costs=costs(few, 0)) as store, EmbeddedStore() as plain:
        store.update(PROLOGUE + f"INSERT DATA {{ {data} }}")
        plain.opened.extend(store.quads())
        store.update(update)
        plain.opened.update(
            update, custom_functions=FUNCTIONS, custom_aggregate_functions=AGGREGATES
        )
        assert set(store.quads()) == set(plain.quads())
