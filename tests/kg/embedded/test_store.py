"""The store protocol, on each implementation: memory, folder, and a real server."""

import gc
import io
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from pyoxigraph import BlankNode, DefaultGraph, Literal, NamedNode, Quad, RdfFormat, Triple

from kg.embedded.store import EmbeddedStore
from kg.errors import (
    QueryError,
    RdfSyntaxError,
    RemoteStoreError,
    StoreError,
    StoreLockedError,
    StoreNotFoundError,
)
from kg.rdf.terms import text
from kg.remote.store import RemoteStore
from kg.rows import ask, select
from ontology.terms import GEO, XSD

EX = "http://example.org/"
S, P, O = (NamedNode(EX + n) for n in "spo")  # noqa: E741
G = NamedNode(EX + "g")


@pytest.fixture(params=["memory", "folder", pytest.param("remote", marks=pytest.mark.server)])
def any_store(request, tmp_path):
    if request.param == "memory":
        with EmbeddedStore() as opened:
            yield opened
    elif request.param == "folder":
        with EmbeddedStore(tmp_path / "store") as opened:
            yield opened
    else:
        yield RemoteStore(request.getfixturevalue("empty_server"))


def test_what_is_added_can_be_found_and_removed(any_store):
    quads = [Quad(S, P, O), Quad(S, P, Literal("é", language="fr")), Quad(S, P, O, G)]
    any_store.add(quads)
    assert set(any_store.quads(S)) == set(quads)
    assert list(any_store.quads(None, None, O, DefaultGraph())) == [quads[0]]
    assert list(any_store.quads(None, None, None, G)) == [quads[2]]
    any_store.remove([quads[0]])
    assert set(any_store.quads()) == set(quads[1:])


def test_quads_of_every_kind_are_removed_and_no_others():
    blank, graph = BlankNode("x"), BlankNode("g")
    point = Literal("POINT (1 1)", datatype=GEO.wktLiteral)
    gone = [
        *(Quad(S, P, O), Quad(S, P, Literal('"\\\n_:x')), Quad(S, P, O, G), Quad(blank, P, O)),
        *(Quad(S, P, blank, G), Quad(S, P, Literal("01", datatype=XSD.integer), graph)),
        *(Quad(S, P, Triple(blank, P, O)), Quad(S, P, Triple(S, P, O), G)),
        *(Quad(blank, GEO.asWKT, point), Quad(S, GEO.hasGeometry, blank)),
    ]
    kept = {Quad(S, P, S), Quad(blank, P, blank), Quad(blank, P, O, G), Quad(blank, P, O, graph)}
    with EmbeddedStore() as store:
        store.add([*gone, *kept])
        assert len(store.spatial_index) == 1
        store.remove([*gone, Quad(O, P, O)])
        assert set(store.quads()) == kept
        assert len(store.spatial_index) == 0
        store.remove([])
        assert set(store.quads()) == kept


def test_a_reader_never_sees_half_of_what_is_removed(tmp_path):
    nodes = (S, BlankNode("x"))
    quads = [Quad(nodes[i % 2], P, Literal(i)) for i in range(20_000)]
    seen = set()
    with EmbeddedStore(tmp_path / "store") as store, ThreadPoolExecutor() as pool:
        store.add(quads)
        removing = pool.submit(store.remove, quads)
        while not removing.done():
            seen.add(len(list(store.query("SELECT ?o { ?s ?p ?o }"))))
        removing.result()
    assert seen <= {0, len(quads)}


def test_queries_of_each_kind(any_store):
    any_store.update(f"INSERT DATA {{ <{EX}s> <{EX}p> 1, 2 }}")
    rows = select(any_store, "SELECT ?o WHERE { ?s ?p ?o } ORDER BY ?o")
    assert [text(r["o"]) for r in rows] == ["1", "2"]
    assert ask(any_store, f"ASK {{ <{EX}s> ?p 2 }}")
    assert not ask(any_store, f"ASK {{ <{EX}s> ?p 3 }}")
    assert len(list(any_store.query("CONSTRUCT WHERE { ?s ?p ?o }"))) == 2


def test_malformed_sparql_is_a_query_error(any_store):
    with pytest.raises(QueryError):
        any_store.query("SELECT * {")
    with pytest.raises((QueryError, RemoteStoreError)):
        any_store.update("INSERT {")


def test_a_load_is_all_or_nothing(any_store):
    good = f"<{EX}a> <{EX}p> <{EX}b> .\n".encode()
    with pytest.raises(RdfSyntaxError, match="malformed"):
        any_store.load(io.BytesIO(good + b"<broken"), RdfFormat.TURTLE)
    assert not list(any_store.quads())
    assert any_store.load(io.BytesIO(good), RdfFormat.TURTLE, graph=G) == 1
    assert list(any_store.quads(graph=G))


def test_a_dump_loads_again(any_store, tmp_path):
    quads = {Quad(S, P, O), Quad(S, P, Literal('quote " and\nline'), G)}
    any_store.add(quads)
    buffer = io.BytesIO()
    any_store.dump(buffer, RdfFormat.N_QUADS)
    with EmbeddedStore() as other:
        other.load(io.BytesIO(buffer.getvalue()), RdfFormat.N_QUADS)
        assert set(other.quads()) == quads


def test_a_folder_keeps_its_content_and_a_snapshot_is_apart(tmp_path):
    with EmbeddedStore(tmp_path / "a") as opened:
        opened.add([Quad(S, P, O)])
        opened.snapshot(tmp_path / "copy")
        opened.add([Quad(S, P, S)])
        with pytest.raises(StoreError, match="exists"):
            opened.snapshot(tmp_path / "copy")
    with EmbeddedStore(tmp_path / "a") as again, EmbeddedStore(tmp_path / "copy") as copy:
        assert len(again) == 2
        assert len(copy) == 1


def test_a_folder_in_use_says_who_has_it(tmp_path):
    script = (
        "import sys, time; from pathlib import Path; from kg.embedded.store import EmbeddedStore\n"
        "s = EmbeddedStore(Path(sys.argv[1])); print('open', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "s")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "open\n"
        for read_only in (False, True):
            with pytest.raises(StoreLockedError, match="open in another process"):
                EmbeddedStore(tmp_path / "s", read_only=read_only)
        process.send_signal(signal.SIGKILL)
    with EmbeddedStore(tmp_path / "s"):
        pass


def test_reading_where_there_is_no_store_makes_none(tmp_path):
    with pytest.raises(StoreNotFoundError, match="no store"):
        EmbeddedStore(tmp_path / "none", read_only=True)
    assert not (tmp_path / "none").exists()


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(StoreError, match="is no store"):
        EmbeddedStore(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_read_only_store_refuses_to_write(tmp_path):
    with EmbeddedStore(tmp_path / "s") as opened:
        opened.add([Quad(S, P, O)])
    with (
        EmbeddedStore(tmp_path / "s", read_only=True) as opened,
        pytest.raises(StoreError, match="read-only"),
    ):
        opened.add([Quad(S, P, S)])


def test_a_server_that_is_not_there_is_named():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(RemoteStoreError, match=f"127.0.0.1:{port}"):
        RemoteStore(f"http://127.0.0.1:{port}").query("ASK {}")


def test_quads_half_read_may_be_dropped_on_any_thread(tmp_path, recwarn):
    with EmbeddedStore(tmp_path / "store") as store:
        store.add(Quad(S, P, Literal(str(i))) for i in range(3))
        held = [store.quads(S)]
        next(held[0])
        thread = threading.Thread(target=held.clear)
        thread.start()
        thread.join()
        gc.collect()
    assert not recwarn.list
