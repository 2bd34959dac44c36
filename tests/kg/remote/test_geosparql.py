"""GeoSPARQL on servers that have none: the answers are those of our own store."""

import re
from collections import Counter

import pytest
from pyoxigraph import BlankNode, Literal, NamedNode, Quad, RdfFormat, parse

from kg.embedded.store import EmbeddedStore
from kg.errors import QueryError, RemoteStoreError
from kg.remote.store import RemoteStore
from kg.store import Dataset
from ontology.terms import GEO
from tests.kg.planner.test_plans_change_no_answer import answer
from tests.kg.remote_servers import oxigraph, relabelling, virtuoso
from tests.strategies.geometries import PROLOGUE

pytestmark = pytest.mark.server

HEAD = PROLOGUE + "PREFIX unit: <http://qudt.org/vocab/unit/>\n"
BOX = '"POLYGON((0 0,4 0,4 4,0 4,0 0))"^^geo:wktLiteral'
#: In the form in which Virtuoso gives WKT back. GML says its reference system, which Virtuoso
#: leaves as it is; its WKT has none, and what does not parse is refused.
DATA = f"""
 ex:a a ex:A ; ex:near ex:b ; ex:name "a" ; geo:hasGeometry ex:ga ;
   geo:hasDefaultGeometry ex:ga .
 ex:ga geo:asWKT "POINT(1 1)"^^geo:wktLiteral .
 ex:b a ex:B ; ex:near ex:c ; geo:hasGeometry [ geo:asWKT {BOX} ] .
 ex:c a ex:A ; ex:name "c" ; geo:hasGeometry ex:gc ; geo:hasDefaultGeometry ex:gc .
 ex:gc geo:asWKT "POINT(9 9)"^^geo:wktLiteral .
 ex:d a ex:B ; geo:hasGeometry ex:gd ; geo:hasDefaultGeometry ex:gd .
 ex:gd geo:asWKT "POLYGON((8 8,10 8,10 10,8 10,8 8))"^^geo:wktLiteral .
 ex:e a ex:A ; geo:hasGeometry ex:ge .
 ex:ge geo:asGML \"\"\"<gml:Point xmlns:gml='http://www.opengis.net/gml/3.2'
   srsName='http://www.opengis.net/def/crs/EPSG/0/32631'><gml:pos>277438 110597</gml:pos>
   </gml:Point>\"\"\"^^geo:gmlLiteral .
 ex:f a ex:A ; geo:hasGeometry ex:gf . ex:gf geo:asGML "<gml:Point"^^geo:gmlLiteral .
 ex:g a ex:A ; ex:place ex:gg . ex:gg ex:shape "POINT(2 2)"^^geo:wktLiteral .
"""
LITERAL = "?s geo:hasGeometry/geo:asWKT ?w"
INSIDE = f"{LITERAL} FILTER(geof:sfWithin(?w, {BOX}))"
EITHER = "?s geo:hasGeometry/(geo:asWKT|geo:asGML) ?w"
QUERIES = {
    "selection": f"SELECT ?s {{ {INSIDE} }}",
    "selection and class": f"SELECT ?s {{ ?s a ex:A . {INSIDE} }}",
    "other property": f"SELECT ?s {{ ?s ex:place/ex:shape ?w FILTER(geof:sfWithin(?w, {BOX})) }}",
    "join": "SELECT ?s ?t { ?s a ex:A ; geo:hasGeometry/geo:asWKT ?w . "
    "?t a ex:B ; geo:hasGeometry/geo:asWKT ?v FILTER(geof:sfWithin(?w, ?v)) }",
    "join and more": "SELECT ?n ?t { ?s ex:name ?n ; geo:hasGeometry/geo:asWKT ?w . "
    "?t a ex:B ; geo:hasGeometry/geo:asWKT ?v FILTER(geof:sfWithin(?w, ?v)) "
    "OPTIONAL { ?t ex:near ?o } }",
    "property form": "SELECT ?s ?t { ?s a ex:A ; geo:sfWithin ?t . ?t a ex:B }",
    "distance": f"SELECT ?s {{ {LITERAL} FILTER(geof:distance(?w, "
    '"POINT(1 2)"^^geo:wktLiteral, unit:KiloM) < 200) }',
    "nearest": f"SELECT ?s {{ {LITERAL} "
    'FILTER(deepf:nearest(?w, "POINT(7 7)"^^geo:wktLiteral, 1)) }',
    "nearest of a class": f"SELECT ?s {{ ?s a ex:A . {LITERAL} "
    'FILTER(deepf:nearest(?w, "POINT(7 7)"^^geo:wktLiteral, 1)) }',
    "aggregate": f"SELECT ?k (geof:aggBoundingBox(?w) AS ?x) {{ ?s a ?k . {LITERAL} }} GROUP BY ?k",
    "aggregate of each once": "SELECT (geof:aggUnion(DISTINCT ?w) AS ?x) "
    f"(geof:aggBoundingBox(?b) AS ?y) {{ ?s a ?k . {LITERAL} OPTIONAL {{ ?s ex:name ?n . "
    "BIND(?w AS ?b) } }",
    "function in SELECT": f"SELECT ?s (geof:envelope(?w) AS ?x) {{ {LITERAL} }}",
    "function in ORDER BY": f"SELECT ?s {{ {LITERAL} }} "
    'ORDER BY geof:metricDistance(?w, "POINT(9 9)"^^geo:wktLiteral) LIMIT 2',
    "bind": f'SELECT ?s {{ {LITERAL} BIND(geof:metricDistance(?w, "POINT(1 1)"^^geo:wktLiteral) '
    "AS ?d) FILTER(?d < 1000) }",
    "optional": f"SELECT ?s ?w {{ ?s a ?k OPTIONAL {{ {INSIDE} }} }}",
    "union": f"SELECT ?s {{ {{ {INSIDE} }} UNION {{ ?s a ex:B }} }}",
    "minus": f"SELECT ?s {{ ?s a ?k MINUS {{ {INSIDE} }} }}",
    "exists": f"SELECT ?s {{ ?s a ?k FILTER EXISTS {{ {INSIDE} }} }}",
    "not exists": f"SELECT ?s {{ ?s a ?k FILTER NOT EXISTS {{ {INSIDE} }} }}",
    "graph": f"SELECT ?s ?g {{ GRAPH ?g {{ {INSIDE} }} }}",
    "sub-select": "SELECT ?k ?n { { SELECT ?k (COUNT(?s) AS ?n) "
    f"{{ ?s a ?k . {INSIDE} }} GROUP BY ?k }} }}",
    "path": "SELECT ?s ?o { ?s a ex:A ; ex:near+ ?o . ?o geo:hasGeometry/geo:asWKT ?w "
    f"FILTER(geof:sfIntersects(?w, {BOX})) }}",
    "broken geometry": f"SELECT ?s (geof:envelope(?w) AS ?x) {{ {EITHER} }}",
    "mixed reference systems": f"SELECT ?s {{ {EITHER} FILTER(geof:sfIntersects({BOX}, ?w)) }}",
    "unknown unit": f'SELECT ?s (geof:distance(?w, "POINT(1 1)"^^geo:wktLiteral, ex:span) AS ?x) '
    f"{{ {LITERAL} }}",
    "unknown function": "SELECT ?s (ex:unheard(?w) AS ?x) (geof:dimension(?w) AS ?d) "
    f"{{ {LITERAL} }}",
    "unknown function alone": "SELECT ?s (ex:unheard(?s) AS ?x) { ?s a ex:A }",
    "blank nodes": f"SELECT ?g {{ ?s a ex:B ; geo:hasGeometry ?g . ?g geo:asWKT ?w "
    f"FILTER(geof:sfEquals(?w, {BOX}) && isBlank(?g)) }}",
    "construct": f"CONSTRUCT {{ ?s ex:in ex:box }} {{ {INSIDE} }}",
    "ask": f"ASK {{ {LITERAL} FILTER(geof:sfTouches(?w, {BOX})) }}",
    "no geometry": "SELECT ?s ?n { ?s a ex:A OPTIONAL { ?s ex:name ?n } }",
}


