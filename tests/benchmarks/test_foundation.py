"""What the foundation costs, each beside a peer doing the same; run with `make bench`."""

import io

import numpy as np
import pyoxigraph
import pytest
from pyoxigraph import Literal, NamedNode, Quad, RdfFormat

from cube_bridge.indexing.index import index_file
from kg.embedded.store import EmbeddedStore
from kg.reasoning.hermit import entailed_types, ontology_axioms
from kg.results.formats import serialise_result
from tests.conftest import make_cube


def quads(count):
    p = NamedNode("urn:p")
    return [Quad(NamedNode(f"urn:s{i}"), p, Literal(str(i))) for i in range(count)]


@pytest.mark.benchmark(group="add 20,000 quads to a folder")
@pytest.mark.parametrize("peer", ["ours", "pyoxigraph"])
def test_add(benchmark, tmp_path, peer):
    data, folders = quads(20_000), iter(range(1000))

    def ours():
        with EmbeddedStore(tmp_path / str(next(folders))) as store:
            store.add(data)
            return len(store)

    def plain():
        store = pyoxigraph.Store(str(tmp_path / str(next(folders))))
        store.extend(data)
        return len(store)

    assert benchmark(ours if peer == "ours" else plain) == 20_000


@pytest.mark.benchmark(group="query and serialise 20,000 rows as JSON")
@pytest.mark.parametrize("peer", ["ours", "pyoxigraph"])
def test_query(benchmark, peer):
    sparql = "SELECT * WHERE { ?s ?p ?o }"
    with EmbeddedStore() as store:
        store.add(quads(20_000))
        plain = pyoxigraph.Store()
        plain.extend(quads(20_000))
        json = pyoxigraph.QueryResultsFormat.JSON
        found = (
            benchmark(lambda: serialise_result(store.query(sparql), json))
            if peer == "ours"
            else benchmark(lambda: plain.query(sparql).serialize(format=json))
        )
    assert found.count(b'"bindings"') == 1


@pytest.mark.benchmark(group="statistics of a cube of 16 MB")
@pytest.mark.parametrize("peer", ["index into the graph", "xarray alone"])
def test_index_cube(benchmark, tmp_path, peer, iris):
    cube = make_cube(times=40, height=300, width=340, step=0.05)
    cube.to_netcdf(tmp_path / "c.nc", encoding={"ts": {"chunksizes": (10, 150, 170)}})

    def ours():
        with EmbeddedStore() as store:
            return index_file(store, iris, tmp_path / "c.nc").items

    def plain():
        import xarray as xr  # noqa: PLC0415

        with xr.open_dataset(tmp_path / "c.nc", chunks={}) as opened:
            values = opened["ts"]
            sums = [values.count(), values.min(), values.max(), values.mean(), (values**2).sum()]
            return [float(v.compute()) for v in sums]

    found = benchmark.pedantic(ours if peer.startswith("index") else plain, rounds=3)
    assert found == 16 if peer.startswith("index") else np.isfinite(found).all()


@pytest.mark.benchmark(group="HermiT on 200 variables")
def test_reason(benchmark):
    turtle = "".join(
        f"<urn:v{i}> a <https://w3id.org/deepcube/ontology#Variable> ; "
        f"<https://w3id.org/deepcube/ontology#samplingSeconds> {3600 * (i % 48 + 1)} .\n"
        for i in range(200)
    )
    facts = [
        q.triple for q in pyoxigraph.parse(io.BytesIO(turtle.encode()), format=RdfFormat.TURTLE)
    ]
    axioms = ontology_axioms()
    types = benchmark.pedantic(lambda: entailed_types(axioms, facts), rounds=1)
    assert len(types) == 200
