"""Links that a run finds: a method in a few lines, data of which the truth is known."""

from dataclasses import dataclass
from itertools import permutations

import numpy as np
import pytest
from pyoxigraph import NamedNode, Quad
from scipy.stats import pearsonr

from kg.errors import ValidationFailedError
from kg.rdf.iris import Iris
from kg.rdf.terms import number
from kg.rows import select
from ml.card import Card
from ml.inputs.inputs import Inputs
from ml.link import Link
from ml.planning.planned import PlannedInput
from ml.results.links import write_links
from ml.runs.clearing import remove_run
from ml.runs.discover import discover_in
from ml.use_case import Discovered, Discovery, Settings
from ontology.terms import DEEP, RDF, expand

DAY = 86400.0
RAIN, RIVER, SOLD = (
    NamedNode(f"http://example.org/variable/{n}") for n in ("rain", "river", "sold")
)
RUN = NamedNode("http://example.org/run/links/1")


@dataclass(frozen=True, kw_only=True)
class Config:
    """What was chosen by hand."""

    p_value: float = 1e-4


def series(days=400, seed=0):
    """Return daily series: the river follows the rain of the day before, what is sold nothing."""
    generator = np.random.default_rng(seed)
    rain = generator.normal(size=days)
    river = np.r_[0, 0.8 * rain[:-1]] + generator.normal(size=days)
    return {RAIN: rain, RIVER: river, SOLD: generator.normal(size=days)}


def lagged_correlations(data, config):
    for cause, effect in permutations(data, 2):
        found = pearsonr(data[cause][:-1], data[effect][1:])
        if found.pvalue < config.p_value:
            yield Link(cause, effect, DAY, float(found.statistic), float(found.pvalue))


def blocks(data, generator, size=20):
    days = len(next(iter(data.values())))
    starts = generator.integers(days - size, size=days // size)
    taken = (starts[:, None] + np.arange(size)).ravel()
    return {name: values[taken] for name, values in data.items()}


CASE = Discovery(
    card=Card(iri=NamedNode("http://example.org/model/links"), identifier="links", turtle=b""),
    config=Config,
    read=lambda _: series(),
    discover=lambda data, config: tuple(lagged_correlations(data, config)),
    resample=blocks,
    repeats=20,
    known=lambda _: (Link(RAIN, RIVER, DAY, 1.0),),
)


def quiet(*_):
    """Show no progress."""


def test_a_true_link_is_found_in_nearly_all_resampled_data():
    found = discover_in(CASE, series(), Settings(), quiet)
    (link,) = found.links
    assert (link.cause, link.effect, link.lag_s) == (RAIN, RIVER, DAY)
    assert link.strength == pytest.approx(0.62, abs=0.1)
    assert link.stability > 0.9
    assert (found.precision, found.recall) == (1, 1)


def test_what_is_found_by_chance_is_not_stable():
    lenient = Settings(config={"p_value": 0.5})
    found = discover_in(CASE, series(), lenient, quiet)
    stability = {(link.cause, link.effect): link.stability for link in found.links}
    assert stability.pop((RAIN, RIVER)) == 1
    assert stability
    assert found.precision < 1
    assert found.recall == 1


def test_links_are_written_read_back_by_slot_and_removed_with_their_run(store):
    known = [Quad(v, RDF.type, DEEP.Variable) for v in (RAIN, RIVER, SOLD)]
    store.add(known)
    found = discover_in(CASE, series(), Settings(), quiet)
    store.add(write_links(store, RUN, CASE, found))
    planned = PlannedInput(
        slot="river",
        variable=RIVER,
        name="river",
        source=NamedNode("http://example.org/source"),
        unit=None,
        read_in=expand("unit:M"),
        reason="",
    )
    (link,) = Inputs(store, Iris(), (planned,)).links("river")
    assert link == found.links[0]
    rows = select(
        store,
        f"""SELECT ?value WHERE {{ {RUN} dqv:hasQualityMeasurement ?m .
              ?m dqv:isMeasurementOf deep:Recall ; dqv:value ?value }}""",
    )
    assert [number(r["value"]) for r in rows] == [1]
    remove_run(store, RUN)
    assert {str(q) for q in store.quads(None, None, None, None)} == {str(q) for q in known}


def test_a_link_that_no_shape_admits_is_refused(store):
    wrong = Discovered(
        links=(Link(RAIN, RIVER, -DAY, 0.5),), precision=float("nan"), recall=float("nan")
    )
    with pytest.raises(ValidationFailedError, match="lagSeconds"):
        write_links(store, RUN, CASE, wrong)
    assert not list(store.quads(None, DEEP.linkCause, None, None))
