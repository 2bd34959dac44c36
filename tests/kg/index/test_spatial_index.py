"""The spatial index of a store: exact after every write, kept beside the folder, never fatal."""

import io
import subprocess
import sys

import numpy as np
import pytest
from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, RdfFormat, Store

from kg.embedded import bulk
from kg.embedded.opening import checkpoint_of
from kg.embedded.store import EmbeddedStore
from kg.errors import RdfSyntaxError
from ontology.terms import GEO, PREFIXES

PROLOGUE = "".join(f"PREFIX {p}: <{PREFIXES[p]}>\n" for p in ("geo", "geof", "deepf")) + (
    "PREFIX ex: <http://example.org/>\n"
)
BOX = '"POLYGON ((0 0, 10 0, 10 10, 0 10, 0 0))"^^geo:wktLiteral'
INSIDE = f"SELECT ?f {{ ?f geo:hasGeometry/geo:asWKT ?w FILTER(geof:sfWithin(?w, {BOX})) }}"


def names(store, query=INSIDE):
    return sorted(row[0].value.rsplit("/", 1)[-1] for row in store.query(PROLOGUE + query))


def point(store, name, x, y):
    store.update(
        f"{PROLOGUE} INSERT DATA {{ ex:{name} geo:hasGeometry ex:{name}g . "
        f'ex:{name}g geo:asWKT "POINT ({x} {y})"^^geo:wktLiteral }}'
    )


def test_an_inserted_geometry_is_found_by_the_next_query_and_a_deleted_one_is_not():
    with EmbeddedStore() as store:
        point(store, "a", 1, 1)
        assert names(store) == ["a"]
        point(store, "b", 2, 2)
        assert names(store) == ["a", "b"]
        store.update(PROLOGUE + "DELETE WHERE { ex:ag geo:asWKT ?w }")
        assert names(store) == ["b"]


def test_the_index_of_a_closed_folder_is_read_and_not_built_again(tmp_path, monkeypatch):
    folder = tmp_path / "store"
    with EmbeddedStore(folder) as store:
        point(store, "a", 1, 1)
    with EmbeddedStore(folder) as store:
        version = store.spatial_index.version
        assert version == 0  # as it was read: nothing was added
        assert names(store) == ["a"]


def test_an_index_that_was_read_follows_writes(tmp_path):
    folder = tmp_path / "store"
    with EmbeddedStore(folder) as store:
        point(store, "a", 1, 1)
    with EmbeddedStore(folder) as store:
        store.update(PROLOGUE + 'INSERT DATA { ex:xg geo:asWKT "POINT (1"^^geo:wktLiteral }')
        point(store, "b", 2, 2)
        store.update(PROLOGUE + "DELETE WHERE { ex:ag geo:asWKT ?w }")
        assert names(store) == ["b"]
        assert len(store.broken_geometries()) == 1
    with EmbeddedStore(folder) as store:
        assert store.spatial_index.version == 0
        assert names(store) == ["b"]


def test_a_backup_has_the_index_beside_it(tmp_path):
    with EmbeddedStore(tmp_path / "store") as store:
        point(store, "a", 1, 1)
        store.snapshot(tmp_path / "copy")
        point(store, "b", 1, 1)
    with EmbeddedStore(tmp_path / "copy") as copy:
        assert copy.spatial_index.version == 0
        assert names(copy) == ["a"]


def test_a_folder_that_another_program_wrote_is_indexed_anew(tmp_path):
    folder = tmp_path / "store"
    with EmbeddedStore(folder) as store:
        point(store, "a", 1, 1)
    other = Store(str(folder))
    other.add(Quad(NamedNode("http://example.org/b"), GEO.hasGeometry, NamedNode("urn:bg")))
    other.add(Quad(NamedNode("urn:bg"), GEO.asWKT, Literal("POINT (3 3)", datatype=GEO.wktLiteral)))
    other.flush()
    del other
    with EmbeddedStore(folder) as store:
        assert names(store) == ["a", "b"]


