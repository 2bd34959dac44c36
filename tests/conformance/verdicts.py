"""What each kind of test asserts of a target."""

from __future__ import annotations

import re
from contextlib import suppress
from urllib.parse import urljoin

import pytest
from pyoxigraph import NamedNode, Quad

from kg.errors import EvaluationError, QueryError
from tests.conformance.answers import canonical, csv_rows, expected_answer, same
from tests.conformance.manifests import MF, QT, RDFS, UT

_FROM = re.compile(r"(?i)\bFROM\s+(?:NAMED\s+)?<([^>]*)>")


def check(case, target):
    """Run a test of syntax, query, results or update."""
    if "Syntax" in case.kind:
        _check_syntax(case, target)
    elif case.kind == "UpdateEvaluationTest":
        _check_update(case, target)
    else:
        _check_query(case, target)


def _check_syntax(case, target):
    action = case.manifest.value(case.node, MF + "action")
    text = case.manifest.path(action).read_text(encoding="utf-8")
    execute = target.update if "Update" in case.kind else target.query
    if "Negative" in case.kind:
        with pytest.raises(QueryError) as caught:
            execute(text, base_iri=action.value)
        assert not isinstance(caught.value, EvaluationError), "it was parsed"
        return
    # What is well-formed may ask for a document or server that is not there.
    with suppress(EvaluationError):
        _accepted(execute, text, action)


def _check_query(case, target):
    manifest = case.manifest
    action = manifest.value(case.node, MF + "action")
    query = manifest.value(action, QT + "query")
    text = manifest.path(query).read_text(encoding="utf-8")
    for data in manifest.values(action, QT + "data"):
        target.put(manifest.quads(data))
    named = {g for g in manifest.values(action, QT + "graphData") if isinstance(g, NamedNode)}
    named |= {NamedNode(urljoin(query.value, iri)) for iri in _FROM.findall(text)}
    for graph in named:
        target.put(manifest.quads(graph), graph)
    result = manifest.value(case.node, MF + "result")
    if case.kind == "CSVResultFormatTest":
        expected = manifest.path(result).read_text(encoding="utf-8")
        assert csv_rows(target.csv(text, base_iri=query.value)) == csv_rows(expected)
        return
    got = _accepted(target.query, text, query)
    expected = expected_answer(manifest, result)
    cardinality = manifest.value(case.node, MF + "resultCardinality")
    lax = cardinality is not None and cardinality.value == MF + "LaxCardinality"
    assert same(got, expected, lax=lax), f"got {got}, expected {expected}"


def _check_update(case, target):
    manifest = case.manifest
    action = manifest.value(case.node, MF + "action")
    for quads, graph in _update_data(manifest, action):
        target.put(quads, graph)
    request = manifest.value(action, UT + "request")
    text = manifest.path(request).read_text(encoding="utf-8")
    _accepted(target.update, text, request)
    expected = [
        quad if graph is None else Quad(*quad.triple, graph)
        for quads, graph in _update_data(manifest, manifest.value(case.node, MF + "result"))
        for quad in quads
    ]
    assert canonical(target.contents()) == canonical(expected)


def _update_data(manifest, node):
    """Yield the documents of an update's action or result, each with its graph."""
    for data in manifest.values(node, UT + "data"):
        yield manifest.quads(data), None
    for data in manifest.values(node, UT + "graphData"):
        name = NamedNode(manifest.value(data, RDFS + "label").value)
        yield manifest.quads(manifest.value(data, UT + "graph")), name


def _accepted(execute, text, source):
    try:
        return execute(text, base_iri=source.value)
    except EvaluationError:
        raise
    except QueryError as error:
        raise AssertionError(f"a well-formed text was refused: {error}") from error
