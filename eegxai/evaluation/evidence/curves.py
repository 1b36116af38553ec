"""Deletion and insertion: what becomes of a decision as the trial is replaced, piece by piece.

The pieces of a trial are windows of a channel. A map puts them in an order, by its sums over them.
Deletion replaces those that speak most for the class first, insertion brings them back first into
a trial that is replaced altogether (Petsiuk et al., RISE, 2018; Samek et al., IEEE TNNLS 28:2660,
2017). A map that names what the decoder goes by makes the decision fall and rise earlier than a
random order does. Which samples stand in the place of the missing ones decides what is measured
(see ``FILLINGS``, and docs/evaluation.md#evidence-without-ground-truth).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import mne
import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor, nn

from eegxai.decoders.training import predict
from eegxai.evaluation.evidence.donors import donors_of
from eegxai.evaluation.evidence.fillings import FILLINGS, Filling, channel_covariance, filled
from eegxai.evaluation.references.pieces import WINDOW_S
from eegxai.evaluation.references.use import contrast
from eegxai.registry import lookup
from eegxai.seeding import trial_generators
from eegxai.statistics import student_interval

FILLING = "donor"
MOST_PIECES = 320  # of a trial, which bounds the passes: windows are longer where channels are many
# Of the pieces that are replaced. A share q of deletion is 1 - q of insertion, so both go through
# the same shares, and a random order has one curve for the two.
SHARES = (0.0, 0.01, 0.03, 0.06, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.94, 0.97, 0.99, 1.0)
RANDOM_ORDER = "random order"  # of its own, against the mean of the others: chance
MEASURED_ORDER = "measured order"  # by what the decision loses without each piece: the ceiling
ORDER_LEVELS = (RANDOM_ORDER, MEASURED_ORDER)
CURVES = ("deletion", "insertion")
BOTH = "both"  # the mean of their areas

PieceOrder = np.ndarray  # pieces from the first that is replaced to the last


def deletion_curves(
    decoder: nn.Module,
    x: Tensor,
    target: Tensor,
    maps: Mapping[str, Tensor | npt.ArrayLike],
    info: mne.Info,
    *,
    pool: Tensor | None = None,
    filling: str = FILLING,
    n_donors: int = 2,
    n_orders: int = 8,
) -> pd.DataFrame:
    """Decisions as trials are replaced and restored in the order of each method's map.

    Parameters
    ----------
    decoder : nn.Module
        Maps (trials, channels, times) to (trials, classes); see ``eegxai.attribution.adapted``.
    x : Tensor (trials, channels, times)
        Trials in µV, on the decoder's device, which the decoder classifies correctly.
    target : Tensor (trials,)
        The classes explained.
    maps : mapping of str to Tensor or array (trials, channels, times)
        Signed maps of these trials, by method.
    info : mne.Info
        The channels and the sampling rate.
    pool : Tensor (trials, channels, times), optional
        Trials that take the place of what is missing, at best many and of all classes; by default
        ``x``.
    filling : str
        A name in ``FILLINGS``.
    n_donors : int
        Trials of the pool that a trial is replaced by, one after the other; decisions are means.
    n_orders : int
        Random orders that a method's is compared with, 2 or more.

    Returns
    -------
    DataFrame
        One row per method, trial, curve (``"deletion"`` or ``"insertion"``) and share of the
        pieces: ``decision``, the contrast of the class with so many pieces replaced or brought
        back, and ``random``, the mean decision with random orders. The methods of ``ORDER_LEVELS``
        are added: one random order, and the order by what the decision loses without each piece
        alone. NaN where a map has the same sum over all pieces. A trial has the same numbers
        whatever methods stand beside.

        Takes, for each trial and donor, 30 passes a method, 15 a random order, and for the measured
        order one a piece, which are 310 with 62 channels.

    Raises
    ------
    ValueError
        When the filling is unknown, maps are of another shape than the trials, or the pool has too
        few trials to replace one.

    Examples
    --------
    >>> import eegxai, torch
    >>> eeg = eegxai.simulate("temporal", snr_db=-3.5, seed=0, n_trials=4)
    >>> linear = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(eeg.x[0].size, 4))
    >>> x, y = torch.from_numpy(eeg.x), torch.from_numpy(eeg.y)
    >>> curves = deletion_curves(linear, x, y, {"input": x}, eeg.info)
    >>> list(curves.columns)
    ['method', 'trial', 'curve', 'share', 'decision', 'random']
    """
    how, n_windows = lookup(FILLINGS, filling, "filling"), windows_of(info, x.shape[2])
    sums = {name: window_sums(name, each, x, n_windows) for name, each in maps.items()}
    replaced = _replaced(decoder, x, target, x if pool is None else pool, how, n_donors, n_windows)
    parts = []
    for number, (trial, random) in enumerate(
        zip(replaced, trial_generators(x, "deletion"), strict=True)
    ):
        own = {name: each[number] for name, each in sums.items()}
        parts.append(_of_trial(trial, own, random, n_orders).assign(trial=number))
    columns = ["method", "trial", "curve", "share", "decision", "random"]
    return pd.concat(parts, ignore_index=True)[columns]


def curve_areas(curves: pd.DataFrame) -> pd.DataFrame:
    """Area between the curve of each method's order and of random orders, with 95 % intervals.

    As a share of the whole change: what the decision loses as all of the trial is replaced, its
    root mean square over the trials. 0 is chance; more is better, for deletion too.

    Parameters
    ----------
    curves : DataFrame
        As :func:`deletion_curves` gives it.

    Returns
    -------
    DataFrame
        One row per method and curve (``"deletion"``, ``"insertion"``, and ``"both"``, their mean):
        area, low and high (Student's interval over trials: of this decoder, not of others), n_valid
        trials, and beside them chance and ceiling, the areas of ``ORDER_LEVELS``. NaN where nothing
        changes as trials are replaced.

    Examples
    --------
    >>> import pandas as pd
    >>> falls = {"deletion": (3.0, 1.0, 0.0), "insertion": (0.0, 3.0, 3.0)}
    >>> rows = [
    ...     ("one", trial, curve, share, value, 3 - 3 * share if curve == "deletion" else 3 * share)
    ...     for trial in (0, 1)
    ...     for curve, values in falls.items()
    ...     for share, value in zip((0.0, 0.5, 1.0), values)
    ... ]
    >>> names = ["method", "trial", "curve", "share", "decision", "random"]
    >>> curve_areas(pd.DataFrame(rows, columns=names)).set_index("curve").area.round(3).to_dict()
    {'deletion': 0.083, 'insertion': 0.25, 'both': 0.167}
    """
    areas = trial_areas(curves)
    rows = [
        {"method": name, "curve": curve, **_area_interval(each)}
        for name, own in areas.groupby("method", sort=False)
        for curve, each in own.groupby("curve", sort=False)["area"]
    ]
    table = pd.DataFrame(rows)
    for column, level in zip(("chance", "ceiling"), ORDER_LEVELS, strict=True):
        known = table[table["method"] == level].set_index("curve")["area"]
        table[column] = table["curve"].map(known)
    return table


def trial_areas(curves: pd.DataFrame) -> pd.DataFrame:
    """Areas of :func:`curve_areas` trial by trial: method, trial, curve, area."""
    gained = np.where(curves["curve"] == CURVES[0], -1, 1) * (curves["decision"] - curves["random"])
    places = curves.assign(gained=gained).groupby(["method", "trial", "curve"], sort=False)
    areas = {place: _area(rows) for place, rows in places}
    index = pd.MultiIndex.from_tuples(areas, names=["method", "trial", "curve"])
    found = pd.Series(areas.values(), index, name="area").reset_index()
    found["area"] /= whole_change(curves)
    both = found.groupby(["method", "trial"], sort=False)["area"].mean().reset_index()
    return pd.concat([found, both.assign(curve=BOTH)], ignore_index=True)


def whole_change(curves: pd.DataFrame) -> float:
    """Root mean square over trials of what the decision loses as all of a trial is replaced.

    Not the mean, which is near 0 where the trials that replace are often of the same class.
    """
    deletion = curves[curves["curve"] == CURVES[0]]
    ends = deletion.sort_values("share").groupby("trial")["random"].agg(["first", "last"])
    change = float(np.sqrt(np.square(ends["first"] - ends["last"]).mean()))
    return change if change > 0 else np.nan


def windows_of(info: mne.Info, n_times: int) -> int:
    """Windows that a channel is divided into: of 100 ms, or longer for ``MOST_PIECES`` at most."""
    wanted = round(n_times / info["sfreq"] / WINDOW_S)
    return int(np.clip(min(wanted, MOST_PIECES // len(info["chs"])), 1, n_times))


def window_sums(name: str, maps: Tensor | npt.ArrayLike, x: Tensor, n_windows: int) -> np.ndarray:
    """Sums of maps over windows of channels, (trials, channels * windows), float64."""
    values = torch.as_tensor(maps).detach().cpu().double()
    if values.shape != x.shape:
        raise ValueError(
            f"maps[{name!r}] has shape {tuple(values.shape)}, the trials {tuple(x.shape)}: both "
            "must be (trials, channels, times) of the same trials"
        )
    parts = torch.tensor_split(values, n_windows, dim=2)
    return torch.stack([part.sum(2) for part in parts], 2).flatten(1).numpy()


# ------------------------------------------------------------------ one trial


@dataclass(frozen=True, eq=False)
class ReplacedTrial:
    """A trial, and what takes the place of its pieces.

    Attributes
    ----------
    decoder, label
        Whose decision for which class.
    trial : Tensor (channels, times)
    others : Tensor (donors, channels, times)
    covariance : Tensor (channels, channels) or None
    n_windows : int
    """

    decoder: nn.Module
    label: Tensor
    trial: Tensor
    others: Tensor
    covariance: Tensor | None
    n_windows: int

    @property
    def n_pieces(self) -> int:
        """Windows of all channels."""
        return len(self.trial) * self.n_windows

    def decisions(self, kept: np.ndarray) -> np.ndarray:
        """Mean over donors of the decision with some pieces kept, (masks, pieces) to (masks,)."""
        masks = torch.from_numpy(kept).to(self.trial.device).unflatten(1, (len(self.trial), -1))
        found = [
            contrast(predict(self.decoder, inputs), self.label.expand(len(inputs)))
            for inputs in (filled(self.trial, o, masks, self.covariance) for o in self.others)
        ]
        return torch.stack(found).mean(0).cpu().numpy()


def _replaced(
    decoder: nn.Module,
    x: Tensor,
    target: Tensor,
    pool: Tensor,
    how: Filling,
    n_donors: int,
    n_windows: int,
) -> Iterator[ReplacedTrial]:
    """Each trial with its donors."""
    covariance = channel_covariance(pool) if how.conditional else None
    donors = donors_of(x, pool, n_donors)
    for trial, label, others in zip(x, target.to(x.device), donors, strict=True):
        yield ReplacedTrial(decoder, label, trial, how.other(others), covariance, n_windows)


def _of_trial(
    trial: ReplacedTrial,
    sums: Mapping[str, np.ndarray],
    random: np.random.Generator,
    n_orders: int,
) -> pd.DataFrame:
    """Rows of all methods for one trial."""
    orders = np.argsort(random.random((n_orders + 1, trial.n_pieces)), axis=1)
    (alone, others), ties = (orders[0], orders[1:]), random.permutation(trial.n_pieces)
    by_chance = _decisions(trial, others).mean(0)
    ordered = {name: _pieces_by_sum(each, ties) for name, each in sums.items()}
    ordered |= {RANDOM_ORDER: alone, MEASURED_ORDER: _pieces_by_sum(_losses(trial), ties)}
    first = np.stack(list(ordered.values()))
    curves = {
        "deletion": (_decisions(trial, first), by_chance),
        "insertion": (_decisions(trial, first[:, ::-1])[:, ::-1], by_chance[::-1]),
    }
    constant = [name for name, each in sums.items() if not np.ptp(each) > 0]
    rows = [
        {"method": name, "curve": curve, "share": SHARES, "decision": values, "random": chance}
        for curve, (decisions, chance) in curves.items()
        for name, values in zip(ordered, decisions, strict=True)
    ]
    table = pd.DataFrame(rows).explode(["share", "decision", "random"])
    table = table.astype({"share": float, "decision": float, "random": float})
    table.loc[table["method"].isin(constant), "decision"] = np.nan
    return table


def _pieces_by_sum(sums: np.ndarray, ties: np.ndarray) -> PieceOrder:
    """Pieces from the largest sum to the smallest; equal ones in a random order."""
    return ties[np.argsort(-sums[ties], kind="stable")]


def _decisions(trial: ReplacedTrial, orders: PieceOrder) -> np.ndarray:
    """Decisions (orders, shares) as more and more pieces, from the first, are replaced."""
    ranks = np.argsort(orders, axis=1)
    counts = np.floor(np.array(SHARES) * trial.n_pieces + 0.5)
    kept = ranks[:, None, :] >= counts[:, None]
    return trial.decisions(kept.reshape(-1, trial.n_pieces)).reshape(len(orders), -1)


def _losses(trial: ReplacedTrial) -> np.ndarray:
    """What the decision loses without each piece alone, (pieces,)."""
    return -trial.decisions(~np.eye(trial.n_pieces, dtype=bool))


def _area(rows: pd.DataFrame) -> float:
    ordered = rows.sort_values("share")
    return float(np.trapezoid(ordered["gained"], ordered["share"]))


def _area_interval(areas: pd.Series) -> dict[str, float]:
    mean, low, high, n_valid = student_interval(areas)
    return {"area": mean, "low": low, "high": high, "n_valid": n_valid}
