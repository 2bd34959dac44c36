"""What is odd about a cube without keeping it from being indexed, as nodes of the graph."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import yaml
from pyoxigraph import Literal, NamedNode, Quad

from cube_bridge.sources.description import part_quads, variable_iri
from cube_bridge.units.quantities import unit, unit_of_spelling
from cube_bridge.units.udunits import parse_unit
from kg.rdf.iris import below
from ontology.terms import DEEP

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import xarray as xr

    from cube_bridge.cubes.axes import Placement


#: Of liquid water: what lies between a depth (mm) and a mass (kg m-2) of precipitation.
_DENSITY = "kg m-3"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One odd thing about a cube that does not keep it from being indexed."""

    variable: str
    kind: str
    """What it is about, as a path segment."""
    severity: str
    """`warning` where values may be misread, `info` where something is left out or assumed."""
    message: str


def findings_of(dataset: xr.Dataset, placement: Placement) -> list[Finding]:
    """Return what is odd about a cube."""
    found = [
        Finding(variable=name, kind="left-out", severity="info", message=f"not indexed: {reason}")
        for name, reason in placement.left_out.items()
    ]
    for axes in placement.axes:
        found += _unit_findings(axes.variable, dataset[axes.variable].attrs)
    return found


def _unit_findings(name: str, attrs: dict[str, object]) -> Iterator[Finding]:
    spelling = attrs.get("units")
    if not str(spelling or "").strip():
        return
    iri = unit_of_spelling(str(spelling))
    if iri is None:
        yield Finding(
            variable=name,
            kind="unit",
            severity="info",
            message=f"the unit {str(spelling)!r} is not understood; a mapping can say it",
        )
        return
    standard_name = str(attrs.get("standard_name", ""))
    canonical = canonical_units().get(standard_name)
    if canonical is None or _dimension(canonical) == unit(iri).dimension:
        return
    by_depth = parse_unit(f"{_DENSITY} {spelling}")
    if by_depth is not None and by_depth.dimension == _dimension(canonical):
        yield Finding(
            variable=name,
            kind="unit",
            severity="info",
            message=f"{standard_name} in {spelling!r} is a depth of water; as {canonical!r} it "
            "needs the density of water, 1000 kg m-3",
        )
        return
    yield Finding(
        variable=name,
        kind="unit",
        severity="warning",
        message=f"the unit {str(spelling)!r} contradicts the standard name {standard_name!r}, "
        f"which is in {canonical!r} or what converts to it",
    )


def finding_quads(source: NamedNode, findings: Iterable[Finding]) -> Iterator[Quad]:
    """Yield findings as nodes, linked from the source."""
    for finding in findings:
        node = below(source, "finding", finding.variable, finding.kind)
        yield Quad(source, DEEP.hasFinding, node)
        yield from part_quads(node, DEEP.Finding, source)
        yield Quad(node, DEEP.severity, Literal(finding.severity))
        yield Quad(node, DEEP.message, Literal(finding.message))
        if finding.kind != "left-out":
            yield Quad(node, DEEP.about, variable_iri(source, finding.variable))


@cache
def canonical_units() -> dict[str, str]:
    """Return the canonical units of the CF standard names that are known here."""
    text = (files("cube_bridge") / "standard_names.yaml").read_text(encoding="utf-8")
    return {str(k): str(v) for k, v in yaml.safe_load(text).items()}


@cache
def _dimension(spelling: str) -> str:
    parsed = parse_unit(spelling)
    return parsed.dimension if parsed is not None else ""
