"""The synthetic workload of Geographica 2, from its published rules, for any N.

Sources: Garbis, Kyzirakos, Koubarakis, ISWC 2013; Ioannidis et al., J. Data Semantics 2021.
The universe is 90 by 90 degrees. Land ownerships are N x N hexagons that tile it, states are
hexagons three times as wide, points of interest lie on the diagonals of N lanes, roads are
zigzags. Every feature is tagged with the key "1", every M-th also with the key "M", M being
the largest power of two up to N and 1024.
"""

from __future__ import annotations

import functools
import itertools
import math
from typing import TYPE_CHECKING

import numpy as np
import shapely

from tests.benchmarks.workload import GEO, PREFIXES, Layer, Query, Workload, pairs, rectangle, wkt

if TYPE_CHECKING:
    from collections.abc import Iterator

    import geopandas as gpd
    import pandas as pd

BASE = "http://geographica.di.uoa.gr/generator/"
_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
#: Degrees from one end of the universe to the other.
SPAN = 90.0
SELECTIVITIES = (1.0, 0.75, 0.5, 0.25, 0.1, 0.001)
_JOINS = (
    ("sfIntersects", "landOwnership", "state"),
    ("sfTouches", "state", "state"),
    ("sfWithin", "pointOfInterest", "state"),
)
_SQL = {"sfIntersects": "ST_Intersects", "sfTouches": "ST_Touches", "sfWithin": "ST_Within"}
#: Relations as geopandas names them, and of a constant window to the rows in it.
_FRAMES = {"sfIntersects": "intersects", "sfTouches": "touches", "sfWithin": "within"}
_WINDOW = {"sfIntersects": "intersects", "sfWithin": "contains"}


