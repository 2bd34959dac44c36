"""Declarative mappings: what columns, attributes and cube variables mean.

YAML, checked before anything is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from cube_bridge.errors import MappingError
from kg.temporal import duration_seconds
from ontology.terms import expand

if TYPE_CHECKING:
    from pathlib import Path


def _known_name(curie: str) -> str:
    expand(curie)
    return curie


def _fixed_duration(duration: str) -> str:
    duration_seconds(duration)
    return duration


#: A prefixed name such as `unit:K`, or a full IRI.
Name = Annotated[str, AfterValidator(_known_name)]
Duration = Annotated[str, AfterValidator(_fixed_duration)]
Text = Annotated[str, Field(min_length=1)]

#: "Copyright not evaluated": for a source whose licence nobody has stated.
UNKNOWN_LICENSE = "http://rightsstatements.org/vocab/CNE/1.0/"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]


class SourceInfo(_Strict):
    """What a source says of itself."""

    id: Slug
    title: Text
    description: str | None = None
    license: Annotated[str, Field(pattern=r"^https?://")] = UNKNOWN_LICENSE
    publisher: str | None = None
    simulated: bool = False
    dataset: Slug | None = None
    """Data set that a cube holds in a layout or resolution of its own, as other cubes may."""


class TimeColumn(_Strict):
    """Where a row's time is, in UTC."""

    column: Text
    format: str | None = None
    """strptime format; None reads ISO 8601."""
    resolution: Duration


class Column(_Strict):
    """One column of numbers."""

    column: Text
    label: str | None = None
    property: Name | None = None
    """Class of what is observed: a CF standard name, or one that an ontology ties to one."""
    predicate: Name | None = None
    """For events: the property that carries the value."""
    unit: Name | None = None
    valid_range: tuple[float, float] | None = None
    """Lowest and highest value that can be true; anything else is an error in the table."""


class Attribute(_Strict):
    """One attribute of a feature."""

    column: Text
    predicate: Name
    datatype: Name = "xsd:string"


class CubeVariable(_Strict):
    """What a cube leaves unsaid of a variable."""

    property: Name | None = None
    unit: Name | None = None
    label: str | None = None
    cell_methods: str | None = None


class _Located(_Strict):
    """Rows with a place and a time."""

    longitude: Text
    latitude: Text
    time: TimeColumn

    @model_validator(mode="after")
    def _distinct_columns(self) -> Self:
        if len({self.longitude, self.latitude, self.time.column}) < 3:
            raise ValueError("longitude, latitude and time must be three columns")
        return self


class SeriesMapping(_Located):
    """Rows of (station, time, values): indexed per series, the values stay in the file."""

    kind: Literal["series"]
    source: SourceInfo
    variables: Annotated[list[Column], Field(min_length=1)]


class EventsMapping(_Located):
    """Rows of (place, time, values): each becomes a feature of its own."""

    kind: Literal["events"]
    source: SourceInfo
    event_class: Name
    property: Name
    """Class of what an event shows."""
    variables: list[Column] = []


class FeaturesMapping(_Strict):
    """A vector layer: each row becomes a feature with its geometry."""

    kind: Literal["features"]
    source: SourceInfo
    feature_class: Name
    name: Text
    key: str | None = None
    """Column that identifies a feature; None takes the name and the row number."""
    attributes: list[Attribute] = []


class CubeMapping(_Strict):
    """A cube, with what its own metadata leaves unsaid."""

    kind: Literal["cube"]
    source: SourceInfo
    variables: dict[str, CubeVariable] = {}


TableMapping = SeriesMapping | EventsMapping
Mapping = SeriesMapping | EventsMapping | FeaturesMapping | CubeMapping
_ADAPTER: TypeAdapter[Mapping] = TypeAdapter(Annotated[Mapping, Field(discriminator="kind")])


def read_mapping(path: Path) -> Mapping:
    """Return the mapping in a YAML file.

    Raises:
        MappingError: The file is missing, no YAML, or says something a mapping cannot.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise MappingError(f"no mapping file {path}") from error
    except IsADirectoryError as error:
        raise MappingError(f"{path} is a folder; name a YAML file") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise MappingError(f"{path} is no YAML: {error}") from error
    return parse_mapping(document, str(path))


def parse_mapping(document: object, name: str) -> Mapping:
    """Return the mapping that a parsed document describes.

    Raises:
        MappingError: Names each field that is wrong.
    """
    try:
        return _ADAPTER.validate_python(document)
    except ValidationError as error:
        wrong = "\n  ".join(
            f"{'.'.join(str(part) for part in e['loc'][1:]) or 'the document'}: {e['msg']}"
            for e in error.errors()
        )
        raise MappingError(f"the mapping {name} is not valid:\n  {wrong}") from error


def source_info(**said: str | None) -> SourceInfo:
    """Return what is said of a source; None is not said.

    Raises:
        MappingError: Names each field that is wrong.
    """
    try:
        return SourceInfo.model_validate({k: v for k, v in said.items() if v is not None})
    except ValidationError as error:
        wrong = "; ".join(f"{e['loc'][0]} {e['input']!r}: {e['msg']}" for e in error.errors())
        raise MappingError(f"the source cannot be described so: {wrong}") from error


def mapping_json(mapping: Mapping) -> str:
    """Return a mapping as the graph keeps it, so that a source can be read back from there."""
    return mapping.model_dump_json(exclude_none=True)


def mapping_from_json(text: str) -> Mapping:
    """Return the mapping that `mapping_json` wrote."""
    return _ADAPTER.validate_json(text)
