"""Edge filters of the trials: controls that look for change, not for what a decoder used.

Clark et al., XAI-TRIS: non-linear image benchmarks, Machine Learning 113:6871 (2024), compare
explanations with the Sobel and Laplace filters of the input.
"""

import mne
import numpy as np
import scipy
import torch
from torch import Tensor
from torch.nn.functional import pad

N_NEIGHBOURS = 4  # electrodes around one, as in Hjorth's Laplacian

SOBEL = (-1.0, 0.0, 1.0)  # in one dimension Sobel's kernel is the central difference
LAPLACE = (1.0, -2.0, 1.0)


def filtered_over_time(x: Tensor, kernel: tuple[float, float, float]) -> Tensor:
    """Trials filtered over time by three weights: those of the sample before, it, and the next.

    Parameters
    ----------
    x : Tensor (trials, channels, times)
        In µV. Outside the epoch, the first and the last sample go on.
    kernel : tuple of three numbers
    """
    before, now, after = kernel
    wider = pad(x, (1, 1), mode="replicate")
    return before * wider[..., :-2] + now * x + after * wider[..., 2:]


def over_channels(x: Tensor, info: mne.Info) -> Tensor:
    """Mean of the nearest channels minus the channel itself, at every sample.

    Hjorth, Electroencephalogr. Clin. Neurophysiol. 39:526 (1975), with the sign of the
    Laplace operator.

    Parameters
    ----------
    x : Tensor (trials, channels, times)
        In µV.
    info : mne.Info
        The channels with their positions.
    """
    return x[:, neighbours(info).to(x.device)].mean(2) - x


def neighbours(info: mne.Info) -> Tensor:
    """Numbers of the four electrodes (all others if there are fewer) nearest to each.

    Returns
    -------
    Tensor (channels, neighbours)
    """
    places = np.stack([channel["loc"][:3] for channel in info["chs"]])
    n_nearest = min(N_NEIGHBOURS, len(places) - 1)
    nearest = scipy.spatial.cKDTree(places).query(places, k=range(1, n_nearest + 2))[1]
    return torch.from_numpy(nearest[:, 1:])
