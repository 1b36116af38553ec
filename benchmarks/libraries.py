"""Which library's version of a method is right on which architecture.

    python benchmarks/libraries.py evidence.csv [architecture ...]

Each architecture is trained for a few epochs on few trials, and the standard methods of captum,
grad-cam and braindecode are judged on some test trials by ``validity`` and beside ours. A row per
method and architecture is appended to the file; started again, it continues where it stopped, and
the table is printed of all that is there. docs/methods.md shows it.
"""

import sys
import time
import warnings
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from eegxai.attribution import (
    LIBRARIES,
    DegenerateMap,
    NotApplicable,
    attribute,
    find,
    options_of,
    validity,
)
from eegxai.attribution.engine.placement import layer_placement
from eegxai.attribution.engine.requirements import has_cam_layer
from eegxai.decoders import (
    DECODERS,
    decoder_structure,
    fit,
    hold_out,
    initialised,
    predict,
    recommended,
)
from eegxai.head import HeadSpec
from eegxai.simulation import DataSpec, simulate_spec

N_TRIALS, HOLDOUT, EPOCHS, SEED = 480, 0.2, 6, 0
N_JUDGED, N_REFERENCES = 3, 8
CHANNELS = (
    "Fz", "F3", "F4", "FCz", "FC3", "FC4", "Cz", "C3", "C4", "CPz", "CP3", "CP4", "Pz", "P3", "P4",
    "POz", "Oz",
)  # fmt: skip
EQUAL = 0.999  # Pearson correlation in every trial from which two maps are one
# Fewer features to perturb: which architecture it is makes no difference to these methods.
COARSE = {"window": 125, "sliding_window_shapes": [1, 125], "strides": [1, 125]}
SINGLE = (
    "captum.Occlusion",
    "captum.ShapleyValueSampling",
    "captum.LayerGradientXActivation",
    "captum.LayerConductance",
    "captum.LayerLRP",
)
# What a method is by its paper, where we have a counterpart that is tested against it.
COUNTERPARTS = {
    "Saliency": "abs(gradient)", "saliency": "abs(gradient)",
    "InputXGradient": "InputXGradient", "input_x_gradient": "InputXGradient",
    "Deconvolution": "Deconvolution", "deconvolution": "Deconvolution",
    "GuidedBackprop": "GuidedBackprop", "guided_backprop": "GuidedBackprop",
    "DeepLift": "DeepLift", "deep_lift": "DeepLift", "DeepLiftShap": "DeepLiftSHAP",
    "LRP": "LRP", "lrp": "LRP",
    "IntegratedGradients": "IntegratedGradients", "integrated_gradients": "IntegratedGradients",
    "GradientShap": "GradientSHAP",
}  # fmt: skip
FACTORS = {"captum.GuidedGradCam": "captum.GuidedBackprop"}
MOVED = 5  # samples, 20 ms
LAST_AXIS = 3  # of (trials, features, channels, times)
Trials = tuple[nn.Module, Tensor, Tensor]


def trained(architecture: str) -> tuple[Trials, Tensor, float]:
    """Decoder with trials to explain, references, and its test accuracy."""
    data = DataSpec(
        feature="temporal",
        snr_db=-3.5,
        n_trials=N_TRIALS,
        seed=SEED,
        head=HeadSpec(channels=CHANNELS),
    )
    eeg = simulate_spec(data)
    split = hold_out(eeg.y, HOLDOUT, SEED)
    x, y = torch.from_numpy(eeg.x), torch.from_numpy(eeg.y)
    shape = (*eeg.x.shape[1:], eeg.n_classes, eeg.info["sfreq"])
    decoder = initialised(architecture, *shape, SEED)
    parts = ((x[part], y[part]) for part in (split.train, split.validation))
    fit(decoder, *parts, recommended(architecture, epochs=EPOCHS), SEED)
    correct = predict(decoder, x[split.test]).argmax(1) == y[split.test]
    judged = split.test[:N_JUDGED]
    references = x[split.train[:N_REFERENCES]]
    return (decoder, x[judged], y[judged]), references, float(correct.double().mean())


def reference_maps(trials: Trials, references: Tensor) -> dict[str, Tensor]:
    """The gradient, its magnitude, and our methods where they are applicable."""
    decoder, x, target = trials
    points = x.clone().requires_grad_()
    logits = decoder(points).gather(1, target[:, None])
    (gradient,) = torch.autograd.grad(logits.sum(), points)
    maps = {"gradient": gradient, "abs(gradient)": gradient.abs()}
    for name in dict.fromkeys(COUNTERPARTS.values()):
        if name not in maps:
            found = explained(name, trials, references)
            maps |= {name: found} if isinstance(found, Tensor) else {}
    return maps


def explained(
    name: str, trials: Trials, references: Tensor, **options: Any
) -> Tensor | NotApplicable | DegenerateMap:
    try:
        return attribute(name, *trials, references=references, **options)
    except (NotApplicable, DegenerateMap) as fault:
        return fault


def smallest_r(one: Tensor, other: Tensor) -> float:
    """Smallest Pearson correlation of the two maps of a trial."""
    pairs = zip(one.double().flatten(1), other.double().flatten(1), strict=True)
    return float(torch.stack([torch.corrcoef(torch.stack(pair))[0, 1] for pair in pairs]).min())


