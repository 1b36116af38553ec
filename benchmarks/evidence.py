"""How far evidence that needs no ground truth orders methods as what the decoder used does.

    python -m benchmarks.evidence measure TABLE.csv [SEED ...]
    python -m benchmarks.evidence show TABLE.csv [TABLE.csv ...]

Decoders are trained on simulated data, each with a seed of its own. On some test trials of each,
all methods are scored by what the decoder used of the planted signal, which only a simulation
knows, and by evidence that a recording has too. ``show`` joins tables, prints the rank correlation
over methods of each evidence with the use, and writes docs/evidence.csv.
"""

import sys
import time
import warnings
from collections.abc import Iterator
from functools import partial
from itertools import product
from pathlib import Path

import pandas as pd
import torch

import eegxai
from eegxai.attribution import (
    CONTROLS,
    CORRECTED_METHODS,
    STUDY_METHODS,
    DegenerateMap,
    NotApplicable,
    attribute,
)
from eegxai.evaluation import (
    FILLINGS,
    curve_areas,
    decoder_use,
    deletion_curves,
    pattern_agreement,
    patterns,
    replacement_agreement,
    replacement_use,
)
from eegxai.evaluation.evidence.curves import ORDER_LEVELS
from eegxai.statistics import Bounds, student_interval

CASES = list(product(("temporal", "spectral", "spatial"), ("eegnet_relu", "deep4_relu")))  # by seed
SNR_DB, N_SIMULATED, N_EXPLAINED, N_ORDERS = -3.5, 800, 6, 4
TRAINING = eegxai.TrainingSpec(learning_rate=2e-3, batch_size=16, epochs=8)
PLACE = ["feature", "architecture", "seed", "accuracy", "method"]
TABLE = Path(__file__).parents[1] / "docs" / "evidence.csv"
USED, CURVES = "used", ("deletion", "insertion", "both")
PLANTED = "planted signal"  # a map that knows nothing of the decoder
AGREEMENTS = (USED, "replacement", "pattern", "linear_pattern")


class Case:
    """A trained decoder, test trials of it, and the maps of all methods."""

    def __init__(self, feature: str, architecture: str, seed: int) -> None:
        self.eeg = eegxai.simulate(feature, snr_db=SNR_DB, seed=seed, n_trials=N_SIMULATED)
        self.info = self.eeg.info
        x, y, signal = map(torch.from_numpy, (self.eeg.x, self.eeg.y, self.eeg.ground_truth))
        split = eegxai.split_trials(self.eeg.y, fold=0, n_folds=5, seed=seed)
        sizes = *self.eeg.x.shape[1:], self.eeg.n_classes, self.info["sfreq"]
        self.decoder = eegxai.initialised(architecture, *sizes, seed=seed)
        parts = ((x[rows], y[rows]) for rows in (split.train, split.validation))
        eegxai.fit(self.decoder, *parts, TRAINING, seed=seed)
        self.test = x[split.test], y[split.test]
        correct = eegxai.predict(self.decoder, self.test[0]).argmax(1) == self.test[1]
        self.accuracy = float(correct.double().mean())
        planted = signal[split.test].flatten(1).any(1)
        some = (correct & planted).nonzero().flatten()[:N_EXPLAINED]
        self.x, self.target = (each[some] for each in self.test)
        self.signal = signal[split.test][some]
        self.maps = dict(self._maps())

    def _maps(self) -> Iterator[tuple[str, torch.Tensor]]:
        for name in (*STUDY_METHODS, *CORRECTED_METHODS, *CONTROLS):
            try:
                yield name, attribute(name, self.decoder, self.x, self.target, output="contrast")
            except (NotApplicable, DegenerateMap) as reason:
                print(f"{name}: {reason}")


def by_domain(prefix: str, table: pd.DataFrame) -> dict[str, pd.Series]:
    """Values by method of a table of agreements, one column for each domain."""
    values = table.set_index(["domain", "method"])["value"]
    return {f"{prefix}_{domain}": values[domain] for domain in table["domain"].unique()}


def agreements(case: Case) -> pd.DataFrame:
    """Agreement of each map, and of the planted signal, with the use, replacement and patterns."""
    explained = case.decoder, case.x, case.target
    maps = case.maps | {PLANTED: case.signal.abs()}
    agreement = partial(replacement_agreement, maps, info=case.info)
    columns = by_domain("used", agreement(decoder_use(*explained, case.signal, case.info)))
    replaced = replacement_use(*explained, case.info, pool=case.test[0])
    columns |= by_domain("replacement", agreement(replaced))
    found = patterns(case.decoder, *case.test)
    print("reliability", found.decoder.reliability.round(2), found.linear.reliability.round(2))
    for name, pattern in (("pattern", found.decoder), ("linear_pattern", found.linear)):
        columns |= by_domain(name, pattern_agreement(maps, case.target, pattern, case.info))
    return pd.DataFrame(columns)


