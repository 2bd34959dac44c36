"""What a mapping says of any source, and the parts that mappings of several kinds are made of."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from cube_bridge.errors import MappingError
from kg.rdf.times import Cadence
from ontology.terms import DEEP, expand


def _known_name(curie: str) -> str:
    if ":" not in curie:
        raise ValueError(f"{curie!r} is neither a prefixed name, such as unit:K, nor an IRI")
    iri = expand(curie).value
    local = iri.removeprefix(DEEP.namespace)
    if local != iri and local not in _own_terms():
        near = ", ".join(f"deep:{n}" for n in get_close_matches(local, _own_terms())) or "nothing"
        raise ValueError(f"{curie!r} is no term of our ontology; near it there is {near}")
    return curie


@cache
def _own_terms() -> frozenset[str]:
    return frozenset(term.value.removeprefix(DEEP.namespace) for term in DEEP)


def _cadence(duration: str) -> str:
    Cadence.of(duration)
    return duration


#: A prefixed name such as `unit:K`, or a full IRI.
Name = Annotated[str, AfterValidator(_known_name)]
#: An ISO 8601 duration that is a cadence: PT1H, P1D, P8D, P1M, P1Y.
Duration = Annotated[str, AfterValidator(_cadence)]
Text = Annotated[str, Field(min_length=1)]
#: Name of a file in the folder of another: no path.
FileName = Annotated[str, Field(pattern=r"^[^/\\]*[^/\\.][^/\\]*$")]

#: "Copyright not evaluated": for a source whose licence nobody has stated.
UNKNOWN_LICENSE = "http://rightsstatements.org/vocab/CNE/1.0/"


class Strict(BaseModel):
    """Refuses what it does not know, and does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]


class SourceInfo(Strict):
    """What a mapping says of its source as a whole: identifier, title, licence."""

    id: Slug
    title: Text
    description: str | None = None
    license: Annotated[str, Field(pattern=r"^https?://")] = UNKNOWN_LICENSE
    publisher: str | None = None
    simulated: bool = False
    dataset: Slug | None = None
    """Data set that a cube holds in a layout or resolution of its own, as other cubes may."""


class TimeColumn(Strict):
    """Where a row's time is, in UTC."""

    column: Text
    format: str | None = None
    """strptime format; None reads ISO 8601, a month as 2001-01 and a year as 1995 too."""
    resolution: Duration
    """From one row to the next: with P1M a row is about the calendar month that its time is in."""

    @property
    def cadence(self) -> Cadence:
        """The resolution as a cadence."""
        return Cadence.of(self.resolution)


class ColumnMapping(Strict):
    """What a mapping says of one column of numbers: its name, its property and its unit."""

    column: Text
    label: str | None = None
    property: Name | None = None
    """Class of what is observed: a CF standard name, or one that an ontology ties to one."""
    predicate: Name | None = None
    """For events: the property that carries the value."""
    unit: Name | None = None
    valid_range: tuple[float, float] | None = None
    """Lowest and highest value that can be true; anything else is an error in the table."""


class SourceMapping(Strict):
    """What a source is and what is in it; each kind of source has a mapping of its own."""

    kind: str
    """Which kind: the `name` of a `cube_bridge.kinds.kind.SourceKind`."""
    source: SourceInfo

    def json_text(self) -> str:
        """Return it as the graph keeps it, so that a source can be read back from there."""
        return self.model_dump_json(exclude_none=True)


def source_info(**said: str | None) -> SourceInfo:
    """Return what is said of a source; None is not said.

    Raises:
        MappingError: Names each field that is wrong.
    """
    try:
        return SourceInfo.model_validate({k: v for k, v in said.items() if v is not None})
    except ValidationError as error:
        wrong = "; ".join(
            f"{e['loc'][0]} {e['input']!r}: {reason_of(e['type'], e['msg'])}"
            for e in error.errors()
        )
        raise MappingError(f"the source cannot be described so: {wrong}") from error


def reason_of(type_: str, message: str) -> str:
    """Return why a field of a mapping is refused, in words for its author.

    Args:
        type_: Type of the error, as pydantic calls it.
        message: What pydantic says; of our own errors, with "Value error, " before it.
    """
    known = {
        "missing": "is missing",
        "extra_forbidden": "there is no such field here",
        "union_tag_not_found": "a mapping begins with its `kind`",
        "model_attributes_type": "a mapping consists of fields, such as `kind` and `source`",
        "model_type": "consists of fields of its own, as in `name: value`",
        "list_type": "is a list, as in `- column: ...`",
    }
    return known.get(type_, message.removeprefix("Value error, "))
