"""The contract of a derivation: a quantity that is computed from others, and how they are found.

A derivation is a module of `ml.derivations` with a pure function on arrays and `DERIVATION`,
which says in the terms of the ontology what goes in and what comes out.
"""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from pyoxigraph import NamedNode

#: By name: the contract is below the derivations, and imports none before they are asked for.
_PACKAGE = "ml.derivations"


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """A property in a unit."""

    observed: NamedNode
    """Class of what is observed, such as a CF standard name."""
    unit: NamedNode
    """QUDT."""


@dataclass(frozen=True, kw_only=True)
class Derivation:
    """How one quantity follows from others, value by value."""

    output: Quantity
    inputs: Mapping[str, Quantity]
    """By the name of the function's argument."""
    function: Callable[..., np.ndarray]
    """Arrays of one shape to an array of that shape."""
    source: str
    """The paper or the norm."""


@cache
def derivations() -> dict[str, Derivation]:
    """Return the derivations that there are, by the name of their module."""
    found = {}
    for module in pkgutil.iter_modules([str(files(_PACKAGE))]):
        derivation = getattr(import_module(f"{_PACKAGE}.{module.name}"), "DERIVATION", None)
        if isinstance(derivation, Derivation):
            found[module.name] = derivation
    return found