@pytest.fixture(scope="module", params=["oxigraph", "virtuoso"])
def server(request, tmp_path_factory):
    start = {"oxigraph": oxigraph, "virtuoso": virtuoso}[request.param]
    with start(tmp_path_factory.mktemp(request.param)) as url:
        yield url


def opened(url):
    return RemoteStore(url, update_url=url if url.endswith("/sparql") else None)


def filled(url):
    """Return the remote store and our own, with the same data in graphs and nothing else.

    In Virtuoso the default graph is all graphs together and cannot be written.
    """
    remote, own = opened(url), EmbeddedStore()
    # Virtuoso 7.2.5 takes blank nodes in templates only.
    text = HEAD + f"INSERT {{ GRAPH ex:main {{ {DATA} }} }} WHERE {{}}"
    remote.update("DROP SILENT GRAPH <http://example.org/main>")
    remote.update("DROP SILENT GRAPH <http://example.org/other>")
    for store in (remote, own):
        store.update(text)
    return remote, own


@pytest.fixture(scope="module")
def both(server):
    return filled(server)


def comparable(result):
    """Return an answer in which all blank nodes are alike, and numbers in one form."""
    found = answer(result)
    if isinstance(found, bool):
        return found
    names, rows = found if isinstance(found, tuple) else ([], found)
    counted = Counter()
    for row, count in rows.items():
        counted[re.sub(r"_:\w+", "_:", str(row))] += count
    return names, counted


