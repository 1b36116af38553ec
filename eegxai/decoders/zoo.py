"""Architectures of the field, from braindecode, in this project's registry.

The learning rates suit a few thousand one-second trials. Number types and layouts are those that
train fastest on an AVX-512 CPU; in bfloat16 EEGNet's depthwise convolutions take minutes per step.
"""

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import Any

import torch
from torch import nn

from eegxai.decoders.registry import decoder

BFLOAT16 = {"learning_rate": 1e-3, "batch_size": 32, "patience": 10, "precision": "bfloat16"}
EEGNET: dict[str, Any] = {
    "cam_layer": "bnorm_1",
    "training": {"learning_rate": 3e-3, "batch_size": 32, "patience": 10},
}
SHALLOW_FBCSP: dict[str, Any] = {"cam_layer": "bnorm", "training": BFLOAT16}
DEEP4: dict[str, Any] = {
    "cam_layer": "bnorm_2",
    "training": {**BFLOAT16, "learning_rate": 3e-3, "batch_size": 16},
}
EEGCONFORMER: dict[str, Any] = {
    "cam_layer": "patch_embedding.shallownet.1",
    "training": {**BFLOAT16, "learning_rate": 3e-4},
}
ATCNET: dict[str, Any] = {
    "cam_layer": "conv_block.bn3",
    "layout": torch.contiguous_format,
    "training": BFLOAT16,
}
DEEPSLEEPNET: dict[str, Any] = {"cam_layer": "cnn1.conv1.1", "training": BFLOAT16}
DEEP4_MIN_TIMES = 441  # of the original sizes
DEEP4_SHORT = {
    "pool_time_length": 2,
    "pool_time_stride": 2,
    "filter_length_2": 5,
    "filter_length_3": 5,
    "filter_length_4": 5,
}


@cache
def braindecode(part: str) -> Any:
    """A part of braindecode (``models``, ``modules``), imported only when a decoder is built.

    It takes 85 MB and imports several packages, which tables and figures do not need.
    """
    with without_montage_warnings():
        return import_module(f"braindecode.{part}")


