"""A recording and the weights of a trained network in files, as people have them."""

import numpy as np
import torch
from safetensors.torch import save_file

from eegxai.decoders import TrainingSpec, fit
from eegxai.decoders.compiled import original_module
from eegxai.simulation import files, simulate

RECORDING, WEIGHTS = "sub-01-epo.fif", "eegnet.safetensors"
CHANNELS = ["Fz", "C3", "Cz", "C4", "Pz", "Oz"]
N_TRIALS, SFREQ = 60, 64.0


def write_own_decoder(folder):
    """Epochs of known classes, and weights of ``braindecode:EEGNet`` trained on them."""
    from braindecode.models import EEGNet  # seconds, which processes that write none are spared

    eeg = simulate(
        "temporal", snr_db=6, seed=0, n_trials=N_TRIALS, montage=CHANNELS, sfreq=SFREQ, tmax=1.0
    )
    files.write_eeg(eeg, folder / RECORDING)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = EEGNet(n_chans=len(CHANNELS), n_outputs=eeg.n_classes, n_times=eeg.x.shape[2])
    trials = torch.from_numpy(eeg.x), torch.from_numpy(eeg.y.astype(np.int64))
    spec = TrainingSpec(learning_rate=1e-2, batch_size=16, epochs=20)
    fit(network, trials, trials, spec, seed=0)
    save_file(original_module(network).state_dict(), folder / WEIGHTS)
