"""Time series of named regions: a long table (CSV), or a matrix of region x time beside labels.

Regions are districts, climate divisions, countries: what statistics are given for by name or
code. They become nodes of the graph, with borders where the mapping knows some; the values stay
in the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pyogrio.errors
import xarray as xr
from pyoxigraph import Literal as RdfLiteral
from pyoxigraph import NamedNode, Quad

from cube_bridge.errors import MappingError, SourceError, SourceNotFoundError
from cube_bridge.kinds.csv_rows import TIME, period_of
from cube_bridge.kinds.kind import SourceKind
from cube_bridge.kinds.region_mapping import Regions, RegionSeriesMapping, box_of, region_iri
from cube_bridge.kinds.region_values import RegionRow, RegionValues, read_values
from cube_bridge.kinds.series import column_quads, series_quads
from cube_bridge.sources.description import Block, Content, part_quads
from cube_bridge.sources.value_statistics import Accumulator, Statistics
from kg.rdf.geometry import BBox, geometry_quads
from kg.rdf.iris import Iris, below, slug
from kg.rdf.times import interval
from ontology.terms import DEEP, RDF, RDFS, expand

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from shapely.geometry.base import BaseGeometry

#: Regions whose quads are written together.
_REGIONS = 200
_CSV, _NPY = "text/csv", "application/x-npy"


def companions(path: Path, mapping: RegionSeriesMapping) -> tuple[Path, ...]:
    """Return the files beside the one of the values: labels of the rows, borders."""
    names = [mapping.matrix.labels] if mapping.matrix is not None else []
    names += [mapping.regions.borders.file] if mapping.regions.borders is not None else []
    found = tuple(path.with_name(name) for name in names)
    for file in found:
        if not file.is_file():
            raise SourceNotFoundError(f"no file {file}, which the mapping of {path.name} names")
    return found


def region_series_iri(source: NamedNode, code: str, column: str) -> NamedNode:
    """Return the IRI of one variable's series of a region."""
    return below(source, "series", code, slug(column))


def read_region_series(
    path: Path, mapping: RegionSeriesMapping, iris: Iris, source: NamedNode
) -> Content:
    """Check series of regions and return them ready to be indexed.

    Raises:
        MappingError, TableError, SourceNotFoundError: See `read_values`.
        UnitError: The mapping names a unit that the ontology does not have.
    """
    held = read_values(path, mapping)
    borders = _borders(path, mapping, held.regions)
    period = period_of(
        held.times[0].tz_localize("UTC").to_pydatetime(),
        held.times[-1].tz_localize("UTC").to_pydatetime(),
        mapping.cadence,
    )
    starts = range(0, len(held.regions), _REGIONS)

    def blocks(done: frozenset[str]) -> Iterator[Block]:
        node = interval(iris, *period)
        for start in starts:
            if str(start) not in done:
                part = slice(start, start + _REGIONS)
                yield str(start), list(_block_quads(held, part, mapping, source, node, borders))

    return Content(
        kind=DEEP.RegionSeriesTable,
        media_type=_NPY if mapping.matrix is not None else _CSV,
        bbox=_bbox(mapping.regions, borders),
        period=period,
        header=tuple(column_quads(source, mapping.variables, mapping.cadence)),
        block_count=len(starts),
        blocks=blocks,
        item_count=len(held.regions) * len(mapping.variables),
    )


def _bbox(regions: Regions, borders: dict[str, BaseGeometry]) -> BBox:
    if regions.extent is not None:
        return box_of(regions.extent)
    west, south, east, north = gpd.GeoSeries(list(borders.values())).total_bounds
    return BBox(west=float(west), south=float(south), east=float(east), north=float(north))


