"""The copy of what properties say: it follows the store exactly, or lets go."""

import pytest
from pyoxigraph import BlankNode, Literal, NamedNode, Quad, QueryResultsFormat, RdfFormat

from kg.embedded import bulk
from kg.embedded.store import EmbeddedStore
from kg.index import property_tables
from kg.planner.costs import Costs

EX = "http://example.org/"
XSD = "http://www.w3.org/2001/XMLSchema#"
GEO = "http://www.opengis.net/ont/geosparql#"
PREFIXES = f"PREFIX ex: <{EX}>\nPREFIX xsd: <{XSD}>\nPREFIX geo: <{GEO}>\n"
PREFIXES += "PREFIX geof: <http://www.opengis.net/def/function/geosparql/>\n"
POINT = 'geo:asWKT "POINT (1 1)"^^geo:wktLiteral'
INSIDE = 'FILTER(geof:sfWithin(?w, "POLYGON ((0 0, 9 0, 9 9, 0 9, 0 0))"^^geo:wktLiteral))'
ODD = [
    *("01", "1.50", "true", '"a"@EN', '"a\\nb\\t\\"c"', '"é"', '"x"^^xsd:int', "1e3"),
    *('"2020-01-01T00:00:00Z"^^xsd:dateTime', '"a"^^xsd:string', '"1"^^xsd:byte', "ex:b"),
]


def iri(name):
    return NamedNode(EX + name)


def in_table(store, name):
    """Return what the table of a property says; None where it is left to the store."""
    index = store.spatial_index
    table = index.tables.find(EX + name, b"")
    if table is None:
        return None
    halves = (index.terms.texts(half) for half in table.pairs())
    return sorted(zip(*halves, strict=True))


def in_store(store, name):
    """Return the same as the store itself writes it."""
    solutions = store.opened.query(f"SELECT ?s ?o {{ ?s <{EX}{name}> ?o }}")
    document = solutions.serialize(format=QueryResultsFormat.TSV)
    return sorted(tuple(x.split(b"\t")) for x in document.split(b"\n")[1:-1])


@pytest.mark.parametrize("text", ODD)
def test_terms_are_kept_as_the_store_writes_them(text):
    with EmbeddedStore() as store:
        store.update(f"{PREFIXES} INSERT DATA {{ ex:s ex:p {text}, {text} }}")
        assert in_table(store, "p") == in_store(store, "p")
        store.update(f"{PREFIXES} DELETE DATA {{ ex:s ex:p {text} }}")
        assert in_table(store, "p") == in_store(store, "p") == []


def test_quads_are_followed_one_by_one():
    quads = [
        Quad(iri(f"s{i % 7}"), iri("p"), Literal(f"0{i}", datatype=NamedNode(XSD + "integer")))
        for i in range(20)
    ]
    with EmbeddedStore() as store:
        store.add(quads)
        store.add(quads[:5])
        assert in_table(store, "p") == in_store(store, "p")
        store.remove(quads[::2])
        assert len(in_table(store, "p")) == 10
        assert in_table(store, "p") == in_store(store, "p")
        assert in_table(store, "never_said") == []


def test_graphs_are_told_apart():
    with EmbeddedStore() as store:
        store.update(f"{PREFIXES} INSERT DATA {{ ex:s ex:p 1 GRAPH ex:g {{ ex:s ex:p 2, 3 }} }}")
        assert in_table(store, "p") == [(b"<http://example.org/s>", b"1")]
        assert len(store.spatial_index.tables.find(EX + "p", f"<{EX}g>".encode())) == 2


@pytest.mark.parametrize(
    "update",
    [
        "DELETE WHERE { ?s ex:p ?o }",
        "INSERT DATA { [] ex:p 5 }",
        "INSERT { ?s ex:p 5 } WHERE { ?s ex:q ?o }",
        "INSERT DATA { ex:s ex:p 5 } ; DELETE WHERE { ?s ex:p 1 }",
        "CLEAR DEFAULT",
    ],
)
def test_what_cannot_be_followed_is_let_go_and_read_again(update):
    with EmbeddedStore(costs=Costs(many_selected=0, few_candidates=0, many_read=0)) as store:
        store.update(f"{PREFIXES} INSERT DATA {{ ex:s ex:p 1, 2 . ex:t ex:q 1 }}")
        store.update(PREFIXES + update)
        assert in_table(store, "p") is None
        store.update(f"{PREFIXES} INSERT DATA {{ ex:s {POINT} . ex:t {POINT} ; ex:p 7 }}")
        store.query(f"{PREFIXES} SELECT ?s ?o {{ ?s ex:p ?o ; geo:asWKT ?w {INSIDE} }}")
        assert in_table(store, "p") == in_store(store, "p")


