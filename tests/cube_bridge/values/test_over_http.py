"""Pixel values asked of a real server, as any client does."""

import httpx2 as httpx
import pytest
from pyoxigraph import NamedNode

from cube_bridge.indexing.index import index_file
from kg.embedded.store import EmbeddedStore
from kg.rdf.prefixes import with_prefixes
from tests.cube_bridge.values.test_slices import AREA
from tests.servers import serving

pytestmark = pytest.mark.server


def test_zones_and_functions_are_answered_at_the_endpoint(tmp_path, cube, cube_nc, iris):
    with EmbeddedStore(tmp_path / "store") as store:
        source = index_file(store, iris, cube_nc).source
    variable = NamedNode(f"{source.value}/variable/ts")
    zones = f"""SELECT ?time ?least ?mean WHERE {{
      SERVICE deep:zones {{ [] deep:variable {variable} ; deep:geometry {AREA} ;
        deep:time ?time ; deep:minimum ?least ; deep:mean ?mean }} }} ORDER BY ?time"""
    mean = f"SELECT ?mean {{ BIND(deepf:mean({variable}, {AREA}) AS ?mean) }}"
    with serving(tmp_path / "store") as url:
        accept = {"Accept": "application/sparql-results+json"}
        of_zones, of_mean = (
            httpx.get(
                f"{url}/sparql", params={"query": with_prefixes(q)}, headers=accept, timeout=60
            )
            for q in (zones, mean)
        )
    assert (of_zones.status_code, of_mean.status_code) == (200, 200)
    rows = of_zones.json()["results"]["bindings"]
    inner = cube["ts"].to_numpy()[:, 1:5, 1:5].astype(float)
    assert [r["time"]["value"][:10] for r in rows] == [f"2020-01-0{i}" for i in range(1, 7)]
    assert [float(r["least"]["value"]) for r in rows] == inner.min(axis=(1, 2)).tolist()
    (row,) = of_mean.json()["results"]["bindings"]
    each = [float(r["mean"]["value"]) for r in rows]
    assert float(row["mean"]["value"]) == pytest.approx(sum(each) / 6, rel=1e-12)
    assert each == pytest.approx(inner.mean(axis=(1, 2)), rel=1e-3)
