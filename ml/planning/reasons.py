"""Why a variable fills a slot, or does not, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kg.rdf.times import Cadence
from ontology.terms import DCTERMS, DEEP, GEO, QUDT, SOSA, compact

if TYPE_CHECKING:
    from kg.regions import Region
    from ml.planning.candidates import Candidate
    from ml.planning.planned import Refused
    from ml.planning.slots import Requirement, Slot


def why(slot: Slot, candidate: Candidate, region: Region) -> str:
    """Return why a variable serves."""
    unit = compact(candidate.unit.value) if candidate.unit else "no unit"
    reading = "" if candidate.unit in (None, slot.unit) else f", read in {compact(slot.unit.value)}"
    return (
        f"observes {candidate.observes}, which the reasoner infers to serve as {slot.label}; "
        f"{unit}{reading}; {_cadence(candidate)}; extent holds {candidate.share:.0%} of "
        f"{region.label}"
    )


def found_instead(candidate: Candidate, requirement: Requirement, region: Region) -> str:
    """Return what the variable has where the requirement looks."""
    found = {
        SOSA.observedProperty: f"observes {candidate.observes}",
        DEEP.variableOf: f"part of a {candidate.source_kind}",
        QUDT.hasUnit: compact(candidate.unit.value) if candidate.unit else "no unit known",
        DEEP.samplingSeconds: _cadence(candidate),
        GEO.hasBoundingBox: f"its extent holds {candidate.share:.0%} of {region.label}",
        DCTERMS.temporal: " to ".join(candidate.period) if candidate.period else "has no period",
    }
    return found.get(requirement.checks, f"see {compact(requirement.checks.value)}")


def _cadence(candidate: Candidate) -> str:
    if candidate.sampling_s is None:
        return "no cadence known"
    return f"sampled every {Cadence.of_seconds(candidate.sampling_s).text}"


def nothing_fits(slot: Slot, identifier: str, region: Region, refused: list[Refused]) -> str:
    """Return what to tell where nothing can fill a slot: why each source fails."""
    lines = [f"  {r.source_title}: {r.reason}" for r in refused if r.slot == slot.identifier]
    return (
        f"no source can serve as {slot.label} of {identifier} for {region.label}; "
        "index one that can. Refused:\n" + "\n".join(lines)
    )
