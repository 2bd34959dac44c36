"""The registry of open data sets: fetched once, pinned by commit and sha256.

With DEEPCUBE_DATA set to a folder, the same names are found there without a network.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING

import pooch
import requests
import yaml

from cube_bridge.errors import DatasetUnavailableError, SourceNotFoundError
from cube_bridge.folders import cache_folder, data_folder
from cube_bridge.kinds.mappings import parse_mapping

if TYPE_CHECKING:
    from cube_bridge.sources.info import SourceMapping

# Its messages go beside the progress bars; errors are raised, not logged.
pooch.get_logger().setLevel("WARNING")

#: A read that stalls this long is given up.
_TIMEOUT_S = 30


@dataclass(frozen=True, kw_only=True)
class RegisteredDataset:
    """One open data set of the registry: where it is had, and the hash that it must have."""

    name: str
    url: str
    """Where it is fetched from; the commit is part of it."""
    sha256: str
    local: str
    """Its path under DEEPCUBE_DATA."""
    mapping: str
    """File name of its mapping."""
    companions: tuple[tuple[str, str], ...] = ()
    """Suffix and sha256 of files of the same name that belong to it, as to a shapefile."""

    beside: tuple[tuple[str, str, str], ...] = ()
    """Name, path in the repository and sha256 of files of other names that lie beside it."""

    def neighbour(self, name: str, path: str, sha256: str) -> RegisteredDataset:
        """Return one of the files that lie beside it, under the name that its mapping knows."""
        head, commit = self.url.split("/")[:5], self.url.split("/")[5]
        return replace(
            self,
            url="/".join([*head, commit, path]),
            sha256=sha256,
            local=str(Path(self.local).with_name(name)),
            companions=(),
            beside=(),
        )

    def companion(self, suffix: str, sha256: str) -> RegisteredDataset:
        """Return one of the files that belong to it."""
        return replace(
            self,
            url=self.url.removesuffix(Path(self.url).suffix) + suffix,
            sha256=sha256,
            local=str(Path(self.local).with_suffix(suffix)),
            companions=(),
        )


@cache
def registry() -> dict[str, RegisteredDataset]:
    """Return all registered data sets by name."""
    entries = yaml.safe_load((files("cube_bridge") / "registry.yaml").read_text(encoding="utf-8"))
    return {
        name: RegisteredDataset(
            name=name,
            url=f"https://raw.githubusercontent.com/{e['repository']}/{e['commit']}/{e['path']}",
            sha256=e["sha256"],
            local=e["local"],
            mapping=e["mapping"],
            companions=tuple(e.get("companions", {}).items()),
            beside=tuple((n, f["path"], f["sha256"]) for n, f in e.get("beside", {}).items()),
        )
        for name, e in entries.items()
    }


def dataset(name: str) -> RegisteredDataset:
    """Return a registered data set.

    Raises:
        SourceNotFoundError: Lists the names there are.
    """
    try:
        return registry()[name]
    except KeyError:
        raise SourceNotFoundError(
            f"no data set {name!r}; there are {', '.join(sorted(registry()))}"
        ) from None


def packaged_mapping(entry: RegisteredDataset) -> SourceMapping:
    """Return the mapping that comes with a registered data set."""
    with as_file(files("cube_bridge") / "mappings" / entry.mapping) as path:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    return parse_mapping(document, entry.mapping)


def locate(name: str) -> Path:
    """Return a local, verified copy of a data set, fetching it if it must be.

    Raises:
        SourceNotFoundError: The name is not registered.
        DatasetUnavailableError: It is not under DEEPCUBE_DATA, or cannot be fetched, or its
            bytes are not those registered.
    """
    entry = dataset(name)
    for suffix, sha256 in entry.companions:
        _locate(entry.companion(suffix, sha256))
    for file, path, sha256 in entry.beside:
        _locate(entry.neighbour(file, path, sha256), fetched_as=file)
    return _locate(entry)


def _locate(entry: RegisteredDataset, fetched_as: str | None = None) -> Path:
    name, folder = entry.name, data_folder()
    if folder is not None:
        path = folder / entry.local
        if not path.is_file():
            raise DatasetUnavailableError(
                f"{name}: DEEPCUBE_DATA is set, but {path} is not there; put the file there, "
                "or unset DEEPCUBE_DATA to fetch it"
            )
        if pooch.file_hash(str(path)) != entry.sha256:
            raise DatasetUnavailableError(f"{name}: {path} is not the registered file (sha256)")
        return path
    # Retries are the caller's: a demo must not hang on a machine without a network.
    downloader = pooch.HTTPDownloader(timeout=_TIMEOUT_S)
    try:
        fetched = pooch.retrieve(
            entry.url,
            known_hash=f"sha256:{entry.sha256}",
            fname=fetched_as or f"{name}{Path(entry.local).suffix}",
            path=cache_folder() / "datasets",
            downloader=downloader,
        )
    except (requests.RequestException, OSError, ValueError) as error:
        raise DatasetUnavailableError(
            f"{name}: cannot be fetched from {entry.url} ({type(error).__name__}); check the "
            "network, or set DEEPCUBE_DATA to a folder that has "
            f"{entry.local}"
        ) from error
    return Path(fetched)
