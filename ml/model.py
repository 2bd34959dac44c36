"""What makes a model known to the platform: its card, found through entry points."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from kg.vocabulary import install_use_case
from ml.errors import ModelNotFoundError

if TYPE_CHECKING:
    from pyoxigraph import NamedNode

    from kg.store import GraphStore

_GROUP = "deepcube.models"


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """A model as the graph knows it."""

    iri: NamedNode
    identifier: str
    """Name on the command line."""
    turtle: bytes
    """Description with the input slots, loaded into a graph named like the model."""
    shapes: bytes = b""
    """SHACL shapes of its own predictions, as Turtle."""


def model_card(name: str) -> ModelCard:
    """Return an installed model.

    Raises:
        ModelNotFoundError: Lists the models there are.
    """
    found = entry_points(group=_GROUP, name=name)
    if not found:
        names = ", ".join(sorted(entry_points(group=_GROUP).names))
        raise ModelNotFoundError(f"no model {name!r}; there are: {names}")
    card = next(iter(found)).load()
    if not isinstance(card, ModelCard):
        raise ModelNotFoundError(f"the entry point of {name!r} is no ModelCard")
    return card


def install_model(store: GraphStore, card: ModelCard) -> None:
    """Bring the ontology and the model's description in the graph to this version."""
    install_use_case(store, card.iri, card.turtle, card.shapes)
