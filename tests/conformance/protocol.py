"""The protocols' tests: requests, and what the answers must be.

https://w3c.github.io/rdf-tests/sparql/sparql11/protocol/ and .../graph-store-protocol/
"""

from __future__ import annotations

from pyoxigraph import QueryResultsFormat, RdfFormat, parse, parse_query_results

from kg.results.formats import RDF_FORMATS, RESULT_FORMATS
from tests.conformance.answers import canonical
from tests.conformance.manifests import MF, RDFS, UT

_HT = "http://www.w3.org/2011/http#"
_CNT = "http://www.w3.org/2011/content#"
_STATUS = {"OK": "200", "Created": "201", "NoContent": "204", "NotFound": "404"}
_BOOLEAN = ("application/sparql-results+json", "application/sparql-results+xml")
_EXPECTED_FORMATS = {"boolean": _BOOLEAN, "tabular": RESULT_FORMATS, "RDF": RDF_FORMATS}


def check_protocol(case, target):
    """Send the requests of a test, in order, and check each answer."""
    manifest = case.manifest
    for data in manifest.values(case.node, UT + "graphData"):
        graph = type(case.node)(manifest.value(data, RDFS + "label").value)
        target.put(manifest.quads(manifest.value(data, UT + "graph")), graph)
    variables = {}
    action = manifest.value(case.node, MF + "action")
    for request in manifest.items(manifest.value(action, _HT + "requests")):
        answer = _send(case, request, target.client, variables)
        response = manifest.value(request, _HT + "resp")
        _check_status(manifest, response, answer)
        _check_body(manifest, response, answer)
        if (name := manifest.value(response, MF + "expectedLocation")) is not None:
            variables[name.value] = answer.headers["location"]


def _send(case, request, client, variables):
    manifest = case.manifest
    headers = dict(_headers(manifest, request))
    body = _content(manifest, request)
    path = manifest.value(request, _HT + "absolutePath").value
    for name, value in variables.items():
        path = path.replace(name, value)
    return client.request(
        manifest.value(request, _HT + "methodName").value,
        _place(case, path, headers, body),
        headers=headers,
        content=body,
    )


def _place(case, path, headers, body):
    """Return the address at this server: the suites know one path for each protocol."""
    if path.startswith("/gsp"):
        return path.replace("/gsp", "/rdf-graph-store", 1)
    is_query = (
        "query=" in path
        or body.startswith(b"query=")
        or "sparql-query" in headers.get("content-type", "")
        or "update" not in case.node.value.rpartition("#")[2]
    )
    return path.replace("/sparql/", "/sparql" if is_query else "/update", 1)


def _headers(manifest, node):
    for header in manifest.items(manifest.value(node, _HT + "headers")):
        name = manifest.value(header, _HT + "fieldName").value
        yield name.lower(), manifest.value(header, _HT + "fieldValue").value


def _content(manifest, node):
    body = manifest.value(node, _HT + "body")
    if body is None:
        return b""
    encoding = manifest.value(body, _CNT + "characterEncoding")
    text = manifest.value(body, _CNT + "chars").value
    return text.encode("utf-8" if encoding is None else encoding.value)


def _check_status(manifest, response, answer):
    names = [s.value.rpartition("#")[2] for s in manifest.values(response, MF + "expectedStatus")]
    starts = [_STATUS.get(n, n.removeprefix("StatusCode").rstrip("x")) for n in names]
    assert str(answer.status_code).startswith(tuple(starts)), (
        f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}, "
        f"expected {names}"
    )


def _check_body(manifest, response, answer):
    sent_as = answer.headers.get("content-type", "")
    media_type = sent_as.partition(";")[0]
    if (wanted := manifest.value(response, MF + "expectedFormat")) is not None:
        assert media_type in _EXPECTED_FORMATS[wanted.value]
    if (truth := manifest.value(response, MF + "expectedBoolean")) is not None:
        result = parse_query_results(answer.content, QueryResultsFormat.JSON)
        assert bool(result) == (truth.value == "true")
    if (headers := dict(_headers(manifest, response))).get("content-type"):
        assert sent_as == headers["content-type"]
    if expected := _content(manifest, response):
        got = parse(answer.content, format=RDF_FORMATS[media_type])
        assert canonical(got) == canonical(parse(expected, format=RdfFormat.TURTLE))


def check_service_description(case, target):
    """Check what a GET without a query answers; these tests are prose.

    https://www.w3.org/TR/sparql11-service-description/
    """
    sd = "http://www.w3.org/ns/sparql-service-description#"
    answer = target.client.get("/sparql", headers={"Accept": "text/turtle"})
    assert answer.headers["content-type"].startswith("text/turtle")
    triples = [q.triple for q in parse(answer.content, format=RdfFormat.TURTLE)]
    assert triples
    endpoints = {t.object.value for t in triples if t.predicate.value == sd + "endpoint"}
    if case.node.value.endswith("has-endpoint-triple"):
        assert str(answer.request.url) in endpoints
    if case.node.value.endswith("conforms-to-schema"):
        for subject in {t.subject for t in triples if t.predicate.value == sd + "endpoint"}:
            said = [t.predicate.value.removeprefix(sd) for t in triples if t.subject == subject]
            assert said.count("endpoint") == 1
            assert "supportedLanguage" in said