class Geometry:
    """The measures that all classes share, and the shapes of each."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.width = SPAN / (n + 0.5)
        """From one hexagon to the next in its row."""
        self.side = self.width * math.sqrt(3.0) / 3.0
        self.rise = 1.5 * self.side
        """From one row of hexagons to the next."""

    def hexagons(self, times: int) -> list[str]:
        """Return the tiling by hexagons so many times as wide as the smallest."""
        n, side, width = self.n // times, times * self.side, times * self.width
        half = math.sqrt(3.0) * side / 2
        # Each sum goes on from the one before, as in the generator: the last bits decide
        # which neighbours touch.
        x = np.cumsum([width / 2, *itertools.islice(itertools.cycle((width / 2, -width / 2)), n)])
        y = np.cumsum([side, *itertools.repeat(1.5 * side, n)])
        found = []
        for x0, y0 in itertools.islice(zip(x.tolist(), y.tolist(), strict=True), n):
            low, high, bottom, top = y0 - side / 2, y0 + side / 2, y0 - side, y0 + side
            for k in range(n):
                xk = x0 + k * width
                east, west = xk + half, xk - half
                ring = [(xk, bottom), (east, low), (east, high), (xk, top), (west, high)]
                found.append(wkt("POLYGON", [*ring, (west, low), (xk, bottom)]))
        return found

    def points(self) -> list[str]:
        """Return N points on the diagonal of each of N vertical lanes."""
        lane = SPAN / self.n
        slope = self.rise * self.n / lane
        found = []
        for i in range(self.n):
            start = i * SPAN / self.n
            for k in range(1, self.n + 1):
                x = start + k * lane / self.n
                found.append(wkt("POINT", [(x, slope * (x - start))]))
        return found

    def roads(self) -> list[str]:
        """Return N/2 zigzags that go up, then N/2 that go right."""
        count, half = self.n // 2, self.width / 2
        swing = half / 6
        start, first = 3 * half + swing, self.side - swing / 2
        ways = (
            (start, first, (2 - 3 / count) * self.width, 2 * self.side, self.rise * self.n),
            (start, first, (3 - 3 / count) * self.side, 2 * self.width, self.width * self.n),
        )
        found = []
        for direction, (across, along, apart, step, limit) in enumerate(ways):
            for i in range(1, count + 1):
                line = list(_zigzag(across, along, step, limit, swing, to_right=i % 2 == 0))
                across += apart  # noqa: PLW2901 -- a sum as in the generator
                points = line if direction == 0 else [(y, x) for x, y in line]
                found.append(wkt("LINESTRING", points) if len(points) > 1 else "")
        return found

    def window(self, name: str, share: float) -> str:
        """Return a rectangle that should hold a share of a class."""
        if name == "landOwnership":
            k = math.ceil(math.sqrt(self.n * self.n * share)) - 1
            x, y = self.width / 2, self.side
            west, south = x - self.width / 2, y - self.side
            east, north = x + k * self.width + self.width, y + k * self.rise + self.side
        else:
            lanes = math.floor(share * self.n)
            west, south, north = 0.0, 0.0, SPAN
            # The generator subtracts the lanes from the share, not from the share of them.
            extra = (share - lanes) * SPAN / (self.n - 1) ** 2
            east = lanes * SPAN / (self.n - 1) + extra
        margin = (self.width + self.rise) / 10
        west, south = (v - margin if v - margin > 0 else v for v in (west, south))
        east, north = (v + margin if v + margin < SPAN else v for v in (east, north))
        return rectangle(west, south, east, north)


def _zigzag(
    across: float, along: float, step: float, limit: float, swing: float, *, to_right: bool
) -> Iterator[tuple[float, float]]:
    while along < limit:
        across += swing if to_right else -swing / 2
        to_right = not to_right
        if across > SPAN or along > SPAN:
            return
        yield across, along
        along += step


def largest_key(n: int) -> int:
    """Return M: one in M features has the key "M"."""
    return min(1024, 1 << (n.bit_length() - 1))


def geographica(n: int) -> Workload:
    """Return the workload with its four classes and 36 queries."""
    geometry, key = Geometry(n), largest_key(n)
    shapes = {
        "landOwnership": geometry.hexagons(1),
        "state": geometry.hexagons(3),
        "road": geometry.roads(),
        "pointOfInterest": geometry.points(),
    }
    layers = [
        Layer(name=name, wkt=texts, tags=list(_tags(len(texts), key)))
        for name, texts in shapes.items()
    ]
    return Workload(
        title=f"Geographica synthetic, N = {n}",
        layers=layers,
        triples=lambda: itertools.chain.from_iterable(_triples(layer) for layer in layers),
        queries=[*_selections(geometry, key), *_joins(key)],
    )


def _tags(count: int, key: int) -> Iterator[tuple[int, str]]:
    for i in range(1, count + 1):
        yield i, "1"
        if i % key == 0 and key > 1:
            yield i, str(key)


def _triples(layer: Layer) -> Iterator[str]:
    base = f"{BASE}{layer.name}/"
    label = layer.name[0].upper() + layer.name[1:]
    for i, text in enumerate(layer.wkt, 1):
        yield f"<{base}{i}/> <{_TYPE}> <{base}{label}> ."
        yield f"<{base}{i}/> <{GEO}hasGeometry> <{base}geometry/{i}/> ."
        yield f'<{base}geometry/{i}/> <{GEO}asWKT> "{text}"^^<{GEO}wktLiteral> .'
    for i, key in layer.tags:
        tag = f"<{base}{i}/tag/{key}/>"
        yield f"<{base}{i}/> <{base}hasTag> {tag} ."
        yield f"{tag} <{_TYPE}> <{base}Tag> ."
        yield f'{tag} <{base}hasKey> "{key}" .'
        yield f'{tag} <{base}hasValue> "{key}" .'


def _patterns(i: int, name: str, key: int) -> str:
    base = f"{BASE}{name}/"
    return (
        f"  ?s{i} geo:hasGeometry ?g{i} . ?g{i} geo:asWKT ?w{i} .\n"
        f'  ?s{i} <{base}hasTag> ?t{i} . ?t{i} <{base}hasKey> "{key}" .\n'
    )


def _table(i: int, name: str) -> str:
    return f"{name} f{i} JOIN {name}_tag t{i} ON t{i}.feature = f{i}.id"


def _tagged(frames: dict[str, pd.DataFrame], name: str, key: int) -> gpd.GeoDataFrame:
    tags = frames[f"{name}_tag"]
    return frames[name].merge(tags[tags["key"] == str(key)], left_on="id", right_on="feature")


def _selections(geometry: Geometry, key: int) -> Iterator[Query]:
    def select(
        frames: dict[str, pd.DataFrame], *, relation: str, name: str, window: str, key: int
    ) -> pd.DataFrame:
        frame: gpd.GeoDataFrame = frames[name]
        tags = frames[f"{name}_tag"]
        rows = frame.sindex.query(shapely.from_wkt(window), predicate=_WINDOW[relation])
        found = frame.iloc[rows]
        return found.loc[found["id"].isin(tags.loc[tags["key"] == str(key), "feature"]), ["id"]]

    for relation, name in (("sfIntersects", "landOwnership"), ("sfWithin", "pointOfInterest")):
        for share, k in itertools.product(SELECTIVITIES, (1, key)):
            window = geometry.window(name, share)
            yield Query(
                name=f"selection {relation} {k} {share * 100:g} %",
                sparql=f"{PREFIXES}SELECT ?s1 WHERE {{\n{_patterns(1, name, k)}"
                f'  FILTER(geof:{relation}(?w1, "{window}"^^geo:wktLiteral))\n}}\n',
                sql=f"SELECT f1.id FROM {_table(1, name)} WHERE t1.key = '{k}' "
                f"AND {_SQL[relation]}(f1.geom, ST_GeomFromText('{window}'))",
                frames=functools.partial(
                    select, relation=relation, name=name, window=window, key=k
                ),
                width=1,
            )


def _joins(key: int) -> Iterator[Query]:
    def join(
        frames: dict[str, pd.DataFrame],
        *,
        relation: str,
        names: tuple[str, str],
        keys: tuple[int, int],
    ) -> pd.DataFrame:
        left, right = (_tagged(frames, *n) for n in zip(names, keys, strict=True))
        return pairs(left, right, _FRAMES[relation])

    for relation, one, two in _JOINS:
        for k, m in itertools.product((1, key), repeat=2):
            yield Query(
                name=f"join {relation} ({k}, {m})",
                sparql=f"{PREFIXES}SELECT ?s1 ?s2 WHERE {{\n{_patterns(1, one, k)}"
                f"{_patterns(2, two, m)}  FILTER(geof:{relation}(?w1, ?w2))\n}}\n",
                sql=f"SELECT f1.id, f2.id FROM {_table(1, one)} "
                f"JOIN ({_table(2, two)}) ON {_SQL[relation]}(f1.geom, f2.geom) "
                f"WHERE t1.key = '{k}' AND t2.key = '{m}'",
                frames=functools.partial(join, relation=relation, names=(one, two), keys=(k, m)),
                width=2,
            )