@contextmanager
def without_montage_warnings() -> Iterator[None]:
    """Import braindecode without what MNE says of its montages, as a warning and in its log.

    braindecode 1.8 asks for names that MNE 1.13 deprecates.
    """

    def of_something_else(record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith("Montage name")

    log = logging.getLogger("mne")
    log.addFilter(of_something_else)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Montage name", FutureWarning)
            yield
    finally:
        log.removeFilter(of_something_else)


def loaded_modules(*names: str) -> tuple[type[nn.Module], ...]:
    """Classes of ``braindecode.modules``; none while nobody has imported it, and so has any."""
    modules = sys.modules.get("braindecode.modules")
    return tuple(getattr(modules, name) for name in names) if modules else ()


def _braindecode_sizes(
    n_channels: int, n_times: int, n_classes: int, sfreq: float
) -> dict[str, float]:
    return {"n_chans": n_channels, "n_times": n_times, "n_outputs": n_classes, "sfreq": sfreq}


def _eegnet(size: dict[str, float], activation: type[nn.Module]) -> nn.Module:
    """EEGNet with the max-norm constraint of the original on its last layer."""
    return braindecode("models").EEGNet(
        **size, activation=activation, final_layer_with_constraint=True
    )


@decoder("eegnet", **EEGNET)
def eegnet(n_channels: int, n_times: int, n_classes: int, sfreq: float) -> nn.Module:
    """EEGNet-8,2 with ELU (Lawhern et al., J. Neural Eng. 15:056013, 2018)."""
    return _eegnet(_braindecode_sizes(n_channels, n_times, n_classes, sfreq), nn.ELU)


@decoder("eegnet_relu", **EEGNET)
def eegnet_relu(n_channels: int, n_times: int, n_classes: int, sfreq: float) -> nn.Module:
    """EEGNet with ReLU modules, to which GuidedBackprop and Deconvolution are applicable."""
    return _eegnet(_braindecode_sizes(n_channels, n_times, n_classes, sfreq), nn.ReLU)


@decoder("shallow_fbcsp", **SHALLOW_FBCSP)
def shallow_fbcsp(n_channels: int, n_times: int, n_classes: int, sfreq: float) -> nn.Module:
    """Shallow filter-bank CSP network (Schirrmeister et al., Hum. Brain Mapp. 38:5391, 2017)."""
    return braindecode("models").ShallowFBCSPNet(
        **_braindecode_sizes(n_channels, n_times, n_classes, sfreq)
    )


def _deep4(size: dict[str, float], activation: type[nn.Module]) -> nn.Module:
    """Deep4, with smaller kernels and pools if the trials are too short for the original ones.

    For one second at 250 Hz, braindecode itself scales the pools down to single samples, which
    removes them.
    """
    lengths = {} if size["n_times"] >= DEEP4_MIN_TIMES else DEEP4_SHORT
    return braindecode("models").Deep4Net(
        **size,
        **lengths,
        activation_first_conv_nonlin=activation,
        activation_later_conv_nonlin=activation,
    )


@decoder("deep4", **DEEP4)
def deep4(n_channels: int, n_times: int, n_classes: int, sfreq: float) -> nn.Module:
    """Four-block convolutional network (Schirrmeister et al., Hum. Brain Mapp. 38:5391, 2017)."""
    return _deep4(_braindecode_sizes(n_channels, n_times, n_classes, sfreq), nn.ELU)


@decoder("deep4_relu", **DEEP4)
def deep4_relu(n_channels: int, n_times: int, n_classes: int, sfreq: float) -> nn.Module:
    """Deep4 with ReLU modules instead of ELU."""
    return _deep4(_braindecode_sizes(n_channels, n_times, n_classes, sfreq), nn.ReLU)


@decoder("eegconformer", **EEGCONFORMER)
def eegconformer(n_channels: int, n_times: int, n_classes: int, sfreq: float) -> nn.Module:
    """Convolutional transformer (Song et al., IEEE TNSRE 31:710, 2023)."""
    return braindecode("models").EEGConformer(
        **_braindecode_sizes(n_channels, n_times, n_classes, sfreq)
    )


@decoder("atcnet", **ATCNET)
def atcnet(n_channels: int, n_times: int, n_classes: int, sfreq: float) -> nn.Module:
    """Attention over windows of features (Altaheri et al., IEEE TII 19:2249, 2023)."""
    return braindecode("models").ATCNet(**_braindecode_sizes(n_channels, n_times, n_classes, sfreq))


@decoder("deepsleepnet", **DEEPSLEEPNET)
def deepsleepnet(n_channels: int, n_times: int, n_classes: int, sfreq: float) -> nn.Module:
    """Two convolutional paths into an LSTM (Supratak et al., IEEE TNSRE 25:1998, 2017).

    The only LSTM decoder of braindecode. Its layers are narrower here: with the original sizes,
    for one channel of sleep EEG, 62 channels give 90 million weights. The LSTM reads one step per
    trial, as in braindecode, so it gates features rather than following them through time.
    """
    module = braindecode("models").DeepSleepNet(
        **_braindecode_sizes(n_channels, n_times, n_classes, sfreq),
        small_n_filters_1=16,
        small_n_filters_2=16,
        large_n_filters_1=16,
        large_n_filters_2=16,
        bilstm_hidden_size=64,
        bilstm_num_layers=1,
    )
    given = module.bilstm
    module.bilstm = ExplainableLSTM(
        given.input_size, given.hidden_size, batch_first=True, bidirectional=True
    )
    return module


class ExplainableLSTM(nn.LSTM):
    """LSTM without cuDNN and oneDNN, which lack gradients that explanations need.

    cuDNN has no gradients in evaluation mode, and oneDNN none in forward mode (CompleteFullGrad).
    """

    def forward(self, *args: Any) -> Any:
        """As in nn.LSTM."""
        with torch.backends.cudnn.flags(enabled=False), torch.backends.mkldnn.flags(enabled=False):
            return super().forward(*args)  # type: ignore[has-type]