def judged(name: str, trials: Trials, references: Tensor, ours: dict[str, Tensor]) -> dict:
    """Evidence on one method."""
    options = {key: value for key, value in COARSE.items() if key in options_of(name)}
    fault = turned(name, *trials[:2])
    maps = explained(name, trials, references, **options)
    if not isinstance(maps, Tensor):
        return {"status": maps.status, "reason": str(maps)}
    verdict = validity(name, *trials, references=references, compare={}, **options)
    near = {other: smallest_r(maps, theirs) for other, theirs in ours.items()}
    counterpart = COUNTERPARTS.get(name.partition(".")[2])
    equal = [other for other, r in near.items() if r > EQUAL]
    return {
        "status": verdict.status,
        "reason": fault or verdict.reason,
        "turned": bool(fault),
        "moved": moved(*trials[:2]) if has_cam_layer in find(name).requires else None,
        "counterpart": counterpart,
        "r": near.get(counterpart or ""),
        "equals": " ".join(sorted(equal, key=lambda other: other != counterpart)),
        "sum": verdict.completeness,
        "worst_sum": verdict.completeness_worst,
        "batch": verdict.batch_dependence,
    }


def turned(name: str, decoder: nn.Module, x: Tensor) -> str:
    """Why maps of layers are turned: the libraries take the last axis of any layer for time."""
    layers = [str(decoder.cam_layer)] if has_cam_layer in find(name).requires else []
    if name == "gradcam.FullGrad":
        layers = [
            layer
            for layer, module in decoder.named_modules()
            if type(module) in (nn.Conv2d, nn.BatchNorm2d) and module.bias is not None
        ]
    wrong = [layer for layer in layers if _time_axis(decoder, layer, x) not in (None, LAST_AXIS)]
    return f"time is not the last axis of {', '.join(wrong)}" if wrong else ""


def _time_axis(decoder: nn.Module, layer: str, x: Tensor) -> int | None:
    try:
        return layer_placement(decoder, layer, *x.shape[1:]).time_axis
    except ValueError:  # a layer whose weights are used without it being called
        return None


def moved(decoder: nn.Module, x: Tensor) -> float:
    """Samples between a column's receptive field and where an even stretch draws it, at most."""
    field = decoder_structure(decoder, *x.shape[1:]).cam_field
    if field is None:
        return 0.0
    width = x.shape[2] / len(field.centres)
    even = (np.arange(len(field.centres)) + 0.5) * width - 0.5
    return float(np.abs(even - field.centres).max())


def cell(row: dict[str, Any]) -> str:
    """A word for the table."""
    row = {key: value for key, value in row.items() if pd.notna(value)}
    sums = [row[key] for key in ("sum", "worst_sum") if key in row]
    equals, counterpart = str(row.get("equals", "")).split(), row.get("counterpart")
    if row["status"] == "not_applicable":
        return "refused"
    if row["status"] == "degenerate" or row["turned"]:
        return "wrong"
    if any(not 0.95 <= ratio <= 1.05 for ratio in sums):
        same = f" = {equals[0]}" if equals and counterpart not in equals else ""
        return " .. ".join(f"{ratio:.2f}" for ratio in sums) + same
    if row.get("moved", 0) > MOVED:
        return f"moved {row['moved']:.0f}"
    if counterpart in equals or (not counterpart and not equals):
        return "ok"
    if equals:
        return f"= {equals[0]}"
    return f"r = {row['r']:.2f}" if "r" in row else "partial"


def cells(table: pd.DataFrame) -> list[str]:
    """Words for all rows; a product of methods is as wrong as its factors."""
    words = {(r["method"], r["architecture"]): cell(r) for r in table.to_dict("records")}
    for (name, architecture), word in words.items():
        factor = words.get((FACTORS.get(name, ""), architecture), "ok")
        if word != "wrong" and factor != "ok":
            words[name, architecture] = "partial" if factor == "partial" else "wrong"
    return list(words.values())


def methods() -> list[str]:
    return [name for library in LIBRARIES.values() for name in library.standard] + list(SINGLE)


def append(path: Path, rows: list[dict[str, Any]]) -> None:
    old = [pd.read_csv(path)] if path.exists() else []
    pd.concat([*old, pd.DataFrame(rows)]).to_csv(path, index=False)


def shown(table: pd.DataFrame) -> str:
    """The table in Markdown, methods of equal rows in one, and the reasons below it."""
    table = table.assign(cell=cells(table))
    wide = table.pivot_table("cell", "method", "architecture", "first", sort=False)
    columns = list(wide.columns)
    names = wide.reset_index().groupby(columns, sort=False)["method"].agg(", ".join)
    merged = names.reset_index()[["method", *columns]]
    reasons = table[table["reason"].notna()].groupby(["method", "reason"], sort=False)
    lines = [f"{m} on {', '.join(g['architecture'])}: {why}" for (m, why), g in reasons]
    return merged.to_markdown(index=False) + "\n\n" + "\n".join(lines)


def main(path: Path, architectures: Sequence[str]) -> None:
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)  # small passes
    done = set(pd.read_csv(path)["architecture"]) if path.exists() else set()
    for architecture in [name for name in architectures if name not in done]:
        started = time.time()
        trials, references, accuracy = trained(architecture)
        print(f"{architecture}: accuracy {accuracy:.2f}, {time.time() - started:.0f} s", flush=True)
        ours = reference_maps(trials, references)
        identity = {"architecture": architecture, "accuracy": accuracy}
        rows = [
            {"method": name, **identity, **judged(name, trials, references, ours)}
            for name in methods()
        ]
        append(path, rows)
        print(f"{architecture}: judged after {time.time() - started:.0f} s", flush=True)
    print(", ".join(f"{one} {version(one)}" for one in ("captum", "grad-cam", "braindecode")))
    print(shown(pd.read_csv(path)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:] or list(DECODERS))
