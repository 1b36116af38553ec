"""Where a report reads a sweep's scores: its store, or MLflow for those who have only its URI."""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import pandas as pd

from eegxai.registry import lookup
from sweeps.analysis.estimates import headline_scores
from sweeps.analysis.quantity import Quantity
from sweeps.design.cells import MethodCell, method_cells
from sweeps.design.config import SweepConfig
from sweeps.scores.cache import tidy_from_store
from sweeps.scores.needed import Needed
from sweeps.scores.selection import DECODER_AXES, select_runs, without_chance_decoders
from sweeps.store.artefacts import Store, store_of

log = logging.getLogger(__name__)
NO_SCORES = {
    "store": "no method of the sweep {!r} is scored yet with these settings; "
    "run: eegxai sweep with the same arguments",
    "mlflow": "MLflow holds no scored method of the sweep {!r}; "
    "run: eegxai sync with the same arguments",
}


class NoScoresError(ValueError):
    """A sweep of which no method is scored, in one sentence."""


class NoAnswerError(ValueError):
    """MLflow does not answer, in one sentence."""


def load_scores(
    config: SweepConfig,
    source: str = "store",
    needed: Needed = None,
    where: str = "",
    store: Store | None = None,
    keep_at_chance: bool = False,
) -> pd.DataFrame:
    """Tidy scores (columns ``TIDY``) of the finished methods of a sweep.

    Parameters
    ----------
    config : SweepConfig
        The sweep.
    source : str
        A name of ``SOURCES``. Where MLflow's database in the output folder is broken, the store
        is read instead, which the log states.
    needed : collection of Measured, optional
        What is read of the scores; other rows may be missing.
    where : str
        Which runs are selected, see :func:`sweeps.scores.selection.select_runs`; all by default.
    store : Store, optional
        The sweep's store, for those who read more of it: it remembers the broken files it meets.
    keep_at_chance : bool
        Whether decoders that decode no better than chance keep their scores; by default they are
        left out, see :func:`sweeps.scores.selection.without_chance_decoders`.

    Raises
    ------
    ValueError
        When the source is unknown or does not answer, when no method is scored yet, and when the
        expression is wrong or matches no run.
    """
    source, broken = readable_source(config, source)
    if broken:
        log.warning("%s: scores are read from the store instead", broken)
    tidy = lookup(SOURCES, source, "--source")(config, method_cells(config), needed, store)
    if tidy.empty:
        raise NoScoresError(NO_SCORES[source].format(config.name))
    chosen = select_runs(tidy, where) if where else tidy
    return chosen if keep_at_chance else without_chance_decoders(chosen)


def readable_source(config: SweepConfig, source: str) -> tuple[str, str]:
    """The source, or the store and why where MLflow's database in the output folder is broken."""
    if source != "mlflow":
        return source, ""
    from sweeps.tracking import broken_database  # takes a second

    broken = broken_database(config.output)
    return ("store", broken) if broken else (source, "")


def load_scores_of(
    config: SweepConfig,
    quantity: Quantity,
    source: str = "store",
    where: str = "",
    keep_at_chance: bool = False,
    methods: Collection[str] = (),
) -> pd.DataFrame:
    """Tidy scores as far as a quantity is read from them; parameters as of :func:`load_scores`.

    Where the quantity has no score, of these methods if any are named, they are all scores of one
    decoder of each feature type: by these an error says what there is.
    """
    tidy = load_scores(config, source, quantity.rows, where, keep_at_chance=keep_at_chance)
    own = tidy[tidy["method"].isin(list(methods))] if methods else tidy
    if len(headline_scores(own, quantity.check, quantity.headlines)):
        return tidy
    first = tidy.drop_duplicates("feature")[DECODER_AXES].itertuples(index=False, name=None)
    decoders = set(first)
    cells = (cell for cell in method_cells(config) if _axes_of_decoder(cell) in decoders)
    return SOURCES[readable_source(config, source)[0]](config, cells, None, None)


def _axes_of_decoder(cell: MethodCell) -> tuple[Any, ...]:
    return tuple(cell.axes[axis] for axis in DECODER_AXES)


def _from_store(
    config: SweepConfig, cells: Iterable[MethodCell], needed: Needed, store: Store | None
) -> pd.DataFrame:
    return tidy_from_store(cells, store or store_of(config), needed)


def _from_mlflow(
    config: SweepConfig, cells: Iterable[MethodCell], needed: Needed, _store: Store | None
) -> pd.DataFrame:
    from sweeps.tracking import PublishError, reason_of, scores_from_mlflow  # takes a second

    try:
        return scores_from_mlflow(config.name, config.output, cells, needed)
    except PublishError as error:
        sentence = f"--source mlflow: MLflow does not answer ({reason_of(error)})"
        raise NoAnswerError(f"{sentence}; with access to the store, use --source store") from None


ReadScores = Callable[
    [SweepConfig, Iterable[MethodCell], Needed, Store | None],
    pd.DataFrame,
]
SOURCES: Mapping[str, ReadScores] = {
    "store": _from_store,
    "mlflow": _from_mlflow,
}
