"""The W3C's suites for SPARQL 1.0, 1.1 and 1.2, in this process and over HTTP."""

import os
from contextlib import closing

import pytest

from tests.conformance.manifests import cases, known_failures, parameters, suites
from tests.conformance.protocol import check_protocol, check_service_description
from tests.conformance.targets import InProcess, OverHttp
from tests.conformance.verdicts import check

_LANGUAGE = ("SyntaxTest", "SyntaxTest11", "EvaluationTest", "CSVResultFormatTest")
_PROTOCOLS = ("ProtocolTest", "ServiceDescriptionTest")


#: What the way over HTTP can change: the forms of results, and how an update is handed in. How
#: a query is evaluated it cannot; all of that is tested in process.
_OVER_HTTP = (
    *("ask", "construct", "csv-tsv-res", "json-res", "eval-triple-terms", "lang-basedir"),
    *("syntax-update-1", "syntax-update-2"),
)


@pytest.fixture
def over_http(empty_server):
    with closing(OverHttp(empty_server)) as target:
        yield target


@pytest.mark.parametrize("case", parameters(*_LANGUAGE))
def test_in_process(case):
    check(case, InProcess())


@pytest.mark.parametrize(
    "case",
    parameters(
        *_LANGUAGE,
        of=lambda c: c.kind == "UpdateEvaluationTest" or c.suite.endswith(_OVER_HTTP),
    ),
)
def test_over_http(case, over_http):
    check(case, over_http)


@pytest.mark.parametrize("case", parameters(*_PROTOCOLS))
def test_protocol(case, over_http):
    if case.kind == "ServiceDescriptionTest":
        check_service_description(case, over_http)
    else:
        check_protocol(case, over_http)


def test_the_suites_are_here_where_data_is():
    if os.environ.get("CI") == "true" and "DEEPCUBE_DATA" in os.environ:
        assert suites() is not None, "DEEPCUBE_DATA has no w3c-rdf-tests/sparql, and CI=true"


def test_every_kind_of_test_is_run():
    assert {c.kind for c in cases() if not c.kind.endswith((*_LANGUAGE, *_PROTOCOLS))} == set()


@pytest.mark.skipif(suites() is None, reason="the suites are not here")
def test_known_failures_are_tests():
    assert set(known_failures()) <= {c.node.value for c in cases()}
