"""The root of all our errors, and those of the graph.

DeepCubeError
├── StoreError                    the store cannot do what was asked
│   ├── StoreLockedError          another process has the folder open
│   ├── StoreNotFoundError        nothing there to open for reading
│   └── RemoteStoreError          a SPARQL server did not answer as it should
├── QueryError                    malformed SPARQL, or a question that has no answer
│   └── EvaluationError           well-formed SPARQL that cannot be evaluated
├── FormatError                   a result has no such form
├── RdfSyntaxError                malformed RDF
├── IriError                      no IRI, or not of the form that is needed
├── ResourceNotFoundError         no triple speaks of the IRI
├── RegionError                   a region that is no place of the graph and no WKT
├── ValidationFailedError         SHACL shapes are violated
├── ReasonerError                 the reasoner failed or found a contradiction
├── cube_bridge.errors            sources and mappings
└── ml.errors                     plans, runs and models
"""

from __future__ import annotations

import re

#: The classes of characters in the parser's list of what it would have taken.
_CHARACTERS = re.compile(r"(, )?\[(_|'[^\]]*')\](?=, |$)")


class DeepCubeError(Exception):
    """Something a caller may want to handle; the message says what to do about it."""


class StoreError(DeepCubeError, OSError):
    """The store cannot do what was asked."""


class StoreLockedError(StoreError):
    """Another process has the store folder open."""


class StoreNotFoundError(StoreError, LookupError):
    """There is no store where one was to be read."""


class RemoteStoreError(StoreError, ConnectionError):
    """A SPARQL server could not be reached or refused the request."""


class QueryError(DeepCubeError, ValueError):
    """A SPARQL query or update is malformed, or asks for what there cannot be."""

    @classmethod
    def of_syntax(cls, kind: str, error: Exception) -> QueryError:
        """Return the error for what the parser says of a query or update, in one line."""
        said = _CHARACTERS.sub("", " ".join(str(error).split()))
        if "Prefix not found" in said:
            said = f"{said.split(': ')[0]}: a prefix that no PREFIX declares"
        return cls(f"malformed SPARQL {kind}: {said}")


class EvaluationError(QueryError):
    """A well-formed query or update cannot be carried out, as where another server is not there."""


class FormatError(DeepCubeError, TypeError):
    """A kind of result has no such form, as triples have no CSV."""


class RdfSyntaxError(DeepCubeError, ValueError):
    """An RDF document is malformed, or its format is unknown."""


class IriError(DeepCubeError, ValueError):
    """A text is no IRI, or not of the form that is needed."""


class ResourceNotFoundError(DeepCubeError, LookupError):
    """No triple speaks of the IRI."""

    def __init__(self, iri: str) -> None:
        super().__init__(f"nothing is known of <{iri}>; search for it with a SPARQL query")
        self.iri = iri


class RegionError(DeepCubeError, LookupError, ValueError):
    """A region that is no place of the graph, more than one, or no WKT."""


class ValidationFailedError(DeepCubeError, ValueError):
    """Data does not conform to the SHACL shapes."""


class ReasonerError(DeepCubeError, RuntimeError):
    """The reasoner failed, or the facts contradict each other."""
