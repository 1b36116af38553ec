"""The verdict in sentences, and what its marks and columns mean."""

from collections.abc import Iterator, Sequence

import pandas as pd

from eegxai.attribution import CONTROLS
from eegxai.evaluation import CALIBRATED_HEADLINE
from eegxai.rounding import counted
from sweeps.analysis.conditions import (
    NO_SCORE,
    REFUTED,
    SHOWN,
    UNDECIDED,
    UNTESTABLE,
    ZERO_ROWS,
)
from sweeps.analysis.verdicts import (
    APPLICABLE,
    BEYOND_INPUT,
    DUPLICATE,
    FAILS,
    MARKS,
    NOT_APPLICABLE,
    PASSES,
    PROPERTIES,
    STANDARD_THRESHOLDS,
    STUDY_VERDICT,
    Property,
    verdict_as_original,
)
from sweeps.design.thresholds import Thresholds
from sweeps.report.recordings import IDEAL_NAME
from sweeps.report.table import Row, plain_value
from sweeps.report.terminal import PLAIN_TABLE_SIGNS
from sweeps.scores.words import listed

VERDICT_MARKS_LEGEND = (
    "✓ shown, ✗ refuted, ? undecided by the 95 % intervals; = maps of another method"
)
UNTOLD_LEGEND = (
    "–: not applicable, not testable (the maps of two classes are mirror images), or no score (a "
    "map that is the same everywhere, or on all channels, has no correlation there)"
)
VERDICT_LEGEND = (
    "all: the verdict, ✓ if all properties are shown (no check failed), ✗ if one is refuted, ? "
    "otherwise"
)
INTERVAL_LEGEND = (
    "±: distance to the end of the 95 % interval that is nearer the level (marks rest on the "
    "unrounded numbers; a single trial has no interval); !: some decoders decode no better than "
    "chance"
)
CONTROLS_LEGEND = "RandomMap and InputMagnitude are controls, which must fail"
# Numbers that may have zero rows, by what their column is called.
WITH_ZERO_ROWS = {
    f"score{ZERO_ROWS}": "score", f"class_r{ZERO_ROWS}": "class", f"model_r{ZERO_ROWS}": "model",
}  # fmt: skip
HOW_MANY_LISTED = 6  # methods in a sentence; more are counted
# What is said of one method, and of several.
VERDICT_PHRASES = {
    PASSES: ("passes", "pass"),
    UNDECIDED: ("is undecided", "are undecided"),
    FAILS: ("fails", "fail"),
    NO_SCORE: ("has no score", "have no score"),
    NOT_APPLICABLE: ("is not applicable", "are not applicable"),
}
Named = tuple[str, str]  # a heading and what it means


def verdict_answer(judged: pd.DataFrame, by: Sequence[str] = ("feature",)) -> list[str]:
    """The verdict in sentences that a person can repeat, and what they are about."""
    methods = judged[~judged["method"].isin(list(CONTROLS))]
    if methods["verdict"].isin([NOT_APPLICABLE, NO_SCORE]).all():
        return [
            f"No method is judged: {_why_none_is_judged(methods)}.",
            *_by_the_study(methods, by),
        ]
    groups = list(methods.groupby(list(by), sort=False))
    parts = [f"{_place(by, values)}: {_group_answer(rows, by)}." for values, rows in groups]
    whole = [_everywhere(methods, by, len(groups))] if len(groups) > 1 else []
    return [*whole, *parts, _scope(judged, by)]


def _by_the_study(methods: pd.DataFrame, by: Sequence[str]) -> Iterator[str]:
    """Which methods pass by the study's own rules, where they alone can be applied."""
    if methods["study_verdict"].isin([SHOWN, REFUTED]).any():
        for values, rows in methods.groupby(list(by), sort=False):
            passed = list(rows.loc[rows["study_verdict"] == SHOWN, "method"])
            verb = "passes" if len(passed) < 2 else "pass"
            yield f"{_place(by, values)}: {_joined(passed) or 'none'} {verb} by the study's rules."


def _why_none_is_judged(methods: pd.DataFrame) -> str:
    reasons = {
        "only controls have scores": methods.empty,
        "none is applicable": (methods["verdict"] == NOT_APPLICABLE).all(),
        "all decoders decode no better than chance": (
            methods["at_chance"] == methods["n_decoders"]
        ).all(),
    }
    needed = "the verdict needs the scores and controls of the corrected evaluation"
    return next((reason for reason, true in reasons.items() if true), needed)


def _place(by: Sequence[str], values: Sequence[object]) -> str:
    """Such as ``temporal, snr_db −12, seed 0``."""
    named = zip(by, values, strict=True)
    return ", ".join(
        ("" if axis == "feature" else f"{axis} ") + plain_value(value).text for axis, value in named
    )


