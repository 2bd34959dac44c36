"""Vector layers (GeoJSON, shapefile, GeoPackage) as features of the graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd
import pyogrio.errors
from pyoxigraph import Literal, NamedNode, Quad

from cube_bridge.content import Block, Content, part_quads
from cube_bridge.errors import MappingError, SourceError
from kg.geometry import BBox, geometry_quads
from kg.iris import below, slug
from ontology.terms import DEEP, RDFS, expand

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cube_bridge.mapping import FeaturesMapping

#: Features written at a time.
_FEATURES = 2_000
_MEDIA_TYPES = {
    ".geojson": "application/geo+json",
    ".json": "application/geo+json",
    ".gpkg": "application/geopackage+sqlite3",
}


def read_features(path: Path, mapping: FeaturesMapping, source: NamedNode) -> Content:
    """Check a vector layer and return it ready to be indexed.

    Raises:
        SourceError: The file is no vector layer, or has no geometry.
        MappingError: An attribute of the mapping is not in the layer.
    """
    try:
        layer = gpd.read_file(path)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError) as error:
        raise SourceError(f"{path.name} is no vector layer: {error}") from error
    wanted = [mapping.name, *([mapping.key] if mapping.key else [])]
    wanted += [a.column for a in mapping.attributes]
    missing = [c for c in wanted if c not in layer.columns]
    if missing:
        raise MappingError(
            f"the mapping names attributes that {path.name} does not have: "
            f"{', '.join(map(repr, missing))}; it has {', '.join(map(repr, layer.columns))}"
        )
    if layer.crs is None:
        raise SourceError(f"{path.name} names no coordinate reference system")
    layer = layer.to_crs("OGC:CRS84")
    layer = layer[layer.geometry.notna() & ~layer.geometry.is_empty]
    if layer.empty:
        raise SourceError(f"{path.name} has no feature with a geometry")
    west, south, east, north = layer.total_bounds
    starts = range(0, len(layer), _FEATURES)

    def blocks(done: frozenset[str]) -> Iterator[Block]:
        for start in starts:
            if str(start) not in done:
                part = layer.iloc[start : start + _FEATURES]
                yield str(start), list(_feature_quads(part, start, mapping, source))

    return Content(
        kind=DEEP.FeatureCollection,
        media_type=_MEDIA_TYPES.get(path.suffix.lower(), "application/octet-stream"),
        bbox=BBox(west=float(west), south=float(south), east=float(east), north=float(north)),
        period=None,
        header=(),
        block_count=len(starts),
        blocks=blocks,
        item_count=len(layer),
    )


def _feature_quads(
    layer: gpd.GeoDataFrame, start: int, mapping: FeaturesMapping, source: NamedNode
) -> Iterator[Quad]:
    feature_class = expand(mapping.feature_class)
    for i, (_, row) in enumerate(layer.iterrows(), start):
        name = str(row[mapping.name])
        key = slug(str(row[mapping.key])) if mapping.key else f"{slug(name)}-{i}"
        feature = below(source, "feature", key)
        yield from part_quads(feature, feature_class, source)
        yield Quad(feature, RDFS.label, Literal(name))
        yield from geometry_quads(feature, row.geometry)
        for attribute in mapping.attributes:
            value = row[attribute.column]
            if not pd.isna(value):
                yield Quad(
                    feature, expand(attribute.predicate), _literal(value, attribute.datatype)
                )


def _literal(value: object, datatype: str) -> Literal:
    if datatype == "xsd:integer":
        value = int(float(str(value)))
    return Literal(str(value), datatype=expand(datatype))
