"""Updates: whole requests of one kind each, and operations of which a request has several."""

from hypothesis import strategies as st

from tests.strategies.documents import documents
from tests.strategies.geometries import PROLOGUE, geometries


@st.composite
def updates(draw):
    """An update of one of the kinds there are."""
    data = draw(documents())
    feature = f"ex:f{draw(st.integers(0, 12))}"
    node = f"ex:g{draw(st.integers(0, 12))}"
    literal = draw(geometries())
    graph = draw(st.sampled_from(["ex:n1", "ex:n2"]))
    return PROLOGUE + draw(
        st.sampled_from(
            [
                f"INSERT DATA {{ {data} }}",
                f"INSERT DATA {{ {feature} geo:hasGeometry {node} . {node} geo:asWKT {literal} }}",
                f"DELETE WHERE {{ {node} geo:asWKT ?w }}",
                f'INSERT DATA {{ {node} geo:asWKT "foo", {literal} }}',
                (
                    f"DELETE {{ ?g geo:asWKT ?w }} WHERE {{ ?g geo:asWKT ?w "
                    f"FILTER(geof:sfIntersects(?w, {draw(geometries())})) }}"
                ),
                (
                    "INSERT { ?n geo:asWKT ?c . ?s geo:hasGeometry ?n } WHERE { ?s a ex:A . "
                    "?s geo:asWKT ?w BIND(geof:envelope(?w) AS ?c) BIND(BNODE() AS ?n) }"
                ),
                f"DELETE WHERE {{ {feature} ?p ?o }}",
                f"DELETE DATA {{ {feature} ex:size 01 ; ex:label 'a'@en ; ex:near ex:f1 }}",
                (
                    f"INSERT DATA {{ {feature} ex:size 1 ; a ex:A }} ; DELETE DATA {{ {feature} "
                    f"a ex:A }} ; INSERT DATA {{ {feature} ex:near {node} }}"
                ),
                f"DELETE WHERE {{ {feature} ex:near ?o }}",
                "INSERT { ?s ex:near ?o } WHERE { ?o ex:near ?s }",
                (
                    f"DELETE {{ {node} geo:asWKT ?w }} INSERT {{ {node} geo:asWKT {literal} }} "
                    f"WHERE {{ {node} geo:asWKT ?w }}"
                ),
                f"INSERT {{ ?s geo:hasGeometry [ geo:asWKT {literal} ] }} WHERE {{ ?s a ex:A }}",
                (
                    "DELETE { ?s geo:hasGeometry ?g } INSERT { ?s geo:hasDefaultGeometry ?g } "
                    "WHERE { ?s geo:hasGeometry ?g }"
                ),
                "DELETE WHERE { ?s geo:hasGeometry ?g . ?g geo:asWKT ?w }",
                "INSERT { ?s ex:shape ?w } WHERE { ?s geo:asWKT ?w }",
                f"WITH {graph} DELETE {{ ?g geo:asWKT ?w }} WHERE {{ ?g geo:asWKT ?w }}",
                f"CLEAR SILENT GRAPH {graph}",
                "CLEAR DEFAULT",
                "DROP NAMED",
                f"COPY SILENT {graph} TO DEFAULT",
                "MOVE SILENT ex:n1 TO ex:n2",
                "ADD DEFAULT TO ex:n1",
                f"DELETE DATA {{ {feature} geo:hasGeometry {node} }} ; INSERT DATA {{ {data} }}",
                (
                    "DELETE { ?g geo:asWKT ?w } WHERE { ?g geo:asWKT ?w } ; "
                    "INSERT { ?g geo:asWKT ?w } WHERE { ?g ex:shape ?w }"
                ),
            ]
        )
    )


