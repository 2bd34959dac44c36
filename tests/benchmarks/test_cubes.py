"""Small versions of `run_cubes`: counts, not seconds."""

from datetime import UTC, datetime

import shapely
from pyoxigraph import RdfFormat

from cube_bridge.cubes.chunk_search import chunks_meeting
from kg.embedded.store import EmbeddedStore
from kg.rows import select
from tests.benchmarks.cube_work import bytes_read, index_pass, make_cube, write_graph


def test_indexing_reads_each_byte_once(tmp_path):
    cube = make_cube(tmp_path / "c.zarr", 0.1)
    index_pass(make_cube(tmp_path / "warm.zarr", 0.02), tmp_path / "warm")
    stored = sum(f.stat().st_size for f in (cube / "ts").rglob("*") if f.is_file())
    before = bytes_read()
    assert index_pass(cube, tmp_path / "store") == 25
    assert stored <= bytes_read() - before <= 1.05 * stored


def test_planning_finds_what_a_scan_finds(tmp_path):
    variable = write_graph(tmp_path / "g.nt", (50, 10, 10))
    region = shapely.box(5, 45, 12, 52)
    begin, end = datetime(1981, 1, 1, tzinfo=UTC), datetime(1981, 2, 1, tzinfo=UTC)
    with EmbeddedStore() as store:
        with (tmp_path / "g.nt").open("rb") as file:
            store.load(file, RdfFormat.N_TRIPLES)
        expected = select(
            store,
            f"""SELECT ?chunk WHERE {{
              ?chunk deep:ofVariable {variable} ; dcterms:temporal ?t ;
                     deep:inTile/geo:hasDefaultGeometry/geo:asWKT ?wkt .
              ?t time:hasBeginning/time:inXSDDateTimeStamp ?from ;
                 time:hasEnd/time:inXSDDateTimeStamp ?to
              FILTER(?from < "1981-02-01T00:00:00Z"^^xsd:dateTime
                     && ?to > "1981-01-01T00:00:00Z"^^xsd:dateTime)
              FILTER(geof:sfIntersects(?wkt, "{region.wkt}"^^geo:wktLiteral)) }}""",
        )
        found = chunks_meeting(store, variable, region, begin, end)
        assert {c.iri for c in found} == {row["chunk"] for row in expected}
        assert len(found) > 10