MAIN = Dataset(default=(NamedNode("http://example.org/main"),), named=())
GRAPHS = Dataset(default=MAIN.default, named=MAIN.default)


@pytest.mark.parametrize("name", QUERIES)
def test_the_answers_are_those_of_our_own_store(both, name):
    remote, own = both
    query = HEAD + QUERIES[name]
    expected = comparable(own.query(query, dataset=GRAPHS))
    assert comparable(remote.query(query, dataset=GRAPHS)) == expected, remote.explain(query)
    if name not in {"graph", "ask"}:
        assert expected[1], "a test of nothing"


def test_what_is_described_is_what_the_pattern_finds(both):
    remote, _ = both
    query = HEAD + f"DESCRIBE ?s {{ ?s a ex:A . {INSIDE} }}"
    triples = list(remote.query(query, dataset=GRAPHS))
    chosen = {row[0] for row in remote.query(HEAD + QUERIES["selection and class"], dataset=GRAPHS)}
    assert chosen
    assert {t.subject for t in triples} >= chosen
    assert NamedNode("http://example.org/c") not in {t.subject for t in triples}


@pytest.mark.parametrize("name", ["selection", "join", "nearest", "aggregate", "path"])
def test_from_names_the_graphs(both, name):
    remote, own = both
    query = HEAD + re.sub(r"(SELECT .*?) \{", r"\1 FROM ex:main {", QUERIES[name], count=1)
    assert comparable(remote.query(query)) == comparable(own.query(query))


def test_our_own_writes_are_followed(server):
    remote, own = filled(server)
    query = HEAD + QUERIES["selection"]
    new = "ex:new geo:hasGeometry ex:gn . ex:gn geo:asWKT"
    three = '"POINT(3 3)"^^geo:wktLiteral'
    steps = [
        f'INSERT DATA {{ GRAPH ex:main {{ {new} "POINT(2 3)"^^geo:wktLiteral }} }}',
        (
            "WITH ex:main DELETE { ex:ga geo:asWKT ?w } INSERT { ex:ga geo:asWKT "
            '"POINT(7 7)"^^geo:wktLiteral } WHERE { ex:ga geo:asWKT ?w }'
        ),
        f"INSERT {{ GRAPH ex:main {{ ex:h geo:hasGeometry [ geo:asWKT {three} ] }} }} WHERE {{}}",
        "DELETE WHERE { GRAPH ex:main { ex:new geo:hasGeometry ?g } }",
    ]
    counts = []
    for step in steps:
        for store in (remote, own):
            store.query(query, dataset=MAIN)
            store.update(HEAD + step)
        expected = comparable(own.query(query, dataset=MAIN))
        assert comparable(remote.query(query, dataset=MAIN)) == expected, step
        counts.append(sum(expected[1].values()))
    assert counts == [3, 2, 3, 2]


def test_what_others_write_is_noticed(server):
    remote, _ = filled(server)
    query = HEAD + QUERIES["selection"]
    assert len(list(remote.query(query, dataset=MAIN))) == 2
    node, graph = NamedNode("http://example.org/gx"), MAIN.default[0]
    quads = [
        Quad(NamedNode("http://example.org/x"), GEO.hasGeometry, node, graph),
        Quad(node, GEO.asWKT, Literal("POINT(2 3)", datatype=GEO.wktLiteral), graph),
    ]
    opened(server).add(quads)
    assert len(list(remote.query(query, dataset=MAIN))) == 3
    opened(server).remove(quads)
    assert len(list(remote.query(query, dataset=MAIN))) == 2


def test_a_literal_that_others_replace_by_one_as_long_is_noticed(server):
    remote, _ = filled(server)
    query = HEAD + QUERIES["selection"]
    graph = MAIN.default[0]
    assert len(list(remote.query(query, dataset=MAIN))) == 2
    node = NamedNode("http://example.org/ga")
    for gone, come, count in ((1, 9, 1), (9, 1, 2)):
        quads = [
            Quad(node, GEO.asWKT, Literal(f"POINT({n} {n})", datatype=GEO.wktLiteral), graph)
            for n in (gone, come)
        ]
        opened(server).remove(quads[:1])
        opened(server).add(quads[1:])
        assert len(list(remote.query(query, dataset=MAIN))) == count


def test_what_others_write_is_looked_for_no_more_often_than_asked(server):
    filled(server)
    url = server if server.endswith("/sparql") else None
    remote = RemoteStore(server, update_url=url, fresh_s=3_600)
    query = HEAD + QUERIES["selection"]
    assert len(list(remote.query(query, dataset=MAIN))) == 2
    opened(server).update(HEAD + "DELETE WHERE { GRAPH ex:main { ex:a ?p ?o } }")
    assert len(list(remote.query(query, dataset=MAIN))) == 2
    remote.refresh()
    assert len(list(remote.query(query, dataset=MAIN))) == 1


