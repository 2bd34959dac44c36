"""Geometries in WKT, and the prefixes that go before them."""

from hypothesis import strategies as st

from ontology.terms import PREFIXES

PROLOGUE = "".join(f"PREFIX {p}: <{PREFIXES[p]}>\n" for p in ("geo", "geof", "deepf", "xsd")) + (
    "PREFIX ex: <http://example.org/>\n"
)
UNITS = "PREFIX unit: <http://qudt.org/vocab/unit/>\n"
CRS = {
    "": "",
    "crs84": "<http://www.opengis.net/def/crs/OGC/1.3/CRS84> ",
    "lat": "<http://www.opengis.net/def/crs/EPSG/0/4326> ",
    "utm": "<http://www.opengis.net/def/crs/EPSG/0/32631> ",
}
RELATIONS = [
    *("sfIntersects", "sfWithin", "sfContains", "sfTouches", "sfEquals", "sfOverlaps"),
    *("sfCrosses", "sfDisjoint", "ehCoveredBy", "ehMeet", "rcc8ntpp", "rcc8eq", "rcc8po"),
]


def quoted(text: str, datatype: str = "geo:wktLiteral") -> str:
    return f'"{text}"^^{datatype}'


@st.composite
def geometries(draw):
    """A WKT literal on a small grid, so that touching, equal and nested ones are common."""
    x, y = draw(st.integers(0, 4)), draw(st.integers(0, 4))
    w, h = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    kind = draw(st.sampled_from(["point", "point", "box", "box", "line", "multi", "odd"]))
    crs = draw(st.sampled_from(["", "", "", "crs84", "lat", "utm"]))
    if kind == "odd":
        odd = ["POINT EMPTY", "", "POLYGON ((0 0, 1 1", "LINESTRING EMPTY"]
        return quoted(draw(st.sampled_from(odd)))

    def at(a, b):
        if crs == "utm":  # close to the same place
            return f"{166_021 + a * 111_000} {b * 110_600}"
        return f"{b} {a}" if crs == "lat" else f"{a} {b}"

    ring = ", ".join(at(*p) for p in [(x, y), (x + w, y), (x + w, y + h), (x, y + h), (x, y)])
    text = {
        "point": f"POINT ({at(x, y)})",
        "box": f"POLYGON (({ring}))",
        "line": f"LINESTRING ({at(x, y)}, {at(x + w, y + h)})",
        "multi": f"MULTIPOINT (({at(x, y)}), ({at(x + w, y)}))",
    }[kind]
    return quoted(CRS[crs] + text)
