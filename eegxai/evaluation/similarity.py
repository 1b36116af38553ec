"""How alike two explanations of one trial are, and how alike random maps would be.

A randomization has worked when the map has changed. Each similarity is in -1 .. 1, 1 for equal
maps of any scale, and is taken of the signed maps and of their magnitudes: a map that keeps its
places and loses its signs is still alike in magnitude. Undefined, as of constant maps, is NaN.
"""

import numpy as np
import torch
from torch import Tensor

from eegxai.attribution.baselines import seeded_by_trial
from eegxai.evaluation.maps import Maps
from eegxai.evaluation.metrics import METRICS, Metric


def spearman(one: Maps, other: Maps) -> Tensor:
    """Rank correlation over the pixels, (trials,)."""
    return (one.standard_ranks * other.standard_ranks).sum(1)


def _of_magnitudes(similarity: Metric) -> Metric:
    return lambda one, other: similarity(one.magnitude, other.magnitude)


# By mode and metric. The paper's are two of its sixteen; SSIM is that of maps brought to 0 .. 1.
SIMILARITIES: dict[str, dict[str, Metric]] = {
    "paper": {name: METRICS[name] for name in ("pearson_raw", "ssim_minmax")},
    "calibrated": {
        "pearson_magnitude": _of_magnitudes(METRICS["pearson_raw"]),
        "spearman_raw": spearman,
        "spearman_magnitude": _of_magnitudes(spearman),
        "ssim_magnitude": _of_magnitudes(METRICS["ssim_minmax"]),
    },
}


def phase_randomized(maps: Maps) -> Maps:
    """Random maps as smooth as given ones: their spectra over both axes, with random phases.

    Theiler et al., Physica D 58:77 (1992), in two dimensions. The similarity of a map to its
    random copy is what two maps of that smoothness share by chance. The mean of a map stays;
    pixels that are not valid count as the mean. Random copies are Gaussian, so that those of a
    map with a few peaks are less peaked. A trial's phases depend on its map alone.

    Parameters
    ----------
    maps : Maps (trials, height, width)
        Finite maps.
    """
    values = _filled(maps)
    spectrum = torch.fft.rfft2(values)
    phases = torch.fft.rfft2(_noise(values)).sgn()
    phases[:, 0, 0] = spectrum[:, 0, 0].sgn()
    copies = torch.fft.irfft2(spectrum.abs() * phases, s=values.shape[1:])
    return Maps(copies if maps.mask is None else copies.masked_fill(~maps.mask, 0), maps.mask)


def _filled(maps: Maps) -> Tensor:
    """Maps with the mean of their valid pixels at those that are not."""
    if maps.mask is None:
        return maps.values
    return torch.where(maps.mask, maps.values, maps.rows.mean(1)[:, None, None])


def _noise(values: Tensor) -> Tensor:
    streams = seeded_by_trial(values, "random phases")
    draws = [stream.standard_normal(values.shape[1:]) for stream in streams]
    return torch.from_numpy(np.stack(draws)).to(values)
