"""Object stores: S3, Google Cloud Storage, Azure."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import obstore
from obstore.exceptions import BaseError, GenericError, PermissionDeniedError, UnauthenticatedError
from obstore.store import from_url

from cube_bridge.access.object_stat import Stat, timeout_s
from cube_bridge.errors import SourceForbiddenError, SourceTimeoutError, SourceUnreachableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from obstore.store import ObjectStore

CLOUD_SCHEMES = frozenset({"s3", "s3a", "gs", "az", "abfs", "abfss", "adl"})
_CREDENTIALS = {
    "s3": ("AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_"),
    "gs": ("GOOGLE_",),
    "az": ("AZURE_",),
}


@dataclass(frozen=True)
class CloudObjects:
    """Objects of a bucket below a prefix; see `Objects`.

    Credentials and endpoint come from the environment (AWS_..., GOOGLE_..., AZURE_...); without
    any, requests are anonymous, as public data wants it.
    """

    bucket: str
    """`s3://bucket`."""
    prefix: str

    def read(self, name: str, start: int = 0, stop: int | None = None) -> bytes:
        """See `Objects.read`."""
        path = self._path(name)
        if start == 0 and stop is None:
            return bytes(self._asked(name, lambda s: obstore.get(s, path).bytes()))
        if start >= 0 and stop is not None:
            if stop <= start:
                return b""
            return bytes(
                self._asked(name, lambda s: obstore.get_range(s, path, start=start, end=stop))
            )
        size = self.stat(name).size or 0
        first = max(size + start, 0) if start < 0 else start
        return self.read(name, first, size if stop is None else stop)

    def stat(self, name: str) -> Stat:
        """See `Objects.stat`."""
        return _stat(self._asked(name, lambda s: obstore.head(s, self._path(name))))

    def children(self, prefix: str) -> list[str]:
        """See `Objects.children`."""
        below = "/".join(p for p in (self.prefix, prefix.strip("/")) if p)
        found = self._asked(
            prefix, lambda s: obstore.list_with_delimiter(s, f"{below}/" if below else None)
        )
        paths = [*found["common_prefixes"], *(m["path"] for m in found["objects"])]
        return sorted(p.rstrip("/").rpartition("/")[2] for p in paths)

    def listing(self) -> Mapping[str, Stat]:
        """See `Objects.listing`."""
        prefix = f"{self.prefix}/" if self.prefix else ""
        pages = self._asked("", lambda s: list(obstore.list(s, prefix or None)))
        return {m["path"].removeprefix(prefix): _stat(m) for page in pages for m in page}

    def _path(self, name: str) -> str:
        return "/".join(p for p in (self.prefix, name) if p)

    def _asked(self, name: str, ask: Any) -> Any:
        asked = f"{self.bucket}/{self._path(name)}"
        seconds = timeout_s()
        try:
            return ask(_store(self.bucket, seconds))
        except (PermissionDeniedError, UnauthenticatedError) as error:
            raise SourceForbiddenError(
                f"{asked} may not be read; set the credentials of its owner in the environment "
                "(AWS_..., GOOGLE_... or AZURE_...)"
            ) from error
        except FileNotFoundError:
            raise
        except (BaseError, OSError) as error:
            if "timed out" in str(error) or "timeout" in str(error).lower():
                raise SourceTimeoutError(
                    f"{asked} did not answer within {seconds:g} s; try later, or set "
                    "DEEPCUBE_TIMEOUT_S higher"
                ) from error
            if isinstance(error, GenericError) and "404" in str(error):
                raise FileNotFoundError(name) from error
            raise SourceUnreachableError(
                f"{asked} cannot be read: {str(error).splitlines()[0]}; check the address, the "
                "network and the endpoint"
            ) from error


def _stat(found: Mapping[str, Any]) -> Stat:
    version = found.get("e_tag") or f"{found['last_modified'].isoformat()}-{found['size']}"
    return Stat(size=int(found["size"]), version=str(version).strip('"'))


@lru_cache(maxsize=64)
def _store(bucket: str, seconds: float) -> ObjectStore:
    limit = timedelta(seconds=seconds)
    scheme = bucket.partition("://")[0]
    owner = {"s3a": "s3", "gs": "gs", "s3": "s3"}.get(scheme, "az")
    known = any(k.startswith(_CREDENTIALS[owner]) for k in os.environ)
    config: Any = {} if known else {"skip_signature": True}
    return from_url(
        bucket,
        config=config,
        client_options={
            "timeout": limit,
            "connect_timeout": limit,
            "allow_http": os.environ.get("AWS_ALLOW_HTTP", "").lower() in {"1", "true"},
        },
        retry_config={"max_retries": 1, "retry_timeout": limit},
    )
