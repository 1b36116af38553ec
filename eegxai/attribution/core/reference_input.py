"""The input that a method starts from: a trial that holds nothing."""

from typing import Any, Literal

import torch
from torch import Tensor, nn

from eegxai.attribution.core.registry import target_logits

ReferenceInput = Literal["zero", "mean"]


def reference_input(x: Tensor, baseline: ReferenceInput) -> Tensor:
    """Trials that hold nothing: zeros, or each channel's mean over the trial's samples."""
    return torch.zeros_like(x) if baseline == "zero" else x.mean(2, keepdim=True).expand_as(x)


def logit_difference(
    decoder: nn.Module,
    x: Tensor,
    target: Tensor,
    *,
    baseline: ReferenceInput = "zero",
    **_options: Any,
) -> Tensor:
    """Logit of each trial minus that of its baseline, (trials,): what complete maps sum to."""
    start = reference_input(x, baseline)
    return target_logits(decoder, x, target) - target_logits(decoder, start, target)
