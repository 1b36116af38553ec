"""``eegxai simulate``: one data set as a file and as a picture."""

from pathlib import Path
from typing import Annotated

import typer

from eegxai import figures, simulation
from eegxai.atomic import staging
from eegxai.head import HeadSpec
from eegxai.simulation import SimulatedEEG, files
from sweeps.cli.common import errors_in_one_sentence, print_written, terminal, usage_error
from sweeps.report.terminal import print_sentence

PICTURE_SUFFIXES = (".png", ".pdf", ".svg")
DPI = 130


def simulate(
    feature: Annotated[str, typer.Argument(help="temporal, spectral, spatial or distractor.")],
    snr_db: Annotated[float, typer.Option(help="Signal-to-noise ratio, dB.")] = -3.5,
    n_trials: Annotated[int, typer.Option(help="Number of trials, all classes together.")] = 200,
    seed: Annotated[int, typer.Option(help="The same seed gives the same data.")] = 0,
    head: Annotated[str, typer.Option(help="Head model: sphere, forward or nyhead.")] = "sphere",
    head_file: Annotated[
        Path | None,
        typer.Option(help="File of the head model: an MNE -fwd.fif, or the New York Head's .mat."),
    ] = None,
    line_uv: Annotated[float, typer.Option(help="Amplitude of line noise at 50 Hz, µV.")] = 0.0,
    blink_uv: Annotated[
        float, typer.Option(help="Amplitude of eye blinks in a quarter of the trials, µV.")
    ] = 0.0,
    out: Annotated[
        Path | None,
        typer.Option(
            help="File to write: NAME-epo.fif (MNE Epochs, with the ground truth in "
            "NAME-truth-epo.fif), NAME.npz, or a name without suffix for a BIDS folder (needs "
            "mne-bids)."
        ),
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Picture to draw: .png, .pdf or .svg.")] = None,
) -> None:
    """Simulate EEG with known ground truth: write it to a file, draw it, or both.

    For example: eegxai simulate temporal --snr-db -3.5 --out demo-epo.fif --plot demo.png
    """
    with errors_in_one_sentence():
        _check_targets(out, plot)
        model = HeadSpec(model=head, file=str(head_file) if head_file else None)
        noise = simulation.NoiseSpec(line_uv=line_uv, blink_uv=blink_uv)
        eeg = simulation.simulate(feature, snr_db, seed, n_trials, model, noise)
    console = terminal()
    print_sentence(console, _summary(eeg))
    with errors_in_one_sentence():
        written = [*(files.write_eeg(eeg, out) if out else []), *_drawn(eeg, plot)]
    print_written(console, written)


def _check_targets(out: Path | None, plot: Path | None) -> None:
    """Refuse before any work what cannot be written afterwards."""
    if out is None and plot is None:
        raise usage_error("nothing to do: give --out FILE to write, --plot FILE to draw, or both")
    if out:
        files.targets(out)
    if plot:
        if plot.suffix not in PICTURE_SUFFIXES:
            raise usage_error(f"--plot {plot} must end in one of: {', '.join(PICTURE_SUFFIXES)}")
        files.require_new(plot)


def _summary(eeg: SimulatedEEG) -> str:
    n_trials, n_channels, n_times = eeg.x.shape
    sfreq = eeg.info["sfreq"]
    counts = eeg.trials["class_name"].value_counts()
    classes = ", ".join(f"{counts[name]} {name}" for name in eeg.class_names)
    return (
        f"{eeg.spec.feature} at {eeg.spec.snr_db:g} dB, seed {eeg.spec.seed}: "
        f"{n_trials} trials ({classes}) of {n_channels} channels and {n_times} samples "
        f"({n_times / sfreq:g} s at {sfreq:g} Hz)"
    )


def _drawn(eeg: SimulatedEEG, picture: Path | None) -> list[Path]:
    if picture is None:
        return []
    with staging(picture.parent) as folder:
        figures.simulation(eeg).savefig(folder / picture.name, dpi=DPI)
    return [picture]
