"""Rows of the tidy table of scores: means over trials, and the levels that stand beside them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain
from types import MappingProxyType
from typing import Any, NamedTuple

import mne
import numpy as np
import pandas as pd
from torch import Tensor

from eegxai.evaluation.controls.null_maps import CHANCE, NULL_MAPS, SURROGATE, chance_corrected
from eegxai.evaluation.maps.stacks import Maps
from eegxai.evaluation.metrics.physical import ERRORS
from eegxai.evaluation.modes import (
    IDEAL,
    ONLY_METRICS,
    SPLIT_DOMAINS,
    SPLIT_METRICS,
    Metrics,
    Score,
)
from eegxai.evaluation.references.use_scores import USE_CHECKS, USED
from eegxai.evaluation.scoring import TRIALS_KEPT, chunks
from eegxai.evaluation.trial_moments import trial_moments

SCORE_COLUMNS = [
    "check", "step", "layer", "layers_randomized", "domain", "mode", "metric", "reference",
    "mean", "std", "n_trials", "n_valid", "n_zero_rows", "draws_std", "above_chance", "efficiency",
    "efficiency_std", "difference", "difference_std", "n_both", "trials",
]  # fmt: skip
DIFFERENCE_COLUMNS = ("difference", "difference_std", "n_both")
PLANTED, ORIGINAL = "planted", "original"  # what a score compares with, beside IDEAL and USED
GROUND_TRUTH, IDEAL_OBSERVER = "ground_truth", "ideal_observer"
# Checks that compare a map with the planted signal, the ideal observer or the decoder's use.
AGAINST_TRUTH = (GROUND_TRUTH, *NULL_MAPS, IDEAL_OBSERVER, *USE_CHECKS)

MapsByDomain = Mapping[str, list[Maps]]  # maps by domain, a few trials at a time
Kinds = Mapping[str, np.ndarray]  # which trials are of a kind, by its name


class CheckStep(NamedTuple):
    """The check and the step of it that scores belong to."""

    check: str
    step: int = 0
    layer: str = ""
    layers_randomized: int = 0


class TrialScores(NamedTuple):
    """Scores of a check trial by trial.

    Attributes
    ----------
    where : CheckStep
    domain, mode : str
        The domain, and the group of the metrics.
    scores : DataFrame
        One row per trial, one column per metric; NaN where a metric is undefined.
    """

    where: CheckStep
    domain: str
    mode: str
    scores: pd.DataFrame


def maps_by_domain(maps: Tensor, info: mne.Info, domains: Collection[str]) -> MapsByDomain:
    """Maps (trials, channels, times) as each of the domains shows them."""
    return {domain: list(chunks(maps, domain, info)) for domain in domains}


def compared(
    check_step: CheckStep,
    maps_by_domain: MapsByDomain,
    reference: MapsByDomain,
    groups: Metrics,
    score: Score,
    turned: Collection[str] = (),
    kinds: Kinds = MappingProxyType({}),
) -> Iterator[TrialScores]:
    """Scores of maps with a reference, or on the domains ``turned`` the other way round.

    On topographies, ``kinds`` of trials have scores of their own too, such as
    ``topography_evoked``.
    """
    for domain, maps in maps_by_domain.items():
        pair = (reference[domain], maps) if domain in turned else (maps, reference[domain])
        for group, metrics in groups.items():
            only = ONLY_METRICS.get(domain, metrics)
            kept = {name: metric for name, metric in metrics.items() if name in only}
            if not kept:
                continue
            scored = TrialScores(check_step, domain, group, score(*pair, kept))
            yield scored
            if domain in SPLIT_DOMAINS:
                yield from _by_kind(scored, kinds)


def _by_kind(scored: TrialScores, kinds: Kinds) -> Iterator[TrialScores]:
    told = [name for name in scored.scores if name in SPLIT_METRICS]
    for kind, trials in kinds.items() if told else ():
        domain = f"{scored.domain}_{kind}"
        yield scored._replace(domain=domain, scores=scored.scores.loc[trials, told])


Rows = Mapping[str, np.ndarray]  # rows of the table by column, before they are in one table


def rows_of(scored: TrialScores) -> dict[str, np.ndarray]:
    """Mean and std (ddof = 1) of each metric over the trials where it is defined.

    Only a trial that the study's code skips has a zero in every metric.
    """
    values = _by_metric(scored)
    mean, std, n_valid = trial_moments(values)
    place = {**scored.where._asdict(), "domain": scored.domain, "mode": scored.mode}
    counts = {"n_trials": values.shape[1], "n_zero_rows": int((values == 0).all(0).sum())}
    same = {name: _repeated(value, len(values)) for name, value in {**place, **counts}.items()}
    metrics = np.array(scored.scores.columns, dtype=object)
    found = {"metric": metrics, "mean": mean, "std": std, "n_valid": n_valid}
    return {**found, **same, "trials": _repeated(None, len(values))}


def _by_metric(scored: TrialScores) -> np.ndarray:
    """Scores (metrics, trials)."""
    return scored.scores.to_numpy(float).T


def _repeated(value: Any, n_rows: int) -> np.ndarray:
    return np.full(n_rows, value, dtype=None if isinstance(value, int) else object)


def rows_against_truth(parts: Iterable[TrialScores]) -> list[Rows]:
    """Rows of checks of ``AGAINST_TRUTH``, with how much higher the method itself scores.

    A difference of two checks is one of the same trials: its standard deviation is that of the
    trials' differences, which is smaller than the two checks' own suggest. The scores of the
    method's own map in ``TRIALS_KEPT`` stay trial by trial in the column ``trials``, for such
    differences of two methods.
    """
    scored = list(parts)
    of_check: dict[tuple[str, ...], dict[str, np.ndarray]] = defaultdict(dict)
    for each in scored:
        place = of_check[each.where.check, each.domain, each.mode]
        place.update(zip(each.scores.columns, _by_metric(each), strict=True))
    return [_row_beside(each, of_check) for each in scored]


ByCheck = Mapping[tuple[str, ...], Mapping[str, np.ndarray]]  # by check, domain and mode: by metric


def _row_beside(scored: TrialScores, of_check: ByCheck) -> Rows:
    """Rows of a check, beside the method's own and between chance and ceiling."""
    own, chance, ceiling = (
        _of_same_metrics(scored, of_check.get((check, scored.domain, scored.mode)))
        for check in (GROUND_TRUTH, CHANCE, IDEAL_OBSERVER)
    )
    rows, values = rows_of(scored), _by_metric(scored)
    if chance is not None and ceiling is not None:
        rows["efficiency_std"] = _efficiency_std(values, chance, ceiling)
    if scored.where.check == GROUND_TRUTH:
        rows["trials"] = _kept_trials(scored)
    elif own is not None:
        rows.update(zip(DIFFERENCE_COLUMNS, trial_moments(own - values), strict=True))
    return rows