def _everywhere(methods: pd.DataFrame, by: Sequence[str], n_groups: int) -> str:
    """The methods that pass in every group, by themselves or as what they are duplicates of."""
    passed = _with_verdict_of_original(methods, by)
    counts = passed[passed == PASSES].groupby(methods["method"], sort=False).size()
    everywhere = list(counts.index[counts == n_groups])
    verb = "passes" if len(everywhere) < 2 else "pass"
    what = "feature type" if list(by) == ["feature"] else "group"
    return f"{_joined(everywhere) or 'No method'} {verb} for every {what}."


def _with_verdict_of_original(methods: pd.DataFrame, by: Sequence[str]) -> pd.Series:
    """A duplicate's verdict is that of the method whose maps it has, in its group.

    Where that method is not in the table, it is the verdict on the duplicate's own numbers.
    """
    own = pd.Series(map(verdict_as_original, methods.to_dict("records")), methods.index)
    known = own.set_axis(pd.MultiIndex.from_frame(methods[["method", *by]]))
    originals = methods[list(by)].assign(method=methods["duplicate_of"])[["method", *by]]
    found = known.reindex(pd.MultiIndex.from_frame(originals)).set_axis(methods.index)
    return found.where(methods["verdict"] == DUPLICATE).fillna(own)


def _group_answer(rows: pd.DataFrame, by: Sequence[str]) -> str:
    verdicts = _with_verdict_of_original(rows, by)
    said = []
    for verdict, (one, several) in VERDICT_PHRASES.items():
        own, text = _own_map_methods(rows[verdicts == verdict])
        if own or verdict == PASSES:
            said.append(f"{text or 'none'} {one if own < 2 else several}")
    return "; ".join(said)


def _own_map_methods(rows: pd.DataFrame) -> tuple[int, str]:
    """How many methods have maps of their own, and all names, duplicates behind their original."""
    duplicates = (rows["verdict"] == DUPLICATE) & rows["duplicate_of"].isin(rows["method"])
    own = list(rows.loc[~duplicates, "method"])
    if len(own) > HOW_MANY_LISTED:
        n_same = int(duplicates.sum())
        return len(own), f"{len(rows)} methods" + f" ({n_same} of them duplicates)" * bool(n_same)
    same = rows[duplicates].groupby("duplicate_of")["method"].agg(", ".join)
    return len(own), listed([f"{name} (= {same[name]})" if name in same else name for name in own])


def _joined(names: Sequence[str]) -> str:
    if len(names) > HOW_MANY_LISTED:
        return f"{len(names)} methods"
    return listed(names)


def _scope(judged: pd.DataFrame, by: Sequence[str]) -> str:
    """What the intervals are over."""
    n_seeds = int(judged["n_seeds"].max())
    if n_seeds == 1:
        each = " each" * ("seed" in by)
        return (
            f"One seed{each}: intervals are over trials and do not generalise to other networks "
            "trained in the same way."
        )
    return f"{counted(n_seeds, 'seed')}: intervals are over seeds."


def verdict_legend(
    thresholds: Thresholds = STANDARD_THRESHOLDS, observer: str = IDEAL_NAME
) -> list[Named]:
    """What each column of the verdict asks, and what the ideal observer is called there."""
    told = (*PROPERTIES, BEYOND_INPUT, STUDY_VERDICT)
    return [(one.name, _question(one, thresholds).replace(IDEAL_NAME, observer)) for one in told]


def terminal_legend(thresholds: Thresholds = STANDARD_THRESHOLDS) -> list[str]:
    """The legend of a terminal's tables."""
    told = (*PROPERTIES, STUDY_VERDICT)
    terms = [f"{one.heading}: {_question(one, thresholds)}" for one in told]
    return [
        VERDICT_MARKS_LEGEND, UNTOLD_LEGEND.translate(PLAIN_TABLE_SIGNS), VERDICT_LEGEND, *terms,
        INTERVAL_LEGEND, CONTROLS_LEGEND, *levels_note(thresholds),
    ]  # fmt: skip


def _question(told: Property, thresholds: Thresholds) -> str:
    return told.asks.format(**thresholds.model_dump())


def levels_note(thresholds: Thresholds) -> list[str]:
    """Which levels are not the standard ones; nothing where all are."""
    standard = STANDARD_THRESHOLDS.model_dump()
    changed = [
        f"verdict.{name} is {value:g} and not {standard[name]:g}"
        for name, value in thresholds.changed.items()
    ]
    if not changed:
        return []
    words = ", ".join(changed)
    return [f"Levels other than the standard ones: {words}"]


