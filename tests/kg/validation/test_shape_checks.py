"""The quick checks never accept what pyshacl refuses, and accept what is usual."""

import pytest
import rdflib
from hypothesis import given
from hypothesis import strategies as st
from pyoxigraph import BlankNode, Literal, NamedNode, Quad
from rdflib.namespace import SH

from cube_bridge.indexing.index import index_file
from kg.validation.rdflib_terms import rdflib_graph
from kg.validation.shacl import shapes_with, violations_of
from kg.validation.shape_checks import ShapeChecks
from ontology.terms import DEEP, RDF, RDFS, XSD

SHAPES = shapes_with()
CHECKS = SHAPES.checks
SUBJECTS = [NamedNode("http://example.org/a"), NamedNode("http://example.org/b"), BlankNode("c")]
MEMBERS = sorted(
    {str(m) for c in SHAPES.graph.objects(None, SH["in"]) for m in SHAPES.graph.items(c)}
)


def literals():
    texts = ["", "1", "-3", "01", "2.5", "1e3", "NaN", "INF", "x", "2020-01-01T00:00:00Z",
             "2020-13-01T00:00:00Z", "2021-06-01T12:00:00+02:00", "2020-01-01T00:00:00",
             "0" * 64, "POINT (1 2)"]  # fmt: skip
    kinds = [XSD.integer, XSD.double, XSD.string, XSD.dateTime, XSD.dateTimeStamp, XSD.decimal,
             NamedNode("http://www.opengis.net/ont/geosparql#wktLiteral")]  # fmt: skip
    return st.builds(
        lambda t, k: Literal(t, datatype=k), st.sampled_from(texts), st.sampled_from(kinds)
    )


def objects():
    nodes = [*SUBJECTS, *(NamedNode(m) for m in MEMBERS if m.startswith("http"))]
    words = [Literal(m) for m in MEMBERS if not m.startswith("http")]
    return st.sampled_from([*nodes, *words, Literal("x", language="en")]) | literals()


def paths_of(kind):
    graph = SHAPES.graph
    shapes = list(graph.subjects(SH.targetClass, rdflib.URIRef(kind.value)))
    shapes += [n for s in shapes for n in graph.objects(s, SH.node)]
    parts = [p for s in shapes for p in graph.objects(s, SH.property)]
    return sorted({NamedNode(str(graph.value(p, SH.path))) for p in parts}, key=str)


@st.composite
def descriptions(draw):
    """Draw nodes of a class that a shape targets, with values that fit now and then."""
    quads = []
    for subject in draw(st.lists(st.sampled_from(SUBJECTS), min_size=1, max_size=2, unique=True)):
        kind = draw(st.sampled_from(SHAPES.target_classes))
        quads.append(Quad(subject, RDF.type, kind))
        for path in paths_of(kind):
            values = draw(st.lists(fitting(kind, path) | objects(), max_size=2))
            quads += [Quad(subject, path, value) for value in values]
    return draw(st.permutations(quads))


def fitting(kind, path):
    """Return values of the kind that the shapes ask for."""
    graph = SHAPES.graph
    wanted = {str(d) for p in graph.subjects(SH.path, rdflib.URIRef(path.value))
              for d in graph.objects(p, SH.datatype)}  # fmt: skip
    by_kind = {
        XSD.integer.value: "7",
        XSD.double.value: "0.5",
        XSD.dateTime.value: "2020-01-01T00:00:00Z",
    }
    known = [Literal(v, datatype=NamedNode(k)) for k, v in by_kind.items() if k in wanted]
    return st.sampled_from([*known, SUBJECTS[0], Literal("x")])


@given(descriptions())
def test_what_the_checks_accept_pyshacl_accepts(quads):
    if CHECKS.accept(quads):
        assert not violations_of(rdflib_graph(quads), SHAPES.graph)


@pytest.mark.parametrize("kind", SHAPES.target_classes, ids=lambda k: k.value.rpartition("#")[2])
def test_a_node_that_says_nothing_is_accepted_only_where_pyshacl_accepts_it(kind):
    quads = [Quad(SUBJECTS[0], RDF.type, kind)]
    assert CHECKS.accept(quads) == (not violations_of(rdflib_graph(quads), SHAPES.graph))


def test_each_fault_in_a_chunk_is_refused(store, iris, cube_nc):
    source = index_file(store, iris, cube_nc).source
    chunk = NamedNode(f"{source.value}/chunk/ts/0.0.0")
    quads = list(store.quads(chunk))
    assert CHECKS.accept(quads)
    refused = 0
    for quad in quads:
        for faulty in (
            [q for q in quads if q != quad],
            [*quads, Quad(chunk, quad.predicate, Literal("another"))],
        ):
            refuses = bool(violations_of(rdflib_graph(faulty), SHAPES.graph))
            refused += refuses
            assert CHECKS.accept(faulty) == (not refuses)
    assert refused >= 10


def test_an_index_is_accepted_whole(store, iris, cube_nc, weather_csv, series_mapping):
    index_file(store, iris, cube_nc)
    index_file(store, iris, weather_csv, series_mapping)
    # What the vocabulary defines is no part of an index.
    defined = set(DEEP)
    data = [q for q in store.quads() if q.subject not in defined]
    data = [q for q in data if q.predicate != RDFS.subClassOf]
    assert CHECKS.accept(data)


def test_a_constraint_that_is_not_known_is_left_to_pyshacl():
    shapes = rdflib.Graph().parse(
        data="""@prefix sh: <http://www.w3.org/ns/shacl#> . @prefix ex: <http://example.org/> .
        ex:S a sh:NodeShape ; sh:targetClass ex:C ; sh:closed true .""",
        format="turtle",
    )
    assert not ShapeChecks(shapes).accept(
        [Quad(SUBJECTS[0], RDF.type, NamedNode("http://example.org/C"))]
    )
