"""What a sweep would have to compute so that a claim may be decided: overrides of its settings."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from eegxai.attribution.core.registry import LABEL
from eegxai.evaluation import NULL_MAPS, EvaluationSpec
from eegxai.evaluation.modes import EVALUATION_MODES, EvaluationMode
from sweeps.analysis.claims.evidence import NOT_TESTABLE, lies_in_the_measure
from sweeps.analysis.claims.study import Claim, Evaluation, Measure, Study
from sweeps.analysis.claims.verdicts import CANNOT_BE_DECIDED, decide
from sweeps.design.cells import method_cells
from sweeps.design.config import SweepConfig
from sweeps.design.grid import METHOD_GROUPS
from sweeps.scores.selection import HeldCells

FEWEST_PLANNED = 5  # seeds: two or three have wide intervals
FEWEST_USEFUL = 3  # seeds: the interval of two is 12.7 standard errors wide to either side
OPTIONS = "{OPTION: VALUE}"  # to be filled in: nobody else knows what a label stands for
GROUP_SHORT_NAMES = (
    "study",
    "corrected",
    "controls",
)  # groups that a list of methods is written by


def overrides_that_decide(
    config: SweepConfig, study: Study, claims: pd.DataFrame, finished: bool
) -> list[dict[str, str] | None]:
    """Settings of the sweep by which each claim may be decided; None where it is, or none would.

    Parameters
    ----------
    config : SweepConfig
        The sweep on which claims were decided.
    study : Study
        The claims.
    claims : DataFrame
        Their verdicts, see :class:`sweeps.analysis.claims.verdicts.Verdicts`.
    finished : bool
        Whether all cells of the sweep are scored: if not, it is first to be finished as it is.
    """
    asked = [(claim, evaluation) for claim in study.claims for _, evaluation in claim.evaluations]
    verdicts = zip(asked, claims["verdict"], claims["lacking"], strict=True)
    return [
        _overrides_needed(config, study, *one, finished, lacking)
        if verdict == CANNOT_BE_DECIDED
        else None
        for one, verdict, lacking in verdicts
    ]


def claims_of_sweep(config: SweepConfig, study: Study, tidy: pd.DataFrame) -> pd.DataFrame:
    """Claims decided on the scores of a sweep, with which sweep may decide the others.

    Parameters
    ----------
    config : SweepConfig
        The sweep.
    study : Study
        The claims.
    tidy : DataFrame
        Its scores so far, all of them and without decoders at chance (columns ``TIDY``).

    Returns
    -------
    DataFrame
        See :class:`sweeps.analysis.claims.verdicts.Verdicts`; the further column decided_by is a
        sentence, empty where a claim is decided.
    """
    claims = decide(study, tidy).claims
    finished = HeldCells.of(tidy, config.name).cells == len(list(method_cells(config)))
    needed = overrides_that_decide(config, study, claims, finished)
    return claims.assign(decided_by=[_this_sweep_with(fields) for fields in needed])


def _this_sweep_with(fields: dict[str, str] | None) -> str:
    """Which sweep may decide a claim; empty where it is decided, or none would.

    Examples
    --------
    >>> _this_sweep_with({"grid.seed": "[0,1]"}), _this_sweep_with({}), _this_sweep_with(None)
    ('this sweep with grid.seed=[0,1]', 'this sweep, when it is finished', '')
    """
    if fields is None:
        return ""
    settings = " ".join(map("=".join, fields.items()))
    return f"this sweep with {settings}" if settings else "this sweep, when it is finished"


def _overrides_needed(
    config: SweepConfig,
    study: Study,
    claim: Claim,
    evaluation: Evaluation,
    finished: bool,
    lacking: str,
) -> dict[str, str] | None:
    """What a claim needs; more than the fewest seeds are asked for last, where they can help."""
    missing = _missing_values(config, study, claim, evaluation)
    mode = _mode_of_logits if NOT_TESTABLE in lacking else _mode
    needed = {**dict(missing), **mode(config, evaluation)}
    more_seeds = {"grid.seed": _yaml_list(_seeds_doubled(config.grid.seed))}
    if len(config.grid.seed) < FEWEST_USEFUL and not lies_in_the_measure(lacking):
        return needed | more_seeds
    if needed or not finished:
        return needed
    return None if lies_in_the_measure(lacking) else more_seeds


def _missing_values(
    config: SweepConfig, study: Study, claim: Claim, evaluation: Evaluation
) -> Iterator[tuple[str, str]]:
    """Axes that lack values, with all that they need."""
    wanted: dict[str, Sequence[Any]] = {axis: study.values(axis) for axis in claim.by}
    wanted |= {"method": evaluation.methods, "architecture": [study.architecture]}
    for axis, values in wanted.items():
        there = getattr(config.grid, axis)
        if not set(values) <= set(there):
            together = list(dict.fromkeys((*there, *values)))
            yield f"grid.{axis}", _yaml_list(_by_groups(together) if axis == "method" else together)
    for method in evaluation.methods:
        if LABEL in method and method not in config.attribution.per_method:
            yield f"attribution.per_method.{method}", OPTIONS


def _by_groups(methods: Sequence[str]) -> list[str]:
    """Methods by the names of groups, those that belong to none by their own."""
    groups = [name for name in GROUP_SHORT_NAMES if set(METHOD_GROUPS[name]) <= set(methods)]
    members = {method for name in groups for method in METHOD_GROUPS[name]}
    return [*groups, *(method for method in methods if method not in members)]


def _mode(config: SweepConfig, evaluation: Evaluation) -> dict[str, str]:
    """Another mode of evaluation, where the sweep's does not compute what is asked."""
    measures = evaluation.measures
    modes = [config.evaluation.mode, *EVALUATION_MODES]
    mode = next((mode for mode in modes if all(_computes(mode, one) for one in measures)), modes[0])
    return {} if mode == config.evaluation.mode else {"evaluation.mode": mode}


