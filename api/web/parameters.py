"""What a request says: the parameters of its URL or form, and what its body is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from pyoxigraph import NamedNode

from api.errors import BadRequestError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import Request

_FLAGS = {"true": True, "false": False}


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """Names with all their values, in order."""

    values: Mapping[str, list[str]]

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def __bool__(self) -> bool:
        return bool(self.values)

    def joined(self, other: Parameters) -> Parameters:
        """Return the parameters of both."""
        names = [*self.values, *(n for n in other.values if n not in self.values)]
        return Parameters(
            values={n: [*self.values.get(n, []), *other.values.get(n, [])] for n in names}
        )

    def one(self, name: str) -> str:
        """Return the value of a parameter that must be there once.

        Raises:
            BadRequestError: It is missing, or there several times.
        """
        given = self.values.get(name, [])
        if not given:
            raise BadRequestError(
                f"no {name}: send one as the parameter {name!r} or in the body of a POST"
            )
        if len(given) > 1:
            raise BadRequestError(f"{len(given)} parameters {name!r}; send exactly one")
        return given[0]

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a parameter that is true or false.

        Raises:
            BadRequestError: It is something else.
        """
        if name not in self.values:
            return default
        given = self.one(name)
        if given not in _FLAGS:
            raise BadRequestError(f"{name} is true or false, not {given!r}")
        return _FLAGS[given]

    def iris(self, name: str) -> tuple[NamedNode, ...]:
        """Return the IRIs that are given, any number of them."""
        return tuple(parse_iri(name, given) for given in self.values.get(name, []))


def parse_iri(name: str, iri: str) -> NamedNode:
    """Return an IRI that came in a parameter.

    Raises:
        BadRequestError: It is no absolute IRI.
    """
    try:
        return NamedNode(iri)
    except ValueError as error:
        raise BadRequestError(f"{name} is an absolute IRI, not {iri!r}: {error}") from error


def url_parameters(request: Request) -> Parameters:
    """Return the parameters in the URL."""
    return parse_parameters(request.scope["query_string"], "the query string of the URL")


def parse_parameters(encoded: bytes, what: str) -> Parameters:
    """Return URL-encoded parameters.

    Raises:
        BadRequestError: They are not UTF-8.
    """
    text = decode(encoded, what)
    try:
        return Parameters(values=parse_qs(text, keep_blank_values=True, errors="strict"))
    except UnicodeDecodeError as error:
        raise BadRequestError(f"{what} is not UTF-8: {error}") from error


def decode(encoded: bytes, what: str) -> str:
    """Return text that must be UTF-8.

    Raises:
        BadRequestError: It is not.
    """
    try:
        return encoded.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequestError(f"{what} is not UTF-8: {error}") from error


def media_type(content_type: str) -> str:
    """Return the media type of a Content-Type header, in lower case.

    Raises:
        BadRequestError: It names a charset other than UTF-8.
    """
    name, *parameters = (part.strip().lower() for part in content_type.split(";"))
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        charset = value.strip().strip('"')
        if key.strip() == "charset" and charset not in ("utf-8", "utf8", "us-ascii"):
            raise BadRequestError(f"the body must be in UTF-8, not {charset}")
    return name
