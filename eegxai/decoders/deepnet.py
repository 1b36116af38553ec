"""The study's network: five temporal convolutions, one over all channels, two dense layers.

Sujatha Ravindran & Contreras-Vidal, Scientific Reports 13:17709 (2023), and the authors'
public research code (layer sizes).
"""

import torch
from torch import Tensor, nn

from eegxai.decoders.registry import decoder

N_FILTERS = 32
KERNEL = 5
N_TEMPORAL = 5
N_HIDDEN = 32
DROPOUT = 0.5
# For a few thousand trials; the study trains 32,000 with the defaults of TrainingSpec.
TRAINING = {"learning_rate": 2e-3, "batch_size": 32, "precision": "bfloat16"}


class DeepNet(nn.Module):
    """The study's convolutional network for trials of any size.

    Five valid temporal convolutions (32 filters of 1 x 5), each followed by a ReLU and the
    first four by a max-pool of 1 x 2; a convolution over all channels, ReLU; dense 32, ReLU,
    dropout 0.5, dense to the classes. Every ReLU is a module of its own, as required by
    libraries that hook modules (captum).
    """

    def __init__(self, n_channels: int, n_times: int, n_classes: int) -> None:
        super().__init__()
        columns = n_columns(n_times)
        if columns < 1:
            raise ValueError(f"n_times={n_times} is too short; at least {MIN_TIMES} are needed")
        self.temporal = nn.Sequential(*_temporal_stages())
        self.spatial = nn.Conv2d(N_FILTERS, N_FILTERS, (n_channels, 1))
        self.spatial_relu = nn.ReLU()
        self.hidden = nn.Linear(N_FILTERS * columns, N_HIDDEN)
        self.hidden_relu = nn.ReLU()
        self.dropout = nn.Dropout(DROPOUT)
        self.output = nn.Linear(N_HIDDEN, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (trials, classes) of trials (trials, channels, times)."""
        features = self.spatial_relu(self.spatial(self.temporal(x.unsqueeze(1))))
        hidden = self.hidden_relu(self.hidden(torch.flatten(features, 1)))
        return self.output(self.dropout(hidden))


def _temporal_stages() -> list[nn.Module]:
    stages: list[nn.Module] = []
    for stage in range(N_TEMPORAL):
        stages += [nn.Conv2d(1 if stage == 0 else N_FILTERS, N_FILTERS, (1, KERNEL)), nn.ReLU()]
        if stage < N_TEMPORAL - 1:
            stages.append(nn.MaxPool2d((1, 2)))
    return stages


def n_columns(n_times: int) -> int:
    """Number of time columns after the fifth temporal convolution, for ``n_times`` samples."""
    columns = n_times
    for _ in range(N_TEMPORAL - 1):
        columns = (columns - KERNEL + 1) // 2
    return columns - KERNEL + 1


MIN_TIMES = next(n for n in range(1, 1000) if n_columns(n) >= 1)


@decoder("deepnet", cam_layer="temporal.12", training=TRAINING)
def deepnet(n_channels: int, n_times: int, n_classes: int, sfreq: float) -> nn.Module:
    """Build the study's network; the sampling rate does not change it."""
    return DeepNet(n_channels, n_times, n_classes)