def test_candidates_cross_the_wire_in_blocks(server):
    # Coordinates that a float of four bytes holds, written as Virtuoso writes them.
    remote, own = filled(server)
    lines = " ".join(
        f"ex:p{n} a ex:P ; ex:n {n % 7} ; geo:hasGeometry ex:q{n} . "
        f'ex:q{n} geo:asWKT "POINT({n % 50 / 8:g} {n // 50})"^^geo:wktLiteral .'
        for n in range(4_000)
    )
    quads = [
        Quad(q.subject, q.predicate, q.object, MAIN.default[0])
        for q in parse((PROLOGUE + lines).encode(), format=RdfFormat.TURTLE)
    ]
    for store in (remote, own):
        store.add(quads)
    for top in (23.5, 45):  # one in three, which are looked up, and more, which are not
        area = f'"POLYGON((-1 -1,9 -1,9 {top},-1 {top},-1 -1))"^^geo:wktLiteral'
        inside = f"?s a ex:P ; ex:n ?n . {LITERAL} FILTER(geof:sfWithin(?w, {area}))"
        for query in (
            f"SELECT ?s ?n {{ {inside} }}",
            f"SELECT * {{ {inside} }}",
            (
                "SELECT ?n (COUNT(*) AS ?c) (geof:aggBoundingBox(?w) AS ?b) "
                f"{{ {inside} }} GROUP BY ?n"
            ),
        ):
            expected = comparable(own.query(HEAD + query, dataset=MAIN))
            assert comparable(remote.query(HEAD + query, dataset=MAIN)) == expected
        steps = " ".join(remote.explain(HEAD + query, dataset=MAIN).steps)
        assert ("1200 solutions fetched" in steps) == (top < 45)


@pytest.mark.parametrize("name", ["selection", "join", "optional", "blank nodes", "minus", "path"])
def test_blank_nodes_may_be_labelled_anew_in_each_answer(name):
    data = f"ex:z a ex:B ; geo:hasGeometry [ geo:asWKT {BOX} ] . {DATA}"
    with relabelling() as url, EmbeddedStore() as own:
        remote = opened(url)
        for store in (remote, own):
            store.update(HEAD + f"INSERT DATA {{ {data} }}")
        expected = comparable(own.query(HEAD + QUERIES[name]))
        assert comparable(remote.query(HEAD + QUERIES[name])) == expected


def test_what_is_said_of_a_blank_node_goes_in_one_request(server):
    remote = filled(server)[0]
    graph, said = MAIN.default[0], NamedNode("http://example.org/said")
    nodes = [BlankNode() for _ in range(6_000)]
    quads = [Quad(n, said, Literal(i), graph) for i in (1, 2) for n in nodes]
    remote.add(quads)
    count = "SELECT (COUNT(*) AS ?n) { GRAPH ex:main { ?s ex:said 1, 2 } }"
    assert [r["n"].value for r in remote.query(HEAD + count)] == ["6000"]


def test_a_malformed_query_is_refused_before_it_is_sent(both):
    remote, _ = both
    with pytest.raises(QueryError):
        remote.query(HEAD + "SELECT ?s { ?s ?p ?o FILTER(geof:sfWithin(?o, )) }")


def test_what_the_server_says_of_a_malformed_query_is_one_readable_line(both):
    remote, _ = both
    with pytest.raises((QueryError, RemoteStoreError), match="refused: ") as caught:
        remote.query("SELECT * {")
    assert "b'" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_server_that_cannot_be_reached_is_an_error():
    remote = RemoteStore("http://127.0.0.1:9/sparql", timeout_s=2)
    with pytest.raises(RemoteStoreError, match="cannot reach"):
        remote.query(HEAD + QUERIES["selection"])


def test_the_plan_says_what_is_fetched(both):
    remote, _ = both
    steps = "\n".join(remote.explain(HEAD + QUERIES["optional"], dataset=MAIN).steps)
    assert "solutions fetched" in steps
    assert "evaluated here" in steps
    plain = remote.explain(HEAD + QUERIES["no geometry"])
    assert "sent to the server as it stands" in plain.steps[0]


def test_inference_reaches_the_server(both):
    remote, own = both
    schema = (
        HEAD
        + "INSERT DATA { GRAPH ex:main { ex:A "
        + ("<http://www.w3.org/2000/01/rdf-schema#subClassOf> ex:Thing } }")
    )
    for store in both:
        store.update(schema)
    query = HEAD + f"SELECT ?s {{ ?s a ex:Thing . {INSIDE} }}"
    expected = comparable(own.query(query, infer=True, dataset=MAIN))
    assert comparable(remote.query(query, infer=True, dataset=MAIN)) == expected
    assert expected[1]
