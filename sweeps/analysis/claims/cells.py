"""The cells that claims are decided on: which methods have which decoders, and their means."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from sweeps.analysis.claims.seed_means import WITHIN_A_SEED, seed_means
from sweeps.analysis.claims.study import Measure, Study
from sweeps.scores.selection import rows_at_chance

Group = tuple[Any, ...]  # values of the axes that are judged apart


class Cells:
    """The cells that claims are decided on, and the groups that there should be.

    Parameters
    ----------
    tidy : DataFrame
        Tidy scores (columns ``TIDY``).
    study : Study
        Whose architecture and metrics are kept.
    by : tuple of str
        Axes whose values are judged apart.
    """

    def __init__(self, tidy: pd.DataFrame, study: Study, by: tuple[str, ...]) -> None:
        own = tidy[tidy["architecture"] == study.architecture]
        self.study, self.by = study, by
        self.groups = list(product(*map(study.values, by)))
        self._decoders = _decoders_of_groups(own, by)
        self._known = set(self._decoders)
        self._decoding = _methods_of_groups(own[~rows_at_chance(own)], by)
        self._testable = _methods_of_groups(own[own["class_testable"].ne(False)], by)
        scores = own[own["metric"].isin(list(study.metrics))]
        self._means = seed_means(scores, study.measures, by)

    def seed_means(self, measure: Measure) -> pd.DataFrame:
        """See :func:`seed_means`."""
        return self._means[measure.key]

    def of_group(self, table: pd.DataFrame, group: Group) -> pd.DataFrame:
        """The rows of a group."""
        own = [table[axis] == value for axis, value in zip(self.by, group, strict=True)]
        return table[np.logical_and.reduce(own)]

    def whole_seeds(self, group: Group, methods: Sequence[str]) -> set[int]:
        """Seeds on which all of some methods have cells of the same decoders."""
        own = [self._decoders.get((method, *group), set()) for method in methods]
        anybody = set().union(*own)
        missing = set().union(*(anybody - each for each in own))
        return {seed for seed, *_ in anybody} - {seed for seed, *_ in missing}

    def fewer(self, group: Group, method: str, methods: Sequence[str]) -> str:
        """Whether a method lacks cells that others have, in words; empty if not."""
        own = {other: self._decoders.get((other, *group), set()) for other in methods}
        lacks = set().union(*own.values()) - own[method]
        return f"not all cells of method {method}" if lacks else ""

    def at_chance(self, group: tuple[Any, ...], methods: Sequence[str]) -> bool:
        """Whether some method has a group's cells, but all on decoders at chance."""
        cells = {(method, *group) for method in methods}
        return bool(cells & (self._known - self._decoding))

    def of_two_classes(self, group: tuple[Any, ...], methods: Sequence[str]) -> bool:
        """Whether a group's maps of the other class are mirror images, which test nothing."""
        cells = {(method, *group) for method in methods}
        return bool(cells & (self._known - self._testable))

    def gap(self, group: tuple[Any, ...], method: str) -> str:
        """Which cells a method lacks in a group, as widely as it is true; empty if none."""
        if (method, *group) in self._known:
            return ""
        if not self._known:
            return f"no cells of architecture {self.study.architecture}"
        own = {cell[1:] for cell in self._known if cell[0] == method}
        if not own:
            return f"no cells of method {method}"
        for place, (axis, value) in enumerate(zip(self.by, group, strict=True)):
            own = {cell for cell in own if cell[place] == value}
            if not own:
                anybody = any(cell[1 + place] == value for cell in self._known)
                return f"no cells of {axis} {plain(value)}{f' for {method}' * anybody}"
        return ""


def _methods_of_groups(cells: pd.DataFrame, by: Sequence[str]) -> set[tuple[Any, ...]]:
    return set(cells[["method", *by]].drop_duplicates().itertuples(index=False, name=None))


def _decoders_of_groups(
    cells: pd.DataFrame, by: Sequence[str]
) -> dict[tuple[Any, ...], set[tuple[Any, ...]]]:
    """Seed and other axes of the decoders, by method and group."""
    found: dict[tuple[Any, ...], set[tuple[Any, ...]]] = defaultdict(set)
    group = ["method", *by]
    rows = cells[[*group, "seed", *WITHIN_A_SEED]].drop_duplicates()
    for row in rows.itertuples(index=False, name=None):
        found[row[: len(group)]].add(row[len(group) :])
    return dict(found)


def plain(value: object) -> str:
    """A value of an axis as people write it."""
    return f"{value:g}" if isinstance(value, float) else str(value)
