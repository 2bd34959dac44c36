"""What `deepcube index` and the commands on the graph say."""

from click.testing import CliRunner

from cube_bridge.cli.index import index
from cube_bridge.errors import MappingError, SourceError
from kg.cli.query import query
from kg.cli.update import update
from kg.cli.validate import validate
from tests.conftest import make_cube


def run(command, *arguments):
    result = CliRunner().invoke(command, [str(a) for a in arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_gaps_and_findings_are_said_and_listed(tmp_path):
    cube = make_cube()
    cube["ts"].attrs["units"] = "mm"
    path = tmp_path / "c.zarr"
    cube.chunk(time=1).to_zarr(path, zarr_format=2, consolidated=False)
    whole = (path / "ts" / "3.0.0").read_bytes()
    (path / "ts" / "3.0.0").write_bytes(b"damaged")
    store = ["--store", tmp_path / "s"]
    said = run(index, path, "--dataset", "temperature", "--chunk-timeout", 30, *store)
    assert "6 items, 1 chunk(s) could not be read" in said
    assert "warning: ts: the unit 'mm' contradicts" in said
    listed = run(validate, *store)
    assert "warning: <http://localhost:8000/id/source/c/finding/ts/unit>" in listed
    assert "1 chunk(s) could not be read" in listed
    (path / "ts" / "3.0.0").write_bytes(whole)
    assert "could not be read" not in run(index, path, "--dataset", "temperature", *store)
    assert "could not be read" not in run(validate, *store)
    assert "unchanged" in run(index, path, "--dataset", "temperature", *store)


def test_a_description_of_one_source_is_refused_for_several(tmp_path):
    result = CliRunner().invoke(index, ["a.nc", "b.nc", "--dataset", "x"])
    assert result.exit_code == 2
    assert "describe a single source" in result.output


def test_sources_after_one_that_cannot_be_read_are_indexed(tmp_path):
    (tmp_path / "text.nc").write_text("no cube")
    make_cube().to_netcdf(tmp_path / "c.nc")
    arguments = [tmp_path / "text.nc", tmp_path / "c.nc", "--store", tmp_path / "s"]
    result = CliRunner().invoke(index, [str(a) for a in arguments])
    assert isinstance(result.exception, SourceError)
    assert str(result.exception) == "1 of 2 sources could not be indexed"
    assert f"error: {tmp_path / 'text.nc'}: text.nc is no cube" in result.output
    assert f"{tmp_path / 'c.nc'}: " in result.stdout
    assert "unchanged" in run(index, *arguments[1:])


def test_prefixes_of_the_ontology_need_no_declaration(tmp_path):
    store = ["--store", tmp_path / "s"]
    run(update, 'INSERT DATA { <urn:a> rdfs:label "A" ; <urn:p> <urn:mine/deep:x> }', *store)
    asked = "PREFIX deep: <urn:mine/>\nASK { ?s rdfs:label 'A' ; <urn:p> ?o FILTER(isIRI(deep:x)) }"
    assert run(query, asked, *store) == "yes\n"
    own = "PREFIX rdfs: <urn:mine/> SELECT ?o { ?s rdfs:label ?o }"
    assert "A" not in run(query, own, "--format", "csv", *store)


def test_a_description_that_cannot_be_is_refused(tmp_path):
    make_cube().to_netcdf(tmp_path / "c.nc")
    for option, value in (("--id", "My Cube"), ("--license", "MIT")):
        arguments = [str(tmp_path / "c.nc"), option, value, "--store", str(tmp_path / "s")]
        result = CliRunner().invoke(index, arguments)
        assert isinstance(result.exception, MappingError)
        assert f"{option.removeprefix('--')} {value!r}" in str(result.exception)


def test_a_table_shows_terms_whole_and_as_they_are(tmp_path):
    long = "urn:" + "x" * 300
    store = ["--store", tmp_path / "s"]
    run(update, f'INSERT DATA {{ <{long}> <urn:p> "[/b] [red]" }}', *store)
    table = run(query, "SELECT ?s ?o { ?s <urn:p> ?o }", *store)
    assert table.count("x") == 300
    assert "[/b] [red]" in table
