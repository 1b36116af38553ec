"""Which methods explain which models of braindecode, how completely, how fast, in how much memory.

    python benchmarks/braindecode_models.py results.csv [model ...]

All entries of braindecode's table of models, with random weights, at small sizes, on three trials
of white noise with unit variance; nothing is downloaded. A row per model and method, appended when
it ends; started again, it continues where it stopped, and several processes can share one file,
each with models of its own. Each model has a process of its own, which is ended when a row takes
longer than ``LIMIT_S``; that row has the status ``time_limit``, and the others follow in a new
process. Needs Linux. docs/braindecode.md shows the table.
"""

import csv
import ctypes
import gc
import json
import os
import re
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import mne
import pandas as pd
import torch
from torch import Tensor, nn

from eegxai.attribution import (
    CORRECTED_METHODS,
    STUDY_METHODS,
    DegenerateMap,
    NotApplicable,
    Validity,
    adapted,
    attribute,
    find,
    validity,
)
from eegxai.attribution.core.faults import first_line
from eegxai.attribution.engine.cam_layers import propose_cam_layer
from eegxai.attribution.engine.requirements import has_cam_layer
from eegxai.decoders.compiled import copied

COMPARED = (*STUDY_METHODS, *CORRECTED_METHODS)
METHODS = (*COMPARED, "IntegratedGradients")
IN_DOUBLES = ("DeepLift", "LRP")
OPTIONS: dict[str, dict[str, int]] = {"IntegratedGradients": {"steps": 20}}  # of 50, to save time
TARGET = torch.arange(3)
LIMIT_S = 90  # of CPU, for a row
MONTAGE = "colin27_1020"
COLUMNS = (
    "model", "method", "status", "reason", "duplicate_of",
    "completeness_float32", "worst_float32", "completeness_float64", "worst_float64",
    "batch_dependence", "cpu_s_per_trial", "mb_per_trial", "weights", "channels", "times", "sfreq",
)  # fmt: skip
EEG = (
    "Fz", "Cz", "Pz", "Oz", "C3", "C4", "F3", "F4", "P3", "P4", "O1", "O2", "Fp1", "Fp2", "F7",
    "F8", "T7", "T8", "P7", "P8",
)  # fmt: skip


@dataclass(frozen=True)
class Size:
    """What a model is built with.

    Attributes
    ----------
    channels : tuple of str
        Names of channels; those of the 10-20 system have positions.
    times : int
        Samples of a trial.
    sfreq : float
        Sampling rate in Hz.
    options : mapping
        Other options of the model.
    arguments : mapping
        Other arguments of its forward pass.
    mean_over : tuple of int
        Axes of its outputs that are averaged, for models that answer for every moment.
    """

    channels: tuple[str, ...] = EEG[:8]
    times: int = 256
    sfreq: float = 128.0
    options: Mapping[str, Any] = field(default_factory=dict)
    arguments: Mapping[str, Any] = field(default_factory=dict)
    mean_over: tuple[int, ...] = ()


EMG = tuple(f"EMG{number}" for number in range(32))
BENDR = (
    "FP1", "FP2", "F7", "F3", "FZ", "F4", "F8", "T7", "C3", "CZ", "C4", "T8", "T5", "P3", "PZ",
    "P4", "T6", "O1", "O2", "SCALE",
)  # fmt: skip
ONE_SECOND: dict[str, Any] = {"times": 200, "sfreq": 200.0}
OVER_TIME: dict[str, Any] = {"sfreq": 2000.0, "mean_over": (1,)}
FEW_CONFORMERS = {
    "conformer_num_layers": 2,
    "conformer_stride": [1, 2],
    "conformer_attn_window_size": [8, 8],
}
NARROW = {
    "hidden_size": 32,
    "encoder_channels": 32,
    "feature_dim": 16,
    "decoder_hidden_sizes": (32, 32),
}
# What differs from Size(): what the model insists on, and fewer layers where there are many.
SIZES: dict[str, Size] = {
    "AttnSleep": Size(EEG[:1], 3000, 100.0),
    "BENDR": Size(BENDR, options={"transformer_layers": 2}),
    "CBraMod": Size(**ONE_SECOND, options={"n_layer": 4}),
    "CodeBrain": Size(**ONE_SECOND, options={"num_res_layers": 2}),
    "DANCE": Size(
        mean_over=(1,), options={"perceiver_depth": 1, "conv_depth": 2, "num_latents": 32}
    ),
    "BrainModule": Size(options={"hidden_dim": 64, "depth": 4}),
    "EEGInceptionMI": Size(options={"n_filters": 12}),
    "EEGPT": Size(options={"depth": 2}),
    "LUNA": Size(**ONE_SECOND),
    "Labram": Size(**ONE_SECOND, options={"num_layers": 4}, arguments={"ch_names": list(EEG[:8])}),
    "REVE": Size(**ONE_SECOND, options={"depth": 2}),
    "STEEGFormer": Size(options={"depth": 2}),
    "SignalJEPA": Size(mean_over=(1,)),
    "SleepStagerBlanco2020": Size(times=500, sfreq=250.0),
    "ZUNA": Size(times=256, sfreq=256.0, options={"dim": 256, "n_layers": 2, "n_heads": 4}),
    "EMG2QwertyNet": Size(EMG, 2400, **OVER_TIME),
    "MetaNeuromotorHand": Size(EMG[:16], 2000, **OVER_TIME, options=FEW_CONFORMERS),
    "NeuroPose": Size(EMG[:16], 500, **OVER_TIME),
    "SensingDynamics": Size(EMG[:16], 480, **OVER_TIME, options={"temporal_channels": 32}),
    "VEMG2Pose": Size(EMG[:16], 1850, **OVER_TIME, options=NARROW),
}


