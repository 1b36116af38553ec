"""Rows of the tidy table of scores: means over trials, and the levels that stand beside them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
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

SCORE_COLUMNS = [
    "check", "step", "layer", "layers_randomized", "domain", "mode", "metric", "reference",
    "mean", "std", "n_trials", "n_valid", "n_zero_rows", "draws_std", "above_chance", "efficiency",
    "efficiency_std", "difference", "difference_std", "n_both", "trials",
]  # fmt: skip
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


def shown(maps: Tensor, info: mne.Info, domains: Collection[str]) -> MapsByDomain:
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


def rows_of(scored: TrialScores) -> pd.DataFrame:
    """Mean and std (ddof = 1) of each metric over the trials where it is defined.

    Only a trial that the study's code skips has a zero in every metric.
    """
    scores = scored.scores
    moments = {"mean": scores.mean(), "std": scores.std(), "n_valid": scores.count()}
    columns = {name: moment.to_numpy() for name, moment in moments.items()}
    where: dict[str, Any] = {
        **scored.where._asdict(),
        "domain": scored.domain,
        "mode": scored.mode,
    }
    counts = {"n_trials": len(scores), "n_zero_rows": int((scores == 0).all(axis=1).sum())}
    found = {"metric": scores.columns, **columns, **counts, **where}
    return pd.DataFrame(found).assign(trials=None)


def rows_against_truth(parts: Iterable[TrialScores]) -> list[pd.DataFrame]:
    """Rows of checks of ``AGAINST_TRUTH``, with how much higher the method itself scores.

    A difference of two checks is one of the same trials: its standard deviation is that of the
    trials' differences, which is smaller than the two checks' own suggest. The scores of the
    method's own map in ``TRIALS_KEPT`` stay trial by trial in the column ``trials``, for such
    differences of two methods.
    """
    scored = list(parts)
    of_check: dict[tuple[str, ...], list[pd.DataFrame]] = defaultdict(list)
    for each in scored:
        of_check[each.where.check, each.domain, each.mode].append(each.scores)
    whole = {place: pd.concat(tables, axis=1) for place, tables in of_check.items()}
    return [_row_beside(each, whole) for each in scored]


ByCheck = Mapping[tuple[str, ...], pd.DataFrame]  # by check, domain and mode


def _row_beside(scored: TrialScores, of_check: ByCheck) -> pd.DataFrame:
    """Rows of a check, beside the method's own and between chance and ceiling."""
    own, chance, ceiling = (
        of_check.get((check, scored.domain, scored.mode))
        for check in (GROUND_TRUTH, CHANCE, IDEAL_OBSERVER)
    )
    rows = rows_of(scored)
    if chance is not None and ceiling is not None:
        rows["efficiency_std"] = _efficiency_std(scored.scores, chance, ceiling)
    if scored.where.check == GROUND_TRUTH:
        return rows.assign(trials=_kept_trials(scored))
    if own is None:
        return rows
    return rows.assign(**_differences(own, scored.scores))


def _kept_trials(scored: TrialScores) -> pd.Series:
    """Of each metric the trials' scores in single precision, or None where they are not kept."""
    kept = [
        scores.to_numpy(np.float32) if (scored.domain, name) in TRIALS_KEPT else None
        for name, scores in scored.scores.items()
    ]
    return pd.Series(kept, dtype=object)


def _differences(own: pd.DataFrame, other: pd.DataFrame) -> dict[str, np.ndarray]:
    """Moments over the trials in which both are defined."""
    differences = own[other.columns] - other
    return {
        "difference": differences.mean().to_numpy(),
        "difference_std": differences.std().to_numpy(),
        "n_both": differences.count().to_numpy(),
    }


def _efficiency_std(
    scores: pd.DataFrame, chance: pd.DataFrame, ceiling: pd.DataFrame
) -> np.ndarray:
    """Standard deviation over trials of what the efficiency, a ratio of two means, is made of.

    By the delta method: of each trial's gain less the ratio times its room, relative to the mean
    room (Cochran, Sampling Techniques, 1977, ch. 6). It is scaled to the number of trials with a
    score, where fewer have a chance level and a ceiling.
    """
    metrics = scores.columns
    gain, room = scores - chance[metrics], ceiling[metrics] - chance[metrics]
    both = gain.notna() & room.notna()
    gain, room = gain.where(both), room.where(both)
    mean_room = room.mean()
    spread = (gain - gain.mean() / mean_room * room).std() / mean_room.abs()
    return (spread * (scores.count() / both.sum()) ** 0.5).to_numpy()


def over_draws(draws: list[pd.DataFrame]) -> pd.DataFrame:
    """Means over draws of random weights, and in the column ``draws_std`` their spread.

    The standard deviation is the root mean square of those of the draws: that over the trials.
    """
    first, *others = draws
    if not others:
        return first
    means, deviations = (
        np.stack([table[name].to_numpy(float) for table in draws]) for name in ("mean", "std")
    )
    return first.assign(
        mean=means.mean(0),
        std=np.sqrt(np.square(deviations).mean(0)),
        n_valid=np.min([table["n_valid"] for table in draws], axis=0),
        draws_std=means.std(0, ddof=1),
    )


def with_levels(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """One table of all rows, with what each is compared with, and its place between levels."""
    table = pd.concat(parts, ignore_index=True)
    columns = {
        "reference": _references(table),
        "above_chance": _above_chance(table),
        "efficiency": _efficiency(table),
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
    return chance_corrected(table["mean"], chance, _best(table))


def _efficiency(table: pd.DataFrame) -> np.ndarray:
    """Means on the scale from chance to the ideal observer, NaN where it is no better.

    A decoder's use is another one than the ideal observer's, which is no ceiling there.
    """
    chance, ceiling = _level(table, CHANCE), _level(table, IDEAL_OBSERVER)
    upwards = np.where(_best(table) == 0, -1, 1)
    against = table["check"].isin(AGAINST_TRUTH) & (table["mode"] != USED)
    defined = against & (upwards * (ceiling - chance) > 0)
    return chance_corrected(table["mean"], chance, np.where(defined, ceiling, np.nan))


def _best(table: pd.DataFrame) -> np.ndarray:
    return np.where(table["metric"].isin(ERRORS), 0.0, 1.0)


def _level(table: pd.DataFrame, check: str) -> np.ndarray:
    """Mean of a check in each row's domain, mode and metric; NaN where it has none."""
    where = ["domain", "mode", "metric"]
    means = table[table["check"] == check].set_index(where)["mean"]
    return means.reindex(pd.MultiIndex.from_frame(table[where])).to_numpy()
