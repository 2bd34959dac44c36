"""What a benchmark asks of every engine: layers of features, and queries in each language."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

GEO = "http://www.opengis.net/ont/geosparql#"
PREFIXES = (
    f"PREFIX geo: <{GEO}>\n"
    "PREFIX geof: <http://www.opengis.net/def/function/geosparql/>\n"
    "PREFIX xsd: <http://www.w3.org/2001/XMLSchema#>\n"
)
#: Lines of N-Triples that are written at a time.
_BLOCK = 50_000


@dataclass(frozen=True, kw_only=True)
class Layer:
    """Features of one class; the first has the number 1."""

    name: str
    wkt: list[str]
    """Of each feature; coordinates as written here go to every engine, to the last bit."""
    codes: np.ndarray | None = None
    """(features,) a class number of each."""
    tags: list[tuple[int, str]] = field(default_factory=list)
    """Pairs of a feature's number and a key that it is tagged with."""

    @property
    def numbers(self) -> np.ndarray:
        """(features,) their numbers."""
        return np.arange(1, len(self.wkt) + 1)

    def shapes(self) -> np.ndarray:
        """Return (features,) shapely geometries."""
        return shapely.from_wkt([w or "LINESTRING EMPTY" for w in self.wkt])

    def frames(self) -> dict[str, pd.DataFrame]:
        """Return the tables that a relational user would make: features, tags."""
        columns: dict[str, np.ndarray] = {"id": self.numbers}
        if self.codes is not None:
            columns["code"] = self.codes
        frames = {self.name: gpd.GeoDataFrame(columns, geometry=self.shapes(), crs="OGC:CRS84")}
        if self.tags:
            frames[f"{self.name}_tag"] = pd.DataFrame(self.tags, columns=["feature", "key"])
        return frames


@dataclass(frozen=True, kw_only=True)
class Query:
    """One question in each engine's language."""

    name: str
    sparql: str
    sql: str
    """The same for PostGIS and DuckDB."""
    frames: Callable[[dict[str, pd.DataFrame]], pd.DataFrame]
    """For geopandas."""
    width: int
    """How many columns of the answer are features."""


@dataclass(frozen=True, kw_only=True)
class Workload:
    """Layers, their triples in a file, and queries."""

    title: str
    layers: list[Layer]
    triples: Callable[[], Iterable[str]]
    """Lines of N-Triples, without line ends."""
    queries: list[Query]

    def write(self, path: Path) -> int:
        """Write the triples into a file and return how many there are."""
        count = 0
        with path.open("w") as file:
            lines: Iterator[str] = iter(self.triples())
            while block := list(itertools.islice(lines, _BLOCK)):
                file.write("\n".join(block) + "\n")
                count += len(block)
        return count


def wkt(kind: str, points: Iterable[tuple[float, float]]) -> str:
    """Return a geometry as WKT with every digit; a polygon is given by its one ring."""
    body = ", ".join(f"{x!r} {y!r}" for x, y in points)
    return f"{kind} (({body}))" if kind == "POLYGON" else f"{kind} ({body})"


def rectangle(west: float, south: float, east: float, north: float) -> str:
    """Return a rectangle as WKT."""
    corners = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    return wkt("POLYGON", corners)


def pairs(left: gpd.GeoDataFrame, right: gpd.GeoDataFrame, predicate: str) -> pd.DataFrame:
    """Return the numbers of features that are related, as a user of geopandas would."""
    joined = gpd.sjoin(left, right, predicate=predicate, lsuffix="1", rsuffix="2")
    return joined[["id_1", "id_2"]]
