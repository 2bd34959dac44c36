"""The contract of a kind of source: what a module of `cube_bridge.kinds` brings as `KIND`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from cube_bridge.sources.info import SourceMapping

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import geopandas as gpd
    import xarray as xr
    from pyoxigraph import NamedNode

    from cube_bridge.sources.description import Content
    from kg.rdf.iris import Iris

MappingT = TypeVar("MappingT", bound=SourceMapping)


def _no_companions(path: Path, mapping: SourceMapping) -> tuple[Path, ...]:  # noqa: ARG001
    """Return no file: the one that is indexed holds everything."""
    return ()


@dataclass(frozen=True, kw_only=True)
class SourceKind(Generic[MappingT]):
    """A kind of source: how its mapping looks, how it is indexed, how a model reads it.

    A new kind is a module of `cube_bridge.kinds` with a `KIND`, and a subclass of deep:Source in
    the ontology. Another package names its own in the entry-point group `deepcube.source_kinds`.
    """

    name: str
    """What mappings call it in their field `kind`."""
    mapping: type[MappingT]
    """Class of its mappings; its own field `kind` admits the name, and nothing else."""
    graph_class: NamedNode
    """Class of such sources in the graph: a subclass of deep:Source."""
    media_types: tuple[str, ...]
    """Media types of files of this kind."""
    read: Callable[[Path, MappingT, Iris, NamedNode], Content] | None
    """Checks a whole file and returns it ready to be indexed in blocks of quads.

    Given the file, its mapping, how IRIs are made, and the IRI of the source. None for cubes,
    of which the graph is brought in line chunk by chunk (`cube_bridge.indexing`).
    """
    load: Callable[[Path, MappingT, Sequence[str], NamedNode], xr.Dataset | gpd.GeoDataFrame]
    """Returns columns of a file for a model: what has regular times as a dataset, else a frame.

    Given the file, its mapping, the names of the columns, and the IRI of the source, from which
    those of its places follow.
    """
    companions: Callable[[Path, MappingT], tuple[Path, ...]] = _no_companions
    """Other files that the content is in: a change of one is a change of the source."""