def _of_same_metrics(
    scored: TrialScores, other: Mapping[str, np.ndarray] | None
) -> np.ndarray | None:
    """Scores (metrics, trials) of another check, in the order of these."""
    return None if other is None else np.stack([other[str(name)] for name in scored.scores])


def _kept_trials(scored: TrialScores) -> np.ndarray:
    """Of each metric the trials' scores in single precision, or None where they are not kept."""
    kept = _repeated(None, scored.scores.shape[1])
    for row, (name, scores) in enumerate(scored.scores.items()):
        if (scored.domain, name) in TRIALS_KEPT:
            kept[row] = scores.to_numpy(np.float32)
    return kept


def _efficiency_std(scores: np.ndarray, chance: np.ndarray, ceiling: np.ndarray) -> np.ndarray:
    """Standard deviation over trials of what the efficiency, a ratio of two means, is made of.

    By the delta method: of each trial's gain less the ratio times its room, relative to the mean
    room (Cochran, Sampling Techniques, 1977, ch. 6). It is scaled to the number of trials with a
    score, where fewer have a chance level and a ceiling.
    """
    gain, room = scores - chance, ceiling - chance
    one_missing = np.isnan(gain) | np.isnan(room)
    gain, room = (np.where(one_missing, np.nan, part) for part in (gain, room))
    mean_gain, mean_room = trial_moments(gain).mean, trial_moments(room).mean
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = mean_gain / mean_room
        spread, n_both = trial_moments(gain - ratio[:, None] * room)[1:]
        n_scores = (~np.isnan(scores)).sum(1)
        return spread / np.abs(mean_room) * np.sqrt(n_scores / n_both)


