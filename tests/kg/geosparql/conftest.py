"""A PostGIS database, where one can be reached."""

import os

import pytest


@pytest.fixture(scope="session")
def postgis():
    """Yield a connection to the database that DEEPCUBE_TEST_POSTGIS describes (libpq)."""
    where = os.environ.get("DEEPCUBE_TEST_POSTGIS")
    if where is None:
        if os.environ.get("CI") == "true":
            pytest.fail("DEEPCUBE_TEST_POSTGIS is not set, and in CI the comparison must run")
        pytest.skip("DEEPCUBE_TEST_POSTGIS names no PostGIS database to compare with")
    import psycopg  # noqa: PLC0415  # only where there is a database

    with psycopg.connect(where) as connection:
        yield connection
