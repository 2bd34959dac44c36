import tarfile
import zipfile
from datetime import UTC, datetime

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pyoxigraph import NamedNode

from cube_bridge.cubes.chunk_search import chunks_meeting
from cube_bridge.errors import CoordinatesError, NotACubeError, SourceError, SourceNotFoundError
from cube_bridge.formats.calendars import moments
from cube_bridge.formats.opener import open_cube
from cube_bridge.grids.reading import grid_of
from cube_bridge.indexing.index import index_dataset, index_file
from cube_bridge.selection.lazy_dataset import select_dataset
from cube_bridge.sources.value_statistics import chunk_statistics
from kg.rdf.geometry import BBox, parse_wkt
from kg.rdf.terms import number, text
from kg.rows import select
from kg.validation.shacl import validate_store
from tests.conftest import make_cube

ALWAYS = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC))
WORLD = BBox(west=-180, south=-90, east=180, north=90)


@given(
    hnp.arrays(
        np.float64,
        hnp.array_shapes(max_dims=3, max_side=5),
        elements=st.floats(-1e6, 1e6) | st.just(np.nan) | st.just(np.inf),
    )
)
def test_statistics_equal_those_of_the_valid_values(values):
    found = chunk_statistics(values)
    valid = values[np.isfinite(values)]
    assert found.valid_count == valid.size
    if valid.size:
        assert found.minimum == valid.min()
        assert found.maximum == valid.max()
        assert found.mean == pytest.approx(valid.mean())
        assert found.sum_of_squares == pytest.approx((valid**2).sum())


def variable_of(source):
    return NamedNode(f"{source.value}/variable/ts")


def test_chunks_tile_the_cube_and_know_their_values(store, iris, cube_nc, cube):
    source = index_file(store, iris, cube_nc).source
    rows = select(
        store,
        """SELECT ?offset ?shape ?n ?min ?max ?wkt ?from ?to WHERE {
             ?c a deep:Chunk ; deep:offset ?offset ; deep:shape ?shape ; deep:validCount ?n ;
                deep:minimum ?min ; deep:maximum ?max ; deep:inTile/geo:hasDefaultGeometry/geo:asWKT
                ?wkt ; dcterms:temporal ?t .
             ?t time:hasBeginning/time:inXSDDateTimeStamp ?from ;
                time:hasEnd/time:inXSDDateTimeStamp ?to }""",
    )
    assert len(rows) == 2 * 2 * 2
    seen = np.zeros(cube["ts"].shape, dtype=int)
    for row in rows:
        start = [int(v) for v in text(row["offset"]).split(",")]
        size = [int(v) for v in text(row["shape"]).split(",")]
        part = tuple(slice(a, a + n) for a, n in zip(start, size, strict=True))
        values = cube["ts"].to_numpy()[part]
        seen[part] += 1
        assert number(row["n"]) == np.isfinite(values).sum()
        assert number(row["min"]) == pytest.approx(np.nanmin(values))
        assert number(row["max"]) == pytest.approx(np.nanmax(values))
        west, south, east, north = parse_wkt(text(row["wkt"])).bounds
        assert east - west == pytest.approx(size[2] * 0.5)
        assert north - south == pytest.approx(size[1] * 0.5)
    assert (seen == 1).all()
    facts = select(
        store,
        f"SELECT ?u ?k {{ {variable_of(source)} qudt:hasUnit ?u ; sosa:observedProperty/a ?k }}",
    )
    assert any("surface_temperature" in text(f["k"]) for f in facts)
    assert {text(f["u"]) for f in facts} == {"http://qudt.org/vocab/unit/K"}
    assert validate_store(store).conforms


def test_chunks_are_found_by_place_and_time(store, iris, cube_nc):
    variable = variable_of(index_file(store, iris, cube_nc).source)
    assert len(chunks_meeting(store, variable, WORLD.polygon(), *ALWAYS)) == 8
    corner = BBox(west=9, south=51.9, east=10, north=53)
    assert len(chunks_meeting(store, variable, corner.polygon(), *ALWAYS)) == 2
    first_day = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 1, 2, tzinfo=UTC))
    assert len(chunks_meeting(store, variable, corner.polygon(), *first_day)) == 1
    never = (datetime(2021, 1, 1, tzinfo=UTC), datetime(2021, 1, 2, tzinfo=UTC))
    assert not chunks_meeting(store, variable, WORLD.polygon(), *never)


def test_selecting_what_the_graph_does_not_know(store):
    with pytest.raises(SourceNotFoundError, match="no variable"):
        select_dataset(store, [NamedNode("urn:nope")], WORLD, *ALWAYS)


@pytest.mark.parametrize("version", [2, 3])
def test_zarr_in_a_folder_a_zip_and_a_tar_are_the_same(tmp_path, cube, version):
    folder = tmp_path / "deep" / "cube.zarr"
    cube.chunk(time=3, lat=4, lon=5).to_zarr(folder, zarr_format=version, consolidated=False)
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        for path in folder.rglob("*"):
            archive.write(path, path.relative_to(tmp_path))
    with tarfile.open(tmp_path / "c.tar", "w") as archive:
        archive.add(tmp_path / "deep", "deep")
    with tarfile.open(tmp_path / "c.tgz", "w:gz") as archive:
        archive.add(tmp_path / "deep", "deep")
    for path in (folder, tmp_path / "c.zip", tmp_path / "c.tar"):
        opened = open_cube(path)
        assert opened["ts"].chunks == ((3, 3), (4, 4), (5, 5))
        xr.testing.assert_equal(opened.compute(), cube)
    with pytest.raises(NotACubeError, match="compressed tar"):
        open_cube(tmp_path / "c.tgz")


