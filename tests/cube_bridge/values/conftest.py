"""A generated cube in a store, and what asks it."""

import pytest
from pyoxigraph import Literal, NamedNode

from cube_bridge.extension import Cubes
from cube_bridge.indexing.index import index_file
from cube_bridge.values.chunk_reader import ChunkReader
from cube_bridge.values.engine import Engine
from cube_bridge.values.scanner import Scanner
from ontology.terms import DEEPF, GEO


@pytest.fixture
def variable(store, iris, cube_nc):
    """The variable of a cube of 6 days, 8 rows and 10 columns, in 2 x 2 x 2 chunks."""
    return NamedNode(f"{index_file(store, iris, cube_nc).source.value}/variable/ts")


@pytest.fixture
def cubes():
    return Cubes()


@pytest.fixture
def unremembering():
    """As `cubes`, but every chunk is read each time."""
    return Cubes(Engine(Scanner(ChunkReader(cache_bytes=0))))


@pytest.fixture
def call(cubes, store):
    """Return a function that calls a function of pixel values by its name."""
    functions = cubes.functions(store)
    return lambda name, *arguments: functions[getattr(DEEPF, name)](*arguments)


def wkt(shape):
    text = shape if isinstance(shape, str) else shape.wkt
    return Literal(text, datatype=GEO.wktLiteral)
