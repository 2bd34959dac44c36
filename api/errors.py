"""From exceptions to HTTP status codes; nothing else in this folder catches.

DeepCubeError
├── NotAcceptableError            no form that the client accepts
├── BadRequestError               a request that the protocol does not allow
├── UnsupportedMediaTypeError     a body of a type that the protocol does not know
├── ForbiddenError                a write that this server does not take
├── GraphNotFoundError            a named graph that is not in the store
└── PortInUseError                an address that cannot be listened on
"""

from __future__ import annotations

from http import HTTPStatus

from kg.errors import (
    DeepCubeError,
    EvaluationError,
    FormatError,
    QueryError,
    RdfSyntaxError,
    ResourceNotFoundError,
    StoreError,
)


class NotAcceptableError(DeepCubeError, ValueError):
    """No form can be sent that the client accepts."""


class BadRequestError(DeepCubeError, ValueError):
    """The request is not as the protocol wants it."""


class UnsupportedMediaTypeError(DeepCubeError, ValueError):
    """The body is of a type that the protocol does not know."""


class ForbiddenError(DeepCubeError, PermissionError):
    """The server was started read-only, or the write comes from a page of another site."""


class GraphNotFoundError(DeepCubeError, LookupError):
    """The store has no graph of this name."""


class PortInUseError(DeepCubeError, OSError):
    """The address cannot be listened on."""


#: The most specific class of an exception that is listed decides.
STATUS: dict[type[Exception], HTTPStatus] = {
    BadRequestError: HTTPStatus.BAD_REQUEST,
    QueryError: HTTPStatus.BAD_REQUEST,
    # https://www.w3.org/TR/sparql11-protocol/#query-failure
    EvaluationError: HTTPStatus.INTERNAL_SERVER_ERROR,
    RdfSyntaxError: HTTPStatus.BAD_REQUEST,
    ForbiddenError: HTTPStatus.FORBIDDEN,
    ResourceNotFoundError: HTTPStatus.NOT_FOUND,
    GraphNotFoundError: HTTPStatus.NOT_FOUND,
    NotAcceptableError: HTTPStatus.NOT_ACCEPTABLE,
    FormatError: HTTPStatus.NOT_ACCEPTABLE,
    UnsupportedMediaTypeError: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    StoreError: HTTPStatus.SERVICE_UNAVAILABLE,
    DeepCubeError: HTTPStatus.INTERNAL_SERVER_ERROR,
}


def status_of(error: Exception) -> HTTPStatus:
    """Return the HTTP status for one of our errors."""
    return next(STATUS[c] for c in type(error).__mro__ if c in STATUS)