def test_another_property_stays_when_one_is_let_go():
    with EmbeddedStore() as store:
        store.update(f"{PREFIXES} INSERT DATA {{ ex:s ex:p 1 ; ex:q 2 }}")
        store.update(f"{PREFIXES} DELETE WHERE {{ ?s ex:p ?o }}")
        assert in_table(store, "q") == in_store(store, "q")


def test_long_texts_and_triple_terms_are_left_to_the_store():
    with EmbeddedStore() as store:
        store.update(f"{PREFIXES} INSERT DATA {{ ex:s ex:p '{'x' * 2_000}' ; ex:q 1 }}")
        assert in_table(store, "p") is None
        assert in_table(store, "q") is not None


def test_the_largest_is_left_to_the_store_when_there_are_too_many(monkeypatch):
    monkeypatch.setattr(property_tables, "LIMIT", 30)
    with EmbeddedStore() as store:
        store.add([Quad(iri(f"s{i}"), iri("few"), iri("o")) for i in range(10)])
        store.add([Quad(iri(f"s{i}"), iri("many"), iri("o")) for i in range(25)])
        assert in_table(store, "many") is None
        assert in_table(store, "few") == in_store(store, "few")


LINES = f"""# a comment <a> <b> .
<{EX}s> <{EX}p> <{EX}o> .
<{EX}s>  <{EX}p>   <{EX}spaces> .
<{EX}s><{EX}p><{EX}none> .
<{EX}s>\t<{EX}p>\t<{EX}tabs>\t.
<{EX}s> <{EX}p> <{EX}comment> . # <{EX}x> .
<{EX}s> <{EX}p> <{EX}near>.# <{EX}x> .
<{EX}s> <{EX}p> "quoted \\"text\\"" .
<{EX}s> <{EX}p> "plain" .
<{EX}s> <{EX}p> "en"@EN .
<{EX}s> <{EX}p> "01"^^<{XSD}integer> .
<{EX}s> <{EX}p> "\\u00e9" .
<{EX}s\\u00e9> <{EX}p> <{EX}escaped> .
<{EX}s> <{EX}p> "a . b" . # "c" .

  <{EX}s> <{EX}p> <{EX}indented> .
<{EX}g> <{GEO}asWKT> "POINT (1 2)"^^<{GEO}wktLiteral> .
<{EX}g> <{GEO}asWKT> "POINT (3 4)"^^<{GEO}wktLiteral> . # again
<{EX}f> <{GEO}hasGeometry> <{EX}g> .
<{EX}s> <{EX}p> <{EX}last> ."""


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_large_file_is_followed_whatever_its_lines_look_like(tmp_path, monkeypatch, ending):
    monkeypatch.setattr(bulk, "LARGE", 1)
    path = tmp_path / "data.nt"
    path.write_bytes(LINES.replace("\n", ending).encode())
    with EmbeddedStore(tmp_path / "store") as store:
        with path.open("rb") as source:
            count = store.load(source, RdfFormat.N_TRIPLES)
        assert count == len(store) == LINES.count(f"<{EX}p>") + 3
        assert in_table(store, "p") == in_store(store, "p")
        assert len(store.spatial_index) == 2
        assert len(store.spatial_index.links["feature"]) == 1
    with EmbeddedStore(tmp_path / "store") as store:
        assert in_table(store, "p") == in_store(store, "p")


def test_a_loaded_property_with_blank_nodes_is_left_to_the_store(tmp_path, monkeypatch):
    monkeypatch.setattr(bulk, "LARGE", 1)
    path = tmp_path / "data.ttl"
    path.write_text(f"<{EX}s> <{EX}p> [ <{EX}q> 1 ] ; <{EX}r> 02 .")
    with EmbeddedStore(tmp_path / "store") as store:
        store.add([Quad(iri("s"), iri("p"), BlankNode("b"))])
        with path.open("rb") as source:
            store.load(source, RdfFormat.TURTLE)
        assert in_table(store, "p") is None
        assert in_table(store, "q") is None
        assert in_table(store, "r") == in_store(store, "r")
