"""The `deepcube` command as a user runs it, and real clients.

Most of it in this process; one test of each kind of process that a user starts: a help, a query
on a folder that a server holds, workers at once, a server, the demo.
"""

import json
import shutil

import httpx2 as httpx
import pandas as pd
import pytest
from SPARQLWrapper import JSON, SPARQLWrapper

from kg.remote.store import RemoteStore
from ml.runs.requests import request_run, run_status
from ml.use_cases.fire_danger.config import Config
from ontology.terms import DEEP
from tests.command import deepcube, deepcube_process, started
from tests.servers import serving

ALERTS = "SELECT (COUNT(*) AS ?n) WHERE { ?s a <https://w3id.org/deepcube/ontology#Alert> }"


@pytest.fixture
def folder(finished, tmp_path):
    shutil.copytree(finished[0], tmp_path / "store")
    return tmp_path / "store"


def test_every_subcommand_has_help():
    names = [
        line.split()[0]
        for line in deepcube("--help").stdout.partition("Commands:")[2].splitlines()
        if line.strip()
    ]
    assert {"demo", "index", "query", "serve", "plan", "predict", "worker", "validate"} <= set(
        names
    )
    for name in names:
        answer = deepcube(name, "--help")
        assert answer.returncode == 0, answer.stderr
        assert "Usage: deepcube" in answer.stdout


def test_a_help_in_a_process_of_its_own():
    answer = deepcube_process("query", "--help")
    assert answer.returncode == 0, answer.stderr
    assert "Usage: deepcube query" in answer.stdout


def test_command_line_http_and_a_sparql_client_give_the_same_answers(folder):
    query = (
        "SELECT ?p ?v WHERE { ?p a <https://w3id.org/deepcube/ontology#FireDangerPrediction> ; "
        "<http://www.w3.org/ns/sosa/hasSimpleResult> ?v } ORDER BY DESC(?v) ?p LIMIT 20"
    )
    local = {
        f: deepcube("query", query, "--store", folder, "--format", f).stdout
        for f in ("json", "csv")
    }
    with serving(folder) as url:
        answer = httpx.get(f"{url}/sparql", params={"query": query})
        assert json.loads(local["json"]) == answer.json()
        csv = httpx.get(f"{url}/sparql", params={"query": query}, headers={"Accept": "text/csv"})
        assert local["csv"].split() == csv.text.split()
        remote = deepcube("query", query, "--endpoint", url, "--format", "json")
        assert json.loads(remote.stdout) == answer.json()
        client = SPARQLWrapper(f"{url}/sparql", returnFormat=JSON)
        client.setQuery(query)
        assert client.query().convert() == answer.json()
        # The folder is the server's now.
        locked = deepcube_process("query", query, "--store", folder)
        assert locked.returncode == 1
        assert "open in another process" in locked.stderr


def test_a_worker_executes_over_http_what_another_client_requested(folder, finished, iris):
    with serving(folder) as url:
        remote = RemoteStore(url)
        config = Config(steps=20, members=2, hidden=16)
        start = pd.Timestamp("2015-12-20")
        run = request_run(remote, iris, finished[1], start, config, evaluate=False)
        answer = deepcube("worker", "--once", "--endpoint", url)
        assert answer.returncode == 0, answer.stderr
        assert answer.stdout.split() == [run.value]
        assert run_status(remote, run) == DEEP.RunSucceeded
        page = httpx.get(url, params={"day": "2015-12-20"}, headers={"Accept": "text/html"})
        assert page.text.count('class="shape"') == 64
        assert deepcube("worker", "--once", "--endpoint", url).stdout == ""


def test_of_two_workers_at_once_one_gets_the_run(folder, finished, iris):
    with serving(folder) as url:
        config = Config(steps=20, members=2, hidden=16)
        start = pd.Timestamp("2015-12-25")
        run = request_run(RemoteStore(url), iris, finished[1], start, config, evaluate=False)
        workers = [started("worker", "--once", "--endpoint", url) for _ in range(2)]
        outputs = [w.communicate() for w in workers]
        assert [w.returncode for w in workers] == [0, 0], outputs
        assert "".join(out for out, _ in outputs).split() == [run.value]
        assert run_status(RemoteStore(url), run) == DEEP.RunSucceeded