def _borders(
    path: Path, mapping: RegionSeriesMapping, regions: tuple[RegionRow, ...]
) -> dict[str, BaseGeometry]:
    """Return the geometries of all regions by code, in CRS84; none where the mapping has none."""
    borders = mapping.regions.borders
    if borders is None:
        return {}
    try:
        layer = gpd.read_file(path.with_name(borders.file))
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError) as error:
        raise SourceError(f"{borders.file} is no vector layer: {error}") from error
    if borders.key not in layer.columns or layer.crs is None:
        raise MappingError(
            f"{borders.file} has no attribute {borders.key!r}, or names no coordinate reference "
            f"system; it has {', '.join(map(repr, layer.columns))}"
        )
    layer = layer.to_crs("OGC:CRS84")
    found = dict(zip(layer[borders.key].astype(str), layer.geometry, strict=True))
    missing = [r.code for r in regions if found.get(r.code) is None or found[r.code].is_empty]
    if missing:
        raise MappingError(f"{borders.file} has no border of {', '.join(map(repr, missing[:5]))}")
    return {r.code: found[r.code] for r in regions}


def _block_quads(
    held: RegionValues,
    part: slice,
    mapping: RegionSeriesMapping,
    source: NamedNode,
    period: NamedNode,
    borders: dict[str, BaseGeometry],
) -> Iterator[Quad]:
    """Yield what the graph says of some regions and of their series."""
    regions = held.regions[part]
    found = {c: _statistics(values[part]) for c, values in held.columns.items()}
    for row, region in enumerate(regions):
        if mapping.regions.features is None:
            yield from _region_quads(region, mapping, source, borders.get(region.code))
        for column, statistics in found.items():
            series = region_series_iri(source, region.code, column)
            yield from part_quads(series, DEEP.RegionSeries, source)
            yield Quad(series, RDFS.label, RdfLiteral(f"{column.strip()} of {region.name}"))
            yield Quad(series, DEEP.ofRegion, region_iri(source, mapping, region.code))
            yield from series_quads(
                series, source, column, statistics[row], period, len(held.times)
            )


def _statistics(values: np.ndarray) -> list[Statistics]:
    """Return the statistics of each row of (region, time)."""
    total = Accumulator(len(values))
    total.add(np.asarray(values, np.float64))
    return [total.statistics(row) for row in range(len(values))]


def _region_quads(
    region: RegionRow, mapping: RegionSeriesMapping, source: NamedNode, border: BaseGeometry | None
) -> Iterator[Quad]:
    node = region_iri(source, mapping, region.code)
    for kind in dict.fromkeys([DEEP.Region, expand(mapping.regions.feature_class)]):
        yield Quad(node, RDF.type, kind)
    yield Quad(node, RDFS.label, RdfLiteral(region.name))
    yield Quad(node, DEEP.regionCode, RdfLiteral(region.code))
    if border is not None:
        yield from geometry_quads(node, border)


def load_region_series(
    path: Path, mapping: RegionSeriesMapping, columns: Sequence[str], source: NamedNode
) -> xr.Dataset:
    """Return columns of a file as arrays.

    Returns:
        One variable a column, (place, time) float32, NaN where a value is missing; coordinates
        `iri`, `label` and `code` of the regions (place), and `time`: the beginnings of all steps
        from the first to the last, in UTC.

    Raises:
        MappingError, TableError, SourceNotFoundError: See `read_values`.
    """
    held = read_values(path, mapping)
    regions = held.regions
    return xr.Dataset(
        {c: (("place", TIME), np.asarray(held.columns[c], np.float32)) for c in columns},
        coords={
            "iri": ("place", [region_iri(source, mapping, r.code).value for r in regions]),
            "label": ("place", [r.name for r in regions]),
            "code": ("place", [r.code for r in regions]),
            TIME: held.times,
        },
    )


KIND = SourceKind(
    name="region-series",
    mapping=RegionSeriesMapping,
    graph_class=DEEP.RegionSeriesTable,
    media_types=(_CSV, _NPY),
    read=read_region_series,
    load=load_region_series,
    companions=companions,
)