def over_draws(draws: list[Rows]) -> Rows:
    """Means over draws of random weights, and in the column ``draws_std`` their spread.

    The standard deviation is the root mean square of those of the draws: that over the trials.
    """
    first, *others = draws
    if not others:
        return first
    means, deviations = (np.stack([rows[name] for rows in draws]) for name in ("mean", "std"))
    return {
        **first,
        "mean": means.mean(0),
        "std": np.sqrt(np.square(deviations).mean(0)),
        "n_valid": np.min([rows["n_valid"] for rows in draws], axis=0),
        "draws_std": means.std(0, ddof=1),
    }


def joined_rows(parts: Iterable[Rows]) -> Rows:
    """All rows by column, with NaN where a part has no such column."""
    parts = list(parts)
    names = dict.fromkeys(chain.from_iterable(parts))
    return {name: np.concatenate([_column_or_nan(rows, name) for rows in parts]) for name in names}


def _column_or_nan(rows: Rows, name: str) -> np.ndarray:
    return rows[name] if name in rows else np.full(len(rows["metric"]), np.nan)


def with_levels(parts: list[Rows]) -> pd.DataFrame:
    """One table of all rows, with what each is compared with, and its place between levels."""
    table = pd.DataFrame(joined_rows(parts))
    columns = {
        "reference": _references(table),
        "above_chance": _above_chance(table),
        "efficiency": _efficiency_of_means(table),
    }
    return table.assign(**columns).reindex(columns=SCORE_COLUMNS)


def _references(table: pd.DataFrame) -> np.ndarray:
    """What each row compares with."""
    of_group = np.where(table["mode"].isin([IDEAL, USED]), table["mode"], PLANTED)
    return np.where(table["check"].isin(AGAINST_TRUTH), of_group, ORIGINAL)


def _above_chance(table: pd.DataFrame) -> np.ndarray:
    """Means on the scale from chance to the best value."""
    similar = ~table["check"].isin(AGAINST_TRUTH)
    chance = np.where(similar, _level(table, SURROGATE), _level(table, CHANCE))
    return chance_corrected(table["mean"], chance, _best_possible(table))


def _efficiency_of_means(table: pd.DataFrame) -> np.ndarray:
    """Means on the scale from chance to the ideal observer, NaN where it is no better.

    A decoder's use is another one than the ideal observer's, which is no ceiling there.
    """
    chance, ceiling = _level(table, CHANCE), _level(table, IDEAL_OBSERVER)
    upwards = np.where(_best_possible(table) == 0, -1, 1)
    against = table["check"].isin(AGAINST_TRUTH) & (table["mode"] != USED)
    defined = against & (upwards * (ceiling - chance) > 0)
    return chance_corrected(table["mean"], chance, np.where(defined, ceiling, np.nan))


def _best_possible(table: pd.DataFrame) -> np.ndarray:
    return np.where(table["metric"].isin(ERRORS), 0.0, 1.0)


def _level(table: pd.DataFrame, check: str) -> np.ndarray:
    """Mean of a check in each row's domain, mode and metric; NaN where it has none."""
    where = ["domain", "mode", "metric"]
    means = table[table["check"] == check].set_index(where)["mean"]
    return means.reindex(pd.MultiIndex.from_frame(table[where])).to_numpy()
