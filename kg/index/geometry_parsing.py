"""Texts of geometries to shapes, many at once."""

from __future__ import annotations

import numpy as np
import shapely

from kg.geosparql.errors import InvalidGeometryError
from kg.geosparql.literals import parse
from kg.index.term_table import hash_texts
from kg.rdf.geometry import CRS84
from ontology.terms import GEO


def literal_hashes(lexicals: list[str], datatypes: list[str]) -> np.ndarray:
    """Return a number for each literal that tells it from others: (n,) uint64."""
    return hash_texts([f"{d} {x}" for d, x in zip(datatypes, lexicals, strict=True)])


def _plain_shapes(texts: list[str]) -> np.ndarray:
    """Return the shapes of n WKT texts, (n,) objects; None where `parse` has to read it."""
    # As objects: numpy would make all of them as wide as the longest.
    column = np.array(texts, object)
    try:
        shapes = np.asarray(shapely.from_wkt(column, on_invalid="ignore"), object)
    except NotImplementedError:  # an arc among them
        return np.full(len(texts), None, object)
    parts = shapely.get_num_geometries(shapes) > 1
    holes = shapely.get_num_interior_rings(shapes) > 0
    odd = ~np.isfinite(shapely.bounds(shapes)).all(axis=1)
    shapes[parts | holes | odd] = None
    return shapes


def parse_all(
    lexicals: list[str], datatypes: list[str]
) -> tuple[np.ndarray, list[str | None], list[str | None]]:
    """Parse n literals.

    Returns:
        (n,) objects, the shape of each; its SRS; and why it is no geometry. The shape and the SRS
        are None where it is none, the reason is None where it is one.
    """
    shapes = np.full(len(lexicals), None, object)
    reasons: list[str | None] = [None] * len(lexicals)
    systems: list[str | None] = [CRS84] * len(lexicals)
    wkt = GEO.wktLiteral.value
    plain = [
        i
        for i, (text, datatype) in enumerate(zip(lexicals, datatypes, strict=True))
        if datatype == wkt and text[:1].isalpha()
    ]
    # Plain CRS84 text is parsed at once, ten times as fast; all else one by one.
    shapes[plain] = _plain_shapes([lexicals[i] for i in plain])
    for i in [i for i, shape in enumerate(shapes.tolist()) if shape is None]:
        try:
            geometry = parse(lexicals[i], datatypes[i])
        except InvalidGeometryError as error:
            reasons[i], systems[i] = str(error), None
        else:
            shapes[i], systems[i] = geometry.shape, geometry.srs
    return shapes, systems, reasons
