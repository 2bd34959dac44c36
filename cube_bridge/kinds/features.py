"""Vector layers (GeoJSON, shapefile, GeoPackage) as features of the graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import geopandas as gpd
import pandas as pd
import pyogrio.errors
from pydantic import Field
from pyoxigraph import Literal as RdfLiteral
from pyoxigraph import NamedNode, Quad

from cube_bridge.errors import MappingError, SourceError
from cube_bridge.kinds.kind import SourceKind
from cube_bridge.sources.description import Block, Content, part_quads
from cube_bridge.sources.info import Name, SourceMapping, Strict, Text
from kg.rdf.geometry import BBox, geometry_quads
from kg.rdf.iris import Iris, below, slug
from ontology.terms import DEEP, RDFS, expand

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

#: Features written at a time.
_FEATURES = 2_000
_OTHER = "application/octet-stream"
_MEDIA_TYPES = {
    ".geojson": "application/geo+json",
    ".json": "application/geo+json",
    ".gpkg": "application/geopackage+sqlite3",
}


class Attribute(Strict):
    """One attribute of a feature."""

    column: Text
    predicate: Name
    datatype: Name = "xsd:string"


class FeaturesMapping(SourceMapping):
    """A vector layer: each row becomes a feature with its geometry."""

    kind: Literal["features"]
    feature_class: Name
    name: Text
    key: str | None = None
    """Column that identifies a feature; None takes the name and the row number."""
    attributes: list[Attribute] = Field(default_factory=list)


def read_features(path: Path, mapping: FeaturesMapping, _: Iris, source: NamedNode) -> Content:
    """Check a vector layer and return it ready to be indexed.

    Raises:
        SourceError: The file is no vector layer, or has no geometry.
        MappingError: An attribute of the mapping is not in the layer.
    """
    layer = _layer(path, mapping, [a.column for a in mapping.attributes])
    west, south, east, north = layer.total_bounds
    starts = range(0, len(layer), _FEATURES)

    def blocks(done: frozenset[str]) -> Iterator[Block]:
        for start in starts:
            if str(start) not in done:
                part = layer.iloc[start : start + _FEATURES]
                yield str(start), list(_feature_quads(part, start, mapping, source))

    return Content(
        kind=DEEP.FeatureCollection,
        media_type=_MEDIA_TYPES.get(path.suffix.lower(), _OTHER),
        bbox=BBox(west=float(west), south=float(south), east=float(east), north=float(north)),
        period=None,
        header=(),
        block_count=len(starts),
        blocks=blocks,
        item_count=len(layer),
    )


def _layer(path: Path, mapping: FeaturesMapping, columns: Sequence[str]) -> gpd.GeoDataFrame:
    """Return the features that have a geometry, in CRS84."""
    try:
        layer = gpd.read_file(path)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError) as error:
        raise SourceError(f"{path.name} is no vector layer: {error}") from error
    wanted = [mapping.name, *([mapping.key] if mapping.key else [])]
    wanted += columns
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
    return layer


def feature_iri(source: NamedNode, key: str) -> NamedNode:
    """Return the IRI of the feature that a key of its layer identifies."""
    return below(source, "feature", slug(key))


def _iri(source: NamedNode, mapping: FeaturesMapping, row: pd.Series, position: int) -> NamedNode:
    if mapping.key:
        return feature_iri(source, str(row[mapping.key]))
    return below(source, "feature", f"{slug(str(row[mapping.name]))}-{position}")


def _feature_quads(
    layer: gpd.GeoDataFrame, start: int, mapping: FeaturesMapping, source: NamedNode
) -> Iterator[Quad]:
    feature_class = expand(mapping.feature_class)
    for i, (_, row) in enumerate(layer.iterrows(), start):
        name = str(row[mapping.name])
        feature = _iri(source, mapping, row, i)
        yield from part_quads(feature, feature_class, source)
        yield Quad(feature, RDFS.label, RdfLiteral(name))
        yield from geometry_quads(feature, row.geometry)
        for attribute in mapping.attributes:
            value = row[attribute.column]
            if not pd.isna(value):
                yield Quad(
                    feature, expand(attribute.predicate), _literal(value, attribute.datatype)
                )


def _literal(value: object, datatype: str) -> RdfLiteral:
    if datatype == "xsd:integer":
        value = int(float(str(value)))
    return RdfLiteral(str(value), datatype=expand(datatype))


def load_features(
    path: Path, mapping: FeaturesMapping, columns: Sequence[str], source: NamedNode
) -> gpd.GeoDataFrame:
    """Return columns of a vector layer.

    Returns:
        A row a feature that has a geometry: its IRI (`iri`), its name (`name`), the columns, and
        its geometry in CRS84.

    Raises:
        SourceError, MappingError: See `read_features`.
    """
    layer = _layer(path, mapping, columns)
    iris = [_iri(source, mapping, row, i).value for i, (_, row) in enumerate(layer.iterrows())]
    named = layer.assign(iri=iris, name=layer[mapping.name].astype(str))
    kept = dict.fromkeys(["iri", "name", *columns, layer.geometry.name])
    return named[list(kept)].reset_index(drop=True)


KIND = SourceKind(
    name="features",
    mapping=FeaturesMapping,
    graph_class=DEEP.FeatureCollection,
    media_types=(*dict.fromkeys(_MEDIA_TYPES.values()), _OTHER),
    read=read_features,
    load=load_features,
)
