"""A made-up explanation of a decoder: what reports, files and runs are tested with."""

import mne
import numpy as np
import pandas as pd

from eegxai.explaining import DecoderExplanation
from eegxai.recordings import LabelledTrials
from sweeps.tasks.own_decoder import ExplainRequest, RequestedExplanation

CLASSES = ("left", "right", "feet")
METHODS = ("DeepLift", "GradCAM++", "Saliency")
WITHOUT_MAP = "LRP"
N_TRIALS, N_TIMES, N_LAYERS = 12, 32, 3
CHANNELS = ["Fz", "C3", "Cz", "C4", "Pz", "Oz"]
NOTE = "The recording was given in volts and is passed on in µV."


def labelled_trials():
    info = mne.create_info(CHANNELS, 64.0, "eeg")
    info.set_montage("colin27_1005")
    x = np.random.default_rng(0).standard_normal((N_TRIALS, len(CHANNELS), N_TIMES))
    y = np.arange(N_TRIALS) % len(CLASSES)
    return LabelledTrials(10 * x.astype(np.float32), y, CLASSES, info, -0.1, "uV", (NOTE,))


def check_rows(method, check, means, domain="channel_time", layers=("",)):
    for step, (mean, layer) in enumerate(zip(means, layers, strict=True), start=1):
        yield {
            "method": method, "check": check, "step": step, "layer": layer,
            "layers_randomized": step, "domain": domain, "mode": "similarity",
            "metric": "pearson_raw", "reference": "original", "mean": mean, "std": 0.1,
            "n_trials": N_TRIALS, "n_valid": N_TRIALS, "low": mean - 0.05, "high": mean + 0.05,
        }  # fmt: skip


def checks():
    layers = ("classifier", "spatial", "temporal")
    rows = []
    for place, method in enumerate(METHODS):
        ends = np.linspace(0.9, (0.1, 0.2, 0.95)[place], N_LAYERS)
        rows += check_rows(method, "target_swap", [(-0.4, 0.3, 0.97)[place]])
        rows += check_rows(method, "cascade", ends, layers=layers)
        rows += check_rows(method, "independent", [0.5, 0.6, 0.7], layers=layers)
        rows += check_rows(method, "all_weights", [ends[-1]])
        rows += check_rows(method, "surrogate", [0.05])
        rows += check_rows(method, "noise", [0.0])
        rows += check_rows(method, "cascade", [float("nan")] * 3, "channel", layers)
    return pd.DataFrame(rows)


def validity():
    def row(method, **found):
        known = {
            "status": "ok", "reason": "", "duplicate_of": "", "similarity": None,
            "completeness": None, "completeness_worst": None, "batch_dependence": 1e-7, "flags": "",
        }  # fmt: skip
        return {"method": method, **known, **found}

    return pd.DataFrame(
        [
            row("DeepLift", completeness=1.0, completeness_worst=1.001),
            row("GradCAM++"),
            row("Saliency"),
            row(WITHOUT_MAP, status="not_applicable", reason="it has no rule for <LayerNorm>"),
        ]
    )


def curves():
    """Two trials whose decision falls from 3 to 0, at once or, of ``Saliency``, steadily."""
    falls = {"DeepLift": (3.0, 0.0, 0.0), "GradCAM++": (3.0, 1.0, 0.0), "Saliency": (3.0, 1.5, 0.0)}
    rows = [
        (method, trial, curve, share, values[place], steady)
        for method, decisions in falls.items()
        for trial in range(2)
        for curve, values, steady_values in (
            ("deletion", decisions, (3.0, 1.5, 0.0)),
            ("insertion", [3 - value for value in decisions], (0.0, 1.5, 3.0)),
        )
        for place, (share, steady) in enumerate(zip((0.0, 0.5, 1.0), steady_values, strict=True))
    ]
    return pd.DataFrame(rows, columns=["method", "trial", "curve", "share", "decision", "random"])


def patterns():
    known = {"peak": 1.0, "accuracy": 0.8, "n_trials": N_TRIALS}
    numbers = {"peak_s": 0.1, "reliability": 0.9, "agreement": 0.7}
    return pd.DataFrame(
        [{"model": "decoder", "class": name, "peak_channel": "Cz", **numbers, **known}
         for name in CLASSES]
    )  # fmt: skip


def found_explanation(**changes):
    rng = np.random.default_rng(1)
    trials = labelled_trials()
    explained = np.arange(0, N_TRIALS, 2)
    shape = (len(explained), len(CHANNELS), N_TIMES)
    agreement = pd.DataFrame(np.eye(3) * 0.8 + 0.2, METHODS, METHODS)
    accuracy = {"n_trials": 12, "accuracy": 0.75, "low": 0.47, "high": 0.91, "chance": 1 / 3}
    accuracy |= {"balanced_accuracy": 0.75, "balanced_chance": 1 / 3}
    frequency = [
        {"method": "DeepLift", "class": name, "frequency_hz": float(hz), "relevance": 1 / (1 + hz)}
        for name in CLASSES
        for hz in range(0, 33, 2)
    ]
    fields = {
        "trials": trials,
        "decoder_name": "braindecode:EEGNet",
        "accuracy": pd.DataFrame([{**accuracy, "above_chance": True}]),
        "confusion": pd.DataFrame(np.eye(3, dtype=int) * 3 + 1, CLASSES, CLASSES),
        "explained": explained,
        "target": trials.y[explained],
        "maps": {name: rng.standard_normal(shape).astype(np.float32) for name in METHODS},
        "validity": validity(),
        "checks": checks(),
        "agreement": agreement,
        "frequency": pd.DataFrame(frequency),
        "curves": curves(),
        "patterns": patterns(),
        "output": "contrast",
        "without_truth": ("relevance mass accuracy", "efficiency"),
        "notes": (NOTE,),
        "seconds": pd.DataFrame([{"method": "DeepLift", "part": "maps", "seconds": 1.25}]),
    }
    return DecoderExplanation(**{**fields, **changes})


def requested(folder, **changes):
    """An explanation with files in a folder that were asked for."""
    data, weights = folder / "sub-01-epo.fif", folder / "weights.pt"
    data.write_bytes(b"data")
    weights.write_bytes(b"weights")
    request = ExplainRequest(
        decoder="braindecode:EEGNet", data=data, weights=weights, events=("left", "right", "feet"),
        methods=(*METHODS, WITHOUT_MAP), seed=3,
    )  # fmt: skip
    return RequestedExplanation(request, found_explanation(**changes), 1000.0, 1030.0)
