"""How IRIs of our own items are made: one base, path segments below it."""

from __future__ import annotations

import os
import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import quote

from pyoxigraph import NamedNode

from kg.errors import IriError

#: Where `deepcube serve` answers by default, so that an IRI can be looked up as it stands.
DEFAULT_BASE = "http://localhost:8000/id/"


@dataclass(frozen=True, kw_only=True)
class Iris:
    """The IRIs of one deployment."""

    base: str = DEFAULT_BASE
    """Absolute IRI that ends in a slash; every item of ours starts with it."""

    def __post_init__(self) -> None:
        """Refuse a base that cannot be prefixed."""
        if not re.fullmatch(r"https?://[^\s<>\"{}|\\^`]+/", self.base):
            raise IriError(f"the base IRI must be an http(s) IRI that ends in '/': {self.base!r}")

    @classmethod
    def from_environment(cls) -> Iris:
        """Return the IRIs under DEEPCUBE_BASE_IRI, or under the default base."""
        return cls(base=os.environ.get("DEEPCUBE_BASE_IRI", DEFAULT_BASE))

    def mint(self, *segments: str) -> NamedNode:
        """Return the IRI with these path segments."""
        return NamedNode(self.base + "/".join(quote(s, safe=":-._~") for s in segments))


def below(parent: NamedNode, *segments: str) -> NamedNode:
    """Return the IRI of a part of an item."""
    return NamedNode(parent.value + "".join("/" + quote(s, safe=":-._~") for s in segments))


def coordinate(value: float) -> str:
    """Return a coordinate as a path segment: the shortest text that reads back the same."""
    return repr(float(value)).removesuffix(".0")


def slug(text: str) -> str:
    """Return text as a path segment: lower case ASCII letters, digits and dashes."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-") or "unnamed"
