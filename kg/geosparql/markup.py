"""XML as it stands in a literal: parsed without document types, found by local names."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from kg.geosparql.errors import InvalidGeometryError

if TYPE_CHECKING:
    from collections.abc import Iterator


def parse_xml(text: str) -> ET.Element:
    """Return the root element.

    Raises:
        InvalidGeometryError: The text is no XML, or declares a document type.
    """
    # Entities that expand without end, and files read through them, need a document type.
    if "<!DOCTYPE" in text:
        raise InvalidGeometryError("a document type in a geometry literal is refused")
    try:
        return ET.fromstring(text.strip())  # noqa: S314
    except ET.ParseError as error:
        raise InvalidGeometryError(f"no XML: {text[:60]!r}: {error}") from error


def namespace_of(element: ET.Element) -> str:
    """Return the namespace of an element, empty without one."""
    return element.tag[1:].partition("}")[0] if element.tag.startswith("{") else ""


def name_of(element: ET.Element) -> str:
    """Return the name of an element without its namespace."""
    return element.tag.rpartition("}")[2]


def children(element: ET.Element, *names: str) -> Iterator[ET.Element]:
    """Yield the children that have one of the names, or all."""
    for child in element:
        if not names or name_of(child) in names:
            yield child


def grandchildren(element: ET.Element, *names: str) -> Iterator[ET.Element]:
    """Yield what lies inside the children with one of the names."""
    for child in children(element, *names):
        yield from children(child)
