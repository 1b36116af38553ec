"""What is known of a decoder and of each method on it, where no ground truth is."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd
import scipy
import torch
from torch import Tensor

from eegxai.attribution import (
    DegenerateMap,
    NotApplicable,
    Output,
    Validity,
    attribute,
    compared_maps,
    validity,
)
from eegxai.attribution.core.faults import first_line
from eegxai.attribution.core.options import N_REFERENCES
from eegxai.attribution.validity import N_JUDGED_TRIALS
from eegxai.evaluation.bounds import METRIC_BOUNDS
from eegxai.evaluation.controls.sanity_checks import CHECKS, ExplainedTrials
from eegxai.evaluation.maps.explanation import Explanation, explanation
from eegxai.evaluation.robustness import evaluate_robustness
from eegxai.evaluation.score_rows import SCORE_COLUMNS
from eegxai.explaining.findings import (
    VALIDITY_COLUMNS,
)
from eegxai.recordings import LabelledTrials
from eegxai.registry import lookup
from eegxai.statistics import within_bounds
from eegxai.statistics.intervals import CONFIDENCE

ALWAYS = "all_weights"  # the control that is made whatever checks are asked for
BY_LAYER = ("cascade", "bottom_up", "independent")  # checks that keep a copy for each layer
LARGEST_COPIES = 2e9  # bytes that the copies of a check may take
INTERVAL = ["low", "high"]
CHECK_COLUMNS = ["method", *(name for name in SCORE_COLUMNS if name != "trials"), *INTERVAL]

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class SharedEvidence:
    """What all methods on a decoder share.

    Attributes
    ----------
    explained : ExplainedTrials
        Decoder, trials and classes.
    trials : LabelledTrials
        All of them.
    output : str
        What the maps explain.
    methods : mapping
        Options of each method by name.
    checks : tuple of str
        Checks that can be made of this decoder.
    """

    explained: ExplainedTrials
    trials: LabelledTrials
    output: Output
    methods: Mapping[str, Mapping[str, Any]]
    checks: tuple[str, ...]

    @cached_property
    def probe(self) -> tuple[Tensor, Tensor]:
        """The few trials on which methods are judged, and their classes."""
        return self.explained.x[:N_JUDGED_TRIALS], self.explained.target[:N_JUDGED_TRIALS]

    @cached_property
    def compared_maps(self) -> dict[str, Tensor]:
        """Maps of those of the methods that others may be duplicates of."""
        known = compared_maps(self.explained.decoder, *self.probe, self.output)
        return {name: known[name] for name in self.methods if name in known}

    @cached_property
    def references(self) -> Tensor:
        """Trials that methods may compare with: not explained ones, where there are enough."""
        others = np.setdiff1d(np.arange(len(self.trials.x)), self.explained.chosen.cpu().numpy())
        pool = others if len(others) >= N_REFERENCES else np.arange(len(self.trials.x))
        some = pool[np.linspace(0, len(pool) - 1, min(len(pool), N_REFERENCES)).astype(int)]
        return torch.from_numpy(self.trials.x[some]).to(self.explained.x)

    def keywords(self, name: str) -> dict[str, Any]:
        """Arguments of ``attribute`` for a method."""
        return {"references": self.references, "output": self.output, **self.methods[name]}

    def method(self, name: str) -> Callable[..., Tensor]:
        """A method from a decoder, trials and classes to maps."""
        return partial(attribute, name, **self.keywords(name))

    @property
    def n_changes(self) -> int:
        """How many times the checks explain all trials again."""
        changes = [change for name in self.checks for change in self.explained.changes(name)]
        return sum(1 + len(change.redrawn) for change in changes)


@dataclass
class MethodEvidence:
    """What is known of a method on a decoder; parts that failed are empty."""

    validity: Validity | None = None
    said: Explanation | None = None
    checks: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=CHECK_COLUMNS))
    failure: str = ""
    notes: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    def validity_row(self, name: str) -> dict[str, Any]:
        """Its row of the table of validity."""
        judged = self.validity or Validity("ok")
        row: dict[str, Any] = {c: getattr(judged, c, None) for c in VALIDITY_COLUMNS}
        row |= {"method": name, "flags": "; ".join(judged.flags)}
        if self.failure:
            row |= {"status": "failed", "reason": self.failure, "flags": self.failure}
        return row


def mapped(name: str, study: SharedEvidence) -> MethodEvidence:
    """Judge a method and explain the trials; what fails leaves the rest."""
    found, explained = MethodEvidence(), study.explained
    try:
        with _timed(found, "validity"):
            found.validity = _validity_of(name, study)
        if found.validity.status == "not_applicable":
            return found
        with _timed(found, "maps"):
            trials = explained.x, explained.target
            found.said = explanation(study.method(name), explained.decoder, *trials)
    except (NotApplicable, DegenerateMap) as verdict:
        found.validity = Validity(verdict.status, str(verdict))
    except Exception as error:  # of one method: the others lose nothing
        found.failure = first_line(error)
    return found


def add_checks(name: str, study: SharedEvidence, found: MethodEvidence) -> None:
    """Compare the maps of a method with those of changed classes and weights."""
    with _timed(found, "checks"):
        found.checks = _similarities_of_checks(name, study.method(name), study, found)


def _validity_of(name: str, study: SharedEvidence) -> Validity:
    return validity(
        name,
        study.explained.decoder,
        *study.probe,
        compare=study.compared_maps,
        **study.keywords(name),
    )


def _similarities_of_checks(
    name: str, method: Callable[..., Tensor], study: SharedEvidence, found: MethodEvidence
) -> pd.DataFrame:
    """Similarities to the original maps with their intervals; none where a check fails."""
    assert found.said is not None
    try:
        info = study.trials.info
        rows = evaluate_robustness(method, study.explained, info, study.checks, found.said.maps)
    except Exception as error:
        found.notes.append(f"the checks of {name} have failed: {first_line(error)}")
        return found.checks
    return with_intervals(rows.assign(method=name)).reindex(columns=CHECK_COLUMNS)


def with_intervals(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of similarities with the 95 % interval of their means over trials, Student's."""
    n = rows["n_valid"].to_numpy(float)
    half = scipy.stats.t.ppf((1 + CONFIDENCE) / 2, np.maximum(n - 1, 1)) * rows["std"] / np.sqrt(n)
    bounds = [METRIC_BOUNDS[metric] for metric in rows["metric"]]
    lowest, highest = (np.array(ends) for ends in zip(*bounds, strict=True))
    low, high = within_bounds(rows["mean"].clip(lowest, highest), half, lowest, highest)
    return rows.assign(low=low, high=high)


