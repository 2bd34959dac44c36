"""What the mapping of series of named regions says: what the regions are, and how they are held."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, cast

import pandas as pd
from pydantic import Field, field_validator, model_validator

from cube_bridge.kinds.features import feature_iri
from cube_bridge.sources.info import (
    ColumnMapping,
    Duration,
    FileName,
    Name,
    Slug,
    SourceMapping,
    Strict,
    Text,
    TimeColumn,
)
from kg.rdf.geometry import BBox, parse_wkt
from kg.rdf.iris import Iris, below
from kg.rdf.times import Cadence

if TYPE_CHECKING:
    from pyoxigraph import NamedNode


class Borders(Strict):
    """A vector layer beside the file that has the borders of the regions."""

    file: FileName
    """Name of the layer, in the folder of the file."""
    key: Text
    """Attribute that holds the codes of the regions."""


class Regions(Strict):
    """What the regions are, and where."""

    feature_class: Name = "deep:Region"
    """Their class: deep:Region, or a subclass of it."""
    name: Text = "{code}"
    """How a region is called for which the file has a code only; {code} stands for that."""
    scheme: Slug | None = None
    """Name of a set of regions that several sources are about: they share its nodes, which stay
    in the graph when a source goes. None gives the source regions of its own."""
    features: Slug | None = None
    """Identifier of a source of features whose features the regions are, by its key; no region
    is then described here."""
    borders: Borders | None = None
    extent: tuple[float, float, float, float] | Text | None = None
    """West, south, east and north in degrees, or WKT: where all regions are. None takes it from
    the borders."""

    @field_validator("extent")
    @classmethod
    def _box(cls, extent: tuple[float, float, float, float] | str | None) -> Any:
        if extent is not None:
            box_of(extent)
        return extent

    @model_validator(mode="after")
    def _is_somewhere(self) -> Self:
        if self.extent is None and self.borders is None:
            raise ValueError("say the `extent` of the regions, or where their `borders` are")
        if self.features is not None and (self.scheme or self.borders):
            raise ValueError("regions that are `features` have no `scheme` and `borders` here")
        return self


class RegionRows(Strict):
    """A table with a row for each region and time."""

    region: Text
    """Column of the code of the region."""
    name: Text | None = None
    """Column of its name."""
    time: TimeColumn


class RegionMatrix(Strict):
    """A matrix (`.npy`) of region x time, without gaps in time."""

    labels: FileName
    """JSON file in the folder of the matrix: a list of codes, or of {"code", "name"}, by row."""
    begin: Text
    """Time of the first column: 1895-01."""
    resolution: Duration

    @field_validator("begin")
    @classmethod
    def _moment(cls, begin: str) -> str:
        try:
            pd.to_datetime(begin, format="ISO8601")
        except ValueError as error:
            raise ValueError(f"{begin!r} is no time such as 1895-01 or 1895-01-15") from error
        return begin


class RegionSeriesMapping(SourceMapping):
    """Series of named regions; either `rows` or `matrix` says how the file holds them."""

    kind: Literal["region-series"]
    regions: Regions
    rows: RegionRows | None = None
    matrix: RegionMatrix | None = None
    variables: Annotated[list[ColumnMapping], Field(min_length=1)]

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if (self.rows is None) == (self.matrix is None):
            raise ValueError("say either `rows` (a table) or `matrix` (region x time)")
        if self.matrix is not None and len(self.variables) != 1:
            raise ValueError("a matrix holds one variable")
        return self

    @property
    def cadence(self) -> Cadence:
        """How often the regions are sampled."""
        if self.rows is not None:
            return self.rows.time.cadence
        return Cadence.of(cast("RegionMatrix", self.matrix).resolution)


def region_iri(source: NamedNode, mapping: RegionSeriesMapping, code: str) -> NamedNode:
    """Return the IRI of a region of a source.

    Args:
        source: IRI of the source; what it begins with, those of other items do as well.
        mapping: Of the source.
        code: Of the region.
    """
    iris = Iris(base=source.value.removesuffix(f"source/{mapping.source.id}"))
    if mapping.regions.features is not None:
        return feature_iri(iris.mint("source", mapping.regions.features), code)
    if mapping.regions.scheme is not None:
        return iris.mint("region", mapping.regions.scheme, code)
    return below(source, "region", code)


def box_of(extent: tuple[float, float, float, float] | str) -> BBox:
    """Return the box that an `extent` of a mapping means.

    Raises:
        ValueError: It is no box on the Earth, and no WKT.
    """
    if isinstance(extent, str):
        return BBox.of(parse_wkt(extent))
    west, south, east, north = extent
    if not (west >= -180 and east <= 180 and south >= -90 and north <= 90):  # noqa: PLR2004
        raise ValueError(f"an extent is west, south, east and north in degrees, not {extent}")
    return BBox(west=west, south=south, east=east, north=north)
