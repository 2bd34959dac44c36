"""What is read again, and what becomes of chunks that cannot be read."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

import distributed
import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr
from pyoxigraph import DefaultGraph, NamedNode

from cube_bridge.cubes.axes import placement_of
from cube_bridge.cubes.chunk_search import chunks_meeting
from cube_bridge.cubes.summaries import ChunkPlace, Failure, read_chunks
from cube_bridge.cubes.workers import Threads
from cube_bridge.errors import SourceError
from cube_bridge.indexing.index import Reading, index_file
from kg.embedded.store import EmbeddedStore
from kg.rdf.iris import Iris
from kg.rdf.terms import number, text
from kg.rows import select
from kg.validation.shacl import validate_store
from kg.views.notes import notes
from ontology.terms import DEEP
from tests.conftest import make_cube

WORLD = shapely.box(-180, -90, 180, 90)
ALWAYS = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC))
CLOCK = {"startedAtTime", "endedAtTime"}


def write(cube, path, **chunks):
    """Write a cube as zarr, in chunks of one time."""
    cut = {"time": 1, "lat": 4, "lon": 5, **chunks}
    cube.chunk({d: n for d, n in cut.items() if d in cube.dims}).to_zarr(
        path, zarr_format=2, consolidated=False, mode="w"
    )
    return path


def damage_unseen(path, name="ts"):
    """Damage all chunks so that their times and sizes stay: who reads one gets a gap."""
    for file in (path / name).iterdir():
        if not file.name.startswith("."):
            stat = file.stat()
            file.write_bytes(b"\xff" * stat.st_size)
            os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def described(store, source):
    """Return what the graph says of a cube, but for the times at which it was indexed."""
    rows = select(
        store,
        f"""SELECT ?s ?p ?o WHERE {{ ?s ?p ?o FILTER(STRSTARTS(STR(?s), "{source.value}")
              && ?p != deep:fingerprint && ?p != deep:chunkVersion && ?p != dcterms:source
              && ?p != dcat:downloadURL && ?p != prov:used && ?p != dcterms:title) }}""",
    )
    return {
        tuple(str(r[k]) for k in "spo") for r in rows if text(r["p"]).split("#")[-1] not in CLOCK
    }


def references(store, source, name="ts"):
    return chunks_meeting(store, NamedNode(f"{source.value}/variable/{name}"), WORLD, *ALWAYS)


def test_a_damaged_chunk_is_a_gap_and_the_rest_is_indexed(store, iris, tmp_path, cube):
    path = write(cube, tmp_path / "c.zarr")
    (path / "ts" / "5.1.1").write_bytes(b"damaged")
    outcome = index_file(store, iris, path)
    assert (outcome.items, outcome.gaps, outcome.changed) == (24, 1, True)
    found = references(store, outcome.source)
    assert [c.index for c in found if c.statistics is None] == [(5, 1, 1)]
    assert sum(c.statistics is not None for c in found) == 23
    gaps = select(store, "SELECT ?m { ?g a deep:Gap ; deep:message ?m ; deep:inTile ?t }")
    assert len(gaps) == 1
    assert "Error" in text(gaps[0]["m"])
    assert validate_store(store).conforms


def test_the_next_run_reads_only_the_gaps(store, iris, tmp_path, cube):
    path = write(cube, tmp_path / "c.zarr")
    whole = (path / "ts" / "5.1.1").read_bytes()
    (path / "ts" / "5.1.1").write_bytes(b"damaged")
    assert index_file(store, iris, path).gaps == 1
    assert index_file(store, iris, path).gaps == 1
    damage_unseen(path)
    (path / "ts" / "5.1.1").write_bytes(whole)
    outcome = index_file(store, iris, path)
    assert (outcome.gaps, outcome.changed) == (0, True)
    with EmbeddedStore() as fresh:
        source = index_file(fresh, iris, write(cube, tmp_path / "d" / "c.zarr")).source
        assert described(store, source) == described(fresh, source)
    assert not index_file(store, iris, path).changed


@pytest.mark.parametrize("times", [7, 4])
def test_only_new_and_changed_chunks_are_read(store, iris, tmp_path, times):
    path = write(make_cube(), tmp_path / "c.zarr")
    source = index_file(store, iris, path).source
    damage_unseen(path)
    after = make_cube(times=max(times, 6)).isel(time=slice(0, times))
    after["ts"][:6] = make_cube()["ts"][:times].to_numpy()
    write(after, tmp_path / "new.zarr")
    later = {f"{t}.{y}.{x}" for t in range(6, times) for y in range(2) for x in range(2)}
    for name in {*later, "1.0.1", ".zarray"}:
        shutil.copy(tmp_path / "new.zarr" / "ts" / name, path / "ts" / name)
        os.utime(path / "ts" / name)
    shutil.rmtree(path / "time")
    shutil.copytree(tmp_path / "new.zarr" / "time", path / "time")
    outcome = index_file(store, iris, path)
    assert (outcome.items, outcome.gaps, outcome.changed) == (4 * times, 0, True)
    with EmbeddedStore() as fresh:
        shutil.move(tmp_path / "new.zarr", tmp_path / "d" / "c.zarr")
        index_file(fresh, iris, tmp_path / "d" / "c.zarr")
        assert described(store, source) == described(fresh, source)
    assert validate_store(store).conforms


def test_other_chunks_and_fewer_variables_leave_nothing_behind(store, iris, tmp_path, cube):
    path = tmp_path / "c.zarr"
    write(cube.assign(other=cube["ts"] * 2), path)
    index_file(store, iris, path)
    shutil.rmtree(path)
    source = index_file(store, iris, write(cube, path, lat=8, time=2)).source
    with EmbeddedStore() as fresh:
        index_file(fresh, iris, path)
        assert described(store, source) == described(fresh, source)


_KILLED = """
import os, sys
from pathlib import Path
from cube_bridge.indexing.index import index_file
import cube_bridge.cubes.index as cube_index
from kg.embedded.store import EmbeddedStore
from kg.rdf.iris import Iris
def progress(name, done, total):
    print(done, total, flush=True)
    if done >= 1000:
        os.kill(os.getpid(), 9)
