"""The contract between the runtime and a use case.

A use case says how its data is read, fitted, predicted and judged; the runtime (`ml.runs`,
`ml.results`) plans, holds back, writes and shows. All that both speak of are samples
(`ml.samples`): a place at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple, TypeVar

from ml.card import package_of
from ml.errors import ModelNotFoundError
from ontology.terms import DEEP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import date, datetime
    from pathlib import Path

    import numpy as np
    from pyoxigraph import NamedNode

    from kg.store import GraphStore
    from kg.views.moments import Moment
    from ml.card import Card
    from ml.inputs.inputs import Inputs
    from ml.link import Link
    from ml.samples import Attributions, Bounds, Places, Predicted, Prediction, Samples

    #: Called with the stage, steps done and steps in all.
    Progress = Callable[[str, int, int], None]
    #: Called with steps done and steps in all of one training.
    Steps = Callable[[int, int], None]

Data = TypeVar("Data")
"""The use case's own frozen dataclass of arrays."""
Fitted = TypeVar("Fitted")
"""A network, a booster, a statistic."""
Config = TypeVar("Config")
"""A frozen dataclass of what was chosen by hand, kept as JSON in the graph."""


@dataclass(frozen=True, kw_only=True)
class Output:
    """One thing that is predicted."""

    label: str
    """How people call it: "river level"."""
    observed: NamedNode
    """The property that is predicted."""
    prediction_class: NamedNode
    """Class of the predictions: a subclass of deep:Prediction."""
    task: Literal["probability", "quantity", "count", "classes", "change"]
    unit: NamedNode | None = None
    """QUDT; None for a probability or a class."""
    classes: tuple[NamedNode, ...] = ()
    """Concepts of a SKOS scheme, in order; labels and colours are in the ontology."""
    class_property: NamedNode = DEEP.predictedClass
    """deep:predictedClass, or a property of its own below it."""


class Fold(NamedTuple):
    """One fit and its test; folds of the same protocol are scored together."""

    protocol: str
    """What is learnt from and what is tested: its kind, a colon, details."""
    train: np.ndarray
    """(sample,) bool."""
    test: np.ndarray
    """(sample,) bool."""


class Metric(NamedTuple):
    """A measure of how good predictions are."""

    iri: NamedNode
    """A deep:Metric; the ontology says whether higher is better."""
    function: Callable[[np.ndarray, np.ndarray], float]
    """Given values and targets, (sample,) each."""


