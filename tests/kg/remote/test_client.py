"""What a remote server says when something goes wrong, read from its answer."""

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pyoxigraph import NamedNode

from kg.errors import QueryError, RemoteStoreError
from kg.remote.client import SparqlClient
from tests.kg.remote_servers import oxigraph

ASK = "ASK {}"
CONSTRUCT = "CONSTRUCT WHERE { ?s ?p ?o }"


@contextlib.contextmanager
def answering(status, body, *, length=None, headers=()):
    """Run a server that answers every request alike and yield a client of it."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            if status is None:
                self.wfile.write(body)
                return
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body) if length is None else length))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}/sparql"
        try:
            yield SparqlClient(url, url, 5)
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    with oxigraph(tmp_path_factory.mktemp("oxigraph")) as url:
        yield SparqlClient(url, url.replace("/query", "/update"), 10)


def test_a_real_server_answers_and_refuses(real):
    real.update("INSERT DATA { <urn:a> <urn:b> 'é' }")
    assert real.ask("ASK { <urn:a> <urn:b> 'é' }")
    assert [t.subject for t in real.query(CONSTRUCT)] == [NamedNode("urn:a")]
    with pytest.raises(QueryError, match="refused: ") as caught:
        real.query("SELECT * { ?s ?p }")
    assert "expected" in str(caught.value)
    with pytest.raises(QueryError, match="refused: "):
        real.update("INSERT DATA { ?s ?p ?o }")


def test_a_real_server_without_that_page_is_no_bad_query(real):
    wrong = SparqlClient(real._query_url + "/nowhere", real._update_url, 10)
    with pytest.raises(RemoteStoreError, match="answered 404"):
        wrong.query(ASK)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"no such\n   prefix: ex", "refused: no such prefix: ex"),
        ("fehlt: \u00fc".encode(), "refused: fehlt: \u00fc"),
        (b"Response:\nb'x'", "refused: Response: b'x'"),
        (b"\xff\xfe", "refused: \ufffd\ufffd"),
        (b"", "refused: Bad Request"),
    ],
    ids=["two lines", "letters", "looks like Python", "no text", "empty"],
)
def test_a_bad_query_is_told_in_the_words_of_the_server(body, message):
    with answering(400, body) as client, pytest.raises(QueryError) as caught:
        client.query(ASK)
    assert str(caught.value).endswith(message)


@pytest.mark.parametrize("status", [401, 403, 404, 414, 500, 503, 504])
def test_other_answers_are_errors_of_the_server(status):
    with (
        answering(status, b"out of order") as client,
        pytest.raises(RemoteStoreError, match=f"answered {status} .*: out of order"),
    ):
        client.update("CLEAR ALL")


def test_a_long_answer_is_cut():
    with answering(500, b"x" * 10_000) as client, pytest.raises(RemoteStoreError) as caught:
        client.query(ASK)
    assert len(str(caught.value)) < 700


def test_an_answer_that_breaks_off_is_an_error():
    with (
        answering(200, b"{", length=100) as client,
        pytest.raises(RemoteStoreError, match="broke off"),
    ):
        client.query(ASK)


def test_a_refusal_that_breaks_off_keeps_its_status():
    with (
        answering(500, b"half", length=100) as client,
        pytest.raises(RemoteStoreError, match="answered 500"),
    ):
        client.query(ASK)


@pytest.mark.parametrize("said", [b"", b"+OK POP3 ready\r\n"], ids=["nothing", "another protocol"])
def test_what_is_no_http_is_an_error(said):
    with answering(None, said) as client, pytest.raises(RemoteStoreError):
        client.query(ASK)


def test_an_answer_in_another_format_is_an_error():
    page = b"<html>Please log in</html>"
    with answering(200, page) as client:
        with pytest.raises(RemoteStoreError, match="no SPARQL results in JSON"):
            client.query(ASK)
        with pytest.raises(RemoteStoreError, match="no RDF in Turtle"):
            client.query(CONSTRUCT)


def test_a_part_of_an_answer_is_an_error():
    late = [("X-SQL-State", "S1TAT")]
    with (
        answering(200, b'{"head":{},"boolean":true}', headers=late) as client,
        pytest.raises(RemoteStoreError, match="ran out of time"),
    ):
        client.query(ASK)
