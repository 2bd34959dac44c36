"""Data and queries in the shape of Geographica's scalability set, at any number of triples.

The set itself is OpenStreetMap and CORINE data of several gigabytes. Here are features of the
same kinds, seeded: buildings, roads, car parks, and districts with the code 1001. SC1 selects
by a polygon that is no rectangle and gives the geometries too; SC2 joins districts with roads
(source: Ioannidis et al., J. Data Semantics 2021).
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np
import shapely

from tests.benchmarks.workload import GEO, PREFIXES, Layer, Query, Workload, pairs, wkt

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

BASE = "http://geographica.di.uoa.gr/scalability/"
_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_LABEL = "http://www.w3.org/2000/01/rdf-schema#label"
_XSD = "http://www.w3.org/2001/XMLSchema#"
TRIPLES_PER_FEATURE = 6
#: Rows of SC1 among the features, as 80,500 are among those of a million triples.
_SELECTED = 80_500 / 1_000_000 * TRIPLES_PER_FEATURE
_DISTRICTS = 100
_DISTRICT, _BUILDING, _CAR_PARK = 1001, 1500, 5260
_ROADS = np.arange(5111, 5156)
_SPAN = 10.0
_CORNER = np.array([20.0, 35.0])


def scalability(triples: int = 1_000_000) -> Workload:
    """Return the workload with SC1 and SC2."""
    rng = np.random.default_rng(20_130_101)
    count = triples // TRIPLES_PER_FEATURE
    centres = rng.uniform(0, _SPAN, (count, 2)) + _CORNER
    kinds = rng.choice(3, count, p=[0.65, 0.3, 0.05])
    codes = np.choose(kinds, [_BUILDING, rng.choice(_ROADS, count), _CAR_PARK])
    codes[rng.choice(count, _DISTRICTS, replace=False)] = _DISTRICT
    # A district meets some eight roads, whatever their number.
    radius = np.sqrt(8.8 / (0.3 * count / _SPAN**2) / np.pi)
    texts = [
        _shape(c, code, rng, radius)
        for c, code in zip(centres.tolist(), codes.tolist(), strict=True)
    ]
    layer = Layer(name="feature", wkt=texts, codes=codes)
    return Workload(
        title=f"scalability, {count * TRIPLES_PER_FEATURE:,} triples",
        layers=[layer],
        triples=lambda: _triples(layer),
        queries=[_selection(_polygon(centres)), _join()],
    )


def _shape(centre: list[float], code: int, rng: np.random.Generator, radius: float) -> str:
    if code == _DISTRICT:
        return wkt("POLYGON", _ring(centre, np.full(8, radius)))
    if code in {_BUILDING, _CAR_PARK}:
        return wkt("POLYGON", _ring(centre, rng.uniform(5e-5, 3e-4, rng.integers(4, 9))))
    steps = np.cumsum(rng.normal(0, 1e-3, (rng.integers(2, 12), 2)), axis=0)
    return wkt("LINESTRING", [tuple(p) for p in (centre + steps).tolist()])


def _ring(centre: list[float], radii: np.ndarray) -> list[tuple[float, float]]:
    angles = np.linspace(0, 2 * np.pi, len(radii), endpoint=False)
    points = centre + radii[:, None] * np.column_stack([np.cos(angles), np.sin(angles)])
    ring = [tuple(p) for p in points.tolist()]
    return [*ring, ring[0]]


def _polygon(centres: np.ndarray) -> str:
    """Return a star of twelve corners that holds the share of the centres that SC1 selects."""
    middle = _CORNER + _SPAN / 2
    radii = np.array([1.0, 0.85] * 6)
    star = shapely.Polygon(_ring([0.0, 0.0], radii))
    away = np.hypot(*(centres - middle).T)
    outward = (centres - middle) / away[:, None] * 2
    rays = shapely.linestrings(np.stack([np.zeros_like(outward), outward], axis=1))
    reach = away / shapely.length(shapely.intersection(rays, star))
    scale = float(np.quantile(reach, min(_SELECTED, 1.0)))
    return wkt("POLYGON", _ring(middle.tolist(), radii * scale))


def _triples(layer: Layer) -> Iterator[str]:
    codes = [] if layer.codes is None else layer.codes.tolist()
    for i, (text, code) in enumerate(zip(layer.wkt, codes, strict=True), 1):
        feature, geometry = f"<{BASE}{i}/>", f"<{BASE}geometry/{i}/>"
        yield f"{feature} <{_TYPE}> <{GEO}Feature> ."
        yield f'{feature} <{_LABEL}> "feature {i}" .'
        yield f'{feature} <{BASE}osmId> "{i * 7919}"^^<{_XSD}integer> .'
        yield f'{feature} <{BASE}hasCode> "{code}"^^<{_XSD}integer> .'
        yield f"{feature} <{GEO}hasGeometry> {geometry} ."
        yield f'{geometry} <{GEO}asWKT> "{text}"^^<{GEO}wktLiteral> .'


def _selection(window: str) -> Query:
    def select(frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
        frame = frames["feature"]
        found = frame.iloc[frame.sindex.query(shapely.from_wkt(window), predicate="intersects")]
        return found[["id"]].assign(wkt=found.geometry.to_wkt())

    return Query(
        name="SC1 selection by a polygon",
        sparql=f"{PREFIXES}SELECT ?s1 ?o1 WHERE {{ ?s1 geo:asWKT ?o1 . "
        f'FILTER(geof:sfIntersects(?o1, "{window}"^^geo:wktLiteral)) }}',
        sql="SELECT id, ST_AsText(geom) AS wkt FROM feature "
        f"WHERE ST_Intersects(geom, ST_GeomFromText('{window}'))",
        frames=select,
        width=1,
    )


def _join() -> Query:
    def join(frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
        frame = frames["feature"]
        code = frame["code"]
        others = frame[(code > 5000) & (code < 6000) & (code != _CAR_PARK)]
        return pairs(frame[code == _DISTRICT], others, "intersects")

    return Query(
        name="SC2 join of districts and roads",
        sparql=f"{PREFIXES}SELECT ?s1 ?s2 WHERE {{\n"
        f"  ?s1 geo:hasGeometry [ geo:asWKT ?o1 ] ; <{BASE}hasCode> {_DISTRICT} .\n"
        f"  ?s2 geo:hasGeometry [ geo:asWKT ?o2 ] ; <{BASE}hasCode> ?code2 .\n"
        f"  FILTER(?code2 > 5000 && ?code2 < 6000 && ?code2 != {_CAR_PARK})\n"
        "  FILTER(geof:sfIntersects(?o1, ?o2))\n}\n",
        sql="SELECT f1.id, f2.id FROM feature f1 JOIN feature f2 "
        "ON ST_Intersects(f1.geom, f2.geom) "
        f"WHERE f1.code = {_DISTRICT} AND f2.code > 5000 AND f2.code < 6000 "
        f"AND f2.code <> {_CAR_PARK}",
        frames=functools.partial(join),
        width=2,
    )
