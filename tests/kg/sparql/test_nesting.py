"""Texts that would exhaust the stack are refused; what people and programs write is not."""

import pytest

from kg.embedded.store import EmbeddedStore
from kg.errors import QueryError
from kg.sparql.nesting import refuse_deep_nesting

DEEP = 3_000
MANY = 20_000


@pytest.mark.parametrize(
    "sparql",
    [
        "SELECT * {" + "{" * DEEP + "?s ?p ?o" + "}" * DEEP + "}",
        "ASK { FILTER(" + "(" * DEEP + "true" + ")" * DEEP + ") }",
        "ASK {" + " UNION ".join(["{ ?s ?p ?o }"] * MANY) + "}",
        "ASK { FILTER(" + " && ".join(["true"] * MANY) + ") }",
        "ASK { FILTER(" + " + ".join(["1"] * MANY) + " > 0) }",
        "ASK { FILTER(" + "!" * MANY + "true) }",
        "ASK {" + "MINUS { ?s ?p ?o } " * MANY + "}",
        "ASK {" + "filter exists {" * DEEP + "}" * DEEP + "}",
        "ASK { ?s " + "|".join(["<urn:p>"] * MANY) + " ?o }",
    ],
)
def test_a_text_that_would_end_the_process_is_refused(sparql):
    with EmbeddedStore() as store:
        for ask in (store.query, store.explain):
            with pytest.raises(QueryError, match="ask in several queries"):
                ask(sparql)
        with pytest.raises(QueryError, match="ask in several queries"):
            store.update(sparql.replace("ASK", "DELETE { ?s ?p ?o } WHERE"))


@pytest.mark.parametrize(
    "sparql",
    [
        "INSERT DATA {" + " ".join(f"<urn:a> <urn:p> -{i}.5 ." for i in range(MANY)) + "}",
        "SELECT * { VALUES (?x ?y) {" + " ".join(["(<http://a/b> -1)"] * MANY) + "} }",
        'ASK { ?s ?p "' + "(" * MANY + '" }',
        "ASK { ?s ?p '''" + "{ || ' " * MANY + "''' } # " + "(" * MANY,
        "INSERT DATA {" + " ".join(f"ex:filter-a-b ex:union {i} ." for i in range(MANY)) + "}",
        "SELECT * {" + "{" * 300 + "?s ?p ?o" + "}" * 300 + "}",
    ],
)
def test_long_texts_pass(sparql):
    refuse_deep_nesting(sparql)
