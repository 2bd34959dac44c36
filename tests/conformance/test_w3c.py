"""The W3C's suites for SPARQL 1.0, 1.1 and 1.2, in this process and over HTTP."""

import os

import pytest

from tests.conformance.manifests import cases, known_failures, parameters, suites
from tests.conformance.protocol import check_protocol, check_service_description
from tests.conformance.targets import InProcess, OverHttp
from tests.conformance.verdicts import check
from tests.servers import serving

_LANGUAGE = ("SyntaxTest", "SyntaxTest11", "EvaluationTest", "CSVResultFormatTest")
_PROTOCOLS = ("ProtocolTest", "ServiceDescriptionTest")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("w3c") / "store") as url:
        target = OverHttp(url)
        yield target
        target.client.close()


@pytest.fixture
def over_http(server):
    server.clear()
    return server


@pytest.mark.parametrize("case", parameters(*_LANGUAGE))
def test_in_process(case):
    check(case, InProcess())


@pytest.mark.parametrize("case", parameters(*_LANGUAGE))
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