def _mode_of_logits(config: SweepConfig, evaluation: Evaluation) -> dict[str, str]:
    """A mode that explains logits and has all that is asked, if the sweep's settings allow it.

    Of two classes, maps of the contrast are mirror images, and those of the logits are not.
    """
    for mode in (mode for mode in EVALUATION_MODES if mode != config.evaluation.mode):
        has_all = all(
            one.metrics <= _metrics_of_mode(mode, one) and _computes(mode, one)
            for one in evaluation.measures
        )
        of_logits = EVALUATION_MODES[mode].output == "logit"
        if of_logits and has_all and _can_have(config.evaluation, mode):
            return {"evaluation.mode": mode}
    return {}


def _can_have(evaluation: EvaluationSpec, mode: EvaluationMode) -> bool:
    """Whether another mode takes the other settings of a sweep."""
    given = asdict(evaluation)
    if evaluation.truth_threshold == evaluation.comparison.truth_threshold:
        del given["truth_threshold"]  # that of the mode
    try:
        EvaluationSpec(**{**given, "mode": mode})
    except ValueError:
        return False
    return True


def _computes(mode: EvaluationMode, asked: Measure) -> bool:
    """Whether a mode of evaluation has a measure."""
    own = _metrics_of_mode(mode, asked)
    elsewhere = set().union(*(_metrics_of_mode(other, asked) for other in EVALUATION_MODES)) - own
    has_control = asked.less not in NULL_MAPS or asked.less in EVALUATION_MODES[mode].controls
    return has_control and not asked.metrics & elsewhere


def _metrics_of_mode(mode: EvaluationMode, asked: Measure) -> set[str]:
    """Metrics of a mode, against the truth or the original map as a measure asks."""
    comparison = EVALUATION_MODES[mode]
    groups = comparison.against_original if asked.is_similarity else comparison.against_truth
    return {name for metrics in groups.values() for name in metrics}


def _seeds_doubled(seeds: Sequence[int]) -> list[int]:
    """The seeds and as many more, five at the least.

    Examples
    --------
    >>> _seeds_doubled([0, 1, 2]), _seeds_doubled([7])
    ([0, 1, 2, 3, 4, 5], [7, 0, 1, 2, 3])
    """
    others = (seed for seed in range(2 * len(seeds) + FEWEST_PLANNED) if seed not in seeds)
    n_more = max(FEWEST_PLANNED, 2 * len(seeds)) - len(seeds)
    return [*seeds, *(seed for seed, _ in zip(others, range(n_more), strict=False))]


def _yaml_list(values: Iterable[Any]) -> str:
    texts = (f"{value:g}" if isinstance(value, float) else str(value) for value in values)
    return f"[{','.join(texts)}]"
