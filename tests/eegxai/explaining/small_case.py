"""A decoder whose weights are known, and trials that it reads: one channel lifted per class."""

import mne
import numpy as np
import torch
from torch import nn

CHANNELS = ("C3", "Cz", "C4", "Pz")
CLASSES = ("left", "feet", "right")
N_TIMES, SFREQ = 40, 40.0
NOISE, BUMP = 8.0, 15.0  # µV


class Reader(nn.Module):
    """Class k by how far the mean of channel k exceeds a level in µV; knows its channels."""

    def __init__(self, n_classes=3, scale=1.0):
        super().__init__()
        self.scale = scale  # from the unit of the trials to µV
        self.hidden = nn.Linear(len(CHANNELS) * N_TIMES, len(CHANNELS))
        self.readout = nn.Linear(len(CHANNELS), n_classes)
        with torch.no_grad():
            self.hidden.weight.copy_(torch.eye(len(CHANNELS)).repeat_interleave(N_TIMES, 1))
            self.hidden.weight.div_(N_TIMES)
            self.hidden.bias.fill_(-BUMP / 3)
            self.readout.weight.copy_(torch.eye(len(CHANNELS))[:n_classes])
            self.readout.bias.zero_()
            self.readout.bias[0] = 0.1

    def forward(self, x):
        return self.readout(self.hidden(self.scale * x.flatten(1)).tanh())


def trials(n=30, n_classes=3, seed=0):
    """Trials (n, 4, 40) in µV and their classes."""
    generator = np.random.default_rng(seed)
    y = np.arange(n) % n_classes
    x = NOISE * generator.standard_normal((n, len(CHANNELS), N_TIMES))
    x[np.arange(n), y, 10:30] += 2 * BUMP
    return x.astype(np.float32), y


def epochs(x, y, class_names=CLASSES, ch_names=CHANNELS):
    """Trials in µV as MNE has them, in volts."""
    info = mne.create_info(list(ch_names), SFREQ, "eeg")
    info.set_montage("colin27_1020")
    events = np.column_stack([np.arange(len(y)) * N_TIMES, np.zeros_like(y), y + 1])
    ids = {name: code for code, name in enumerate(class_names, 1)}
    return mne.EpochsArray(x.astype(float) * 1e-6, info, events, 0.0, ids, verbose="error")
