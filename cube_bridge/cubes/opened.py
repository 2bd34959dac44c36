"""A cube that is open to be indexed, with all that was found in one look."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from cube_bridge.cubes.axes import Placement, placement_of
from cube_bridge.cubes.findings import findings_of
from cube_bridge.cubes.summaries import ChunkPlace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import xarray as xr

    from cube_bridge.cubes.findings import Finding
    from cube_bridge.formats.opener import CubeSource


@dataclass(frozen=True, kw_only=True)
class OpenedCube:
    """A cube that has been checked and can be indexed."""

    dataset: xr.Dataset
    placement: Placement
    media_type: str
    version: str
    """Of the whole, as long as its chunks have none of their own."""
    versions: Mapping[tuple[str, tuple[int, ...]], str] | None
    """By variable and index of the chunk; None for a single file."""
    findings: tuple[Finding, ...]
    """What is odd about it."""

    @property
    def chunk_count(self) -> int:
        """Chunks of all variables."""
        return sum(axes.layout.count for axes in self.placement.axes)

    def places(self) -> Iterator[ChunkPlace]:
        """Yield all chunks, in the order of variables and indices."""
        for axes in self.placement.axes:
            for index in product(*(range(len(n)) for n in axes.layout.lengths)):
                yield ChunkPlace(axes=axes, index=index)


def open_for_indexing(source: CubeSource) -> OpenedCube:
    """Open a cube and look where its variables lie; no value is read.

    Raises:
        NotACubeError: It cannot be opened as a cube.
        CoordinatesError: No variable has a place on the Earth.
    """
    dataset = source.dataset()
    placement = placement_of(dataset)
    return OpenedCube(
        dataset=dataset,
        placement=placement,
        media_type=source.media_type,
        version=source.version,
        versions=source.chunk_versions(dataset),
        findings=tuple(findings_of(dataset, placement)),
    )
