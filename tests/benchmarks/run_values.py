"""Time pixel values in SPARQL beside plain xarray, and print the results as Markdown.

    DEEPCUBE_DATA=DATA python -m tests.benchmarks.run_values --output build/benchmarks/values.md

Three questions: OntoRaster's functions over the rasters of Munich, each a query of its own; the
vegetation index of 25 districts at 175 dates in one query; and cells above a threshold, with
the chunks that were read. Answers are compared before anything is timed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr
from cube_bridge.values.extension import Cubes
from pyoxigraph import NamedNode, Quad

from cube_bridge.folders import data_folder
from cube_bridge.formats.opener import open_cube
from cube_bridge.indexing.index import index_file
from cube_bridge.values.chunk_reader import ChunkReader
from cube_bridge.values.engine import Engine
from cube_bridge.values.scanner import Scanner
from kg.embedded.store import EmbeddedStore
from kg.rdf.geometry import geometry_quads
from kg.rdf.iris import Iris
from kg.rows import select
from ontology.terms import DEEP, RDF
from tests.benchmarks.measuring import Timing, duration, table, timed
from tests.cube_bridge.values.layers import cell_areas, exactextract_of

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

#: File, variable, and a day that it has.
MUNICH = {
    "NDVI 250 m": ("munich_ndvi_MOD13Q1_250m.nc", "_250m_16_days_NDVI"),
    "LST 1 km": ("munich_lst_MOD11A1_1km.nc", "LST_Night_1km"),
    "snow 500 m": ("munich_snow_MOD10A1_500m.nc", "NDSI_Snow_Cover"),
    "elevation 30 m": ("munich_dem_SRTMGL1_30m.nc", "SRTMGL1_DEM"),
}
DISTRICTS = "infra/Munich_25_Bezirke_Dissolved.shp"
CHLOROPHYLL = "cubes/xcube_cube-1-250-250.zarr.tar"
DATES = 175
#: Of the cells that "clip raster" takes.
WINDOW = '"time=0:1,lat=0:20,lon=0:40"'


def main() -> None:
    """Run all three."""
    options = _options()
    data = data_folder()
    if data is None:
        sys.exit("DEEPCUBE_DATA is not set: it names the folder with cubes/ and infra/")
    with contextlib.ExitStack() as stack:
        files = [sys.stdout]
        if options.output is not None:
            options.output.parent.mkdir(parents=True, exist_ok=True)
            files.append(stack.enter_context(options.output.open("w", encoding="utf-8")))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for part in (PARTS[name] for name in options.parts):
            for file in files:
                file.flush()
            text = part(data, folder, options.rounds)
            for file in files:
                print(text, file=file)


def ontoraster(data: Path, folder: Path, rounds: int) -> str:
    """Return each function over each raster of Munich: the first query, then warm ones."""
    zones = _zones(data)
    name, zone = next(iter(zones.items()))
    rows = []
    for title, (file, raster) in MUNICH.items():
        cubes = Cubes()
        with EmbeddedStore(extensions=[cubes]) as store:
            source = index_file(store, Iris(), data / "cubes" / file).source
            _add_places(store, zones)
            variable = _variable(store, raster, source)
            dataset = open_cube(data / "cubes" / file)
            day = pd.Timestamp(str(dataset["time"].to_numpy()[len(dataset["time"]) // 2])[:10])
            for question, sparql, expected in _questions(variable, name, day.date().isoformat()):
                first, found = timed(lambda sparql=sparql: select(store, sparql))
                answer = found[0].get("x") if found else None
                checked = _check(expected, dataset[raster], zone, day, answer)
                spent = [
                    timed(lambda sparql=sparql: select(store, sparql))[0] for _ in range(rounds)
                ]
                rows.append([title, question, duration(first), str(Timing(seconds=spent)), checked])
    head = ["raster", "question", "first", "warm", "beside exactextract"]
    return f"## OntoRaster's functions, district {name}\n\n" + table(head, rows)


def _questions(variable: NamedNode, name: str, day: str) -> list[tuple[str, str, str]]:
    """Return questions: what is asked, the query, and what exactextract calls it."""
    when = f'"{day}"^^xsd:date'
    place = f'?d rdfs:label "{name}" ; geo:hasGeometry/geo:asWKT ?w'

    def zonal(function: str, *arguments: str) -> str:
        inside = ", ".join([f"{variable}", "?w", *arguments])
        return f"SELECT ?x {{ {place} BIND(deepf:{function}({inside}) AS ?x) }}"

    operation = f'deepf:cellOperation("a * 2 + 1", {variable})'
    return [
        ("dimension", f"SELECT ?x {{ BIND(deepf:dimension({variable}) AS ?x) }}", ""),
        ("spatial average", zonal("mean", when, when), "mean"),
        ("spatial minimum", zonal("minimum", when, when), "min"),
        ("spatial maximum", zonal("maximum", when, when), "max"),
        ("temporal average", zonal("mean"), ""),
        ("temporal minimum", zonal("minimum"), ""),
        ("temporal maximum", zonal("maximum"), ""),
        ("median", zonal("quantile", when, when, "0.5"), ""),
        (
            "clip raster",
            f"SELECT ?x {{ BIND(deepf:clipWindow({variable}, {WINDOW}) AS ?x) }}",
            "",
        ),
        ("clip geometry", zonal("clip", when, when), ""),
        (
            "cell operation",
            f"SELECT ?x {{ {place} BIND(deepf:mean({operation}, ?w, {when}, {when}) AS ?x) }}",
            "",
        ),
        ("trend", zonal("trend"), ""),
    ]


def _check(
    expected: str, array: xr.DataArray, zone: BaseGeometry, day: pd.Timestamp, answer: object
) -> str:
    if not expected:
        return ""
    days = [str(t)[:10] for t in array["time"].to_numpy()]
    own = array.isel(time=[days.index(day.date().isoformat())])
    name = "weighted_mean" if expected == "mean" else expected
    (found,) = exactextract_of(own, zone, [name], weights=cell_areas(own))
    theirs = found[name]
    is_known = theirs is not None and not math.isnan(theirs)
    if not is_known or answer is None:
        return "DIFFERS" if is_known != (answer is not None) else "neither has a value"
    apart = abs(float(answer.value) - theirs) / max(abs(theirs), 1e-12)  # type: ignore[attr-defined]
    return f"{apart:.0e}" if apart < 1e-6 else f"DIFFERS by {apart:.0e}"


def districts_by_dates(data: Path, folder: Path, rounds: int) -> str:
    """Return the mean of 25 districts at 175 dates, in one query."""
    zones = _zones(data)
    file, raster = MUNICH["NDVI 250 m"]
    with open_cube(data / "cubes" / file) as real:
        # The file has fewer dates: they are repeated, as a longer record would hold them.
        places = np.arange(DATES) % real.sizes["time"]
        longer = real[[raster]].isel(time=places).load()
    longer = longer.assign_coords(time=pd.date_range("2015-01-01", periods=DATES, freq="16D"))
    longer[raster].encoding.clear()
    path = folder / "ndvi.nc"
    longer.to_netcdf(path, encoding={raster: {"zlib": True, "chunksizes": (25, 91, 175)}})
    cubes = Cubes()
    with EmbeddedStore(extensions=[cubes]) as store:
        source = index_file(store, Iris(), path).source
        _add_places(store, zones)
        variable = _variable(store, raster, source)
        sparql = f"""SELECT ?d ?t ?m {{
            ?d a deep:Place ; geo:hasGeometry/geo:asWKT ?w
            SERVICE deep:zones {{
                [] deep:variable {variable} ; deep:geometry ?w ;
                   deep:time ?t ; deep:mean ?m }} }}"""
        first, found = timed(lambda: select(store, sparql))
        spent = [timed(lambda: select(store, sparql))[0] for _ in range(rounds)]
        peer, theirs = timed(lambda: _loop(path, raster, zones))
        ours = {(r["d"].value, r["t"].value[:10]): float(r["m"].value) for r in found}
    apart = max(abs(ours[k] - v) / abs(v) for k, v in theirs.items())
    same = "equal" if ours.keys() == theirs.keys() and apart < 1e-6 else "DIFFER"
    rows = [
        ["SPARQL, first", duration(first)],
        ["SPARQL, warm", str(Timing(seconds=spent))],
        ["xarray and exactextract, date by date", duration(peer)],
    ]
    return (
        f"## {len(zones)} districts x {DATES} dates of NDVI in one query\n\n"
        + table(["", "time"], rows)
        + f"\n{len(found)} rows; answers {same} (largest difference {apart:.0e} of the value).\n"
    )


def _loop(path: Path, raster: str, zones: dict[str, BaseGeometry]) -> dict[tuple[str, str], float]:
    found = {}
    with xr.open_dataset(path) as dataset:
        array = dataset[raster].load()
        weights, days = cell_areas(array), array["time"].dt.strftime("%Y-%m-%d").to_numpy()
        for place, zone in enumerate(zones.values()):
            answers = exactextract_of(array, zone, ["weighted_mean"], weights=weights)
            for when, answer in zip(days, answers, strict=True):
                if answer["weighted_mean"] is not None:
                    found[f"urn:district:{place}", str(when)] = float(answer["weighted_mean"])
    return found


def thresholds(data: Path, folder: Path, rounds: int) -> str:
    """Return how many cells are above thresholds, and the cells, beside xarray and Dask."""
    path = data / CHLOROPHYLL
    everything = open_cube(path)["conc_chl"].to_numpy()
    rows = []
    # No chunk is remembered: each round reads its chunks anew, as the peer does.
    cubes = Cubes(Engine(Scanner(ChunkReader(cache_bytes=0))))
    with EmbeddedStore(extensions=[cubes]) as store:
        source = index_file(store, Iris(), path).source
        variable = _variable(store, "conc_chl", source)
        for share in (0.0, 0.5, 0.99, 0.9999, 1.0):
            bound = float(np.nanquantile(everything, share))
            rows.append(_threshold(cubes, store, path, _summed(variable, bound), bound, rounds))
        for share in (0.99, 0.9999, 1.0):
            bound = float(np.nanquantile(everything, share))
            rows.append(_threshold(cubes, store, path, _listed(variable, bound), bound, rounds))
    head = ["asked", "cells", "chunks read / in all", "SPARQL", "xarray + Dask", "ratio", "answers"]
    return "## Chlorophyll from a threshold on, 5 x 1000 x 2000 cells\n\n" + table(head, rows)


def _summed(variable: NamedNode, bound: float) -> str:
    return f"""SELECT ?n ?s {{ SERVICE deep:zones {{
        [] deep:variable {variable} ; deep:lowest {bound:.17e} ; deep:reduceTime true ;
           deep:count ?n ; deep:sum ?s }} }}"""


def _listed(variable: NamedNode, bound: float) -> str:
    return f"""SELECT ?v ?t ?x ?y {{ SERVICE deep:cells {{
        [] deep:variable {variable} ; deep:value ?v ; deep:time ?t ;
           deep:longitude ?x ; deep:latitude ?y }} FILTER(?v >= {bound:.17e}) }}"""


def _threshold(
    cubes: Cubes, store: EmbeddedStore, path: Path, sparql: str, bound: float, rounds: int
) -> list[str]:
    counts = cubes.engine.scanner.reader.counts
    before = counts.read
    found = select(store, sparql)
    read = counts.read - before
    summed = "?n" in sparql
    plain = _plain_sums if summed else _plain_cells
    expected = plain(path, bound)
    if summed:
        answer = float(found[0]["n"].value), float(found[0]["s"].value)
    else:
        answer = float(len(found)), sum(float(r["v"].value) for r in found)
        expected = float(len(expected)), float(expected["v"].sum())
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(rounds):
        ours.append(timed(lambda: select(store, sparql))[0])
        theirs.append(timed(lambda: plain(path, bound))[0])
    ratio = Timing(seconds=ours).median / Timing(seconds=theirs).median
    in_all = math.prod(len(c) for c in open_cube(path)["conc_chl"].chunks or ())
    same = all(math.isclose(a, b, rel_tol=1e-9) for a, b in zip(answer, expected, strict=True))
    return [
        f"{'count and sum' if summed else 'cells'} from {bound:.4g}",
        f"{int(answer[0]):,}",
        f"{read} / {in_all}",
        str(Timing(seconds=ours)),
        str(Timing(seconds=theirs)),
        f"{ratio:.2f}",
        "equal" if same else "DIFFER",
    ]


def _plain_sums(path: Path, bound: float) -> tuple[float, float]:
    array = open_cube(path)["conc_chl"]
    above = array.where(array >= bound)
    count, total = xr.Dataset({"n": above.count(), "s": above.sum()}).compute().data_vars.values()
    return float(count), float(total)


def _plain_cells(path: Path, bound: float) -> pd.DataFrame:
    array = open_cube(path)["conc_chl"]
    values = array.where(array >= bound).to_numpy()
    time, row, column = np.nonzero(np.isfinite(values))
    return pd.DataFrame(
        {
            "v": values[time, row, column],
            "t": array["time"].to_numpy()[time],
            "x": array["lon"].to_numpy()[column],
            "y": array["lat"].to_numpy()[row],
        }
    )


def _zones(data: Path) -> dict[str, BaseGeometry]:
    frame = gpd.read_file(data / DISTRICTS)
    return dict(zip(frame["FIRST_Bezi"], frame.geometry, strict=True))


def _add_places(store: EmbeddedStore, zones: dict[str, BaseGeometry]) -> None:
    label = NamedNode("http://www.w3.org/2000/01/rdf-schema#label")
    for place, (name, zone) in enumerate(zones.items()):
        node = NamedNode(f"urn:district:{place}")
        store.add([Quad(node, RDF.type, DEEP.Place), *geometry_quads(node, zone)])
        store.update(f"INSERT DATA {{ {node} {label} {json.dumps(name)} }}")


def _variable(store: EmbeddedStore, name: str, source: NamedNode) -> NamedNode:
    rows = select(
        store,
        f'SELECT ?v {{ ?v deep:variableOf {source} ; deep:variableName "{name}" }}',
    )
    return NamedNode(rows[0]["v"].value)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--output", type=Path)
    return parser.parse_args()


PARTS = {"ontoraster": ontoraster, "districts": districts_by_dates, "thresholds": thresholds}

if __name__ == "__main__":
    main()