def test_what_is_no_cube_is_refused_and_nothing_is_written(store, iris, tmp_path, cube_nc):
    (tmp_path / "text.nc").write_text("not a cube")
    (tmp_path / "folder").mkdir()
    (tmp_path / "short.nc").write_bytes(cube_nc.read_bytes()[:3000])
    for name in ("text.nc", "folder", "short.nc"):
        with pytest.raises(NotACubeError):
            index_file(store, iris, tmp_path / name)
    assert not select(store, "SELECT ?s WHERE { ?s a deep:Source }")


def test_a_cube_without_coordinates_says_what_it_has(store, iris, tmp_path, cube):
    cube.drop_vars(["lat", "lon"]).to_netcdf(tmp_path / "bare.nc")
    with pytest.raises(CoordinatesError, match=r"no longitude and latitude.*'time', 'lat', 'lon'"):
        index_file(store, iris, tmp_path / "bare.nc")
    assert not select(store, "SELECT ?s WHERE { ?s a deep:Source }")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.assign_coords(lat=c.lat * 1000), "not in degrees"),
        (lambda c: c.isel(lat=[0, 2, 1, 3]), "neither increases nor decreases"),
        (lambda c: c.isel(time=[0, 0, 1]), "do not increase"),
        (lambda c: c.drop_vars("ts"), "no numeric variable"),
        (lambda c: c.isel(time=slice(0, 0)), "no time at all"),
    ],
)
def test_unusable_coordinates_are_refused(store, iris, tmp_path, cube, change, message):
    change(cube).to_netcdf(tmp_path / "odd.nc")
    with pytest.raises(CoordinatesError, match=message):
        index_file(store, iris, tmp_path / "odd.nc")


def test_a_file_that_moved_is_not_taken_for_unchanged(store, iris, cube_nc, tmp_path):
    index_file(store, iris, cube_nc)
    (tmp_path / "elsewhere").mkdir()
    moved = cube_nc.rename(tmp_path / "elsewhere" / cube_nc.name)
    with pytest.raises(SourceError, match="--replace"):
        index_file(store, iris, moved)
    source = index_file(store, iris, moved, replace=True).source
    assert select_dataset(store, [variable_of(source)], WORLD, *ALWAYS)["ts"].shape == (6, 8, 10)


def test_another_file_does_not_silently_take_a_name(store, iris, tmp_path, cube):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (cube + len(name) + ord(name)).assign_attrs(cube.attrs).to_netcdf(tmp_path / name / "c.nc")
    index_file(store, iris, tmp_path / "a" / "c.nc")
    with pytest.raises(SourceError, match=r"another source 'c'.*--replace"):
        index_file(store, iris, tmp_path / "b" / "c.nc")
    assert index_file(store, iris, tmp_path / "b" / "c.nc", replace=True).changed
    urls = select(store, "SELECT ?u { ?s a deep:Source ; dcterms:source ?u }")
    assert [text(u["u"]) for u in urls] == [(tmp_path / "b" / "c.nc").as_uri()]


def test_a_tile_across_the_antimeridian_is_split(store, iris, tmp_path):
    make_cube(west=178).to_netcdf(tmp_path / "pacific.nc")
    index_file(store, iris, tmp_path / "pacific.nc")
    rows = select(store, "SELECT ?wkt { ?t a deep:Tile ; geo:hasDefaultGeometry/geo:asWKT ?wkt }")
    geometry = parse_wkt(text(rows[0]["wkt"]))
    assert geometry.geom_type == "MultiPolygon"
    assert geometry.bounds[0] == -180
    assert geometry.bounds[2] == 180
    assert geometry.area == pytest.approx(5 * 4)


def test_a_cube_without_time_has_chunks_without_interval(store, iris, tmp_path, cube):
    cube.isel(time=0, drop=True).to_netcdf(tmp_path / "flat.nc")
    source = index_file(store, iris, tmp_path / "flat.nc").source
    assert not select(store, f"SELECT ?t {{ {source} dcterms:temporal ?t }}")
    assert len(chunks_meeting(store, variable_of(source), WORLD.polygon(), *ALWAYS)) == 1


def test_a_source_is_never_changed(store, iris, cube_nc):
    before = (cube_nc.read_bytes(), cube_nc.stat().st_mtime_ns)
    index_file(store, iris, cube_nc)
    assert (cube_nc.read_bytes(), cube_nc.stat().st_mtime_ns) == before


@pytest.mark.parametrize(
    ("name", "chunks"), [("munich-land-surface-temperature", 5), ("munich-ndvi", 9)]
)
def test_the_munich_cubes(store, iris, real_data, name, chunks):
    path = real_data(name)
    source = index_dataset(store, iris, name).source
    rows = select(
        store,
        f"""SELECT (SUM(?n) AS ?valid) (COUNT(?c) AS ?chunks) WHERE {{
              ?c dcterms:isPartOf {source} ; a deep:Chunk ; deep:validCount ?n }}""",
    )
    dataset = open_cube(path)
    grid = grid_of(dataset)
    names = [v for v in dataset.data_vars if set(grid.dims) <= set(dataset[v].dims)]
    assert number(rows[0]["chunks"]) == chunks
    assert number(rows[0]["valid"]) == sum(int(dataset[v].notnull().sum()) for v in names)
    assert moments(dataset, grid.time)[0].year in (2021, 2022)
    extent = select(store, f"SELECT ?w {{ {source} geo:hasBoundingBox/geo:asWKT ?w }}")
    assert parse_wkt(text(extent[0]["w"])).contains(parse_wkt("POINT(11.575 48.137)"))
    assert validate_store(store).conforms
