"""Where the bytes of a source are, and whether they are still those that were indexed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlparse

import pooch

from cube_bridge.cubes.mapping import CubeMapping
from cube_bridge.errors import SourceError, SourceNotFoundError
from cube_bridge.formats.opener import CubeSource
from cube_bridge.kinds.datasets import dataset, locate
from cube_bridge.kinds.mappings import kind_of, mapping_from_json
from kg.rdf.terms import text
from kg.rows import select

if TYPE_CHECKING:
    from pyoxigraph import NamedNode

    from cube_bridge.sources.info import SourceMapping
    from kg.store import GraphStore


class OpenedSource:
    """A source that is looked at once: each thing that is asked of it is found out once."""

    def __init__(
        self, location: Path | str, mapping: SourceMapping, *, sha256: str | None = None
    ) -> None:
        """Name a source; nothing is read yet.

        Args:
            location: A file or folder, or the URL of a cube.
            mapping: What is in it.
            sha256: Of the file, where somebody has just hashed it.
        """
        self.location = location
        self.mapping = mapping
        if sha256 is not None:
            self.sha256 = sha256

    @cached_property
    def cube(self) -> CubeSource:
        """The source as one that may be a cube."""
        return CubeSource.at(self.location)

    @cached_property
    def sha256(self) -> str | None:
        """The sha256 of the bytes of a file; None for a folder, and for what is elsewhere."""
        return str(pooch.file_hash(str(self.location))) if Path(self.location).is_file() else None

    @cached_property
    def fingerprint(self) -> str:
        """What changes when the source or the way it is read changes: a sha256.

        A table or layer is hashed by its bytes, and those of the files beside it that belong to
        it; a cube, which may be too large for that, by what `CubeSource.version` tells without
        reading it.
        """
        digest = hashlib.sha256(self.mapping.json_text().encode())
        if isinstance(self.mapping, CubeMapping) or self.sha256 is None:
            digest.update(self.cube.version.encode())
            return digest.hexdigest()
        digest.update(self.sha256.encode())
        path = Path(self.location)
        for file in kind_of(self.mapping).companions(path, self.mapping):
            digest.update(str(pooch.file_hash(str(file))).encode())
        return digest.hexdigest()


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """A source of the graph, where it can be read."""

    iri: NamedNode
    location: Path | str
    """A file or folder of this machine; text is the URL of a cube elsewhere."""
    mapping: SourceMapping
    """The mapping by which it was indexed."""


def source_file(store: GraphStore, source: NamedNode) -> SourceFile:
    """Return where a source's bytes are; those of an open data set are fetched if they must be.

    Raises:
        SourceNotFoundError: The graph knows no such source, or its file has gone.
        SourceError: The file is not the one that was indexed: of another size, or, for a table,
            with other bytes. (A cube may be too large to be hashed at every read.)
    """
    rows = select(
        store,
        f"""SELECT ?mapping ?url ?name ?size ?fingerprint WHERE {{
              {source} deep:mapping ?mapping ; deep:fingerprint ?fingerprint ;
                       dcat:distribution/dcat:downloadURL ?url .
              OPTIONAL {{ {source} dcat:distribution/dcat:byteSize ?size }}
              OPTIONAL {{ {source} deep:registeredAs ?name }} }}""",
    )
    if not rows:
        raise SourceNotFoundError(f"the graph knows no source {source}; `deepcube index` adds one")
    row = rows[0]
    mapping, url = mapping_from_json(text(row["mapping"])), text(row["url"])
    if "name" not in row and urlparse(url).scheme != "file":
        return SourceFile(iri=source, location=url, mapping=mapping)
    path = locate(text(row["name"])) if "name" in row else Path(unquote(urlparse(url).path))
    if not path.exists():
        raise SourceNotFoundError(f"{path}, the file of {source}, has gone; index it anew")
    changed = "size" in row and path.stat().st_size != int(text(row["size"]))
    if not isinstance(mapping, CubeMapping):
        # `locate` has just hashed the file of an open data set.
        hashed = dataset(text(row["name"])).sha256 if "name" in row else None
        opened = OpenedSource(path, mapping, sha256=hashed)
        changed = changed or opened.fingerprint != text(row["fingerprint"])
    if changed:
        raise SourceError(f"{path} has changed since it was indexed; index it anew, then plan anew")
    return SourceFile(iri=source, location=path, mapping=mapping)