if TYPE_CHECKING:
    #: The folds for places, samples, and the moment from which on a run predicts (None: any time).
    Split = Callable[[Places, Samples, np.datetime64 | None], Iterable[Fold]]
    #: Given the data and (sample,) bool of what is learnt from and what is tested, returns
    #: (tested sample, output).
    Baseline = Callable[[Any, np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Evaluation(Generic[Config]):
    """How a use case is judged: always beside baselines, on the same splits, in the same run."""

    splits: Callable[[Config], tuple[Split, ...]]
    """What the model is judged on; the split of the run itself costs no further fit."""
    baselines: Mapping[str, Baseline]
    """By the names that tables show."""
    metrics: tuple[Metric, ...]
    name: Callable[[Config], str]
    """What the model is called in tables."""
    variants: Callable[[Config], tuple[Config, ...]] = lambda _: ()
    """Other configurations that are judged beside it, on the split of the run only."""


@dataclass(frozen=True, kw_only=True)
class FollowUp:
    """How predictions are corrected as outcomes come in: only those of the past may be used."""

    name: str
    """What tables add to the name of the model for corrected predictions."""
    function: Callable[[Predicted, Predicted], tuple[Prediction, Prediction]]
    """Given held-back samples and those that are predicted, returns both corrected."""


@dataclass(frozen=True, kw_only=True)
class IntervalMethod:
    """How predictions get intervals, from a fit that had not seen the samples held back."""

    nominal_coverage: float
    """Share of the outcomes that the intervals should hold, 0 to 1."""
    hold_back: Callable[[Samples, np.ndarray], np.ndarray]
    """Given the samples and (sample,) bool of what may be learnt from, returns what of it is
    held back, (sample,) bool."""
    bounds: Callable[[Predicted, Predicted], Bounds]
    """Given the held-back samples and those that are predicted, returns bounds of the latter.
    Their outcomes may be used only for samples that come later."""
    coverage: Callable[[Bounds, Samples], float]
    """Returns what share of the known outcomes the bounds hold; NaN where none can be judged."""


class Classified(NamedTuple):
    """Values by class."""

    classes: np.ndarray
    """(sample,) int, position in `Output.classes`."""
    lower_bounds: np.ndarray | None
    """(class,) the lowest value of each class in this run; None where the ontology fixes them."""


class Alert(NamedTuple):
    """A call for attention, spelt as in CAP 1.2."""

    place: int
    begin: datetime
    end: datetime
    headline: str
    category: str
    event: str
    severity: str
    certainty: str
    why: tuple[int, ...]
    """Positions of the predictions that call for it, among those predicted."""


def _accept(data: Any, predict_from: np.datetime64 | None) -> None:
    """Accept any data."""


def _cpu() -> str:
    return "CPU"


@dataclass(frozen=True, kw_only=True)
class UseCase(Generic[Data, Fitted, Config]):
    """What the runtime needs of a use case that predicts; functions get and give arrays."""

    card: Card
    config: type[Config]
    outputs: tuple[Output, ...]
    read: Callable[[Inputs], Data]
    """The planned inputs as the use case's data, in the slots' units."""
    places: Callable[[Data], Places]
    samples: Callable[[Data], Samples]
    fit: Callable[[Data, np.ndarray, Config, Steps], Fitted]
    """Learns from the samples that are True, (sample,) bool."""
    predict: Callable[[Fitted, Data, np.ndarray], Prediction]
    """Predicts samples by their positions, (n,) int."""
    save: Callable[[Fitted, Path, str], None]
    """Writes what was fitted, and the moment before which it learnt (ISO 8601; "" for any)."""
    load: Callable[[Path], tuple[Fitted, str]]
    """Returns what `save` wrote; raises RunError where the file holds no such thing."""
    evaluation: Evaluation[Config]
    intervals: IntervalMethod | None = None
    follow_up: FollowUp | None = None
    classify: Callable[[np.ndarray, Callable[[], np.ndarray]], Classified] | None = None
    """Given values, (sample, output), and a function that returns those of the samples that were
    learnt from, returns classes."""
    explain: Callable[[Fitted, Data, np.ndarray], Attributions] | None = None
    """Says what predictions owe to the inputs, for samples by their positions, (n,) int."""
    alerts: Callable[[Places, Predicted, bool], Iterable[Alert]] | None = None
    """Given places, what was predicted, and whether the inputs are simulated."""
    check: Callable[[Data, np.datetime64 | None], None] = _accept
    """Raises RunError where the data does not suffice for predictions from a moment on."""
    device: Callable[[], str] = _cpu
    """Name of what computes, for people."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What is asked of a run."""

    predict_from: np.datetime64 | None = None
    """First moment to predict; None where samples have no time: those without an outcome are."""
    evaluate: bool = False
    """Compare the model with baselines; each split costs a fit."""
    config: Mapping[str, object] = field(default_factory=dict)
    """Fields of the use case's configuration."""
    weights: Path | None = None
    """A file of `UseCase.save` to predict with, instead of fitting."""


class Score(NamedTuple):
    """What a metric says of one method under one protocol."""

    method: str
    is_baseline: bool
    protocol: str
    metric: NamedNode
    value: float
    output: int
    """Position in the outputs of the use case."""


@dataclass(frozen=True, kw_only=True)
class Outcome(Generic[Fitted]):
    """What a run found; nothing of it is in the graph yet."""

    places: Places
    predicted: Predicted
    """The samples that were predicted, in the order of the data, with classes."""
    bounds: Bounds | None
    coverage: float
    """Measured share of outcomes within the bounds; NaN where there is none to judge."""
    class_bounds: np.ndarray | None
    """See `Classified.lower_bounds`."""
    scores: tuple[Score, ...]
    alerts: tuple[Alert, ...]
    fitted: Fitted
    device: str


def _nothing_known(data: Any) -> tuple[Link, ...]:  # noqa: ARG001
    """Return no link: nobody knows which are true."""
    return ()


@dataclass(frozen=True, kw_only=True)
class Discovery(Generic[Data, Config]):
    """What the runtime needs of a use case that finds links between variables.

    The runtime repeats `discover` on resampled data and says how often each link came back.
    """

    card: Card
    config: type[Config]
    read: Callable[[Inputs], Data]
    discover: Callable[[Data, Config], tuple[Link, ...]]
    resample: Callable[[Data, np.random.Generator], Data]
    """Returns data of the same size drawn from the data, in blocks of time that keep what
    follows on what."""
    repeats: int = 100
    known: Callable[[Data], tuple[Link, ...]] = _nothing_known
    """Links that are known to be true, for precision and recall."""


@dataclass(frozen=True, kw_only=True)
class Discovered:
    """What a run that looks for links found."""

    links: tuple[Link, ...]
    precision: float
    """Share of the links found that are known; NaN where nothing is known or found."""
    recall: float
    """Share of the known links that were found; NaN where nothing is known."""


class Question(NamedTuple):
    """A question that a demonstration asks of the graph."""

    title: str
    sparql: str


@dataclass(frozen=True, kw_only=True)
class Demo:
    """What `deepcube demo` shows of a use case: `DEMO` in the module `demo` of its package."""

    title: str
    """What is demonstrated, as it follows "input of"."""
    datasets: tuple[str, ...]
    """Registered data sets that are indexed."""
    region: str
    period: tuple[date, date]
    """First and last day of the plan."""
    predict_from: datetime
    simulate: Callable[[Path], tuple[tuple[Any, ...], str]]
    """Writes invented sources into a folder, where there is no data; returns them and the name
    of their region."""
    questions: Callable[[NamedNode, Moment], tuple[Question, ...]]
    """Questions about a run and its highest moment."""
    draw: Callable[[GraphStore, NamedNode, Moment, Path], Path]
    """Draws a map of a run at a moment into a folder, and returns the file."""


def find_use_case(identifier: str) -> UseCase[Any, Any, Any] | Discovery[Any, Any]:
    """Return a use case; its code is imported now.

    Raises:
        ModelNotFoundError: There is none of that name, or its package brings no `USE_CASE`.
    """
    package = package_of(identifier)
    found = getattr(import_module(f"{package}.use_case"), "USE_CASE", None)
    if not isinstance(found, UseCase | Discovery):
        raise ModelNotFoundError(
            f"{package}.use_case has no USE_CASE that is a UseCase or a Discovery"
        )
    return found


def find_predicting(identifier: str) -> UseCase[Any, Any, Any]:
    """Return a use case that predicts.

    Raises:
        ModelNotFoundError: There is none of that name, or it finds links instead.
    """
    found = find_use_case(identifier)
    if not isinstance(found, UseCase):
        raise ModelNotFoundError(f"{identifier!r} finds links; it predicts nothing")
    return found
