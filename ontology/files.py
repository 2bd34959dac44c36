"""Where the Turtle modules and the SHACL shapes are."""

from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


def modules() -> "list[Traversable]":
    """Return the Turtle modules of the ontology, by name."""
    return _turtle(files("ontology"))


def shapes() -> "list[Traversable]":
    """Return the SHACL shape files, by name."""
    return _turtle(files("ontology") / "shapes")


def geosparql() -> "Traversable":
    """Return the schema of GeoSPARQL, Simple Features and GML, which no store need hold."""
    return files("ontology") / "geosparql" / "geosparql.ttl"


def _turtle(folder: "Traversable") -> "list[Traversable]":
    return sorted((f for f in folder.iterdir() if f.name.endswith(".ttl")), key=lambda f: f.name)
