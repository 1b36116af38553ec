"""Aggregate tables from tidy scores: which methods tell the truth, and how sure."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from rich.table import Table
from scipy import stats

from eegxai.attribution import BASELINES
from eegxai.evaluation import CHANCE, HEADLINE, normalised
from sweeps.grid import MethodCell
from sweeps.store import Store

# A map that stays this alike under a wrong class or random weights explains neither
# (Sujatha Ravindran & Contreras-Vidal 2023).
SPECIFICITY_THRESHOLD = 0.5
SIMILARITY = "pearson_raw"
HEADLINE_METRICS = {SIMILARITY, *(metric for _, metric in HEADLINE.values())}
AXES = ("feature", "snr_db", "seed", "fold", "architecture", "method")
KNOWN = ("accuracy", "at_chance", "validity", "flags")
TIDY = (*AXES, "check", "domain", "metric", "step", "mean", "half_width", *KNOWN)
CONFIDENCE = 0.95
COLUMN_WIDTHS = {"score": 5, "class": 5, "model": 5}
PASSED = "ok"
NOT_APPLICABLE = "n/a"
LEGEND = (
    "score: share of the map on the planted signal; spatial: cosine of topographies\n"
    "class: correlation of the map with the one for a wrong class\n"
    "model: correlation with the map of a network whose weights are all random\n"
    "verdict: ok, or what the 95 % interval does not show: c = class-specific,\n"
    f"m = model-specific (interval below {SPECIFICITY_THRESHOLD}), a = more accurate than chance,\n"
    f"{', '.join(BASELINES)};\n"
    "v = flagged on some decoder, such as equal to a simpler method (eegxai validity)\n"
    "!: some decoders decode no better than chance"
)


def tidy_from_store(cells: Iterable[MethodCell], store: Store) -> pd.DataFrame:
    """Tidy scores of all finished cells, a row a check, domain and metric."""
    parts = []
    for cell in cells:
        if store.has(cell):
            scores = store.read_scores(cell)
            known = {
                **cell.axes,
                "accuracy": scores.accuracy,
                "at_chance": scores.at_chance,
                "validity": scores.validity.status,
                "flags": "; ".join(scores.validity.flags),
            }
            table = scores.table if len(scores.table) else pd.DataFrame({"check": [None]})
            parts.append(table.assign(half_width=half_width(table), **known))
    return as_tidy(parts)


def half_width(table: pd.DataFrame) -> pd.Series | float:
    """Half of the 95 % interval of each mean over the trials of one decoder (Student's t)."""
    if "n_valid" not in table:
        return np.nan
    return _half_width(table["std"].astype(float), table["n_valid"].astype(float))


def _half_width(std: pd.Series, n: pd.Series) -> pd.Series:
    freedom = (n - 1).where(n > 1)
    return stats.t.ppf((1 + CONFIDENCE) / 2, freedom) * std / np.sqrt(n)


def as_tidy(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """One table of the columns ``TIDY`` from parts that may lack some."""
    frame = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    return frame.reindex(columns=list(TIDY))


def headline(tidy: pd.DataFrame, by: Sequence[str] = ("feature",)) -> pd.DataFrame:
    """Headline table: a row a method and group, means over the group's decoders.

    Parameters
    ----------
    tidy : DataFrame
        Tidy scores (columns ``TIDY``).
    by : sequence of str
        Axes that are kept apart; ``feature`` must be one of them, since each feature type has
        a headline score of its own.

    Returns
    -------
    DataFrame
        Columns of ``by``, method, score (headline metric against the ground truth), class_r and
        model_r (Pearson correlation with the original map after a target swap and with all
        weights randomized), each with ``_low`` and ``_high``, its 95 % interval; chance (score
        of random maps of the same spectrum), above_chance (the score on the scale from chance
        to 1), null_r (correlation with random maps as smooth), n_decoders, at_chance (how many
        of them decode no better than chance), flagged (on how many of them something speaks
        against the method's maps), accuracy, verdict.

    Notes
    -----
    Intervals are Student's, over the means of the decoders; where there is one decoder, over
    its trials.
    """
    groups = [*by, "method"]
    decoders = tidy.drop_duplicates(list(AXES)).groupby(groups, sort=False)
    table = pd.DataFrame(
        {
            **_estimate("score", _scores(tidy, "ground_truth"), groups),
            "chance": _scores(tidy, CHANCE).groupby(groups)["mean"].mean(),
            **_estimate("class_r", _similarities(tidy, "target_swap"), groups),
            **_estimate("model_r", _similarities(tidy, "cascade"), groups),
            "null_r": _similarities(tidy, "surrogate").groupby(groups)["mean"].mean(),
            "n_decoders": decoders.size(),
            "at_chance": decoders["at_chance"].sum().astype(int),
            "flagged": decoders["flags"].agg(lambda flags: (flags != "").sum()),
            "accuracy": decoders["accuracy"].mean(),
        }
    )
    # The order in which groups first appear is the order of the grid.
    table = table.reindex(decoders.size().index).reset_index()
    above_chance = normalised(table["score"], table["chance"])
    return table.assign(above_chance=above_chance, verdict=_verdicts(table, list(by)))


def _estimate(name: str, rows: pd.DataFrame, groups: list[str]) -> dict[str, pd.Series]:
    """Mean over the decoders of each group, and its interval."""
    decoders = rows.groupby(groups)
    mean, n = decoders["mean"].mean(), decoders["mean"].count()
    over_decoders = _half_width(decoders["mean"].std(), n)
    half = over_decoders.where(n > 1, decoders["half_width"].mean())
    return {name: mean, f"{name}_low": mean - half, f"{name}_high": mean + half}


def _scores(tidy: pd.DataFrame, check: str) -> pd.DataFrame:
    wanted = tidy["feature"].map(HEADLINE)
    found = pd.Series(list(zip(tidy["domain"], tidy["metric"], strict=True)), index=tidy.index)
    return tidy[(tidy["check"] == check) & (found == wanted)]


def _similarities(tidy: pd.DataFrame, check: str) -> pd.DataFrame:
    """Similarity to the original map at the check's last step, on the headline's domain."""
    domains = tidy["feature"].map({feature: domain for feature, (domain, _) in HEADLINE.items()})
    chosen = tidy[
        (tidy["check"] == check) & (tidy["metric"] == SIMILARITY) & (tidy["domain"] == domains)
    ]
    last = chosen.groupby(list(AXES))["step"].transform("max")
    return chosen[chosen["step"] == last]


def _verdicts(table: pd.DataFrame, by: list[str]) -> pd.Series:
    """``ok``, or a letter for each property that the interval does not show."""
    baselines = table[table["method"].isin(list(BASELINES))].groupby(by)["score"].max()
    known = table.set_index(by).index.map(baselines.to_dict())
    floor = pd.concat([pd.Series(known, table.index, float), table["chance"]], axis=1).max(axis=1)
    failures = (
        np.where(table["score_low"] > floor.fillna(-np.inf), "", "a")
        + np.where(table["class_r_high"] < SPECIFICITY_THRESHOLD, "", "c")
        + np.where(table["model_r_high"] < SPECIFICITY_THRESHOLD, "", "m")
        + np.where(table["flagged"] == 0, "", "v")
    )
    verdicts = pd.Series(failures, index=table.index).replace("", PASSED)
    verdicts[table["score"].isna()] = NOT_APPLICABLE
    verdicts[table["method"].isin(list(BASELINES))] = "-"
    return verdicts


def terminal_tables(table: pd.DataFrame, title: str, by: Sequence[str]) -> list[Table]:
    """Tables of methods by feature type, one for each value of the other axes of ``by``."""
    others = [axis for axis in by if axis != "feature"]
    if not others:
        return [_terminal_table(table, title)]
    return [
        _terminal_table(part, f"{title}: {_named(others, values)}")
        for values, part in table.groupby(others, sort=False)
    ]


def _named(axes: Sequence[str], values: Sequence[object]) -> str:
    return ", ".join(f"{axis} {value}" for axis, value in zip(axes, values, strict=True))


def _terminal_table(table: pd.DataFrame, title: str) -> Table:
    """Three feature types side by side are narrow enough for a terminal of 80 columns."""
    features = table["feature"].drop_duplicates().tolist()
    at_chance = set(table.loc[table["at_chance"] > 0, "feature"])
    headings = [f"{feature}!" if feature in at_chance else feature for feature in features]
    first = max(map(len, table["method"]))
    widths = {**COLUMN_WIDTHS, "": max(map(len, table["verdict"]))}
    # A heading over several columns: as a cell of one of them it would widen it.
    over = "".join(heading.ljust(sum(widths.values()) + len(widths)) for heading in headings)
    heading = f"{title}\n{'':{first}} {over}"
    shown = Table(
        title=heading, title_justify="left", box=None, padding=(0, 1, 0, 0), pad_edge=False
    )
    shown.add_column("method", no_wrap=True, width=first)
    for _ in features:
        for name, width in widths.items():
            shown.add_column(name, justify="right", width=width, no_wrap=True)
    for method, rows in table.groupby("method", sort=False):
        by_feature = rows.set_index("feature")
        cells = [cell for feature in features for cell in _cells(by_feature, feature)]
        shown.add_row(str(method), *cells)
    return shown


def accuracies(table: pd.DataFrame) -> str:
    """Sentence with the mean test accuracy of the decoders of each feature type."""
    groups = table.groupby("feature", sort=False)
    return "test accuracy: " + ", ".join(_accuracy(str(name), rows) for name, rows in groups)


def _accuracy(feature: str, rows: pd.DataFrame) -> str:
    counts = rows.groupby("method")[["at_chance", "n_decoders"]].sum().max()
    text = f"{feature} {rows['accuracy'].mean():.2f}"
    if counts["at_chance"] == 0:
        return text
    return f"{text} ({counts['at_chance']} of {counts['n_decoders']} decoders at chance)"


def _cells(rows: pd.DataFrame, feature: str) -> list[str]:
    if feature not in rows.index:
        return [""] * 4
    row = rows.loc[feature]
    numbers = [f"{row[name]:.2f}" for name in ("score", "class_r", "model_r")]
    colour = "green" if row["verdict"] == PASSED else "dim"
    return [*numbers, f"[{colour}]{row['verdict']}[/]"]


def write(table: pd.DataFrame, folder: Path, name: str) -> list[Path]:
    """Write a table as CSV, Markdown and LaTeX; the paths written."""
    folder.mkdir(parents=True, exist_ok=True)
    rounded = table.round(3)
    contents = {
        "csv": table.to_csv(index=False),
        "md": rounded.to_markdown(index=False) + "\n",
        "tex": rounded.to_latex(index=False, float_format="%.2f", na_rep="--", escape=True),
    }
    paths = []
    for ending, content in contents.items():
        paths.append(folder / f"{name}.{ending}")
        partial = paths[-1].with_suffix(".partial")
        partial.write_text(content, encoding="utf-8")
        partial.replace(paths[-1])
    return paths
