"""The rasters and districts of Munich, on which OntoRaster was measured."""

import geopandas as gpd
import numpy as np
import pytest
from pyoxigraph import Literal

from cube_bridge.formats.opener import open_cube
from cube_bridge.indexing.index import index_file
from kg.rdf.times import date_time_literal
from ontology.terms import DEEP
from tests.cube_bridge.values.conftest import wkt
from tests.cube_bridge.values.layers import cell_areas, exactextract_of
from tests.open_data import open_data

RASTERS = {
    "munich_ndvi_MOD13Q1_250m.nc": ("_250m_16_days_NDVI", 5),
    "munich_lst_MOD11A1_1km.nc": ("LST_Night_1km", 100),
    "munich_snow_MOD10A1_500m.nc": ("NDSI_Snow_Cover", 40),
    "munich_dem_SRTMGL1_30m.nc": ("SRTMGL1_DEM", 1),
}


@pytest.mark.parametrize("file", RASTERS)
def test_statistics_of_all_districts_are_those_of_exactextract(cubes, store, iris, file):
    districts = gpd.read_file(open_data("infra/Munich_25_Bezirke_Dissolved.shp")).geometry
    path = open_data(f"cubes/{file}")
    index_file(store, iris, path)
    raster, every = RASTERS[file]
    variable = next(iter(store.quads(None, DEEP.variableName, Literal(raster)))).subject
    requests = [{DEEP.variable: variable, DEEP.geometry: wkt(d)} for d in districts]
    wanted = frozenset({DEEP.time, DEEP.mean, DEEP.minimum, DEEP.maximum, DEEP.count})
    rows = cubes.services()[0].evaluate(store, requests, wanted, {})
    found = {(place, row[DEEP.time].value): row for place, row in rows}
    array = open_cube(path)[raster]
    times = cubes.engine.layer(store, variable).times
    assert len(times) == array.sizes["time"]
    areas = cell_areas(array)
    names = ["weighted_mean", "min", "max", "count"]
    some = np.arange(0, len(times), every)
    for place, district in enumerate(districts):
        answers = exactextract_of(array.isel(time=some), district, names, weights=areas)
        for time, theirs in zip(some, answers, strict=True):
            ours = found[place, date_time_literal(times[time].item()).value]
            count = float(ours[DEEP.count].value)
            assert count == pytest.approx(theirs["count"], rel=1e-6, abs=1e-9)
            if theirs["count"] == 0:
                assert DEEP.mean not in ours
                continue
            for name, own in (
                ("weighted_mean", DEEP.mean),
                ("min", DEEP.minimum),
                ("max", DEEP.maximum),
            ):
                assert float(ours[own].value) == pytest.approx(theirs[name], rel=1e-6, abs=1e-9)
