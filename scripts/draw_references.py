"""Draw the three references of one trial for docs/evaluation.md (about three minutes on one core).

The planted signal, the ideal observer's contributions, what a decoder used, and a method's map: of
a decoder of the settings of `conf/study-small.yaml`, and of its test trial whose planted signal
agrees with the use as well as in the median trial.
"""

from pathlib import Path

import numpy as np
import torch

import eegxai
from eegxai.attribution import attribute
from eegxai.evaluation import ideal_observer
from eegxai.evaluation.maps.explanation import Explanation, product
from eegxai.evaluation.metrics.agreement import piece_pearson
from eegxai.evaluation.references.use import DecoderUse, decoder_use
from eegxai.evaluation.references.use_scores import piece_sums, planted_signal
from eegxai.figures import ScalpAndTime, decibels, digits, references_of_trial, save

PICTURE = Path(__file__).parents[1] / "docs" / "img" / "references-of-trial.png"
SNR_DB, N_TRIALS, N_SHOWN_FROM, METHOD = -3.5, 800, 31, "DeepLift"
TRAINING = eegxai.TrainingSpec(learning_rate=2e-3, batch_size=16, epochs=8)


def main() -> None:
    """Write docs/img/references-of-trial.png."""
    eeg = eegxai.simulate("temporal", snr_db=SNR_DB, seed=0, n_trials=N_TRIALS)
    decoder, trials = trained(eeg)
    x, y, signal = (torch.from_numpy(a[trials]) for a in (eeg.x, eeg.y, eeg.ground_truth))
    ideal = ideal_observer(eeg, trials)
    assert ideal is not None
    maps = attribute(METHOD, decoder, x, y, output="contrast")
    said = {
        "planted signal": planted_signal(signal),
        "ideal observer": product(*map(torch.from_numpy, (ideal.x, ideal.template))),
        METHOD: Explanation(maps),
    }
    use = decoder_use(decoder, x, y, signal, eeg.info)
    sums = {name: piece_sums(each, eeg.info) for name, each in said.items()}
    trial = median_trial(piece_pearson(sums["planted signal"]["channel"], uses(use)["channel"]))
    title = (
        f"One test trial of deepnet, temporal at {decibels(SNR_DB)} dB, seed 0: on the scalp (sums "
        "over time) and over windows of time (sums over channels), each relative to its peak."
    )
    figure = references_of_trial(columns(sums, uses(use), trial), eeg.info, epoch_ms(eeg), title)
    save(figure, PICTURE, "png")


def trained(eeg: eegxai.SimulatedEEG) -> tuple[torch.nn.Module, np.ndarray]:
    """A decoder, and the first test trials that it classifies correctly."""
    split = eegxai.split_trials(eeg.y, fold=0, n_folds=5, seed=0)
    x, y = torch.from_numpy(eeg.x), torch.from_numpy(eeg.y)
    _, n_channels, n_times = x.shape
    sizes = n_channels, n_times, eeg.n_classes, eeg.info["sfreq"]
    decoder = eegxai.initialised("deepnet", *sizes, seed=0)
    train, validation = (x[split.train], y[split.train]), (x[split.validation], y[split.validation])
    eegxai.fit(decoder, train, validation, TRAINING, seed=0)
    test = np.asarray(split.test)
    correct = (eegxai.predict(decoder, x[test]).argmax(1) == y[test]).numpy()
    print(f"{correct.mean():.2f} of the test trials are classified correctly")
    return decoder, test[correct][:N_SHOWN_FROM]


def uses(use: DecoderUse) -> dict[str, np.ndarray]:
    """The use of channels and windows."""
    return {name: use.families[name].use for name in ("channel", "window")}


def median_trial(agreement: np.ndarray) -> int:
    """The trial whose agreement is the median."""
    return int(np.argsort(agreement)[len(agreement) // 2])


def columns(
    sums: dict[str, dict[str, np.ndarray]], used: dict[str, np.ndarray], trial: int
) -> dict[str, ScalpAndTime]:
    """What is shown of a trial, with its agreement with the use over channels."""
    shown = {}
    for name, of in {**sums, "decoder's use": used}.items():
        agreement = piece_pearson(of["channel"], used["channel"])[trial]
        note = "" if of is used else f"r = {digits(agreement)} with the use"
        shown[name] = ScalpAndTime(of["channel"][trial], of["window"][trial], note)
    order = ("planted signal", "ideal observer", "decoder's use", METHOD)
    return {name: shown[name] for name in order}


def epoch_ms(eeg: eegxai.SimulatedEEG) -> tuple[float, float]:
    """Start and end of the epoch."""
    times = eeg.spec.epoch.times_ms
    return float(times[0]), float(2 * times[-1] - times[-2])


if __name__ == "__main__":
    main()
