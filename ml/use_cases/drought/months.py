"""Monthly drought severity of regions, and the samples that are made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pyoxigraph import NamedNode

from ml.errors import RunError
from ml.samples import Places, Samples
from ontology.terms import DEEP

if TYPE_CHECKING:
    from ml.inputs.inputs import Inputs


@dataclass(frozen=True, kw_only=True)
class RegionMonths:
    """A monthly index of regions, without gaps."""

    iri: tuple[NamedNode, ...]
    """(region,)"""
    label: tuple[str, ...]
    """(region,)"""
    months: np.ndarray
    """(month,) datetime64[M], each after the other."""
    severity: np.ndarray
    """(region, month) float64, the Palmer drought severity index; negative is dry."""
    rests_on: tuple[NamedNode, ...] = ()
    """(region,) the series that a prediction rests on; empty for data that comes from no graph."""

    @property
    def target_months(self) -> np.ndarray:
        """(month,) datetime64[M]: all months but the first, and the one after the last."""
        return np.asarray(self.months + 1)


def read_months(inputs: Inputs) -> RegionMonths:
    """Return what the plan's inputs hold.

    Raises:
        RunError: The plan lacks the slot, the series are not monthly, or have gaps.
        SourceError: The source has gone or cannot be read.
    """
    found = inputs.series("severity")
    months = found["time"].to_numpy().astype("datetime64[M]")
    if not (np.diff(months) == np.timedelta64(1, "M")).all():
        raise RunError("the drought severity does not have one value for each month")
    severity = found["severity"].transpose("place", "time").to_numpy().astype(np.float64)
    gaps = int(np.isnan(severity).sum())
    if gaps:
        raise RunError(f"the drought severity has {gaps} missing values; choose another source")
    return RegionMonths(
        iri=tuple(NamedNode(str(iri)) for iri in found["iri"].to_numpy()),
        label=tuple(str(label) for label in found["label"].to_numpy()),
        months=months,
        severity=severity,
        rests_on=inputs.parts("severity"),
    )


def places_of(data: RegionMonths) -> Places:
    """Return the regions, which indexing has described."""
    return Places(iri=data.iri, label=data.label, kind=DEEP.Region, are_in_graph=True)


def samples_of(data: RegionMonths) -> Samples:
    """Return a sample of each region and month whose month before is known, region by region.

    The last month is that after the data: it has no outcome yet.
    """
    regions, months = data.severity.shape
    target = np.full((regions, months), np.nan)
    target[:, :-1] = data.severity[:, 1:]
    begin = data.target_months
    return Samples(
        place=np.repeat(np.arange(regions), months),
        begin=np.tile(begin.astype("datetime64[s]"), regions),
        end=np.tile((begin + 1).astype("datetime64[s]"), regions),
        target=target.reshape(-1, 1),
        rests_on=lambda i: (data.rests_on[i // months],) if data.rests_on else (),
    )
