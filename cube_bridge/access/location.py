"""Where a cube is: a path or a URL, and which part of it is meant."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit
from urllib.request import url2pathname

_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+)://")


@dataclass(frozen=True, kw_only=True)
class SourcePart:
    """Which part of a source is meant; by default all of it, as it is now."""

    group: str | None = None
    """Group of a NetCDF or zarr file, `/` between names."""
    overview: int | None = None
    """Overview of a raster, 0 for the finest; None for the raster itself."""
    branch: str | None = None
    """Branch of an Icechunk repository; `main` where neither tag nor snapshot is given."""
    tag: str | None = None
    snapshot: str | None = None

    def fragment(self) -> str:
        """Return the part as the fragment of a URL: `group=PRODUCT`."""
        fields = {k: v for k, v in vars(self).items() if v is not None}
        return urlencode(fields, quote_via=quote, safe="/")

    @classmethod
    def of(cls, fragment: str) -> SourcePart | None:
        """Return the part that a fragment names; None where it is none of ours."""
        pairs = parse_qsl(fragment, keep_blank_values=True)
        fields = dict(pairs)
        if (
            not fields
            or len(fields) != len(pairs)
            or not fields.keys() <= cls.__annotations__.keys()
        ):
            return None
        overview = fields.pop("overview", None)
        if overview is not None and not overview.isdecimal():
            return None
        return cls(**fields, overview=None if overview is None else int(overview))


@dataclass(frozen=True, kw_only=True)
class Location:
    """Where a cube is: a path of this machine or a URL, and which part of it is meant."""

    path: Path | None
    """On this machine; None for what is elsewhere."""
    base: str
    """URL without fragment; of a path, a file URL."""
    part: SourcePart = field(default_factory=SourcePart)

    #: Schemes whose URLs have a query that belongs to the name.
    WEB: ClassVar[frozenset[str]] = frozenset({"http", "https"})

    @classmethod
    def of(cls, location: Path | str) -> Location:
        """Return the location that a path or URL means.

        A URL, or a path as text, may end in a fragment that names a `SourcePart`:
        `s3://bucket/repository#tag=v1`, `swath.nc#group=PRODUCT`.
        """
        if isinstance(location, Path):
            return cls(path=location, base=location.absolute().as_uri())
        text, _, fragment = location.partition("#")
        part = SourcePart.of(fragment)
        if part is None:
            text, part = location, SourcePart()
        scheme = _SCHEME.match(text)
        if scheme is None:
            return replace(cls.of(Path(text)), part=part)
        if scheme[1].lower() == "file":
            return replace(cls.of(Path(url2pathname(urlsplit(text).path))), part=part)
        return cls(path=None, base=text, part=part)

    @property
    def url(self) -> str:
        """The URL, with the part as its fragment."""
        fragment = self.part.fragment()
        return f"{self.base}#{fragment}" if fragment else self.base

    @property
    def scheme(self) -> str:
        """`file`, `https`, `s3`, ..."""
        return self.base.partition("://")[0].lower()

    @property
    def name(self) -> str:
        """Last part of the path."""
        if self.path is not None:
            return self.path.name
        pieces = urlsplit(self.base)
        return unquote(pieces.path.rstrip("/").rpartition("/")[2]) or pieces.netloc

    @property
    def shown(self) -> str:
        """What messages call it: without the query and password, which may be secret."""
        if self.path is not None:
            return self.path.name
        pieces = urlsplit(self.base)
        host = pieces.netloc.rpartition("@")[2]
        return f"{pieces.scheme}://{host}{unquote(pieces.path)}"
