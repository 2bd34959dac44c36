"""Commands load what they use and no more: people wait for each module that is imported.

All is asked of one process, which runs the commands one after the other and says after each
which of the libraries in question have come.
"""

import json
import subprocess
import sys
from importlib.metadata import distribution
from importlib.util import find_spec

import pytest

from kg.embedded.store import EmbeddedStore
from kg.rdf.prefixes import with_prefixes

#: Each takes a tenth of a second or more, some several seconds.
HEAVY = {
    *("torch", "sklearn", "matplotlib", "pyshacl", "rdflib", "owlready2", "rasterio", "pandas"),
    *("xarray", "dask", "geopandas", "fastapi", "uvicorn", "numpy", "scipy", "shapely", "pyproj"),
    *("pydantic", "zarr", "h5py", "requests"),
}
#: Of the planner and of geometries: only some queries need it.
SPATIAL = {"tree_sitter", "tree_sitter_sparql", "h3"}
#: What the help of a command may load all the same: by command, library to reason.
ALLOWED_IN_HELP: dict[str, dict[str, str]] = {}
#: What a query with geometries may load.
ALLOWED_IN_SPATIAL_QUERY = {
    "numpy": "columns of candidates",
    "shapely": "the relations of geometries",
    "tree_sitter": "the planner reads the query",
    "tree_sitter_sparql": "the same",
}
PLAIN = "SELECT * { ?s a ?o } LIMIT 5"
WITHIN = (
    "SELECT ?s { ?s geo:hasGeometry/geo:asWKT ?w "
    'FILTER(geof:sfWithin(?w, "POLYGON((0 0,4 0,4 4,0 4,0 0))"^^geo:wktLiteral)) }'
)
#: Prints for each command which of the watched modules it brought, and its output.
PROBE = """
import json, sys
from click.testing import CliRunner
watched, commands = json.loads(sys.argv[1])
before = set()
came = []
from api.__main__ import cli
for arguments in commands:
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, (arguments, result.output, result.exception)
    now = set(sys.modules) & set(watched)
    came.append([sorted(now - before), result.output])
    before = now
print(json.dumps(came))
"""


def commands():
    """Return the names of our subcommands."""
    points = distribution("deepcube").entry_points.select(group="deepcube.commands")
    return sorted(p.name for p in points)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """What came with each command, by its name: the modules, and what it said.

    Each module counts for the command that was the first to bring it.
    """
    folder = tmp_path_factory.mktemp("start-up") / "store"
    with EmbeddedStore(folder) as store:
        store.update(
            with_prefixes(
                "INSERT DATA { <urn:a> a geo:Feature ; geo:hasGeometry <urn:g> . "
                '<urn:g> geo:asWKT "POINT(1 2)"^^geo:wktLiteral }'
            )
        )
    runs = {
        "plain query": ["query", PLAIN, "--store", str(folder)],
        **{name: [name, "--help"] for name in commands()},
        "spatial query": ["query", WITHIN, "--store", str(folder)],
    }
    asked = json.dumps([sorted(HEAVY | SPATIAL), list(runs.values())])
    done = subprocess.run(
        [sys.executable, "-c", PROBE, asked], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    came = json.loads(done.stdout)
    return {name: (set(new), said) for name, (new, said) in zip(runs, came, strict=True)}


def test_what_is_looked_for_exists():
    assert {name for name in HEAVY | SPATIAL if find_spec(name) is None} == set()


def test_the_help_of_a_command_loads_nothing_heavy(loaded):
    too_much = {
        name: sorted(found)
        for name in commands()
        if (found := (loaded[name][0] & HEAVY) - ALLOWED_IN_HELP.get(name, {}).keys())
    }
    assert too_much == {}
    assert {name for name in commands() if "Usage: " not in loaded[name][1]} == set()


def test_a_plain_query_loads_neither_the_planner_nor_arrays(loaded):
    found, said = loaded["plain query"]
    assert found == set()
    assert "geo:Feature" in said


def test_a_spatial_query_loads_no_tables_no_cubes_and_no_reference_systems(loaded):
    found, said = loaded["spatial query"]
    assert found - ALLOWED_IN_SPATIAL_QUERY.keys() == set()
    assert "urn:a" in said
