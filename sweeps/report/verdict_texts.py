"""The verdict in sentences, and what its marks and columns mean."""

import textwrap
from collections.abc import Iterator, Sequence

import pandas as pd

from eegxai.attribution import CONTROLS
from sweeps.analysis.verdicts import (
    BEYOND_INPUT,
    DUPLICATE,
    FAILS,
    NO_SCORE,
    NOT_APPLICABLE,
    PASSES,
    PROPERTIES,
    STANDARD,
    STUDY_VERDICT,
    UNDECIDED,
)
from sweeps.design.thresholds import Thresholds
from sweeps.report.table import Row, counted
from sweeps.report.terminal import TABLE_WIDTH

MARKS_LEGEND = "✓ shown, ✗ refuted, ? undecided by the 95 % intervals; = maps of another method"
UNTOLD_LEGEND = "–: not applicable, no score, or not testable (two classes have mirror images)"
INTERVAL_LEGEND = "±: half of the 95 % interval; !: some decoders decode no better than chance"
HOW_MANY_LISTED = 6  # methods in a sentence; more are counted
Named = tuple[str, str]  # a heading and what it means


def answer(judged: pd.DataFrame, by: Sequence[str] = ("feature",)) -> str:
    """The verdict in sentences that a person can repeat, and what they are about."""
    methods = judged[~judged["method"].isin(list(CONTROLS))]
    if methods["verdict"].isin([NOT_APPLICABLE, NO_SCORE]).all():
        return "No method is judged: the verdict needs scores of the corrected evaluation."
    groups = list(methods.groupby(list(by), sort=False))
    parts = [f"{_place(values)}: {_group_answer(rows)}" for values, rows in groups]
    whole = [_everywhere(methods, len(groups))] if len(groups) > 1 else []
    return ". ".join([*whole, *parts, _scope(judged)]) + "."


def _place(values: Sequence[object]) -> str:
    first, *others = (f"{value:g}" if isinstance(value, float) else str(value) for value in values)
    return " ".join([first, *others])


def _everywhere(methods: pd.DataFrame, n_groups: int) -> str:
    """The methods that pass in every group, by themselves or as what they are duplicates of."""
    passed = _with_verdict_of_original(methods)
    counts = passed[passed == PASSES].groupby(methods["method"], sort=False).size()
    everywhere = list(counts.index[counts == n_groups])
    verb = "passes" if len(everywhere) == 1 else "pass"
    if not everywhere:
        return "No method passes in all of them"
    return f"{_joined(everywhere)} {verb} in all of them"


def _with_verdict_of_original(methods: pd.DataFrame) -> pd.Series:
    """A duplicate's verdict is that of the method whose maps it has, in its group."""
    groups = [name for name in methods if name in ("feature", "snr_db", "architecture", "fold")]
    keys = ["method", *groups]
    known = methods.set_index(keys)["verdict"]
    originals = methods[groups].assign(method=methods["duplicate_of"])[keys]
    found = known.reindex(pd.MultiIndex.from_frame(originals)).set_axis(methods.index)
    return methods["verdict"].where(methods["verdict"] != DUPLICATE, found)


def _group_answer(rows: pd.DataFrame) -> str:
    verdicts = _with_verdict_of_original(rows)
    kinds = {
        PASSES: ("passes", "pass"),
        UNDECIDED: ("is undecided", "are undecided"),
        FAILS: ("fails", "fail"),
    }
    said = []
    for verdict, (one, several) in kinds.items():
        names = list(rows.loc[verdicts == verdict, "method"])
        if names or verdict == PASSES:
            said.append(f"{_joined(names) or 'none'} {one if len(names) < 2 else several}")
    return ", ".join(said)


def _joined(names: Sequence[str]) -> str:
    if len(names) > HOW_MANY_LISTED:
        return f"{len(names)} methods"
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def _scope(judged: pd.DataFrame) -> str:
    """What the intervals are over."""
    n_seeds = int(judged["n_seeds"].max())
    if n_seeds == 1:
        return (
            "One seed: intervals are over trials, and nothing is said about other networks "
            "trained alike"
        )
    return f"{counted(n_seeds, 'seed')}: intervals are over seeds"


def verdict_legend(thresholds: Thresholds = STANDARD) -> list[Named]:
    """What each column of the verdict asks."""
    return [
        (one.heading, one.asks.format(**thresholds.model_dump()))
        for one in (*PROPERTIES, BEYOND_INPUT, STUDY_VERDICT)
    ]


def terminal_legend(thresholds: Thresholds = STANDARD) -> str:
    """The legend in lines of a terminal."""
    terms = (f"{heading}: {asks}" for heading, asks in verdict_legend(thresholds))
    lines = [textwrap.fill(term, TABLE_WIDTH, subsequent_indent="  ") for term in terms]
    return "\n".join([MARKS_LEGEND, UNTOLD_LEGEND, *lines, INTERVAL_LEGEND])


def duplicate_lines(judged: pd.DataFrame) -> Iterator[str]:
    """Such as ``DeepLift, LRP = InputXGradient``."""
    rows = judged[judged["verdict"] == DUPLICATE]
    for original, same in rows.groupby("duplicate_of", sort=False):
        yield f"{', '.join(same['method'].unique())} = {original}"


def undecided_lines(judged: pd.DataFrame) -> Iterator[str]:
    """What would decide each method that is undecided."""
    for row in judged[judged["verdict"] == UNDECIDED].to_dict("records"):
        needs = [f"{name}: {what}" for name, what in _needed(row)]
        yield f"? {row['method']}: {'; '.join(needs)}"


def _needed(row: Row) -> Iterator[Named]:
    for one in PROPERTIES:
        if row[one.column] == UNDECIDED:
            yield one.name, row[f"{one.column}_decided_by"]
        elif row[one.column] == NO_SCORE:
            yield one.name, "it has no score"
