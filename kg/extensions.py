"""What other packages add to SPARQL: functions, and services that are evaluated here.

A package names an object with the methods of `Extension` in the entry-point group
`deepcube.extensions`; it is loaded when a query first speaks of something that only an
extension can know. So nothing here knows who brings what.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Protocol

from kg.errors import EvaluationError
from ontology.terms import DEEPF

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pyoxigraph import NamedNode

    from kg.rdf.terms import Term
    from kg.store import GraphStore

GROUP = "deepcube.extensions"


class Service(Protocol):
    """What `SERVICE <iri> { [] <input> ?a ; <output> ?b }` asks."""

    @property
    def iri(self) -> NamedNode:
        """Its name, in the deep: namespace."""

    @property
    def inputs(self) -> Mapping[NamedNode, bool]:
        """The predicates whose objects are given to the service; True for those that it needs."""

    @property
    def outputs(self) -> frozenset[NamedNode]:
        """The predicates whose objects it finds."""

    def evaluate(
        self,
        store: GraphStore,
        requests: Sequence[Mapping[NamedNode, Term]],
        wanted: frozenset[NamedNode],
        bounds: Mapping[NamedNode, tuple[float, float]],
    ) -> Iterator[tuple[int, Mapping[NamedNode, Term]]]:
        """Yield the rows that answer requests: the place of the request, and the outputs.

        All requests of a query come in one call. A `QueryError`, or an argument that is of
        another kind, is a mistake of who asks; any other exception is the failure of the service.

        Args:
            store: For look-ups.
            requests: The distinct inputs; a predicate that is optional may be missing in some.
            wanted: The outputs that the query speaks of; others need not be in a row. One that
                is wanted and not in a row is unbound.
            bounds: Lowest and highest value, both included, that an output may have for its
                row to survive the filters of the query: a hint for leaving work out. The
                filters are tested all the same.
        """


class Extension(Protocol):
    """What a package adds."""

    def functions(self, store: GraphStore) -> Mapping[NamedNode, Callable[..., Term | None]]:
        """Return functions by IRI, which may look things up in the store while they are called.

        They get RDF terms. One that raises, or returns None, is an error in the terms of
        SPARQL: the expression is unbound.
        """

    def services(self) -> Sequence[Service]:
        """Return the services."""


class Extensions:
    """What a store's queries can call beyond what it knows itself."""

    def __init__(self, given: Sequence[Extension] | None = None) -> None:
        """Take extensions; None for those that are installed, once they are needed."""
        self._given = None if given is None else tuple(given)
        self._functions: dict[str, Callable[..., Term | None]] | None = None

    def services(self) -> list[Service]:
        """Return all services."""
        return [s for e in self._all() for s in e.services()]

    def function(self, iri: str, store: GraphStore) -> Callable[..., Term | None] | None:
        """Return a function; None where no extension has it.

        Args:
            iri: Its name; one that is not in deepf: is not looked for in what is installed.
            store: Where it may look things up, always the same one.
        """
        if self._given is None and not iri.startswith(DEEPF.namespace):
            return None
        if self._functions is None:
            self._functions = {
                name.value: f for e in self._all() for name, f in e.functions(store).items()
            }
        return self._functions.get(iri)

    def _all(self) -> tuple[Extension, ...]:
        return installed_extensions() if self._given is None else self._given


@cache
def installed_extensions() -> tuple[Extension, ...]:
    """Return what the installed packages add.

    Raises:
        EvaluationError: A package cannot be loaded.
    """
    found: list[Extension] = []
    for point in sorted(entry_points(group=GROUP), key=lambda p: p.name):
        try:
            found.append(point.load())
        except (ImportError, AttributeError) as error:
            raise EvaluationError(
                f"the extension {point.name!r} ({point.value}) cannot be loaded: {error}; "
                "reinstall the package that brings it"
            ) from error
    return tuple(found)
