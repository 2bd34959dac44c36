"""The spatial index follows an update of any operations: exactly, and without being built anew."""

import http.server
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.embedded.store import EmbeddedStore
from kg.errors import EvaluationError
from kg.sparql.syntax import Sparql
from kg.updates import noting
from kg.updates.noting import NotingUpdate
from tests.kg.index.test_spatial_index import content
from tests.strategies.documents import documents
from tests.strategies.geometries import PROLOGUE
from tests.strategies.updates import BOX, operations


def built_anew(store):
    with EmbeddedStore() as again:
        again.add(store.quads())
        return content(again.spatial_index)


@given(documents(), st.lists(st.lists(operations(), min_size=1, max_size=4), max_size=4))
def test_after_random_requests_the_index_is_the_one_that_would_be_built(data, requests):
    with EmbeddedStore() as store:
        store.update(PROLOGUE + f"INSERT DATA {{ {data} }}")
        index = store.spatial_index
        for request in requests:
            # The operations of one request may not share a blank node.
            parts = [o.replace("_:", f"_:o{i}") for i, o in enumerate(request)]
            update = PROLOGUE + " ;\n".join(parts)
            store.update(update)
            assert content(store.spatial_index) == built_anew(store), update
        assert store.spatial_index is index


@pytest.mark.parametrize(
    "update",
    [
        """INSERT DATA { ex:x geo:hasGeometry ex:xg } ;
           INSERT { ?g geo:asWKT "POINT (1 1)"^^geo:wktLiteral }
           WHERE { ex:x geo:hasGeometry ?g }""",
        """INSERT { ?n geo:asWKT ?c } WHERE { ?g geo:asWKT ?w BIND(geof:envelope(?w) AS ?c)
                                             BIND(UUID() AS ?n) }""",
        "INSERT { ?s ex:new ?w } WHERE { ?s geo:asWKT ?w }",
        "CLEAR NAMED ; DELETE WHERE { ?s geo:asWKT ?w }",
    ],
)
def test_an_update_is_followed_and_the_index_not_built_anew(update):
    data = 'ex:a geo:hasGeometry ex:ag . ex:ag geo:asWKT "POINT (5 5)"^^geo:wktLiteral'
    with EmbeddedStore() as store:
        store.update(f"{PROLOGUE} INSERT DATA {{ {data} GRAPH ex:n1 {{ {data} }} }}")
        index = store.spatial_index
        store.update(PROLOGUE + update)
        assert store.spatial_index is index
        assert content(index) == built_anew(store)


def test_a_blank_feature_is_found_when_its_blank_geometry_gets_its_literal_later():
    with EmbeddedStore() as store:
        store.update(PROLOGUE + "INSERT DATA { _:f geo:hasGeometry _:g ; ex:name 'f' }")
        store.update(
            PROLOGUE + 'INSERT { ?g geo:asWKT "POINT (1 1)"^^geo:wktLiteral } '
            "WHERE { ?f geo:hasGeometry ?g }"
        )
        rows = store.query(
            f"{PROLOGUE} SELECT ?n {{ ?f ex:name ?n ; geo:hasGeometry/geo:asWKT ?w "
            f"FILTER(geof:sfWithin(?w, {BOX})) }}"
        )
        assert [row["n"].value for row in rows] == ["f"]


def test_a_failed_request_leaves_the_index_as_the_store():
    with EmbeddedStore() as store:
        store.update(PROLOGUE + 'INSERT DATA { ex:a geo:asWKT "POINT (1 1)"^^geo:wktLiteral }')
        before = content(store.spatial_index)
        with pytest.raises(EvaluationError):
            store.update(
                PROLOGUE + "DELETE { ?s geo:asWKT ?w } WHERE { ?s geo:asWKT ?w } ; "
                "CREATE GRAPH ex:n1 ; CREATE GRAPH ex:n1"
            )
        assert content(store.spatial_index) == before == built_anew(store)


def test_more_nodes_than_are_told_apart_are_followed_all_the_same(monkeypatch):
    monkeypatch.setattr("kg.embedded.index_keeper.MANY", 3)
    data = " ".join(f'ex:p{n} geo:asWKT "POINT ({n} 0)"^^geo:wktLiteral .' for n in range(9))
    with EmbeddedStore() as store:
        store.update(f"{PROLOGUE} INSERT DATA {{ {data} }}")
        store.update(
            PROLOGUE + "CREATE GRAPH ex:n1 ; DELETE { ?s geo:asWKT ?w } "
            "INSERT { ?s ex:shape ?w } WHERE { ?s geo:asWKT ?w }"
        )
        assert content(store.spatial_index) == built_anew(store)


def test_a_loaded_document_brings_geometries_under_a_property_of_its_own():
    body = b'<urn:s> <urn:shape> "POINT (1 1)"^^<http://www.opengis.net/ont/geosparql#wktLiteral> .'

    class Document(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/turtle")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with (
        http.server.HTTPServer(("127.0.0.1", 0), Document) as server,
        EmbeddedStore() as store,
    ):
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            address = f"http://127.0.0.1:{server.server_port}/data.ttl"
            for into in ("", " INTO GRAPH <urn:g>"):
                store.update(f"LOAD <{address}>{into} ; DELETE WHERE {{ ?s ?p 'no' }}")
                assert content(store.spatial_index) == built_anew(store)
        finally:
            server.shutdown()
            thread.join()
        assert len(store.spatial_index) == 2


def test_an_update_that_writes_no_geometry_is_executed_as_it_is():
    update = "PREFIX ex: <urn:> DELETE { ?s ex:p 1 } INSERT { ?s ex:q 2 } WHERE { ?s ex:p 1 }"
    found = noting.noting(Sparql(text=update), ())
    assert isinstance(found, NotingUpdate)
    assert found.sparql.text == update
    assert found.touched.is_nothing
