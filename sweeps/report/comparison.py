"""``eegxai compare``: two runs, each a configuration or a file of tidy scores, side by side."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from eegxai.atomic import write_whole
from eegxai.evaluation.score_rows import GROUND_TRUTH
from eegxai.evaluation.scoring import TRIALS_KEPT
from eegxai.registry import lookup
from eegxai.statistics import INTERVALS, TrialDifference
from sweeps.analysis.cautions import cautions
from sweeps.analysis.compare import (
    TABLE_READERS,
    comparison_notes,
    difference_bounds,
    differences,
    read_tidy,
    readable,
    readings,
    unpaired,
    without_pairs,
)
from sweeps.analysis.method_pair import (
    MethodPair,
    MethodPairNames,
    difference_over_trials,
    method_pairs,
    require_methods,
)
from sweeps.analysis.quantity import Quantity
from sweeps.design.cells import method_cells
from sweeps.design.config import SweepConfig
from sweeps.design.config_file import load
from sweeps.design.thresholds import Thresholds
from sweeps.report.export import csv_bytes
from sweeps.report.inference_tables import differences_table
from sweeps.report.markdown import to_markdown
from sweeps.report.method_pair import pair_frame, pair_lines, pair_table
from sweeps.report.source import SOURCES, NoScoresError, load_scores_of
from sweeps.report.table import Table
from sweeps.scores.selection import HeldCells, chance_note, select_runs
from sweeps.scores.trials import trials_from_store
from sweeps.store.artefacts import store_of


@dataclass(frozen=True)
class ComparedRun:
    """One of the two runs compared.

    Attributes
    ----------
    name : str
        As the command line names it.
    path : Path
        A configuration, or a table of tidy scores.
    overrides : tuple of str
        Of the configuration.
    quantity : Quantity
        What is read of it.
    """

    name: str
    path: Path
    overrides: tuple[str, ...]
    quantity: Quantity

    @property
    def command(self) -> str:
        """Its configuration, as ``eegxai sweep`` takes it."""
        return " ".join([self.name, *self.overrides])

    @property
    def title(self) -> str:
        """What it is called under the table."""
        return f"{self.command}: {self.quantity.metric}, {self.quantity.check}"

    @property
    def is_table(self) -> bool:
        """Whether it is a file of tidy scores."""
        return self.path.suffix in TABLE_READERS

    def check(self) -> None:
        """Refuse overrides of a table, a wrong configuration or quantity, before any work."""
        if self.is_table and self.overrides:
            raise ValueError(f"{self.name} is a table: {self.overrides[0]} is for a configuration")
        if self.config:
            self.quantity.require_known()  # of a table when it is read: it may hold others

    @cached_property
    def config(self) -> SweepConfig | None:
        """Its configuration; a table has none."""
        return None if self.is_table else load(self.path, self.overrides)

    @property
    def sweep_name(self) -> str:
        """Of the sweep; of a table, its file."""
        return self.config.name if self.config else self.name

    @property
    def equality(self) -> float:
        """Differences that are smaller do not matter."""
        return (self.config.verdict if self.config else Thresholds()).equality

    def scores(
        self,
        source: str,
        where: str = "",
        keep_at_chance: bool = False,
        methods: Collection[str] = (),
    ) -> pd.DataFrame:
        """Its tidy scores as far as they are read, of the runs for which an expression is true."""
        if self.config is None:
            tidy = read_tidy(self.path, keep_at_chance)
            return select_runs(tidy, where) if where else tidy
        try:
            return load_scores_of(
                self.config, self.quantity, source, where, keep_at_chance, methods
            )
        except NoScoresError as error:
            raise NoScoresError(f"{error}: {self.command}") from None

    def results(self) -> dict[tuple[Any, ...], str]:
        """Where the results of its cells are, by the cells' axes; none of a table."""
        if self.config is None:
            return {}
        url = store_of(self.config).url
        cells = method_cells(self.config)
        return {tuple(cell.axes.values()): f"{url} {cell.key}" for cell in cells}


@dataclass(frozen=True)
class RunComparison:
    """Paired differences of two runs.

    Attributes
    ----------
    differences : DataFrame
        See :func:`sweeps.analysis.compare.differences`.
    notes : list of str
        What a reader must know, one line each.
    """

    differences: pd.DataFrame
    notes: list[str]


def compare_runs(
    a: ComparedRun,
    b: ComparedRun,
    interval: str = "student",
    source: str = "store",
    where: str = "",
    keep_at_chance: bool = False,
) -> RunComparison:
    """Paired differences b - a of each method over the decoders of both.

    Raises
    ------
    ValueError
        When the runs are the same or wrong, hold no scores, or have nothing in common.
    """
    if a == b:
        raise ValueError(f"{a.name} is compared with itself: give RUN_B, --b or --metric-b")
    _check_choices(interval, source, a, b)
    _check_different(a, b)
    tidy = [run.scores(source, where, keep_at_chance) for run in (a, b)]
    one, other = readable((tidy[0], a.quantity), (tidy[1], b.quantity))
    table = differences(one, other, interval, difference_bounds(a.quantity, b.quantity))
    notes = (
        *(f"{name}: {run.title}" for name, run in (("a", a), ("b", b))),
        *([f"cells where {where}"] if where else []),
        *_other_evaluation(a, b),
        *readings(a.quantity, b.quantity, table["feature"].unique()),
        *comparison_notes(table, interval),
        *unpaired(one, other),
        *without_pairs(table),
        *(
            f"{name}: {note}"
            for name, own in zip("ab", tidy, strict=True)
            if (note := chance_note(own))
        ),
    )
    return RunComparison(table, list(notes))


