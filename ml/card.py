"""The card of a use case, and how use cases are found: nothing of theirs runs until one is named.

A use case is a package with `model.ttl` (the model, its slots, what they admit), `shapes.ttl`
(SHACL of its own predictions) and a module `use_case` with `USE_CASE`. Ours are the packages of
`ml.use_cases`, named by their folder with dashes for underscores. Another package names its own
in the entry-point group `deepcube.use_cases`: `rain-dance = "their_package.rain_dance"`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from importlib.resources import files
from typing import TYPE_CHECKING

from pyoxigraph import Literal, NamedNode, RdfFormat, Store

from ml.errors import ModelNotFoundError
from ontology.terms import DCTERMS, DEEP, RDF

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_GROUP = "deepcube.use_cases"
#: By name: the cards are below the use cases, and import none of them.
_OURS = "ml.use_cases"


@dataclass(frozen=True, kw_only=True)
class Card:
    """A use case as the graph knows it."""

    iri: NamedNode
    """Of the model; its description is loaded into a graph of this name."""
    identifier: str
    """Name on the command line."""
    turtle: bytes
    """Description with the input slots, what they admit, and what is predicted."""
    shapes: bytes = b""
    """SHACL shapes of its own predictions, as Turtle, beside those that all predictions share."""


def packages() -> dict[str, str]:
    """Return the packages of all use cases by identifier; nothing of them is imported."""
    theirs = {e.name: e.value for e in entry_points(group=_GROUP)}
    ours = {
        folder.name.replace("_", "-"): f"{_OURS}.{folder.name}"
        for folder in files(_OURS).iterdir()
        if (folder / "model.ttl").is_file()
    }
    return {**theirs, **ours}


def package_of(identifier: str) -> str:
    """Return the package of a use case.

    Raises:
        ModelNotFoundError: Lists the use cases there are.
    """
    found = packages()
    if identifier not in found:
        names = ", ".join(sorted(found))
        raise ModelNotFoundError(f"no model {identifier!r}; there are: {names}")
    return found[identifier]


def find_card(identifier: str) -> Card:
    """Return the card of a use case, read from its Turtle; its code is not imported.

    Raises:
        ModelNotFoundError: There is no such use case, or its Turtle describes no such model.
    """
    card = read_card(package_of(identifier))
    if card.identifier != identifier:
        raise ModelNotFoundError(
            f"the use case {identifier!r} describes a model {card.identifier!r}; both must agree"
        )
    return card


@cache
def read_card(package: str) -> Card:
    """Return the card that a package holds.

    Raises:
        ModelNotFoundError: Its `model.ttl` is missing or malformed, or describes no model or
            several.
    """
    try:
        folder = files(package)
        turtle = (folder / "model.ttl").read_bytes()
    except (ModuleNotFoundError, FileNotFoundError) as error:
        raise ModelNotFoundError(f"the use case in {package} cannot be read: {error}") from error
    description = Store()
    try:
        description.load(turtle, format=RdfFormat.TURTLE)
    except SyntaxError as error:
        raise ModelNotFoundError(f"the model.ttl of {package} is malformed: {error}") from error
    models = [
        (q.subject, i.object.value)
        for q in description.quads_for_pattern(None, RDF.type, DEEP.Model)
        for i in description.quads_for_pattern(q.subject, DCTERMS.identifier, None)
        if isinstance(q.subject, NamedNode) and isinstance(i.object, Literal)
    ]
    if len(models) != 1:
        raise ModelNotFoundError(
            f"the model.ttl of {package} must describe one deep:Model with a dcterms:identifier"
        )
    iri, identifier = models[0]
    return Card(
        iri=iri, identifier=identifier, turtle=turtle, shapes=_bytes_of(folder / "shapes.ttl")
    )


def _bytes_of(file: Traversable) -> bytes:
    return file.read_bytes() if file.is_file() else b""
