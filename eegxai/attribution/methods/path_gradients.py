"""Gradients averaged along paths from a baseline or references, or over noise around the trial.

Every pass holds one point of each trial, so memory does not grow with the number of points.
"""

import numpy as np
import torch
from pydantic import NonNegativeFloat, PositiveInt
from torch import Tensor, nn

from eegxai.attribution.core.reference_input import (
    ReferenceInput,
    logit_difference,
    reference_input,
)
from eegxai.attribution.core.registry import attribution, target_logits
from eegxai.attribution.engine.frequency import contributions
from eegxai.seeding import trial_generators

REFERENCES_AT_A_TIME = 8


def _input_gradient(decoder: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    points = x.detach().requires_grad_()
    logits = target_logits(decoder, points, target)
    return torch.autograd.grad(logits.sum(), points)[0]


@attribution("IntegratedGradients", completeness_target=logit_difference, frequency="multiplier")
def integrated_gradients(
    decoder: nn.Module,
    x: Tensor,
    target: Tensor,
    *,
    steps: PositiveInt = 50,
    baseline: ReferenceInput = "zero",
) -> Tensor:
    """Gradient averaged between a baseline and the trial, times their difference.

    Sundararajan et al., arXiv:1703.01365. Complete up to the error of the quadrature.

    Parameters
    ----------
    steps : int
        Gauss-Legendre nodes between the baseline and the trial.
    baseline : str
        ``"zero"``, or ``"mean"``: each channel's mean over the trial's samples.
    """
    start = reference_input(x, baseline)
    nodes, weights = np.polynomial.legendre.leggauss(steps)  # on -1..1
    average = torch.zeros_like(x)
    for position, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
        average += weight * _input_gradient(decoder, torch.lerp(start, x, position), target)
    return contributions(x - start, average)


@attribution("SmoothGrad", frequency="gradient")
def smooth_grad(
    decoder: nn.Module,
    x: Tensor,
    target: Tensor,
    *,
    samples: PositiveInt = 25,
    noise: NonNegativeFloat = 0.15,
) -> Tensor:
    """Signed gradient averaged over trials with added noise (Smilkov et al., arXiv:1706.03825).

    Parameters
    ----------
    samples : int
        Noisy copies of each trial.
    noise : float
        Standard deviation of the white Gaussian noise as a share of the trial's range, its
        largest minus its smallest value; the paper uses 0.1 to 0.2.
    """
    generators = trial_generators(x, "smooth_grad")
    deviation = noise * (x.amax((1, 2), keepdim=True) - x.amin((1, 2), keepdim=True))
    average = torch.zeros_like(x)
    for _ in range(samples):
        draws = np.stack([random.standard_normal(x.shape[1:]) for random in generators])
        noisy = x + deviation * torch.from_numpy(draws).to(x)
        average += _input_gradient(decoder, noisy, target) / samples
    return average


def _gain_over_references(
    decoder: nn.Module,
    x: Tensor,
    target: Tensor,
    *,
    references: Tensor,
    samples: PositiveInt = 50,
) -> Tensor:
    """Logit of the trial minus the mean logit of the references."""
    with torch.no_grad():
        logits = [decoder(some) for some in references.split(REFERENCES_AT_A_TIME)]
    return target_logits(decoder, x, target) - torch.cat(logits).mean(0)[target]


@attribution("GradientSHAP", completeness_target=_gain_over_references, frequency="multiplier")
def gradient_shap(
    decoder: nn.Module,
    x: Tensor,
    target: Tensor,
    *,
    references: Tensor,
    samples: PositiveInt = 50,
) -> Tensor:
    """Expected gradient: Integrated Gradients averaged over baselines drawn from references.

    Lundberg & Lee, arXiv:1705.07874, as their software samples it; Erion et al.,
    arXiv:1906.10670. Complete in expectation. References are drawn in turn from a random order,
    and positions between reference and trial one from each of as many equal parts as there are
    samples: the expectation of independent draws with less of their scatter.

    Parameters
    ----------
    references : Tensor
        Trials (n, channels, times) in µV.
    samples : int
        Pairs of a reference and a position for each trial.
    """
    generators = trial_generators(x, "gradient_shap")
    draws = [_draw_path_points(random, len(references), samples) for random in generators]
    chosen, positions = (torch.from_numpy(np.stack(drawn, 1)) for drawn in zip(*draws, strict=True))
    average = torch.zeros_like(x)
    for index, position in zip(chosen.to(x.device), positions.to(x), strict=True):  # of each trial
        start = references[index]
        points = torch.lerp(start, x, position[:, None, None])
        average += contributions(x - start, _input_gradient(decoder, points, target) / samples)
    return average


def _draw_path_points(
    random: np.random.Generator, n: int, samples: int
) -> tuple[np.ndarray, np.ndarray]:
    """Indices of references and positions between 0 (reference) and 1 (trial), each (samples,)."""
    parts = random.permutation(samples)
    return np.resize(random.permutation(n), samples), (parts + random.random(samples)) / samples
