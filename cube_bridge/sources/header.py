"""What the graph says of any source: its title, licence, origin, extent and who indexed it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pyoxigraph import Literal, NamedNode, Quad

from kg.rdf.geometry import bounding_box_quads
from kg.rdf.iris import Iris, below
from kg.rdf.provenance import start_quads
from kg.rdf.terms import integer
from kg.rdf.times import interval, interval_quads
from ontology.terms import DCAT, DCTERMS, DEEP, PROV, RDF, SPDX

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cube_bridge.sources.description import SourceDescription
    from cube_bridge.sources.info import SourceMapping


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a source comes from, and what it means."""

    location: Path | str
    """A file or folder, or the URL of a cube."""
    mapping: SourceMapping
    url: str
    """Where the bytes come from."""
    registered: str | None
    """Name in the registry of open data sets."""

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.location.name if isinstance(self.location, Path) else self.location


def header_quads(
    source: NamedNode,
    origin: Origin,
    content: SourceDescription,
    fingerprint: str,
    iris: Iris,
    *,
    sha256: str | None = None,
) -> Iterator[Quad]:
    """Yield what the graph says of a source before any of its parts.

    Args:
        source: IRI of the source.
        origin: Where its bytes come from and what they mean.
        content: What was found in them.
        fingerprint: What changes when the source or its mapping does: a sha256.
        iris: How IRIs are made.
        sha256: Of the file; None for a cube, which may be as large as a disk and is read once,
            for its statistics.
    """
    info = origin.mapping.source
    activity = below(source, "indexing")
    distribution = below(source, "distribution")
    yield Quad(source, RDF.type, DEEP.Source)
    yield Quad(source, RDF.type, content.kind)
    yield Quad(source, RDF.type, DCAT.Dataset)
    if info.simulated:
        yield Quad(source, RDF.type, DEEP.Simulated)
    yield Quad(source, DCTERMS.identifier, Literal(info.id))
    yield Quad(source, DCTERMS.title, Literal(info.title))
    if info.description:
        yield Quad(source, DCTERMS.description, Literal(info.description))
    if info.publisher:
        yield Quad(source, DCTERMS.publisher, Literal(info.publisher))
    yield Quad(source, DCTERMS.license, NamedNode(info.license))
    yield Quad(source, DCTERMS.source, NamedNode(origin.url))
    yield Quad(source, DEEP.fingerprint, Literal(fingerprint))
    yield Quad(source, DEEP.itemCount, integer(content.item_count))
    yield Quad(source, DEEP.mapping, Literal(origin.mapping.json_text()))
    if origin.registered:
        yield Quad(source, DEEP.registeredAs, Literal(origin.registered))
    yield Quad(source, DEEP.indexStatus, DEEP.IndexPartial)
    yield from bounding_box_quads(source, content.bbox)
    if content.period is not None:
        yield Quad(source, DCTERMS.temporal, interval(iris, *content.period))
        yield from interval_quads(iris, *content.period)
    yield Quad(source, DCAT.distribution, distribution)
    yield Quad(distribution, RDF.type, DCAT.Distribution)
    yield Quad(distribution, DCAT.downloadURL, NamedNode(origin.url))
    if info.dataset is not None:
        held = iris.mint("dataset", info.dataset)
        yield Quad(held, RDF.type, DCAT.Dataset)
        yield Quad(held, DCTERMS.identifier, Literal(info.dataset))
        yield Quad(held, DCAT.distribution, distribution)
    yield Quad(distribution, DCAT.mediaType, Literal(content.media_type))
    path = origin.location
    if isinstance(path, Path) and path.is_file():
        yield Quad(distribution, DCAT.byteSize, integer(path.stat().st_size))
    if sha256 is not None:
        checksum = below(distribution, "checksum")
        yield Quad(distribution, SPDX.checksum, checksum)
        yield Quad(checksum, SPDX.checksumValue, Literal(sha256))
    yield Quad(source, PROV.wasGeneratedBy, activity)
    yield from start_quads(activity, DEEP.IndexingActivity, [NamedNode(origin.url)])
    yield from content.header