def _other_evaluation(a: ComparedRun, b: ComparedRun) -> Iterator[str]:
    """In what the evaluations of two sweeps differ: their scores may be of different things."""
    if a.config and b.config:
        one, other = (asdict(run.config.evaluation) for run in (a, b) if run.config)
        changed = [
            f"{field} {one[field]} and {other[field]}"
            for field in one
            if one[field] != other[field]
        ]
        if changed:
            yield f"the evaluations differ: a and b have {', '.join(changed)}"


def _check_choices(interval: str, source: str, *runs: ComparedRun) -> None:
    for run in runs:
        run.check()
    lookup(INTERVALS, interval, "--interval")
    lookup(SOURCES, source, "--source")


def _check_different(a: ComparedRun, b: ComparedRun) -> None:
    """Refuse runs whose common cells are the same results, however they are called."""
    one, other = a.results(), b.results()
    common = one.keys() & other.keys()
    if a.quantity == b.quantity and common and all(one[axes] == other[axes] for axes in common):
        raise ValueError(
            f"{a.command} is compared with itself: {b.command} has the same cells in the same "
            "store; give another RUN_B, --b or --metric-b"
        )


class PairComparison(NamedTuple):
    """Two methods of one run.

    Attributes
    ----------
    pairs : list of MethodPair
        One of each feature type that has scores of both.
    notes : list of str
        Why other feature types have none, and how many decoders are at chance.
    held : HeldCells
        Which cells were read.
    """

    pairs: list[MethodPair]
    notes: list[str]
    held: HeldCells


def compare_methods_of(
    run: ComparedRun,
    methods: MethodPairNames,
    interval: str = "student",
    source: str = "store",
    where: str = "",
    keep_at_chance: bool = False,
) -> PairComparison:
    """Difference first - second of two methods over the decoders that have a score of both.

    Raises
    ------
    ValueError
        When the run or a method is wrong, or no decoder has a score of both.
    """
    _check_choices(interval, source, run)
    if run.config:
        require_methods(methods, list(run.config.grid.method))
    tidy = run.scores(source, keep_at_chance=keep_at_chance, methods=methods)
    require_methods(methods, list(tidy["method"].unique()))
    chosen = select_runs(tidy, where) if where else tidy
    found = list(method_pairs(chosen, run.quantity, methods, run.equality, INTERVALS[interval]))
    own = chosen[chosen["method"].isin(methods)]
    notes = [
        *(one for one in found if isinstance(one, str)),
        *(each for _, rows in own.groupby("method") for each in cautions(rows, run.quantity)),
        chance_note(own),
    ]
    return PairComparison(
        [_with_trials(one, run, source) for one in found if isinstance(one, MethodPair)],
        list(filter(None, notes)),
        HeldCells.of(own, run.sweep_name, where),
    )


def _with_trials(pair: MethodPair, run: ComparedRun, source: str) -> MethodPair:
    """A pair of one seed with the difference over trials, or why there is none."""
    return (
        pair
        if pair.n_seeds > 1
        else replace(pair, over_trials=_difference_over_trials(pair, run, source))
    )


def _difference_over_trials(
    pair: MethodPair, run: ComparedRun, source: str
) -> TrialDifference | str:
    if run.config is None or source != "store":
        return "the scores of single trials are only in the store"
    place = pair.domain, pair.metric
    if run.quantity.check != GROUND_TRUTH or place not in TRIALS_KEPT:
        return f"the store keeps only means of {pair.metric} in the check {run.quantity.check}"
    wanted = {(*decoder, method) for decoder in pair.decoders for method in pair.methods}
    cells = (cell for cell in method_cells(run.config) if tuple(cell.axes.values()) in wanted)
    return difference_over_trials(pair, trials_from_store(cells, store_of(run.config), *place))


def write_differences(table: pd.DataFrame, path: Path) -> Path:
    """Write differences as CSV (all columns) or Markdown, by the file's ending; the path.

    Raises
    ------
    ValueError
        When the file has another ending or cannot be written.
    """
    return _write_comparison_file(path, table, [differences_table(table)])


def write_pairs(found: PairComparison, quantity: Quantity, path: Path) -> Path:
    """Write two methods compared, as :func:`write_differences` does."""
    frame = pair_frame(found.pairs, quantity).assign(**found.held.columns)
    lines = (f"- {line}" for pair in found.pairs for line in pair_lines(pair, quantity))
    caption = "\n".join([*found.notes, found.held.sentence, "", *lines])
    return _write_comparison_file(path, frame, map(pair_table, found.pairs), caption)


def _write_comparison_file(
    path: Path, frame: pd.DataFrame, tables: Iterable[Table], caption: str = ""
) -> Path:
    content = lookup(DIFFERENCE_FORMATS, path.suffix, "kind of table")
    return write_whole(path, content(frame, tables, caption))


def _comparison_csv(frame: pd.DataFrame, _tables: Iterable[Table], _caption: str) -> bytes:
    return csv_bytes(frame)


def _comparison_markdown(_frame: pd.DataFrame, tables: Iterable[Table], caption: str) -> bytes:
    return to_markdown(tables, caption).encode()


DIFFERENCE_FORMATS: Mapping[str, Callable[[pd.DataFrame, Iterable[Table], str], bytes]] = {
    ".csv": _comparison_csv,
    ".md": _comparison_markdown,
}