# ------------------------------------------------------------------ models


def models() -> dict[str, type[nn.Module]]:
    """Models of braindecode by name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from braindecode.models.util import _init_models_dict, models_dict

        if not models_dict:
            _init_models_dict()
    return dict(models_dict)


def built(model: str, size: Size) -> nn.Module:
    """A model with random weights, in evaluation mode."""
    torch.manual_seed(0)
    decoder = models()[model](
        n_chans=len(size.channels),
        n_times=size.times,
        n_outputs=len(TARGET),
        sfreq=size.sfreq,
        chs_info=channel_info(size),
        **size.options,
    )
    if size.mean_over:
        decoder.register_forward_hook(partial(averaged, size.mean_over))
    return decoder.eval()


def averaged(axes: tuple[int, ...], _module: nn.Module, _args: Any, output: Tensor) -> Tensor:
    """Mean of outputs over axes."""
    return output.mean(axes)


def channel_info(size: Size) -> list[dict[str, Any]]:
    """Channels as MNE describes them, with positions where the names have some."""
    montage = mne.channels.make_standard_montage(MONTAGE)
    info = mne.create_info(list(size.channels), size.sfreq, "eeg")
    info.set_montage(montage, match_case=False, on_missing="ignore")
    return list(info["chs"])


def keep_offline(folder: Path) -> None:
    """Put what REVE downloads, positions of electrodes, into a folder, from MNE's montage."""
    positions = mne.channels.make_standard_montage(MONTAGE).get_positions()["ch_pos"]
    lists = {name: place.tolist() for name, place in positions.items()}
    (folder / "reve_positions.json").write_text(json.dumps(lists))
    os.environ |= {"REVE_POSITIONS_PATH": str(folder), "HF_HUB_OFFLINE": "1"}


# ------------------------------------------------------------------ measurements


@dataclass(frozen=True)
class Case:
    """A model to be explained.

    Attributes
    ----------
    decoder : nn.Module
        The model, adapted, with the CAM layer that is proposed for it.
    x : Tensor
        Trials (trials, channels, times).
    sfreq, memory_mb : float
        Sampling rate in Hz, and the memory of the process before any method.
    no_cam_layer : str or None
        Why it has no CAM layer.
    """

    decoder: nn.Module
    x: Tensor
    sfreq: float
    memory_mb: float
    no_cam_layer: str | None

    def judged(self, method: str, dtype: torch.dtype, others: Mapping[str, Tensor]) -> Validity:
        """Verdict on a method in a type of numbers."""
        decoder = self.decoder if dtype == self.x.dtype else copied(self.decoder).to(dtype)
        options: dict[str, Any] = dict(OPTIONS.get(method, {}))
        return validity(method, decoder, self.x.to(dtype), TARGET, compare=others, **options)

    def maps(self, method: str) -> Tensor:
        """Maps of a method."""
        if self.no_cam_layer and has_cam_layer in find(method).requires:
            kind = type(self.decoder).__name__
            raise NotApplicable(f"{method} is not applicable to {kind}: {self.no_cam_layer}")
        options: dict[str, Any] = dict(OPTIONS.get(method, {}))
        return attribute(method, self.decoder, self.x, TARGET, **options)

    @property
    def columns(self) -> dict[str, Any]:
        """What the table says of the model."""
        n_weights = sum(parameter.numel() for parameter in self.decoder.parameters())
        _, channels, times = self.x.shape
        return {"weights": n_weights, "channels": channels, "times": times, "sfreq": self.sfreq}


def case_of(model: str) -> Case:
    size = SIZES.get(model, Size())
    random = torch.Generator().manual_seed(1)
    x = torch.randn(len(TARGET), len(size.channels), size.times, generator=random)
    decoder = adapted(built(model, size), x, arguments=size.arguments)
    propose_cam_layer(decoder, x)
    reason = has_cam_layer(decoder, x)
    return Case(decoder, x, size.sfreq, resident_mb("VmRSS"), reason)


