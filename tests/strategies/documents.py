"""Features with geometries, in the ways that people write them down."""

from hypothesis import strategies as st

from tests.strategies.geometries import geometries

#: What a store may write in another way than it was said, or cannot name.
THEMATIC = [
    *("ex:size 1", "ex:size 01", 'ex:size "1"^^xsd:byte', "ex:size 1.0", 'ex:size "x"^^xsd:int'),
    *('ex:label "a"', 'ex:label "a"@EN', 'ex:label "a\\nb\\t\\"c"', 'ex:label "a"^^xsd:string'),
    *("ex:near [ ex:size 1 ]", "ex:near _:b", "ex:near ex:f1, ex:f2, ex:f3", "ex:part ex:g1"),
]


@st.composite
def feature_triples(draw):
    """The triples of one feature, in one of the ways that people model geometry."""
    n = draw(st.integers(0, 12))
    feature = f"ex:f{n}"
    kind = draw(st.sampled_from(["ex:A", "ex:B"]))
    literal = draw(geometries())
    link = draw(st.sampled_from(["geo:hasGeometry", "geo:hasDefaultGeometry"]))
    models = ["node", "node", "blank", "own", "two", "two", "other", "shared", "mixed", "copy"]
    model = draw(st.sampled_from(models))
    said = {
        "node": f"{feature} {link} ex:g{n} . ex:g{n} geo:asWKT {literal} .",
        "blank": f"{feature} {link} [ geo:asWKT {literal} ] .",
        "own": f"{feature} geo:asWKT {literal} .",
        "two": f"{feature} {link} ex:g{n} . ex:g{n} geo:asWKT {literal}, {draw(geometries())} .",
        "other": f"{feature} ex:place ex:g{n} . ex:g{n} ex:shape {literal} .",
        "mixed": f'{feature} {link} ex:g{n} . ex:g{n} geo:asWKT {literal}, "foo"@en, ex:o{n} .',
        "copy": f"{feature} {link} ex:g{n} ; ex:shape {literal} . ex:g{n} geo:asWKT {literal} .",
        "shared": f"{feature} {link} ex:g0 . ex:g0 geo:asWKT {literal} .",
    }[model]
    more = draw(st.sampled_from(["", "", *(f"; {p}" for p in THEMATIC)]))
    return f"{feature} a {kind} ; ex:near ex:f{draw(st.integers(0, 12))} {more} . {said}"


@st.composite
def documents(draw):
    """TriG-like data: triples of the default graph and of two named ones."""
    parts = draw(
        st.lists(
            st.tuples(st.sampled_from(["", "", "ex:n1", "ex:n2"]), feature_triples()),
            min_size=1,
            max_size=14,
        )
    )
    return " ".join(f"GRAPH {g} {{ {t} }}" if g else t for g, t in parts)
