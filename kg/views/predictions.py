"""What a run predicts, of any use case: values, classes with their colours, alerts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pyoxigraph import NamedNode

from kg.hierarchy import subproperties
from kg.rdf.terms import number, text
from kg.rdf.times import timestamp
from kg.rows import select
from kg.views.labels import labels
from kg.views.moments import Moment, moment_of
from ontology.terms import DEEP, compact

if TYPE_CHECKING:
    from kg.rdf.terms import Term
    from kg.store import GraphStore


#: Before all others, where predictions about no time stand.
_NO_TIME = Moment(begin=datetime.min.replace(tzinfo=UTC), end=datetime.min.replace(tzinfo=UTC))
#: Of CAP 1.2, section 3.2.2, the worst first.
_SEVERITIES = ("Extreme", "Severe", "Moderate", "Minor", "Unknown")


@dataclass(frozen=True, kw_only=True)
class PredictedClass:
    """A class that values fall in: a concept of a SKOS scheme."""

    iri: NamedNode
    scheme: NamedNode | None
    label: str
    colour: str | None
    """As in CSS; None where the scheme gives none."""
    order: float
    """Its skos:notation, the lowest first."""


@dataclass(frozen=True, kw_only=True)
class Observed:
    """What is predicted."""

    iri: NamedNode
    label: str
    unit: str
    """Symbol of the unit of the values; empty where they have none, as a probability."""
    low_is_severe: bool = False
    """True where low values call for attention, as those of a drought index."""


@dataclass(frozen=True, kw_only=True)
class PredictionRow:
    """What is predicted of one place."""

    iri: NamedNode
    observed: Observed
    place: NamedNode
    place_label: str
    wkt: str | None
    """Where the place is; None where the graph does not say."""
    value: float
    interval: tuple[float, float] | None
    coverage: float | None
    """How often the outcome should lie in the interval, 0 to 1."""
    predicted_class: PredictedClass | None


@dataclass(frozen=True, kw_only=True)
class AlertRow:
    """A call for attention."""

    iri: NamedNode
    headline: str
    area: str
    """Label of where it applies."""
    severity: str
    """As in CAP 1.2."""


@dataclass(frozen=True, kw_only=True)
class MomentRow:
    """A span of time for which a run has predictions."""

    moment: Moment | None
    """None where predictions are about no time."""
    mean: float
    """Of the values predicted for it."""


def moments(store: GraphStore, run: NamedNode) -> list[MomentRow]:
    """Return the spans of time for which a run has predictions, the earliest first."""
    rows = select(
        store,
        f"""SELECT ?time (AVG(?value) AS ?mean) WHERE {{
              ?p prov:wasGeneratedBy {run} ; sosa:hasSimpleResult ?value .
              OPTIONAL {{ ?p sosa:phenomenonTime ?time }} }} GROUP BY ?time""",
    )
    # Spans are few, so that what they are is asked once for each and not for each prediction.
    spans = _spans(store, [text(r["time"]) for r in rows if "time" in r])
    found = [
        MomentRow(moment=spans[text(r["time"])] if "time" in r else None, mean=number(r["mean"]))
        for r in rows
        if "mean" in r and ("time" not in r or text(r["time"]) in spans)
    ]
    return sorted(found, key=lambda m: m.moment or _NO_TIME)


def most_severe(store: GraphStore, run: NamedNode, known: list[MomentRow]) -> MomentRow | None:
    """Return the one of a run's moments that calls for attention first; None of none.

    It has the highest values on average, or the lowest of a property that deep:lowIsSevere.
    """
    rows = select(
        store,
        f"""SELECT ?low WHERE {{
              {{ SELECT ?observed WHERE {{
                   ?p prov:wasGeneratedBy {run} ; sosa:observedProperty ?observed }} LIMIT 1 }}
              ?observed deep:lowIsSevere ?low }}""",
    )
    sign = -1 if rows and text(rows[0]["low"]) == "true" else 1
    return max(known, key=lambda m: sign * m.mean, default=None)


def most_severe_moment(store: GraphStore, run: NamedNode) -> Moment | None:
    """Return the span of time of a run that calls for attention first; None without one."""
    found = most_severe(store, run, [m for m in moments(store, run) if m.moment is not None])
    return found.moment if found else None


def predictions(store: GraphStore, run: NamedNode, moment: Moment | None) -> list[PredictionRow]:
    """Return what a run predicts for a span of time: the highest class first, then severity.

    Args:
        store: The graph.
        run: The run.
        moment: One of `moments`; None for predictions that are about no time.
    """
    of_class = "|".join(
        str(p) for p in sorted(subproperties(store, DEEP.predictedClass), key=lambda p: p.value)
    )
    times = _times(store, moment)
    if moment is not None and not times:
        return []
    rows = select(
        store,
        f"""SELECT ?p ?place ?observed ?value ?low ?high ?coverage ?unit ?class ?wkt WHERE {{
              {_of_run_at(run, times)}
              ?p sosa:hasSimpleResult ?value ;
                 sosa:hasFeatureOfInterest ?place ; sosa:observedProperty ?observed .
              # One pattern each: of two, the store reads all that runs have said by both.
              OPTIONAL {{ ?p deep:lowerBound ?low }} OPTIONAL {{ ?p deep:upperBound ?high }}
              OPTIONAL {{ ?p deep:nominalCoverage ?coverage }}
              OPTIONAL {{ ?p {of_class} ?class }}
              OPTIONAL {{ ?p qudt:hasUnit ?unit }}
              OPTIONAL {{ ?place geo:hasDefaultGeometry/geo:asWKT ?wkt }} }}""",
    )
    found = {text(r["p"]): r for r in rows}
    known = _Referenced.of(store, list(found.values()))
    return sorted((known.prediction(row) for row in found.values()), key=_severest_first)


def alerts(
    store: GraphStore, run: NamedNode, moment: Moment | None, *, limit: int = 12
) -> list[AlertRow]:
    """Return the alerts of a run that are in force at a time, the most severe first.

    Args:
        store: The graph.
        run: The run.
        moment: When; None for any time.
        limit: The most that are returned.
    """
    in_force = (
        f'FILTER(?onset < "{timestamp(moment.end)}"^^xsd:dateTime'
        f' && ?expires > "{timestamp(moment.begin)}"^^xsd:dateTime)'
        if moment
        else ""
    )
    rows = select(
        store,
        f"""SELECT ?alert ?headline ?severity ?onset ?expires ?area WHERE {{
              ?alert a deep:Alert ; deep:capHeadline ?headline ;
                     deep:capOnset ?onset ; deep:capExpires ?expires ;
                     deep:capSeverity ?severity ; deep:alertArea ?area .
              {in_force}
              # Alerts are few beside the predictions of a run.
              FILTER EXISTS {{ ?alert prov:wasGeneratedBy {run} }}
            }} ORDER BY DESC(?expires) ?onset ?area""",
    )
    found: dict[str, dict[str, Term]] = {}
    for row in rows:
        found.setdefault(text(row["alert"]), row)  # of several areas the first
    shown = sorted(found.values(), key=lambda r: _rank(text(r["severity"])))[:limit]
    names = labels(store, {text(r["area"]) for r in shown}) if shown else {}
    return [
        AlertRow(
            iri=NamedNode(text(r["alert"])),
            headline=text(r["headline"]),
            area=names.get(text(r["area"]), ""),
            severity=text(r["severity"]),
        )
        for r in shown
    ]


def _rank(severity: str) -> int:
    return _SEVERITIES.index(severity) if severity in _SEVERITIES else len(_SEVERITIES)


def legend(store: GraphStore, scheme: NamedNode) -> list[PredictedClass]:
    """Return the classes of a SKOS scheme, in their order."""
    return sorted(_classes(store, f"?class skos:inScheme {scheme}").values(), key=_order)


def _severest_first(row: PredictionRow) -> tuple[float, float, str]:
    order = row.predicted_class.order if row.predicted_class else 0.0
    return -order, row.value if row.observed.low_is_severe else -row.value, row.place_label


def _order(entry: PredictedClass) -> tuple[float, str]:
    return entry.order, entry.label


def _spans(store: GraphStore, times: list[str]) -> dict[str, Moment]:
    """Return what spans the intervals of OWL-Time are, by their IRIs."""
    values = " ".join(f"<{iri}>" for iri in times)
    rows = select(
        store,
        f"""SELECT ?time ?begin ?end WHERE {{
              VALUES ?time {{ {values} }}
              ?time time:hasBeginning/time:inXSDDateTimeStamp ?begin ;
                    time:hasEnd/time:inXSDDateTimeStamp ?end }}""",
    )
    return {text(r["time"]): moment_of(text(r["begin"]), text(r["end"])) for r in rows}


def _times(store: GraphStore, moment: Moment | None) -> list[str]:
    """Return the IRIs of the intervals that span a moment: one, where nobody names it anew."""
    if moment is None:
        return []
    rows = select(
        store,
        f"""SELECT ?time WHERE {{
              ?begin time:inXSDDateTimeStamp "{timestamp(moment.begin)}"^^xsd:dateTime .
              ?end time:inXSDDateTimeStamp "{timestamp(moment.end)}"^^xsd:dateTime .
              ?time time:hasBeginning ?begin ; time:hasEnd ?end }}""",
    )
    return sorted({text(r["time"]) for r in rows})


def _of_run_at(run: NamedNode, times: list[str]) -> str:
    """Return the pattern of the predictions ?p of a run at some intervals; none: about no time."""
    if not times:
        return f"?p prov:wasGeneratedBy {run} FILTER NOT EXISTS {{ ?p sosa:phenomenonTime ?time }}"
    # The IRI itself, not asked for in the same query: stores then begin with it. What a run made
    # may be a hundred thousand predictions, so that whether it made one is asked of each.
    at = " UNION ".join(f"{{ ?p sosa:phenomenonTime <{iri}> }}" for iri in times)
    return f"{{ {at} FILTER EXISTS {{ ?p prov:wasGeneratedBy {run} }} }}"


def _classes(store: GraphStore, condition: str) -> dict[str, PredictedClass]:
    """Return concepts by IRI; the condition binds ?class."""
    rows = select(
        store,
        f"""SELECT ?class ?scheme ?colour ?order WHERE {{
              {condition}
              OPTIONAL {{ ?class skos:inScheme ?scheme }}
              OPTIONAL {{ ?class deep:colour ?colour }}
              OPTIONAL {{ ?class skos:notation ?order }} }}""",
    )
    names = labels(store, {text(r["class"]) for r in rows}) if rows else {}
    return {
        text(r["class"]): PredictedClass(
            iri=NamedNode(text(r["class"])),
            scheme=NamedNode(text(r["scheme"])) if "scheme" in r else None,
            label=names.get(text(r["class"]), compact(text(r["class"]))),
            colour=text(r["colour"]) if "colour" in r else None,
            order=number(r["order"]) if "order" in r else 0.0,
        )
        for r in rows
    }


@dataclass(frozen=True, kw_only=True)
class _Referenced:
    """Labels, units and classes that rows of predictions refer to, asked once for all of them."""

    names: dict[str, str]
    """Labels of places and observed properties."""
    units: dict[str, str]
    """IRI of a unit, or of a property that has one, to its symbol."""
    classes: dict[str, PredictedClass]
    low_is_severe: set[str]
    """IRIs of the observed properties whose low values call for attention."""

    @classmethod
    def of(cls, store: GraphStore, rows: list[dict[str, Term]]) -> _Referenced:
        def all_of(name: str) -> set[str]:
            return {text(r[name]) for r in rows if name in r}

        if not rows:
            return cls(names={}, units={}, classes={}, low_is_severe=set())
        classes = " ".join(f"<{iri}>" for iri in sorted(all_of("class")))
        return cls(
            names=labels(store, all_of("place") | all_of("observed")),
            units=_units(store, all_of("unit") | all_of("observed")),
            classes=_classes(store, f"VALUES ?class {{ {classes} }}"),
            low_is_severe=_low_is_severe(store, all_of("observed")),
        )

    def prediction(self, row: dict[str, Term]) -> PredictionRow:
        observed, place = text(row["observed"]), text(row["place"])
        unit = self.units.get(text(row["unit"])) if "unit" in row else self.units.get(observed)
        return PredictionRow(
            iri=NamedNode(text(row["p"])),
            observed=Observed(
                iri=NamedNode(observed),
                label=self.names.get(observed, compact(observed)),
                unit=unit or "",
                low_is_severe=observed in self.low_is_severe,
            ),
            place=NamedNode(place),
            place_label=self.names.get(place, place),
            wkt=text(row["wkt"]) if "wkt" in row else None,
            value=number(row["value"]),
            interval=(number(row["low"]), number(row["high"])) if "low" in row else None,
            coverage=number(row["coverage"]) if "coverage" in row else None,
            predicted_class=self.classes.get(text(row["class"])) if "class" in row else None,
        )


def _low_is_severe(store: GraphStore, observed: set[str]) -> set[str]:
    values = " ".join(f"<{iri}>" for iri in sorted(observed))
    rows = select(store, f"SELECT ?x WHERE {{ VALUES ?x {{ {values} }} ?x deep:lowIsSevere true }}")
    return {text(r["x"]) for r in rows}


def _units(store: GraphStore, iris: set[str]) -> dict[str, str]:
    values = " ".join(f"<{iri}>" for iri in sorted(iris))
    rows = select(
        store,
        f"""SELECT ?x ?unit ?symbol WHERE {{
              VALUES ?x {{ {values} }}
              {{ ?x qudt:symbol ?symbol }}
              UNION {{ ?x qudt:hasUnit ?unit OPTIONAL {{ ?unit qudt:symbol ?symbol }} }} }}""",
    )
    return {
        text(r["x"]): text(r["symbol"]) if "symbol" in r else compact(text(r["unit"])) for r in rows
    }