def test_plan_train_predict_and_evaluate(folder, tmp_path):
    at = ("--store", folder)
    year = ("--from", "2015-01-01", "--to", "2015-12-31")
    answer = deepcube("plan", "fire-danger", "--region", "Simulated Island", *year, *at)
    assert answer.returncode == 0, answer.stderr
    assert "must observe" in answer.stdout
    plan = answer.stdout.split()[-1]
    weights = tmp_path / "new" / "weights.pt"
    answer = deepcube(
        "train", "fire-danger", "--plan", plan, "--before", "2015-12-01", "--weights", weights, *at
    )
    assert answer.returncode == 0, answer.stderr
    assert weights.is_file()
    predict = ("predict", "fire-danger", "--plan", plan, "--from", "2015-12-01")
    answer = deepcube(*predict, "--weights", weights, *at)
    assert answer.returncode == 0, answer.stderr
    assert deepcube(*predict, "--weights", tmp_path / "none.pt", *at).returncode == 2
    again = deepcube(*predict, "--weights", weights, *at)
    assert "in the graph already" in again.stderr
    assert again.stdout == answer.stdout
    (tmp_path / "junk.pt").write_text("junk")
    junk = deepcube(*predict, "--weights", tmp_path / "junk.pt", *at)
    assert junk.returncode == 1
    assert "holds no weights" in junk.stderr
    early = ("--from", "2015-11-20", "--weights", weights)
    seen = deepcube("predict", "fire-danger", "--plan", plan, *early, *at)
    assert seen.returncode == 1
    assert "was trained on days" in seen.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("query", "SELECT * {"), 1, "malformed SPARQL"),
        (("query", "ASK {}", "--format", "ttl"), 2, "no RDF form"),
        (("query", "CONSTRUCT WHERE {?s ?p ?o}", "--format", "csv"), 2, "is RDF"),
        (("query", "@no-such-file"), 2, "no file"),
        (("query", "SELECT * { ?s nobody:p ?o }"), 1, "query: error at 1:23: a prefix that no"),
        (("update", "INSERT"), 1, "malformed SPARQL"),
        (("index", "no-such-file.nc"), 1, "no file or folder"),
        (("index", "pyproject.toml"), 1, "is no cube"),
        (("index", "README.md", "--mapping", "none.yaml"), 1, "no mapping file"),
        (("load", "pyproject.toml"), 1, "no RDF format"),
        (
            ("plan", "fire-danger", "--region", "X", "--from", "2015-01-01", "--to", "soon"),
            2,
            "soon",
        ),
        (
            ("plan", "rain", "--region", "X", "--from", "2015-01-01", "--to", "2015-02-01"),
            1,
            "no model 'rain'",
        ),
        (
            ("predict", "fire-danger", "--plan", "urn:x", "--from", "2015-01-01"),
            1,
            "no plan",
        ),
        (("predict", "fire-danger", "--plan", "not an iri", "--from", "2015-01-01"), 2, "no IRI"),
        (("query", "ASK {}", "--endpoint", "notaurl"), 1, "URL of a SPARQL server"),
        (("nonsense",), 2, "No such command"),
    ],
)
def test_bad_input_is_one_clear_line_and_a_status(tmp_path, arguments, status, message):
    (tmp_path / "store").mkdir()
    deepcube("update", "INSERT DATA { <urn:a> <urn:b> 1 }", "--store", tmp_path / "store")
    store = () if arguments == ("nonsense",) else ("--store", tmp_path / "store")
    answer = deepcube(*arguments, *store)
    assert answer.returncode == status
    assert message in answer.stderr
    assert "Traceback" not in answer.stderr
    left = deepcube("query", "SELECT ?s { ?s ?p ?o }", "--store", tmp_path / "store").stdout
    assert "urn:a" in left or "indexedBlock" not in left


def test_load_query_dump_backup_restore(tmp_path):
    (tmp_path / "a.ttl").write_text("<urn:a> <urn:b> 'ü' .")
    (tmp_path / "bad.ttl").write_text("<urn:a> <urn:c> 1 . <urn:a")
    at = ("--store", tmp_path / "s")
    assert deepcube("load", tmp_path / "a.ttl", *at).returncode == 0
    assert deepcube("load", tmp_path / "bad.ttl", *at).returncode == 1
    assert deepcube("dump", tmp_path / "out.nq", *at).returncode == 0
    assert (tmp_path / "out.nq").read_text() == '<urn:a> <urn:b> "ü" .\n'
    assert deepcube("backup", tmp_path / "copy", *at).returncode == 0
    assert deepcube("restore", tmp_path / "copy", *at).returncode == 1  # it exists
    assert deepcube("restore", tmp_path / "copy", "--store", tmp_path / "t").returncode == 0
    answer = deepcube(
        "query", "SELECT ?o { ?s ?p ?o }", "--store", tmp_path / "t", "--format", "csv"
    )
    assert answer.stdout.split() == ["o", "ü"]
    answer = deepcube("validate", *at)
    assert answer.returncode == 0
    assert "conform" in answer.stdout


@pytest.mark.server
def test_a_port_in_use_is_named(tmp_path):
    deepcube("update", "INSERT DATA { <urn:a> <urn:b> 1 }", "--store", tmp_path / "a")
    deepcube("update", "INSERT DATA { <urn:a> <urn:b> 1 }", "--store", tmp_path / "b")
    with serving(tmp_path / "a") as url:
        answer = deepcube("serve", "--store", tmp_path / "b", "--port", url.rsplit(":", 1)[1])
    assert answer.returncode == 1
    assert "--port" in answer.stderr


@pytest.mark.demo
def test_the_demo_without_data_or_network_simulates_and_says_so(tmp_path, monkeypatch):
    offline = {"HTTPS_PROXY": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    monkeypatch.delenv("DEEPCUBE_DATA", raising=False)
    demo = ("demo", "--store", tmp_path / "demo" / "store")
    first, second = deepcube_process(*demo, **offline), deepcube(*demo, **offline)
    assert first.returncode == 0, first.stderr
    assert "SIMULATED" in first.stdout
    assert "nothing is computed anew" in second.stderr
    pictures = list((tmp_path / "demo").glob("*.png"))
    assert len(pictures) == 1
    assert str(pictures[0]) in first.stdout.replace("\n", "")
    counts = deepcube("query", ALERTS, "--store", tmp_path / "demo" / "store", "--format", "csv")
    assert int(counts.stdout.split()[1]) > 0
    unmarked = deepcube(
        "query",
        "PREFIX deep: <https://w3id.org/deepcube/ontology#> ASK { ?x a ?k "
        "VALUES ?k { deep:Source deep:Prediction deep:Alert } "
        "FILTER NOT EXISTS { ?x a deep:Simulated } }",
        "--store",
        tmp_path / "demo" / "store",
    )
    assert unmarked.stdout.strip() == "no"
