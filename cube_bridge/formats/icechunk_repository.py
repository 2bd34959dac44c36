"""Icechunk repositories: zarr with versions; chunks may lie in other files (virtual)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import icechunk
from icechunk import IcechunkError, Repository

from cube_bridge.access.object_stat import timeout_s
from cube_bridge.errors import NotACubeError, SourceNotFoundError
from cube_bridge.formats.zarr_groups import open_store

if TYPE_CHECKING:
    import xarray as xr

    from cube_bridge.access.source import LookedAt

MEDIA_TYPE = "application/vnd.zarr+icechunk"
#: Before zarr, whose marks a repository may have in its folder.
ORDER = 20
#: What a repository has in its folder; its `main` branch cannot be deleted.
_MARKERS = ("repo", "refs/branch.main/ref.json")
_DIRECTORIES = ("snapshots", "refs")


def recognises(source: LookedAt) -> bool:
    """Return whether it is a folder that an Icechunk repository lies in."""
    path = source.location.path
    if path is not None:
        return path.is_dir() and (
            all((path / d).is_dir() for d in _DIRECTORIES)
            or ((path / "repo").is_file() and (path / "snapshots").is_dir())
        )
    return source.is_folder and bool(source.markers & set(_MARKERS))


def open_dataset(source: LookedAt) -> xr.Dataset:
    """Open a branch, tag or snapshot lazily, chunked as it is stored."""
    session = session_of(source)
    return open_store(session.store, source.location.part.group, source.shown)


def repository_of(source: LookedAt) -> Repository:
    """Return the repository, for reading.

    Raises:
        NotACubeError: It cannot be opened, or not from there.
    """
    icechunk.set_logs_filter("icechunk=error")
    storage = _storage(source)
    try:
        config = Repository.fetch_config(storage)
        containers = (config.virtual_chunk_containers or {}) if config is not None else {}
        allowed = {
            prefix: _credentials(prefix)
            for prefix in containers
            if source.location.path is not None or not prefix.startswith("file:")
        }
        return Repository.open(storage, authorize_virtual_chunk_access=allowed or None)
    except (IcechunkError, ValueError) as error:
        raise NotACubeError(
            f"the Icechunk repository {source.shown} cannot be opened: {_first_line(error)}; is "
            "it damaged, or of a newer version of Icechunk?"
        ) from error


def session_of(source: LookedAt) -> icechunk.Session:
    """Return a read-only session on the branch, tag or snapshot that is meant.

    Raises:
        SourceNotFoundError: There is none of that name.
    """
    repository, part = repository_of(source), source.location.part
    named: dict[str, Any] = {k: v for k, v in (("branch", part.branch), ("tag", part.tag),
                               ("snapshot_id", part.snapshot)) if v is not None}  # fmt: skip
    if len(named) > 1:
        raise SourceNotFoundError(
            f"{source.shown}: {' and '.join(named)} are given; one of them says what is meant"
        )
    try:
        return repository.readonly_session(**(named or {"branch": "main"}))
    except (IcechunkError, ValueError) as error:
        branches, tags = sorted(repository.list_branches()), sorted(repository.list_tags())
        wanted = ", ".join(f"{k} {v!r}" for k, v in (named or {"branch": "main"}).items())
        raise SourceNotFoundError(
            f"{source.shown} has no {wanted}; branches are {', '.join(branches)}, "
            f"tags {', '.join(tags) or 'none'}"
        ) from error


def _storage(source: LookedAt) -> icechunk.Storage:
    location = source.location
    if location.path is not None:
        return icechunk.local_filesystem_storage(str(location.path.absolute()))
    pieces = urlsplit(location.base)
    prefix = unquote(pieces.path).strip("/")
    if location.scheme in {"s3", "s3a"}:
        known = "AWS_ACCESS_KEY_ID" in os.environ
        endpoint = os.environ.get("AWS_ENDPOINT_URL")
        return icechunk.s3_storage(
            bucket=pieces.netloc,
            prefix=prefix,
            region=os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"),
            endpoint_url=endpoint,
            allow_http=os.environ.get("AWS_ALLOW_HTTP", "").lower() in {"1", "true"},
            force_path_style=endpoint is not None,
            from_env=True if known else None,
            anonymous=None if known else True,
            network_stream_timeout_seconds=max(round(timeout_s()), 1),
        )
    if location.scheme == "gs":
        known = any(k.startswith("GOOGLE_") for k in os.environ)
        return icechunk.gcs_storage(
            bucket=pieces.netloc,
            prefix=prefix,
            from_env=True if known else None,
            anonymous=None if known else True,
        )
    raise NotACubeError(
        f"{source.shown} is an Icechunk repository behind {location.scheme}://; they are read "
        "from a folder, s3:// or gs://; fetch it first"
    )


def _credentials(prefix: str) -> Any:
    """Return what chunks in other files are read with: what the environment has, or nothing."""
    scheme = prefix.partition("://")[0]
    if scheme == "s3":
        known = "AWS_ACCESS_KEY_ID" in os.environ
        return (
            icechunk.s3_credentials(from_env=True)
            if known
            else icechunk.s3_credentials(anonymous=True)
        )
    if scheme in {"gs", "gcs"}:
        known = any(k.startswith("GOOGLE_") for k in os.environ)
        return (
            icechunk.gcs_credentials(from_env=True)
            if known
            else icechunk.gcs_credentials(anonymous=True)
        )
    return None


def _first_line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), "")