def areas(case: Case) -> pd.DataFrame:
    """Areas of deletion and insertion of each map with each filling."""
    explained, columns = (case.decoder, case.x, case.target), {}
    for name in FILLINGS:
        start = time.process_time()
        curves = deletion_curves(
            *explained, case.maps, case.info, pool=case.test[0], filling=name, n_orders=N_ORDERS
        )
        found = curve_areas(curves).set_index(["curve", "method"])["area"]
        columns |= {f"{curve}_{name}": found[curve] for curve in CURVES}
        print(f"{name}: {time.process_time() - start:.0f} s", flush=True)
    return pd.DataFrame(columns)


def measure(path: Path, seeds: list[int]) -> None:
    """Write a table of the decoders of some seeds, one after the other."""
    tables: list[pd.DataFrame] = []
    for seed in seeds:
        feature, architecture = CASES[seed]
        case = Case(feature, architecture, seed)
        print(f"{feature}, {architecture}, seed {seed}: accuracy {case.accuracy:.2f}")
        place = dict(zip(PLACE, (feature, architecture, seed, case.accuracy), strict=False))
        scores = agreements(case).join(areas(case), how="outer").rename_axis("method")
        tables.append(scores.reset_index().assign(**place))
        pd.concat(tables).to_csv(path, index=False)


def whole(own: pd.DataFrame, name: str) -> pd.Series:
    """Mean agreement over channels and windows; a map that does not resolve one agrees by 0."""
    return own[[f"{name}_channel", f"{name}_window"]].fillna(0).mean(axis=1)


def orders(own: pd.DataFrame) -> pd.DataFrame:
    """What each evidence says of the methods of one decoder, one column each."""
    curves = [f"{curve}_{filling}" for filling in FILLINGS for curve in CURVES]
    agreements = {name: whole(own, name) for name in AGREEMENTS}
    found = own[["method", *curves]].assign(**agreements).set_index("method")
    return found.fillna(0)  # an undefined order is as good as chance


def rank_correlations(found: pd.DataFrame) -> pd.Series:
    """Spearman's correlation over methods of each evidence with the use."""
    return found.drop(columns=USED).corrwith(found[USED], method="spearman")


def use_of_first(found: pd.DataFrame) -> pd.Series:
    """Agreement with the use of the method that each evidence, and the use itself, puts first."""
    return found.apply(lambda column: found[USED][column.idxmax()])


def show(paths: list[Path]) -> None:
    """Print means over decoders with intervals, and write the scores of all methods."""
    scores = pd.concat(map(pd.read_csv, paths), ignore_index=True)
    scores = scores[[*PLACE, *(name for name in scores if name not in PLACE)]]
    scores.round(4).to_csv(TABLE, index=False)
    of_methods = scores[~scores["method"].isin((PLANTED, *ORDER_LEVELS))]
    columns = [f"{name}_channel" for name in AGREEMENTS]
    print(scores[scores["method"] == PLANTED].set_index(PLACE[:3])[columns].round(2).to_markdown())
    by_decoder = {place: orders(own) for place, own in of_methods.groupby(PLACE[:3])}
    rho = pd.DataFrame({place: rank_correlations(each) for place, each in by_decoder.items()}).T
    first = pd.DataFrame({place: use_of_first(each) for place, each in by_decoder.items()}).T
    summary = {}
    for name in first:
        values = rho[name] if name in rho else pd.Series(1.0, rho.index)
        mean, low, high, n = student_interval(values, Bounds(-1, 1))
        by_feature = values.groupby(level=0).mean()
        told = {"rho": mean, "low": low, "high": high, "n": n, "first": first[name].mean()}
        summary[name] = told | by_feature.to_dict()
    print(pd.DataFrame(summary).T.round(2).to_markdown())
    compared = rho["insertion_donor"] - rho["insertion_zero"]
    print("insertion, donors less zeros:", student_interval(compared))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    what, *given = sys.argv[1:]
    if what == "measure":
        measure(Path(given[0]), [int(seed) for seed in given[1:]] or list(range(len(CASES))))
    else:
        show([Path(name) for name in given])