@contextmanager
def _timed(found: MethodEvidence, part: str) -> Iterator[None]:
    started = time.perf_counter()
    try:
        yield
    finally:
        found.seconds[part] = time.perf_counter() - started


# ------------------------------------------------------------------ checks that can be made


def possible_checks(
    explained: ExplainedTrials, asked: Sequence[str]
) -> tuple[tuple[str, ...], list[str]]:
    """Those of some checks that can be made of a decoder, and why others cannot."""
    made, notes = [], []
    for name in dict.fromkeys((*asked, ALWAYS)):
        reason = _too_large(explained) if name in BY_LAYER else ""
        try:
            if not (reason or explained.changes(name)):
                reason = "the decoder has no layers with weights"
        except Exception as error:  # such as one of tracing, of a decoder that has no layers
            reason = first_line(error)
        if reason:
            notes.append(f"the check {name!r} is left out: {reason}")
        else:
            made.append(name)
    return tuple(made), notes


def _too_large(explained: ExplainedTrials) -> str:
    """Why a check is not made that keeps a copy of the decoder for each layer."""
    size = sum(p.numel() * p.element_size() for p in explained.decoder.parameters())
    try:
        copies = size * len(explained.layers)
    except Exception:  # told where the check itself fails
        return ""
    if copies <= LARGEST_COPIES:
        return ""
    return (
        f"its {len(explained.layers)} copies of the decoder would take {copies / 1e9:.1f} GB, more "
        f"than {LARGEST_COPIES / 1e9:g} GB; {ALWAYS!r}, their last step, is made"
    )


def require_check(check: str) -> None:
    """Refuse a check that is unknown or needs what only a sweep has.

    Raises
    ------
    ValueError
        When the check is unknown, or needs a decoder trained on permuted labels.
    """
    lookup(CHECKS, check, "check")
    if check == "label_retrain":
        raise ValueError(
            "checks: 'label_retrain' needs a decoder trained on permuted labels, which only "
            f"sweeps train (choices: {', '.join(name for name in CHECKS if name != check)})"
        )
