"""Architectures of the field, from braindecode, under this project's registry."""

import warnings

from torch import nn

from eegxai.decoders.registry import decoder

with warnings.catch_warnings():
    # braindecode 1.8 asks MNE for montage names that MNE 1.13 deprecates.
    warnings.simplefilter("ignore", FutureWarning)
    from braindecode.models import Deep4Net, EEGConformer, EEGNet, ShallowFBCSPNet
    from braindecode.modules import CombinedConv as CombinedConv


def _size(n_channels: int, n_times: int, n_classes: int, sfreq: float) -> dict[str, float]:
    return {"n_chans": n_channels, "n_times": n_times, "n_outputs": n_classes, "sfreq": sfreq}


def _eegnet(size: dict[str, float], activation: type[nn.Module]) -> nn.Module:
    """EEGNet with the max-norm constraint of the original on its last layer."""
    return EEGNet(**size, activation=activation, final_layer_with_constraint=True)


@decoder("eegnet", cam_layer="bnorm_1")
def eegnet(n_channels: int, n_times: int, n_classes: int, sfreq: float) -> nn.Module:
    """EEGNet-8,2 with ELU (Lawhern et al., J. Neural Eng. 15:056013, 2018)."""
    return _eegnet(_size(n_channels, n_times, n_classes, sfreq), nn.ELU)


@decoder("eegnet_relu", cam_layer="bnorm_1")
def eegnet_relu(n_channels: int, n_times: int, n_classes: int, sfreq: float) -> nn.Module:
    """EEGNet with ReLU modules, on which GuidedBackprop and Deconvolution mean something."""
    return _eegnet(_size(n_channels, n_times, n_classes, sfreq), nn.ReLU)


@decoder("shallow_fbcsp", cam_layer="bnorm")
def shallow_fbcsp(n_channels: int, n_times: int, n_classes: int, sfreq: float) -> nn.Module:
    """Shallow filter-bank CSP network (Schirrmeister et al., Hum. Brain Mapp. 38:5391, 2017)."""
    return ShallowFBCSPNet(**_size(n_channels, n_times, n_classes, sfreq))


@decoder("deep4", cam_layer="bnorm_2")
def deep4(n_channels: int, n_times: int, n_classes: int, sfreq: float) -> nn.Module:
    """Four-block convolutional network (Schirrmeister et al., Hum. Brain Mapp. 38:5391, 2017)."""
    return Deep4Net(**_size(n_channels, n_times, n_classes, sfreq))


@decoder("eegconformer", cam_layer="patch_embedding.shallownet.1")
def eegconformer(n_channels: int, n_times: int, n_classes: int, sfreq: float) -> nn.Module:
    """Convolutional transformer (Song et al., IEEE TNSRE 31:710, 2023)."""
    return EEGConformer(**_size(n_channels, n_times, n_classes, sfreq))
