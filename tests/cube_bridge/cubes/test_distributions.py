import re

import pytest
from pyoxigraph import NamedNode

from cube_bridge.cubes.distributions import choose_distribution
from cube_bridge.errors import SourceNotFoundError
from cube_bridge.extension import CUBES
from cube_bridge.indexing.index import cube_mapping, index_file
from cube_bridge.indexing.state import remove_source
from kg.embedded.store import EmbeddedStore
from kg.rdf.terms import number
from kg.rows import select
from kg.validation.shacl import validate_store
from tests.conftest import make_cube


def indexed(store, iris, folder, name, cube, dataset="temperature", **chunks):
    path = folder / f"{name}.zarr"
    cube.chunk(chunks).to_zarr(path, zarr_format=3, consolidated=False)
    return index_file(store, iris, path, cube_mapping(path, dataset=dataset)).source


@pytest.fixture
def product(store, iris, tmp_path):
    """One product as maps, as series, and as coarse maps, and another product."""
    fine, coarse = make_cube(), make_cube(height=4, width=5, step=1.0)
    folder = tmp_path
    return {
        "maps": indexed(store, iris, folder, "maps", fine, time=1, lat=8, lon=10),
        "series": indexed(store, iris, folder, "series", fine, time=6, lat=2, lon=2),
        "coarse": indexed(store, iris, folder, "coarse", coarse, time=1, lat=4, lon=5),
        "other": indexed(store, iris, folder, "other", fine, dataset="rain", time=2, lat=4, lon=5),
    }


@pytest.mark.parametrize(
    ("access", "resolution_m", "expected", "reason"),
    [
        ("map", None, "maps", "the finest of 3; for a map, its chunks have 1 times"),
        ("series", None, "series", "for a series, its chunks have 4 cells; others .* have 80"),
        ("map", 500_000, "coarse", "the coarsest of 3 that is as fine as 500000 m"),
        ("series", 60_000, "series", "the coarsest of 3 that is as fine as 60000 m"),
        ("map", 10, "maps", "none of 3 is as fine as 10 m"),
    ],
)
def test_access_and_scale_pick_a_cube(store, iris, product, access, resolution_m, expected, reason):
    dataset = iris.mint("dataset", "temperature")
    choice = choose_distribution(store, dataset, access=access, resolution_m=resolution_m)
    assert choice.source == product[expected]
    assert re.search(reason, choice.reason), choice.reason
    assert validate_store(store).conforms


def test_a_query_picks_the_cube_that_it_reads_least_of(store, iris, product):
    asking = EmbeddedStore(extensions=[CUBES])
    asking.add(store.quads())
    (row,) = select(
        asking,
        f"""SELECT ?cube ?mean WHERE {{
              BIND(deepf:distribution({iris.mint("dataset", "temperature")}, "series") AS ?cube)
              ?cube deep:hasVariable ?variable
              SERVICE deep:zones {{
                [] deep:variable ?variable ; deep:reduceTime true ; deep:mean ?mean ;
                   deep:geometry "POINT(11.1 50.1)"^^geo:wktLiteral }} }}""",
    )
    assert row["cube"] == product["series"]
    assert 200 < number(row["mean"]) < 350


def test_a_cube_that_is_removed_is_no_distribution(store, iris, product):
    dataset = iris.mint("dataset", "temperature")
    for name in ("maps", "series", "coarse"):
        remove_source(store, product[name])
    with pytest.raises(SourceNotFoundError, match="--dataset"):
        choose_distribution(store, dataset, access="map")


def test_resolution_in_space_and_time_is_said_in_dcat(store, product):
    rows = select(
        store,
        f"""SELECT ?metres ?step WHERE {{ {product["maps"]} dcat:distribution ?d .
              ?d dcat:spatialResolutionInMeters ?metres ; dcat:temporalResolution ?step }}""",
    )
    # Half a degree at 50 degrees north: 55.6 km by 35.7 km.
    assert number(rows[0]["metres"]) == pytest.approx(44_600, rel=0.02)
    assert rows[0]["step"].value == "P1D"


def test_a_data_set_that_is_not_known(store):
    with pytest.raises(SourceNotFoundError, match="no whole cube"):
        choose_distribution(store, NamedNode("urn:nope"), access="map")
