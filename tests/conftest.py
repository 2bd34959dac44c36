"""Fixtures that several folders share: stores, small sources, the real files, a finished run."""

import os
from pathlib import Path

import httpx2 as httpx
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import HealthCheck, settings
from pyoxigraph import NamedNode

from cube_bridge.indexing.index import index_file
from cube_bridge.kinds.datasets import locate
from cube_bridge.kinds.mappings import parse_mapping
from kg.embedded.store import EmbeddedStore
from kg.rdf.iris import Iris
from kg.rdf.times import day_bounds
from ml.use_cases.fire_danger.simulation import ISLAND, simulate
from tests.servers import serving
from tests.shared import made_once

if "PYTEST_XDIST_WORKER" in os.environ:
    # As many processes as there are cores, and torch's threads wait for one another by spinning.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# The same examples in every run, so that what is covered can be stated; `make test-nightly`
# looks further, at other examples each time.
_PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", _PATIENT, derandomize=True, max_examples=100)
settings.register_profile("fast", _PATIENT, derandomize=True, max_examples=20)
settings.register_profile("nightly", _PATIENT, max_examples=400, print_blob=True)
settings.load_profile("ci")

SERIES_MAPPING = {
    "kind": "series",
    "source": {"id": "stations", "title": "Stations", "license": "https://spdx.org/licenses/MIT"},
    "longitude": "lon",
    "latitude": "lat",
    "time": {"column": "date", "resolution": "P1D"},
    "variables": [
        {
            "column": "tas",
            "label": "air temperature",
            "property": "grib:167",
            "unit": "unit:DEG_C",
            "valid_range": [-60, 60],
        }
    ],
}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Say what a test needs by the fixtures it asks for.

    The tests of a module that share something run in one process, where it is made once; what
    needs the finished run belongs to the demo, what needs the server is no quick test.
    """
    for item in items:
        fixtures = item._fixtureinfo.name2fixturedefs
        if any(d.scope == "module" for found in fixtures.values() for d in found):
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))
        for fixture, mark in (("finished", pytest.mark.demo), ("empty_server", pytest.mark.server)):
            if fixture in fixtures:
                item.add_marker(mark)


@pytest.fixture(autouse=True)
def _isolated(monkeypatch, tmp_path_factory):
    """Keep weights and simulated files of tests out of the user's cache."""
    monkeypatch.setenv("DEEPCUBE_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.delenv("DEEPCUBE_STORE", raising=False)
    monkeypatch.delenv("DEEPCUBE_ENDPOINT", raising=False)
    monkeypatch.delenv("DEEPCUBE_BASE_IRI", raising=False)


@pytest.fixture
def iris():
    return Iris()


@pytest.fixture
def store():
    with EmbeddedStore() as opened:
        yield opened


@pytest.fixture
def real_data():
    """Return a function from a registered name to its file, or skip where it is not here."""

    def find(name: str) -> Path:
        if "DEEPCUBE_DATA" not in os.environ:
            pytest.skip(f"{name} is not here: DEEPCUBE_DATA is not set")
        path = locate_or_none(name)
        if path is None and os.environ.get("CI") == "true":
            pytest.fail(f"{name} is not under DEEPCUBE_DATA, and CI=true")
        if path is None:
            pytest.skip(f"{name} is not under DEEPCUBE_DATA")
        return path

    return find


def locate_or_none(name: str) -> Path | None:
    try:
        return locate(name)
    except LookupError:
        return None


@pytest.fixture
def weather_csv(tmp_path):
    """A table of two stations and four days."""
    days = pd.date_range("2020-01-01", periods=4).strftime("%Y-%m-%d")
    rows = [
        {"date": day, "lon": lon, "lat": lat, "tas": 10 * i + d}
        for i, (lon, lat) in enumerate([(10.0, 50.0), (11.5, 51.0)])
        for d, day in enumerate(days)
    ]
    path = tmp_path / "weather.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


@pytest.fixture
def series_mapping():
    return parse_mapping(SERIES_MAPPING, "stations")


def make_cube(times=6, height=8, width=10, *, west=10.0, north=52.0, step=0.5):
    """Return a cube with CF metadata, some cells NaN."""
    values = np.random.default_rng(0).normal(280, 10, (times, height, width)).astype("float32")
    values[:, 0, 0] = np.nan
    return xr.Dataset(
        {
            "ts": (
                ("time", "lat", "lon"),
                values,
                {"standard_name": "surface_temperature", "units": "K", "long_name": "surface"},
            )
        },
        coords={
            "time": pd.date_range("2020-01-01", periods=times),
            "lat": ("lat", north - step * np.arange(height), {"units": "degrees_north"}),
            "lon": ("lon", west + step * np.arange(width), {"units": "degrees_east"}),
        },
    )


@pytest.fixture
def cube():
    return make_cube()


@pytest.fixture
def cube_nc(tmp_path, cube):
    path = tmp_path / "cube.nc"
    encoding = {"ts": {"chunksizes": (3, 4, 5)}}
    cube.to_netcdf(path, encoding=encoding)
    return path


@pytest.fixture(scope="session")
def _serving(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("served") / "store") as url:
        yield url


@pytest.fixture
def empty_server(_serving):
    """The address of a server of ours that has nothing in it: one process, emptied each time."""
    httpx.post(f"{_serving}/update", data={"update": "DROP ALL"}).raise_for_status()
    return _serving


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A store folder with a simulated summer indexed, planned, predicted: real parts, small sizes.

    Returns:
        (folder of the store, IRI of the plan, IRI of the run)
    """
    folder, (plan, run) = made_once(tmp_path_factory, "finished", _finish)
    return folder / "store", NamedNode(plan), NamedNode(run)


def _finish(folder):
    from kg.regions import find_region  # noqa: PLC0415
    from ml.card import find_card  # noqa: PLC0415
    from ml.planning.plan import make_plan  # noqa: PLC0415
    from ml.runs.requests import request_run  # noqa: PLC0415  # torch, only where it is needed
    from ml.runs.worker import work  # noqa: PLC0415
    from ml.use_cases.fire_danger.config import Config  # noqa: PLC0415

    iris = Iris()
    with pytest.MonkeyPatch.context() as patch, EmbeddedStore(folder / "store") as store:
        patch.setenv("DEEPCUBE_CACHE", str(folder / "cache"))
        for source in simulate(folder / "summer"):
            index_file(store, iris, source.path, source.mapping)
        period = (
            day_bounds(pd.Timestamp("2015-01-01"))[0],
            day_bounds(pd.Timestamp("2015-12-31"))[1],
        )
        plan = make_plan(
            store, iris, find_card("fire-danger"), find_region(store, iris, ISLAND), period
        )
        config = Config(steps=20, members=2, hidden=16, spatial_folds=0)
        start = pd.Timestamp("2015-11-01")
        run = request_run(store, iris, plan.iri, start, config)
        assert work(store, iris) == 1
    return plan.iri.value, run.value