index_file(EmbeddedStore(Path(sys.argv[1])), Iris(), Path(sys.argv[2]), progress=progress)
"""


@pytest.mark.slow
def test_a_killed_run_is_continued(tmp_path):
    iris = Iris()
    cube = make_cube(times=300)
    path = write(cube, tmp_path / "c.zarr", lat=2)
    command = [sys.executable, "-c", _KILLED, str(tmp_path / "s"), str(path)]
    killed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    with EmbeddedStore(tmp_path / "s") as store, EmbeddedStore() as fresh:
        assert [q.object for q in store.quads(None, DEEP.indexStatus)] == [DEEP.IndexPartial]
        written = number(select(store, "SELECT (COUNT(*) AS ?n) { ?c a deep:Chunk }")[0]["n"])
        assert 1000 <= written < 2400
        calls = []
        source = index_file(store, iris, path, progress=lambda *c: calls.append(c[1:])).source
        assert calls[-1] == (2400, 2400)
        assert sum(a[0] < b[0] for a, b in pairwise(calls)) < 12
        index_file(fresh, iris, path)
        assert described(store, source) == described(fresh, source)


@dataclass
class Slow:
    """An array of which one part never comes."""

    never: threading.Event
    shape = (6, 8, 10)
    dtype = np.dtype("float32")
    ndim = 3

    def __getitem__(self, key):
        if key[0].start == 3:
            self.never.wait()
        return np.ones([len(range(*k.indices(n))) for k, n in zip(key, self.shape, strict=True)])


def test_a_chunk_that_never_comes_is_a_gap(cube):
    import dask.array as da  # noqa: PLC0415

    never = threading.Event()
    slow = da.from_array(Slow(never), chunks=(1, 8, 10), asarray=False, name=False)
    dataset = cube.assign(ts=(cube["ts"].dims, slow))
    axes = placement_of(dataset).axes[0]
    places = [ChunkPlace(axes=axes, index=(i, 0, 0)) for i in range(6)]
    workers = Threads(2)
    found = {p.index[0]: f for p, f in read_chunks(dataset, places, workers, patience_s=0.3)}
    never.set()
    workers.close()
    assert found.pop(3) == Failure(message="no answer within 0.3 s")
    assert [f.valid_count for f in found.values()] == [80] * 5


def test_a_chunk_without_values_has_a_count_of_zero(store, iris, tmp_path, cube):
    cube["ts"][2] = np.nan
    source = index_file(store, iris, write(cube, tmp_path / "c.zarr")).source
    empty = [c for c in references(store, source) if not c.statistics.valid_count]
    assert [c.index[0] for c in empty] == [2] * 4
    assert validate_store(store).conforms


def test_each_variable_lies_on_its_own_grid(store, iris, tmp_path, cube):
    fine = make_cube(height=16, width=20, step=0.25).rename(lat="y", lon="x", ts="fine")
    fine["fine"].attrs["standard_name"] = "air_temperature"
    both = xr.merge([cube, fine])
    both.to_netcdf(tmp_path / "two.nc")
    source = index_file(store, iris, tmp_path / "two.nc").source
    rows = select(
        store,
        """SELECT ?name ?metres ?dims WHERE { ?v deep:variableName ?name ; deep:onGrid ?g .
             ?g deep:dimensions ?dims ; dcat:spatialResolutionInMeters ?metres }""",
    )
    metres = {text(r["name"]): number(r["metres"]) for r in rows}
    assert metres["ts"] == pytest.approx(2 * metres["fine"], rel=0.01)
    assert {text(r["dims"]) for r in rows} == {"lat,lon", "y,x"}
    (chunk,) = references(store, source, "fine")
    assert chunk.slices[1:] == (slice(0, 16), slice(0, 20))


def test_levels_are_a_dimension_of_chunks_with_their_values(store, iris, tmp_path, cube):
    levels = xr.concat([cube, cube + 10], pd.Index([500.0, 850.0], name="level"))
    levels = levels.transpose("time", "level", "lat", "lon")
    levels["level"].attrs["units"] = "hPa"
    path = write(levels, tmp_path / "c.zarr", level=1)
    source = index_file(store, iris, path).source
    rows = select(
        store,
        f"""SELECT ?position ?value WHERE {{ {source} deep:hasVariable/deep:hasDimension ?d .
              ?d rdfs:label "level" ; deep:unitText "hPa" ; deep:hasCoordinate ?c .
              ?c deep:position ?position ; rdf:value ?value }} ORDER BY ?position""",
    )
    assert [(number(r["position"]), number(r["value"])) for r in rows] == [(0, 500), (1, 850)]
    assert {c.slices[1].start for c in references(store, source)} == {0, 1}


def test_a_variable_without_a_place_is_left_out(store, iris, tmp_path, cube):
    cube["spectrum"] = ("wavelength", np.arange(4.0))
    cube.to_netcdf(tmp_path / "c.nc")
    source = index_file(store, iris, tmp_path / "c.nc").source
    names = [text(r["n"]) for r in select(store, "SELECT ?n { ?v deep:variableName ?n }")]
    assert names == ["ts"]
    assert any(store.quads(source, DEEP.hasVariable, None, DefaultGraph()))
    (note,) = notes(store)
    assert "not indexed: the cube has no longitude and latitude" in note


@pytest.mark.parametrize(
    ("standard_name", "units", "expected"),
    [
        ("air_temperature", "mm", "warning: .* 'mm' contradicts .*air_temperature.* 'K'"),
        ("precipitation_flux", "mm/day", "info: .* depth of water"),
        ("surface_temperature", "celsius", None),
        ("wind_from_direction", "degree", None),
        ("air_temperature", "smidgens", "info: .* 'smidgens' is not understood"),
    ],
)
def test_a_unit_that_contradicts_the_standard_name_is_a_finding(
    store, iris, cube, tmp_path, standard_name, units, expected
):
    cube["ts"].attrs.update(standard_name=standard_name, units=units)
    cube.to_netcdf(tmp_path / "c.nc")
    outcome = index_file(store, iris, tmp_path / "c.nc")
    assert len(outcome.findings) == len(notes(store)) == (expected is not None)
    for note in notes(store):
        assert re.search(expected, note)
    assert validate_store(store).conforms


def test_patience_is_said_by_the_caller(store, iris, tmp_path, cube):
    path = write(cube, tmp_path / "c.zarr")
    assert index_file(store, iris, path, reading=Reading(patience_s=30)).gaps == 0


@pytest.mark.server
def test_a_cluster_reads_the_same(store, iris, tmp_path, cube):
    path = write(cube, tmp_path / "c.zarr")
    (path / "ts" / "5.1.1").write_bytes(b"damaged")
    with distributed.LocalCluster(
        n_workers=1,
        threads_per_worker=2,
        processes=True,
        dashboard_address=None,
        local_directory=str(tmp_path),
    ) as cluster:
        reading = Reading(cluster=cluster.scheduler_address)
        outcome = index_file(store, iris, path, reading=reading)
    assert (outcome.items, outcome.gaps) == (24, 1)
    with EmbeddedStore() as fresh:
        index_file(fresh, iris, path)
        assert described(store, outcome.source) == described(fresh, outcome.source)


def test_a_cluster_that_is_not_there_says_so_and_nothing_is_written(store, iris, cube_nc):
    with pytest.raises(SourceError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        index_file(store, iris, cube_nc, reading=Reading(cluster="tcp://127.0.0.1:9"))
    assert not select(store, "SELECT ?s WHERE { ?s a deep:Source }")