@pytest.mark.parametrize("is_written", [True, False])
def test_a_killed_process_leaves_an_index_that_is_believed_if_it_wrote_nothing(
    tmp_path, is_written
):
    folder = tmp_path / "store"
    with EmbeddedStore(folder) as store:
        point(store, "a", 1, 1)
        store.opened.optimize()  # or it may do so in the background when it is opened, a change
    work = "point(store, 'b', 2, 2)" if is_written else "names(store)"
    script = (
        "import os, sys, pathlib\n"
        "from tests.kg.index.test_spatial_index import EmbeddedStore, names, point\n"
        "store = EmbeddedStore(pathlib.Path(sys.argv[1]))\n"
        f"{work}\n"
        "os._exit(9)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(folder)], check=False)
    assert done.returncode == 9
    with EmbeddedStore(folder) as store:
        assert (store.spatial_index.version == 0) == (not is_written)
        assert names(store) == (["a", "b"] if is_written else ["a"])


def content(index):
    """Return what an index says, in terms and numbers that do not depend on order."""
    rows, links, text = index.rows, index.links, index.terms.text
    return (
        {
            (
                text(rows["subject"][i]),
                index.predicates.names[rows["predicate"][i]],
                index.graphs.names[rows["graph"][i]],
                index.systems.names[rows["system"][i]],
                index.shapes(np.array([i]))[0].wkt,
            )
            for i in np.flatnonzero(rows["alive"]).tolist()
        },
        {
            (
                text(links["feature"][i]),
                links["predicate"][i],
                text(links["geometry"][i]),
                index.graphs.names[links["graph"][i]],
            )
            for i in np.flatnonzero(links["alive"]).tolist()
        },
        {(s.subject, s.lexical) for s in index.broken},
    )


VARIED = (
    PROLOGUE.replace("PREFIX", "@prefix").replace(">\n", "> .\n")
    + 'ex:a geo:hasGeometry ex:ag . ex:ag geo:asWKT "POINT (1 1)"^^geo:wktLiteral .\n'
    + 'ex:b geo:hasDefaultGeometry [ geo:asWKT "POINT (2 2)"^^geo:wktLiteral ] .\n'
    + 'ex:c ex:shape "POINT (3 3)"^^geo:wktLiteral ; geo:asWKT "no"^^geo:wktLiteral .\n'
    + 'ex:d geo:hasGeometry "POINT (4 4)"^^geo:wktLiteral ; geo:hasCentroid ex:ag .\n'
    + """ex:e geo:asGeoJSON '{"type": "Point",\\n "coordinates": [5, 5]}'^^geo:geoJSONLiteral .\n"""
    + 'ex:f geo:asWKT "LINESTRING (0 0, 1 1)"^^geo:wktLiteral, "x", ex:g .\n'
)


def test_an_index_that_is_built_from_the_store_is_the_one_that_was_followed(tmp_path):
    folder = tmp_path / "store"
    with EmbeddedStore(folder) as store:
        for graph in (None, NamedNode("http://example.org/n")):
            store.load(io.BytesIO(VARIED.encode()), RdfFormat.TURTLE, graph=graph)
        followed = content(store.spatial_index)
    for kept in tmp_path.glob("store.spatial*"):
        kept.unlink()
    with EmbeddedStore(folder) as store:
        assert content(store.spatial_index) == followed
        assert [len(part) for part in followed] == [12, 6, 1]


@pytest.mark.parametrize("graph", [DefaultGraph(), NamedNode("http://example.org/n")])
def test_a_replaced_graph_has_its_new_geometries_and_the_others_keep_theirs(graph):
    other = NamedNode("http://example.org/other")
    said = "<urn:x> geo:hasGeometry [ geo:asWKT 'POINT (9 9)'^^geo:wktLiteral ] ."
    new = (
        f"@prefix geo: <{GEO.namespace}> . {said} <urn:y> <urn:own> 'POINT (1 2)'^^geo:wktLiteral ."
    )
    with EmbeddedStore() as store:
        for name in (graph, other):
            store.load(io.BytesIO(VARIED.encode()), RdfFormat.TURTLE, graph=name)
        assert store.replace_graph(graph, io.BytesIO(new.encode()), RdfFormat.TURTLE) == 3
        followed = content(store.spatial_index)
        assert len(list(store.quads(graph=graph))) == 3
        with EmbeddedStore() as again:
            again.add(store.quads())
            assert content(again.spatial_index) == followed
        assert store.replace_graph(graph, io.BytesIO(b""), RdfFormat.TURTLE) == 0
        assert store.has_graph(graph)
        assert {row[2] for row in content(store.spatial_index)[0]} == {str(other)}


def test_broken_geometries_are_counted_and_the_rest_answers():
    with EmbeddedStore() as store:
        point(store, "a", 1, 1)
        store.update(
            PROLOGUE + "INSERT DATA { ex:b geo:hasGeometry ex:bg . "
            'ex:bg geo:asWKT "POLYGON ((0 0, 1"^^geo:wktLiteral }'
        )
        assert names(store) == ["a"]
        (broken,) = store.broken_geometries()
        assert broken.subject == "<http://example.org/bg>"
        assert "POLYGON ((0 0, 1" in str(broken)
        store.update(PROLOGUE + "DELETE WHERE { ex:bg geo:asWKT ?w }")
        assert store.broken_geometries() == []


def test_literals_under_a_property_of_ones_own_are_indexed():
    with EmbeddedStore() as store:
        store.update(
            PROLOGUE + 'INSERT DATA { ex:a ex:shape "POINT (1 1)"^^geo:wktLiteral . '
            'ex:b ex:shape "POINT (50 50)"^^geo:wktLiteral }'
        )
        query = f"SELECT ?f {{ ?f ex:shape ?w FILTER(geof:sfWithin(?w, {BOX})) }}"
        assert names(store, query) == ["a"]
        assert "1 of 2 geometries" in str(store.explain(PROLOGUE + query))


def nearest(store, count, extra=""):
    return names(
        store,
        f"SELECT ?f {{ ?f geo:hasGeometry/geo:asWKT ?w . {extra} "
        f'FILTER(deepf:nearest(?w, "POINT (0 0)"^^geo:wktLiteral, {count})) }}',
    )


def test_the_nearest_are_those_that_also_satisfy_the_rest_of_the_pattern():
    with EmbeddedStore() as store:
        for i in range(1, 30):
            point(store, f"p{i:02}", i / 10, 0)
        store.update(PROLOGUE + "INSERT DATA { ex:p20 a ex:Rare . ex:p25 a ex:Rare }")
        assert nearest(store, 3) == ["p01", "p02", "p03"]
        assert nearest(store, 1, "?f a ex:Rare .") == ["p20"]
        assert nearest(store, 2, "FILTER(?f != ex:p01)") == ["p02", "p03"]
        assert nearest(store, 0) == []
        assert len(nearest(store, 1000)) == 29


def test_equally_near_ones_are_all_kept():
    with EmbeddedStore() as store:
        point(store, "east", 1, 0)
        point(store, "west", -1, 0)
        assert nearest(store, 1) == ["east", "west"]


def test_nearest_where_it_cannot_be_answered_is_refused_with_the_reason():
    with EmbeddedStore() as store, pytest.raises(ValueError, match="deepf:nearest is answered as"):
        store.query(PROLOGUE + "SELECT * { ?f ex:p ?w FILTER(deepf:nearest(?w, ?w, 1)) }")


@pytest.fixture
def small_files_are_large(monkeypatch):
    monkeypatch.setattr(bulk, "LARGE", 1)


def test_a_large_file_is_loaded_with_its_index(tmp_path, small_files_are_large):
    source = tmp_path / "data.ttl"
    source.write_text(
        PROLOGUE.replace("PREFIX", "@prefix").replace(">\n", "> .\n")
        + 'ex:a geo:hasGeometry ex:ag . ex:ag geo:asWKT "POINT (1 1)"^^geo:wktLiteral .\n'
        + 'ex:b geo:hasGeometry [ geo:asWKT "POINT (2 2)"^^geo:wktLiteral ] .\n'
    )
    with EmbeddedStore(tmp_path / "store") as store, source.open("rb") as opened:
        assert store.load(opened, RdfFormat.TURTLE) == 4
        assert names(store) == ["a", "b"]
        assert not checkpoint_of(tmp_path / "store").exists()


def test_a_large_file_with_an_error_leaves_the_store_as_it_was(tmp_path, small_files_are_large):
    source = tmp_path / "data.nt"
    good = '<http://example.org/x> <http://example.org/p> "1" .\n'
    source.write_text(good * 100 + "<broken\n")
    with EmbeddedStore(tmp_path / "store") as store:
        point(store, "a", 1, 1)
        with source.open("rb") as opened, pytest.raises(RdfSyntaxError, match="malformed"):
            store.load(opened, RdfFormat.N_TRIPLES)
        assert len(store) == 2
        assert names(store) == ["a"]
        point(store, "b", 2, 2)
        assert names(store) == ["a", "b"]


def test_what_a_killed_loading_left_is_put_back(tmp_path):
    folder = tmp_path / "store"
    with EmbeddedStore(folder) as store:
        point(store, "a", 1, 1)
        store.snapshot(checkpoint_of(folder))
        point(store, "half", 2, 2)
    with EmbeddedStore(folder) as store:
        assert names(store) == ["a"]


LATITUDE_FIRST = "<http://www.opengis.net/def/crs/EPSG/0/4326> POINT({y} {x})"


@pytest.mark.parametrize(
    "update",
    [
        f"""DELETE {{ ?g geo:asWKT ?w }}
            WHERE {{ ?g geo:asWKT ?w FILTER(geof:sfWithin(?w, {BOX})) }}""",
        f"""DELETE {{ ?g geo:asWKT ?w }}
            WHERE {{ ?g geo:asWKT ?w FILTER(!geof:sfDisjoint(?w, {BOX}) && RAND() < 2) }}""",
        """INSERT { ?b geo:asWKT ?c . ex:n1 geo:hasGeometry ?b }
           WHERE { ex:farg geo:asWKT ?w BIND(geof:centroid("POINT(3 3)"^^geo:wktLiteral) AS ?c)
                   BIND(BNODE() AS ?b) }""",
        """INSERT { ?n geo:asWKT ?c . ex:n2 geo:hasGeometry ?n }
           WHERE { ex:farg geo:asWKT ?w BIND(UUID() AS ?n)
                   BIND(geof:envelope("POINT(3 3)"^^geo:wktLiteral) AS ?c) }""",
    ],
)
def test_an_update_whose_pattern_calls_functions_is_followed(update):
    with EmbeddedStore() as store:
        for name, x, y in (("near", 1, 2), ("far", 50, 60)):
            wkt = LATITUDE_FIRST.format(x=x, y=y)
            store.update(
                f"{PROLOGUE} INSERT DATA {{ ex:{name} geo:hasGeometry ex:{name}g . "
                f'ex:{name}g geo:asWKT "{wkt}"^^geo:wktLiteral }}'
            )
        assert names(store) == ["near"]
        store.update(PROLOGUE + update)
        assert names(store) == names(store, INSIDE.replace("FILTER(", "FILTER(false || "))
        assert names(store) != ["near"]
