"""``eegxai simulate``: one data set as a file and as a picture."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import numpy as np
import typer

from eegxai import figures
from eegxai.atomic import staging
from eegxai.simulation import DataSpec, NoiseSpec, SimulatedEEG, files, simulate_spec
from eegxai.simulation.implanting import background_notes, told_by_background
from eegxai.simulation.memory import array_bytes, require_memory
from sweeps.cli.common import errors_in_one_sentence, print_written, terminal, usage_error
from sweeps.cli.data_options import DataFile, FeatureName, HeadFile, HeadName, PictureFile
from sweeps.design.config_file import configuration_path, load
from sweeps.design.data import Data
from sweeps.report.terminal import print_sentence

PICTURE_SUFFIXES = (".png", ".pdf", ".svg")
PICTURE_MEMORY = 1.0  # of drawing beside the data, in multiples of recording and ground truth
SIMULATED_DPI = 130
DEFAULT_TRIALS = 200
DEFAULT_AXES = (-3.5,), (0,)  # levels (dB) and seeds where no file says them

T = TypeVar("T", int, float)


def simulate(
    feature: FeatureName,
    config: Annotated[
        str | None,
        typer.Option(
            help="Simulate the data of this sweep (a YAML file or its name), with its feature "
            "types, at its first SNR and seed; the options below override it."
        ),
    ] = None,
    snr_db: Annotated[
        float | None,
        typer.Option(
            help="Signal-to-noise ratio, dB; by default the first SNR of --config, or -3.5 without "
            "it."
        ),
    ] = None,
    n_trials: Annotated[
        int | None,
        typer.Option(help="Number of trials of all classes together; 200 without --config."),
    ] = None,
    snr_definition: Annotated[
        str | None,
        typer.Option(
            help="Definition of the SNR: signal_to_noise (default; class signal over all noise) or "
            "source_to_sensor (a dipole with signal and pink noise over white noise)."
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            help="Random seed; the same seed gives the same data. By default the first one of "
            "--config, or 0 without it."
        ),
    ] = None,
    sfreq: Annotated[
        float | None, typer.Option(help="Sampling frequency, Hz; the study's is 250.")
    ] = None,
    tmin: Annotated[
        float | None, typer.Option(help="Start of the epoch, s after time zero; the study's is 0.")
    ] = None,
    tmax: Annotated[
        float | None, typer.Option(help="End of the epoch, s after time zero; the study's is 1.")
    ] = None,
    montage: Annotated[
        str | None,
        typer.Option(
            help="Electrodes: a standard montage of MNE such as standard_1020 or biosemi64, or a "
            "list such as Fz,Cz,Pz or [Fz, Cz, Pz]; the study's are 62."
        ),
    ] = None,
    head: HeadName = None,
    head_file: HeadFile = None,
    line_uv: Annotated[
        float | None, typer.Option(help="Amplitude of line noise at 50 Hz, µV; none by default.")
    ] = None,
    blink_uv: Annotated[
        float | None,
        typer.Option(help="Amplitude of blinks in a quarter of the trials, µV; none by default."),
    ] = None,
    out: DataFile = None,
    plot: PictureFile = None,
) -> None:
    """Simulate EEG with known ground truth, and write it to a file, draw it, or both.

    For example: eegxai simulate temporal --snr-db -3.5 --out demo-epo.fif --plot demo.png
    """
    with errors_in_one_sentence():
        asked = {
            "snr_definition": snr_definition,
            "n_trials": n_trials,
            "sfreq": sfreq,
            "tmin": tmin,
            "tmax": tmax,
            "montage": _montage_value(montage),
            "head": head_fields(head, head_file),
            "noise": {"line_uv": line_uv, "blink_uv": blink_uv},
        }
        file = load(configuration_path(config)) if config else None
        data = _data(file.data if file else Data(n_trials=DEFAULT_TRIALS), asked)
        levels, seeds = (file.grid.snr_db, file.grid.seed) if file else DEFAULT_AXES
        level, level_note = _asked_or_first("levels", levels, snr_db)
        chosen_seed, seed_note = _asked_or_first("seeds", seeds, seed)
        spec = data.of(feature, level, chosen_seed)
    make(spec, out, plot, level_note, seed_note)


def make(
    spec: DataSpec, out: Path | None, plot: Path | None, level_note: str = "", seed_note: str = ""
) -> None:
    """Simulate what a spec describes, tell it, write and draw it."""
    with errors_in_one_sentence():
        _check_targets(out, plot, spec)
        eeg = simulate_spec(spec)
        told = background_notes(spec)
    console = terminal()
    print_sentence(console, _dataset_sentence(eeg, level_note, seed_note))
    for sentence in told:
        print_sentence(console, sentence)
    if spec.background:
        print_sentence(console, _background_told(eeg))
    with errors_in_one_sentence():
        written = [*(files.write_eeg(eeg, out) if out else []), *_drawn(eeg, plot)]
    print_written(console, written)


def head_fields(model: str | None, file: Path | None) -> dict[str, str] | None:
    """Fields of the head, None where no option asks for one."""
    fields = {"model": model, "file": str(file) if file else None}
    return {name: value for name, value in fields.items() if value is not None} or None


def _montage_value(montage: str | None) -> str | list[str] | None:
    """Electrodes listed as Fz,Cz or as in YAML, [Fz, Cz]; else the name of a montage."""
    if montage is None or not ("," in montage or montage.lstrip().startswith("[")):
        return montage
    return [name.strip(" '\"") for name in montage.strip("[] ").split(",")]


def _asked_or_first(axis: str, values: Sequence[T], asked: T | None) -> tuple[T, str]:
    """What an option asks for, else the first value of an axis, and a note where it has more."""
    if asked is not None or len(values) == 1:
        return values[0] if asked is None else asked, ""
    return values[0], f" (the first of the file's {axis} {', '.join(f'{v:.15g}' for v in values)})"


def _data(data: Data, asked: dict[str, Any]) -> Data:
    """What is simulated, with what the options ask; what is given nowhere stays so."""
    noise = {name: value for name, value in asked["noise"].items() if value is not None}
    changes = {name: value for name, value in asked.items() if value is not None}
    given = {name: getattr(data, name) for name in data.model_fields_set}
    return Data(**{**given, **changes, "noise": NoiseSpec(**{**vars(data.noise), **noise})})


def _check_targets(out: Path | None, plot: Path | None, spec: DataSpec) -> None:
    """Refuse before any work what cannot be written afterwards, or not for want of memory."""
    if out is None and plot is None:
        raise usage_error("nothing to do: give --out FILE to write, --plot FILE to draw, or both")
    if out:
        files.targets(out, array_bytes(spec), spec.feature_type.class_names)
        require_memory(spec, files.EEG_FORMATS[out.suffix].memory)
    if plot:
        if plot.suffix not in PICTURE_SUFFIXES:
            raise usage_error(f"--plot {plot} must end in one of: {', '.join(PICTURE_SUFFIXES)}")
        files.require_new(plot)
        require_memory(spec, PICTURE_MEMORY)


def _dataset_sentence(eeg: SimulatedEEG, level_note: str, seed_note: str) -> str:
    n_trials, n_channels, n_times = eeg.x.shape
    sfreq = eeg.info["sfreq"]
    counts = eeg.trials["class_name"].value_counts()
    classes = ", ".join(f"{counts[name]} {name}" for name in eeg.class_names)
    return (
        f"{eeg.spec.feature} at {eeg.spec.snr_db:g} dB{level_note}, "
        f"seed {eeg.spec.seed}{seed_note}: "
        f"{n_trials} trials ({classes}) of {n_channels} channels and {n_times} samples "
        f"({n_times / sfreq:g} s at {sfreq:g} Hz); "
        f"peak SNR of the trials with a signal: {_peaks(eeg)}"
    )


def _background_told(eeg: SimulatedEEG) -> str:
    """What a linear classifier finds in the recordings without the signal."""
    accuracy, p_value = told_by_background(eeg)
    if np.isnan(accuracy):
        return "there are too few trials to test whether the recordings alone predict the class"
    chance = np.bincount(eeg.y).max() / len(eeg.y)
    return (
        f"from the recordings without the signal a linear classifier gets {accuracy:.1%} of the "
        f"trials right, where chance is {chance:.1%} (p = {p_value:.2f} by permuted labels)"
    )


def _peaks(eeg: SimulatedEEG) -> str:
    peaks = eeg.peak_snr_db()
    return (
        f"median {np.nanmedian(peaks):.1f} dB, from {np.nanmin(peaks):.1f} to "
        f"{np.nanmax(peaks):.1f} dB"
    )


def _drawn(eeg: SimulatedEEG, picture: Path | None) -> list[Path]:
    if picture is None:
        return []
    with staging(picture.parent) as folder:
        figures.simulation(eeg).savefig(folder / picture.name, dpi=SIMULATED_DPI)
    return [picture]