def verdict_notes(judged: pd.DataFrame) -> Iterator[str]:
    """What stands under a table of verdicts: duplicates, information, and what would decide."""
    yield from _duplicates(judged)
    yield from _silent_about_frequency(judged)
    yield from _note_on_missing_maps(judged)
    yield from _note_on_missing_numbers(judged)
    yield from _note_on_zero_rows(judged)
    yield from _beyond_the_recording(judged)
    yield from _spoken_against(judged)
    for row in judged[judged["verdict"] == UNDECIDED].to_dict("records"):
        yield f"? {row['method']}: {'; '.join(_seeds_needed(row))}"


def terminal_notes(judged: pd.DataFrame) -> Iterator[str]:
    """The same with the signs of a terminal's tables."""
    return (note.translate(PLAIN_TABLE_SIGNS) for note in verdict_notes(judged))


def _duplicates(judged: pd.DataFrame) -> Iterator[str]:
    """Such as ``DeepLift, LRP = InputXGradient``."""
    rows = judged[judged["verdict"] == DUPLICATE]
    for original, same in rows.groupby("duplicate_of", sort=False):
        yield f"{', '.join(same['method'].unique())} = {original}"


def _silent_about_frequency(judged: pd.DataFrame) -> Iterator[str]:
    """Why some methods have no score where it is one of their relevance over frequency."""
    is_asked = CALIBRATED_HEADLINE.domains(judged["feature"]) == "channel_frequency"
    asked = judged[is_asked & (judged["at_chance"] < judged["n_decoders"])]
    silent = asked["verdict"] == NO_SCORE
    names = list(asked.loc[silent & ~asked["method"].isin(list(CONTROLS)), "method"])
    if names and not silent.all():
        yield f"–: {_joined(names)} can say nothing about frequency, which is scored here"


def _note_on_missing_maps(judged: pd.DataFrame) -> Iterator[str]:
    names = list(judged.loc[judged["verdict"] == NOT_APPLICABLE, "method"])
    if names:
        has = "has" if len(names) == 1 else "have"
        yield f"–: {_joined(names)} {has} no usable map (eegxai validity gives the reason)"


def _note_on_missing_numbers(judged: pd.DataFrame) -> Iterator[str]:
    """Which numbers a method lacks whose maps are scored: maps without contrast have none."""
    scored = judged[(judged["verdict"] == NO_SCORE) & (judged["efficient"] != NO_SCORE)]
    for row in scored.to_dict("records"):
        lacking = [one.name for one in PROPERTIES if row[one.column] == NO_SCORE]
        yield (
            f"–: {row['method']} lacks a number ({', '.join(lacking)}): it is not defined for maps "
            "that are the same everywhere, or on all channels"
        )


def _note_on_zero_rows(judged: pd.DataFrame) -> Iterator[str]:
    """Which numbers of the study's evaluation are in part zeros of trials that have none."""
    shares = {
        row["method"]: ", ".join(
            f"{heading} {row[name]:.0%}"
            for name, heading in WITH_ZERO_ROWS.items()
            if row.get(name, 0) > 0
        )
        for row in judged.to_dict("records")
    }
    told = [f"{method} ({share})" for method, share in shares.items() if share]
    if told:
        yield (
            "The study counts a trial as 0 if a map is constant or has no positive value; share "
            f"of such trials: {'; '.join(told)}"
        )


def _beyond_the_recording(judged: pd.DataFrame) -> Iterator[str]:
    """Which methods say more than the magnitude of the recording, where any has such a score."""
    states = judged["beyond_input"]
    if (states == NO_SCORE).all():
        return
    names = list(judged.loc[states == SHOWN, "method"])
    said = f"{_joined(names) or 'no method'} shown to say more than the recording itself (|x|)"
    if (states == UNTESTABLE).any():
        said += (
            f"; {'of the others ' * bool(names)}this cannot be tested where the ideal observer "
            "itself does not say more (it would at a lower SNR)"
        )
    yield said


def _spoken_against(judged: pd.DataFrame) -> Iterator[str]:
    """Why a method fails whose numbers may all be good."""
    refuted = (judged["verdict"] == FAILS) & (judged[APPLICABLE] == REFUTED)
    for row in judged[refuted].to_dict("records"):
        where = f"{row['flagged'] - row['n_duplicate']} of {counted(row['n_decoders'], 'decoder')}"
        against = f"a validity check failed on {where} ({row['flag']})"
        yield f"{MARKS[FAILS]} {row['method']}: {against}"


def _seeds_needed(row: Row) -> Iterator[str]:
    for one in PROPERTIES:
        if row[one.column] == UNDECIDED:
            yield f"{one.name} needs {row[f'{one.column}_decided_by']}"
        elif row[one.column] == NO_SCORE:
            yield f"{one.name} has no score"
