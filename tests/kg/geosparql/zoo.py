"""Shapes that stand to each other in all ways that lines, points and areas can."""

from itertools import product

import shapely

from kg.geosparql.noding import noded

TEXTS = [
    # Points: in, on the edge of, at a corner of and outside the square; in its hole.
    "POINT (5 5)",
    "POINT (2 5)",
    "POINT (0 5)",
    "POINT (10 10)",
    "POINT (20 20)",
    "POINT Z (2 5 9)",
    "MULTIPOINT ((5 5), (20 20))",
    "MULTIPOINT ((5 5), (2 5))",
    "MULTIPOINT ((0 5), (10 10))",
    "MULTIPOINT ((5 5))",
    # Lines: through, inside, along the edge, touching, outside, closed, crossing themselves.
    "LINESTRING (-5 5, 15 5)",
    "LINESTRING (1 1, 2 9)",
    "LINESTRING (0 0, 10 0)",
    "LINESTRING (0 2, 0 8)",
    "LINESTRING (-5 0, 15 0)",
    "LINESTRING (-5 5, 0 5)",
    "LINESTRING (0 5, 2 5)",
    "LINESTRING (5 -5, 5 15)",
    "LINESTRING (20 20, 30 30)",
    "LINESTRING (15 5, 5 5, -5 5)",
    "LINESTRING (0 0, 10 0, 10 10, 0 10, 0 0)",
    "LINESTRING (0 0, 4 4, 4 0, 0 4)",
    "LINEARRING (0 0, 10 0, 10 10, 0 10, 0 0)",
    "MULTILINESTRING ((-5 5, 0 5), (10 5, 15 5))",
    "MULTILINESTRING ((0 0, 10 0), (10 0, 10 10))",
    "MULTILINESTRING ((0 0, 5 0), (5 0, 5 5), (5 0, 9 0))",
    # Areas: the square, the same otherwise, parts, neighbours, overlapping, apart, holed.
    "POLYGON ((0 0, 10 0, 10 10, 0 10, 0 0))",
    "POLYGON ((10 10, 10 0, 5 0, 0 0, 0 10, 10 10))",
    "MULTIPOLYGON (((0 0, 10 0, 10 10, 0 10, 0 0)))",
    "POLYGON ((1 1, 3 1, 3 3, 1 3, 1 1))",
    "POLYGON ((0 0, 5 0, 5 5, 0 5, 0 0))",
    "POLYGON ((0 1, 3 3, 3 1, 0 1))",
    "POLYGON ((10 0, 20 0, 20 10, 10 10, 10 0))",
    "POLYGON ((10 10, 20 10, 20 20, 10 20, 10 10))",
    "POLYGON ((5 5, 15 5, 15 15, 5 15, 5 5))",
    "POLYGON ((20 20, 30 20, 30 30, 20 30, 20 20))",
    "POLYGON ((-5 -5, 15 -5, 15 15, -5 15, -5 -5))",
    "POLYGON ((0 0, 10 0, 10 10, 0 10, 0 0), (4 4, 4 6, 6 6, 6 4, 4 4))",
    "POLYGON ((4 4, 6 4, 6 6, 4 6, 4 4))",
    "POLYGON ((4.5 4.5, 5.5 4.5, 5.5 5.5, 4.5 5.5, 4.5 4.5))",
    "POLYGON ((0 0, 10 0, 10 10, 0 10, 0 0), (0 5, 3 6, 3 4, 0 5))",
    "MULTIPOLYGON (((0 0, 4 0, 4 4, 0 4, 0 0)), ((6 6, 10 6, 10 10, 6 10, 6 6)))",
    "MULTIPOLYGON (((0 0, 5 0, 5 5, 0 5, 0 0)), ((5 5, 10 5, 10 10, 5 10, 5 5)))",
    "MULTIPOLYGON (((0 0, 10 0, 10 10, 0 10, 0 0)), ((0 5, -2 6, -2 4, 0 5)))",
    # Degenerate, but not wrong.
    "LINESTRING (5 5, 5 5, 6 6, 6 6)",
    "MULTIPOINT ((5 5), (5 5))",
    # Nothing.
    "POINT EMPTY",
    "LINESTRING EMPTY",
    "POLYGON EMPTY",
    "MULTIPOLYGON EMPTY",
]
COLLECTIONS = [
    "GEOMETRYCOLLECTION EMPTY",
    "GEOMETRYCOLLECTION (POINT EMPTY, POLYGON EMPTY)",
    "GEOMETRYCOLLECTION (POINT (5 5))",
    "GEOMETRYCOLLECTION (POINT (20 20), POLYGON ((0 0, 10 0, 10 10, 0 10, 0 0)))",
    "GEOMETRYCOLLECTION (LINESTRING (-5 5, 15 5), POINT (5 5))",
    "GEOMETRYCOLLECTION (POLYGON ((0 0, 10 0, 10 10, 0 10, 0 0)), LINESTRING (10 5, 15 5))",
]
SHAPES = [noded(shapely.from_wkt(text)) for text in TEXTS]
ALL_SHAPES = SHAPES + [noded(shapely.from_wkt(text)) for text in COLLECTIONS]


def pairs(shapes):
    return list(product(shapes, repeat=2))
