"""Cubes by URL, on a real server."""

import functools
import http.server
import threading

import pytest
from pyoxigraph import NamedNode

from cube_bridge.cubes.chunk_search import chunks_meeting
from cube_bridge.indexing.index import index_file
from kg.rdf.terms import text
from kg.rows import select
from tests.conftest import make_cube
from tests.cube_bridge.cubes.test_index import ALWAYS, WORLD


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves files and notes what was asked for."""

    protocol_version = "HTTP/1.1"
    asked: list[str]

    def log_request(self, *_):
        self.server.asked.append(f"{self.command} {self.path}")

    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path):
    handler = functools.partial(Handler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        running.asked = []
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def test_a_cube_on_the_web_is_indexed_and_only_changed_chunks_are_read(
    store, iris, tmp_path, server
):
    path = tmp_path / "c.zarr"
    make_cube().chunk(time=1).to_zarr(path, zarr_format=2, consolidated=True)
    url = f"http://127.0.0.1:{server.server_port}/c.zarr"
    outcome = index_file(store, iris, url)
    assert (outcome.items, outcome.gaps, outcome.changed) == (6, 0, True)
    urls = select(store, f"SELECT ?u {{ {outcome.source} dcterms:source ?u }}")
    assert [text(u["u"]) for u in urls] == [url]
    variable = NamedNode(f"{outcome.source.value}/variable/ts")
    assert len(chunks_meeting(store, variable, WORLD, *ALWAYS)) == 6
    server.asked.clear()
    assert not index_file(store, iris, url).changed
    assert not [a for a in server.asked if a.startswith("GET /c.zarr/ts/") and a[-1].isdigit()]
    (path / "ts" / "2.0.0").write_bytes(b"damaged")
    server.asked.clear()
    assert index_file(store, iris, url).gaps == 1
    read = [a for a in server.asked if a.startswith("GET /c.zarr/ts/") and a[-1].isdigit()]
    assert read == ["GET /c.zarr/ts/2.0.0"]
