"""Mappings of all kinds of sources: YAML, checked before anything is read."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache, reduce
from importlib.metadata import entry_points
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any

import yaml
from pydantic import Field, TypeAdapter, ValidationError

from cube_bridge import kinds
from cube_bridge.errors import MappingError
from cube_bridge.sources.info import reason_of

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic_core import ErrorDetails

    from cube_bridge.kinds.kind import SourceKind
    from cube_bridge.sources.info import SourceMapping

#: Entry points by which other packages bring kinds of sources.
GROUP = "deepcube.source_kinds"


@cache
def source_kinds() -> dict[str, SourceKind[Any]]:
    """Return all kinds of sources by name: the modules beside this one, and entry points.

    Raises:
        MappingError: Two kinds have one name.
    """
    modules = (
        importlib.import_module(f"{kinds.__name__}.{found.name}")
        for found in pkgutil.iter_modules(kinds.__path__)
    )
    brought = [module.KIND for module in modules if hasattr(module, "KIND")]
    brought += [entry.load() for entry in entry_points(group=GROUP)]
    by_name: dict[str, SourceKind[Any]] = {}
    for kind in brought:
        if by_name.setdefault(kind.name, kind) is not kind:
            raise MappingError(f"two kinds of sources are called {kind.name!r}")
    return by_name


def kind_of(mapping: SourceMapping) -> SourceKind[Any]:
    """Return the kind of source that a mapping is for."""
    return source_kinds()[mapping.kind]


@cache
def mapping_type() -> TypeAdapter[SourceMapping]:
    """Return the union of the mappings of all kinds, which reads and checks any of them."""
    classes = [kind.mapping for kind in source_kinds().values()]
    union: Any = Annotated[reduce(or_, classes), Field(discriminator="kind")]
    return TypeAdapter(union)


def read_mapping(path: Path) -> SourceMapping:
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
        raise MappingError(f"{path} is no YAML: {' '.join(str(error).split())}") from error
    return parse_mapping(document, str(path))


def parse_mapping(document: object, name: str) -> SourceMapping:
    """Return the mapping that a parsed document describes.

    Raises:
        MappingError: Names each field that is wrong.
    """
    try:
        return mapping_type().validate_python(document)
    except ValidationError as error:
        wrong = [_problem(e) for e in error.errors()]
        lines = f" {wrong[0]}" if len(wrong) == 1 else "".join(f"\n  {line}" for line in wrong)
        raise MappingError(f"the mapping {name} is not valid:{lines}") from error


def _problem(error: ErrorDetails) -> str:
    """Return what is wrong with one field, on one line: `rows.time.resolution: ...`."""
    where = ".".join(map(str, error["loc"][1:]))
    if error["type"] == "union_tag_invalid":
        tag = error["ctx"]["tag"]
        kinds_there_are = ", ".join(map(repr, sorted(source_kinds())))
        return f"there is no kind of source {tag!r}; the kinds are {kinds_there_are}"
    reason = reason_of(error["type"], error["msg"])
    return f"{where}: {reason}" if where else reason


def mapping_from_json(text: str) -> SourceMapping:
    """Return the mapping that `SourceMapping.json_text` wrote."""
    return mapping_type().validate_json(text)
