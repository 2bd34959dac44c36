"""The workloads are what they claim, and every engine at hand gives the same answers."""

import numpy as np
import pytest

from tests.benchmarks.geographica import geographica, largest_key
from tests.benchmarks.measuring import FIRST, Timing, duration, measure, report
from tests.benchmarks.peers import Data, FailedError, GeoPandas, Ours, TooSlowError
from tests.benchmarks.scalability import scalability


@pytest.fixture(scope="module")
def engines(tmp_path_factory):
    """Ours and geopandas with the workload of N = 16."""
    folder = tmp_path_factory.mktemp("geographica")
    data = Data(workload=geographica(16), triples=folder / "data.nt")
    data.workload.write(data.triples)
    with Ours(folder, limit_s=60) as ours, GeoPandas(folder, limit_s=60) as frames:
        for engine in (ours, frames):
            engine.load(data)
        yield ours, frames


def test_classes_are_as_many_as_the_rules_say(tmp_path):
    workload = geographica(16)
    assert [len(layer.wkt) for layer in workload.layers] == [256, 25, 16, 256]
    # Three triples of each feature, four of each tag; one in 16 has a second tag.
    tags = sum(len(layer.tags) for layer in workload.layers)
    assert workload.write(tmp_path / "data.nt") == 3 * 553 + 4 * tags
    assert tags == 553 + 16 + 1 + 1 + 16
    assert largest_key(5000) == 1024


@pytest.mark.parametrize(("share", "least", "most"), [(1, 1, 1), (0.5, 0.4, 0.6), (0.1, 0.05, 0.2)])
def test_windows_hold_about_the_share_that_is_wanted(share, least, most):
    workload = geographica(64)
    frames = {name: f for layer in workload.layers for name, f in layer.frames().items()}
    wanted = [q for q in workload.queries if q.name.endswith(f" 1 {share * 100:g} %")]
    assert len(wanted) == 2
    for query in wanted:
        assert least - 0.01 <= len(query.frames(frames)) / 64**2 <= most


@pytest.mark.parametrize("query", geographica(16).queries, ids=lambda q: q.name)
def test_our_answers_are_those_of_geopandas(engines, query):
    ours, frames = (np.unique(e.numbers(query, e.run(query)), axis=0) for e in engines)
    assert np.array_equal(ours, frames)


def test_scalability_selects_its_share_and_joins(tmp_path):
    data = Data(workload=scalability(6_000), triples=tmp_path / "data.nt")
    assert data.workload.write(data.triples) == 6_000
    selection, join = data.workload.queries
    with Ours(tmp_path, limit_s=60) as ours, GeoPandas(tmp_path, limit_s=60) as frames:
        for engine in (ours, frames):
            engine.load(data)
        for query in (selection, join):
            found = [np.unique(e.numbers(query, e.run(query)), axis=0) for e in (ours, frames)]
            assert np.array_equal(*found)
            assert len(found[0]) > 300


class _Stub:
    described = ""

    def __init__(self, name, answer):
        self.name = name
        self._answer = answer

    def run(self, _query):
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer

    def numbers(self, _query, answer):
        return np.array(answer, np.int64)


def test_report_says_what_differs_and_what_failed(engines):
    query = geographica(16).queries[0]
    stubs = [
        engines[0],
        _Stub("wrong", [[1], [1], [-1]]),
        _Stub("broken", FailedError("no such function")),
        _Stub("slow", TooSlowError(9.0)),
    ]
    row = measure(query, stubs, rounds=2, budget_s=10)
    text = report([row], stubs)
    assert len(row.timings[FIRST].seconds) == 2
    assert "wrong 3 rows, ours 256: 255 only in ours, 1 only in wrong, 1 twice" in text
    assert "broken failed: no such function" in text
    assert "> 9 s" in text
    assert "≥ " in text


def test_durations_have_up_to_three_digits():
    assert [duration(s) for s in (123.4, 1.234, 0.0123, 0.000_042)] == [
        "123 s",
        "1.23 s",
        "12.3 ms",
        "42 µs",
    ]
    assert str(Timing(seconds=[0.5, 0.7, 0.6])) == "600 ms ± 100 ms"
