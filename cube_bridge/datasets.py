"""The registry of open data sets: fetched once, pinned by commit and sha256.

With DEEPCUBE_DATA set to a folder, the same names are found there without a network.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path

import pooch
import requests
import yaml

from cube_bridge.errors import DatasetUnavailableError, SourceNotFoundError
from cube_bridge.mapping import Mapping, parse_mapping

# Its messages go beside the progress bars; errors are raised, not logged.
pooch.get_logger().setLevel("WARNING")

#: A read that stalls this long is given up.
_TIMEOUT_S = 30


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """One open data set."""

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

    def companion(self, suffix: str, sha256: str) -> Dataset:
        """Return one of the files that belong to it."""
        return replace(
            self,
            url=self.url.removesuffix(Path(self.url).suffix) + suffix,
            sha256=sha256,
            local=str(Path(self.local).with_suffix(suffix)),
            companions=(),
        )


@cache
def registry() -> dict[str, Dataset]:
    """Return all registered data sets by name."""
    entries = yaml.safe_load((files("cube_bridge") / "registry.yaml").read_text(encoding="utf-8"))
    return {
        name: Dataset(
            name=name,
            url=f"https://raw.githubusercontent.com/{e['repository']}/{e['commit']}/{e['path']}",
            sha256=e["sha256"],
            local=e["local"],
            mapping=e["mapping"],
            companions=tuple(e.get("companions", {}).items()),
        )
        for name, e in entries.items()
    }


def dataset(name: str) -> Dataset:
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


def packaged_mapping(entry: Dataset) -> Mapping:
    """Return the mapping that comes with a registered data set."""
    with as_file(files("cube_bridge") / "mappings" / entry.mapping) as path:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    return parse_mapping(document, entry.mapping)


def data_folder() -> Path | None:
    """Return the folder that DEEPCUBE_DATA names, or None."""
    folder = os.environ.get("DEEPCUBE_DATA")
    return Path(folder) if folder else None


def cache_folder() -> Path:
    """Return where fetched and simulated data is kept."""
    folder = os.environ.get("DEEPCUBE_CACHE")
    return Path(folder) if folder else Path(pooch.os_cache("deepcube"))


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
    return _locate(entry)


def _locate(entry: Dataset) -> Path:
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
            fname=f"{name}{Path(entry.local).suffix}",
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
