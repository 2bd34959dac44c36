"""What can be wrong with a source.

DeepCubeError
└── SourceError                   a source cannot be indexed or read
    ├── SourceNotFoundError       no file, or no source in the graph, by that name
    │   └── VariableNotFoundError no variable of a cube in the graph by that IRI
    ├── SourceForbiddenError      a server or disk does not let us read it
    ├── SourceTimeoutError        a server did not answer in the time allowed
    ├── SourceUnreachableError    a server that cannot be reached, or that breaks off
    ├── NotACubeError             the file is of no format that can be opened as a cube
    ├── CoordinatesError          a cube without usable coordinates
    ├── MappingError              a mapping that is malformed or does not fit its table
    ├── TableError                a row that cannot be read
    ├── EventConceptError         a definition of an event that cannot be evaluated
    ├── ExpressionError           a text is no arithmetic on cells
    ├── SliceError                a variable has levels or the like, and which is not said
    ├── TooLargeError             an answer would not fit in memory
    ├── UnitError                 an unknown unit, or two that do not convert
    ├── SelectionError            a selection that cannot become one dataset
    ├── PublishingError           a dataset that cannot be published as a cube
    └── DatasetUnavailableError   an open data set is neither here nor can it be fetched
"""

from __future__ import annotations

from kg.errors import DeepCubeError, QueryError


class SourceError(DeepCubeError, ValueError):
    """A source cannot be indexed or read."""


class SourceNotFoundError(SourceError, LookupError):
    """No file, or no source in the graph, by that name."""


class VariableNotFoundError(SourceNotFoundError):
    """The graph knows no variable of a cube by that IRI."""


class SourceForbiddenError(SourceError, PermissionError):
    """A server or disk does not let us read it."""


class SourceTimeoutError(SourceError, TimeoutError):
    """A server did not answer in the time allowed."""


class SourceUnreachableError(SourceError, ConnectionError):
    """A server cannot be reached, or breaks off."""


class NotACubeError(SourceError):
    """The file is of no format that can be opened as a cube."""


class CoordinatesError(SourceError):
    """The cube has no coordinates that place it on the Earth."""


class MappingError(SourceError):
    """The mapping is malformed, or does not fit its table."""


class TableError(SourceError):
    """A row of the table cannot be read."""


class EventConceptError(SourceError, QueryError):
    """The graph does not define the event, or not so that it can be evaluated."""


class ExpressionError(SourceError):
    """The text is no arithmetic on cells."""


class SliceError(SourceError, QueryError, LookupError):
    """Where along its additional dimensions a variable is meant is not said, or is nowhere."""


class TooLargeError(SourceError, QueryError):
    """The answer would not fit in the memory that one answer may take."""


class UnitError(SourceError):
    """The unit is unknown, or cannot be converted to the one asked for."""


class SelectionError(SourceError):
    """What was selected cannot be brought onto one grid, or the selection names nothing."""


class PublishingError(SourceError):
    """The dataset cannot be published as a cube, or something else is where it should go."""


class DatasetUnavailableError(SourceError, LookupError):
    """An open data set is neither here nor can it be fetched."""