def measured(method: str, case: Case, others: dict[str, Tensor]) -> dict[str, Any]:
    """Verdict, completeness, time and memory of a method; its maps join the others."""
    forget_peak()
    started = time.process_time()
    maps = case.maps(method)
    seconds, peak = time.process_time() - started, resident_mb("VmHWM")
    if method in COMPARED:
        others[method] = maps
    found = case.judged(method, torch.float32, others)
    return {
        "status": found.status,
        "reason": found.reason,
        "duplicate_of": found.duplicate_of,
        "batch_dependence": found.batch_dependence,
        **completeness("float32", found),
        "cpu_s_per_trial": round(seconds / len(TARGET), 3),
        "mb_per_trial": round(max(peak - case.memory_mb, 0) / len(TARGET), 1),
    }


def measured_in_doubles(method: str, case: Case) -> dict[str, Any]:
    """Completeness in float64, of the methods for which rounding makes the difference."""
    if method not in IN_DOUBLES:
        return {}
    return completeness("float64", case.judged(method, torch.float64, {}))


def completeness(kind: str, found: Validity) -> dict[str, Any]:
    ratios = found.completeness, found.completeness_worst
    return dict(zip((f"completeness_{kind}", f"worst_{kind}"), ratios, strict=True))


def forget_peak() -> None:
    """Give free memory back, and let the peak of this process begin anew (on Linux)."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")


def resident_mb(quantity: str) -> float:
    """Memory of this process as Linux tells it: VmRSS now, VmHWM at its peak."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(rf"{quantity}:\s*(\d+) kB", status)[1]) / 1e3  # type: ignore[index]


def row(method: str, case: Case, others: dict[str, Tensor]) -> dict[str, Any]:
    """A row of the table; an error that nobody made a reason of has a status of its own."""
    try:
        values = measured(method, case, others)
    except (NotApplicable, DegenerateMap) as fault:
        return {"status": fault.status, "reason": str(fault)}
    except Exception as error:
        return {"status": "error", "reason": first_line(error)}
    try:
        return values | measured_in_doubles(method, case)
    except ValueError as error:
        reasons = [values["reason"], f"not in float64: {error}"]
        return values | {"reason": "; ".join(filter(None, reasons))}


def explain(model: str, path: Path) -> None:
    """Append the rows of a model that are missing."""
    warnings.simplefilter("ignore")
    try:
        case, others = case_of(model), {}
    except Exception as error:
        for name in missing(model, path):
            append(path, model, name, {"status": "not_built", "reason": first_line(error)})
        return
    for name in known_good(model, path):
        others[name] = case.maps(name)
    for name in missing(model, path):
        limit_cpu_time()
        append(path, model, name, row(name, case, others) | case.columns)


def limit_cpu_time() -> None:
    """End this process when it computes for longer than a row may take (not on Windows)."""
    import resource

    until = int(time.process_time()) + LIMIT_S
    resource.setrlimit(resource.RLIMIT_CPU, (until, resource.RLIM_INFINITY))


# ------------------------------------------------------------------ the table


def rows_of(model: str, path: Path) -> pd.DataFrame:
    table = pd.read_csv(path) if path.exists() else pd.DataFrame(columns=COLUMNS)
    return table[table.model == model]


def missing(model: str, path: Path) -> list[str]:
    there = set(rows_of(model, path).method)
    return [name for name in METHODS if name not in there]


def known_good(model: str, path: Path) -> list[str]:
    """Methods that have been measured, whose maps others are compared with."""
    table = rows_of(model, path)
    good = set(table.method[table.status == "ok"])
    return [name for name in COMPARED if name in good]


def append(path: Path, model: str, method: str, values: dict[str, Any]) -> None:
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        if new:
            writer.writeheader()
        writer.writerow({"model": model, "method": method, **values})


def in_own_process(model: str, path: Path) -> None:
    """Append the rows of a model, whatever becomes of the processes that measure them."""
    while missing(model, path):
        child = get_context("fork").Process(target=explain, args=(model, path))
        child.start()
        child.join()
        if child.exitcode == -signal.SIGXCPU:
            values = {"status": "time_limit", "reason": f"takes more than {LIMIT_S} s of CPU"}
        else:
            values = {"status": "error", "reason": f"the process ended with {child.exitcode}"}
        for name in missing(model, path)[:1]:
            append(path, model, name, values)


def main(path: Path, names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        keep_offline(Path(folder))
        torch.set_num_threads(1)
        known = models()
        gc.freeze()  # what has been imported, so that collecting is quick
        for model in names or known:
            in_own_process(model, path)
            print(f"{model:24}", dict(rows_of(model, path).status.value_counts()), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