BOX = '"POLYGON ((0 0, 3 0, 3 3, 0 3, 0 0))"^^geo:wktLiteral'
#: Templates of what is inserted, and of what is deleted, for ?s, ?g, ?w, ?b.
INSERTED = [
    "?g geo:asWKT {literal} .",
    "?s geo:hasGeometry _:x . _:x geo:asWKT ?w .",
    "_:f geo:hasGeometry ?g .",
    "_:f geo:hasGeometry _:x .",
    "_:f geo:hasGeometry _:x . _:x geo:asWKT ?w .",
    "_:f geo:hasGeometry [ geo:asWKT {literal}, 'foo' ] .",
    "?b geo:asWKT ?c . ?s geo:hasGeometry ?b .",
    "?s ex:shape ?w .",
    "?s ex:own ?c .",
    "?s ?p ?w .",
    "?s geo:hasDefaultGeometry ?g .",
    "GRAPH ?h {{ ?s geo:hasGeometry ?g . ?g geo:asWKT ?w }}",
    "GRAPH ex:n1 {{ ?g geo:asWKT ?w, ?unbound }}",
    "_:l geo:asWKT ({literal} 'x' ?w) .",
]
DELETED = [
    "?g geo:asWKT ?w .",
    "?s geo:hasGeometry ?g .",
    "?s ?p ?g .",
    "?s geo:hasGeometry ?g . ?g geo:asWKT ?w .",
    "GRAPH ?h {{ ?g geo:asWKT ?w }}",
    "?s ex:shape ?w .",
]
MATCHED = [
    "?s geo:hasGeometry ?g . ?g geo:asWKT ?w",
    "?s ?p ?g . ?g geo:asWKT ?w",
    "?s ?p ?g OPTIONAL {{ ?g geo:asWKT ?w }}",
    "?s ?p ?w FILTER(isLiteral(?w)) BIND(?s AS ?g)",
    "GRAPH ?h {{ ?s ?p ?g . ?g geo:asWKT ?w }}",
    "?s geo:hasGeometry ?g . ?g geo:asWKT ?w FILTER(geof:sfIntersects(?w, {box}))",
    "?s geo:hasGeometry ?g . ?g geo:asWKT ?w FILTER(<urn:unknown>(?w) || isIRI(?g))",
    "?g geo:asWKT ?w FILTER(RAND() < 0.5) BIND(UUID() AS ?s)",
    "SELECT ?s ?g (SAMPLE(?v) AS ?w) {{ ?s ?p ?g . ?g geo:asWKT ?v }} GROUP BY ?s ?g",
    "?s geo:hasGeometry ?g MINUS {{ ?g geo:asWKT ?w }}",
    "",
]
EXTRA = [
    "",
    "",
    "BIND(BNODE() AS ?b) BIND(geof:envelope(?w) AS ?c)",
    "BIND(IRI(CONCAT(STR(?s), 'x')) AS ?b) BIND(geof:centroid(?w) AS ?c)",
    "BIND(ex:n2 AS ?h)",
]
WHOLE = [
    "CLEAR SILENT GRAPH {g}",
    "CLEAR DEFAULT",
    "CLEAR NAMED",
    "CLEAR ALL",
    "DROP NAMED",
    "DROP SILENT GRAPH {g}",
    "CREATE SILENT GRAPH {g}",
    "COPY SILENT {g} TO DEFAULT",
    "MOVE SILENT {g} TO {h}",
    "ADD SILENT DEFAULT TO {g}",
    "DELETE WHERE {{ ?g geo:asWKT ?w }}",
    "DELETE WHERE {{ GRAPH ?h {{ ?s ?p ?w }} }}",
    "DELETE WHERE {{ ex:f1 ?p ?o }}",
    "DELETE DATA {{ ex:f1 geo:hasGeometry ex:g1 . ex:g1 geo:asWKT {literal} }}",
    "INSERT DATA {{ _:f geo:hasGeometry _:x . ex:f1 geo:hasGeometry _:y }}",
    "INSERT DATA {{ _:f geo:hasGeometry _:x . _:x ex:shape {literal}, 'no' }}",
]


@st.composite
def operations(draw):
    """One operation of an update."""
    kind = draw(st.sampled_from(["data", "whole", "modify", "modify", "modify"]))
    literal = draw(geometries())
    g, h = draw(st.permutations(["ex:n1", "ex:n2"]))
    if kind == "data":
        return f"INSERT DATA {{ {draw(documents())} }}"
    if kind == "whole":
        return draw(st.sampled_from(WHOLE)).format(g=g, h=h, literal=literal)
    with_ = draw(st.sampled_from(["", "", f"WITH {g}"]))
    delete = draw(st.sampled_from(["", *DELETED])).format()
    insert = draw(st.sampled_from(["", *INSERTED])).format(literal=literal)
    using = "" if with_ else draw(st.sampled_from(["", "", f"USING {g}", f"USING NAMED {h}"]))
    where = draw(st.sampled_from(MATCHED)).format(box=BOX)
    extra = draw(st.sampled_from(EXTRA))
    if not where.startswith("SELECT") and not ("?h" in where and "?h" in extra):
        where += " " + extra
    first = f"DELETE {{ {delete} }}" if delete else ""
    return f"{with_} {first} INSERT {{ {insert} }} {using} WHERE {{ {where} }}"
