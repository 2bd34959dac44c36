"""What makes a GeoSPARQL expression unbound.

DeepCubeError
├── InvalidGeometryError    a literal is no geometry, or its reference system is unknown
├── InvalidArgumentError    an argument is of another kind than the function takes
└── UnknownUnitError        no unit of that kind has this IRI
"""

from __future__ import annotations

from kg.errors import DeepCubeError


class InvalidGeometryError(DeepCubeError, ValueError):
    """A literal is no geometry, its reference system is unknown, or it does not fit."""


class InvalidArgumentError(DeepCubeError, TypeError):
    """An argument is of another kind than the function takes."""


class UnknownUnitError(DeepCubeError, LookupError):
    """No unit of the kind that is needed has this IRI."""
