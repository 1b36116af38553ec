"""``eegxai implant``: class signals planted in recordings, as a file and as a picture."""

from pathlib import Path
from typing import Annotated

import typer

from sweeps.cli.common import errors_in_one_sentence
from sweeps.cli.data_options import DataFile, FeatureName, HeadFile, HeadName, PictureFile
from sweeps.cli.simulate import head_fields, make
from sweeps.design.config_file import configuration_path, load
from sweeps.design.data import Data


def implant(
    feature: FeatureName,
    background: Annotated[
        Path,
        typer.Option(
            help="Recordings or epochs to plant the signals in: .fif, .edf, .bdf, .set or .vhdr. "
            "They are not changed."
        ),
    ],
    snr_db: Annotated[
        float,
        typer.Option(
            help="Signal-to-noise ratio, dB: 20 log10 of the root mean square of the signals over "
            "that of the recordings."
        ),
    ],
    config: Annotated[
        str | None,
        typer.Option(help="YAML file of a sweep, or its name, whose feature types can be planted."),
    ] = None,
    n_trials: Annotated[
        int | None,
        typer.Option(help="Number of trials; by default as many as fit in the recordings."),
    ] = None,
    seed: Annotated[
        int,
        typer.Option(
            help="Random seed of the signals and of the stretch of recording used for each trial."
        ),
    ] = 0,
    tmin: Annotated[
        float | None,
        typer.Option(
            help="Start of the trials, s after time zero; by default that of the epochs, or 0."
        ),
    ] = None,
    tmax: Annotated[
        float | None,
        typer.Option(
            help="End of the trials, s after time zero; by default that of the epochs, or 1."
        ),
    ] = None,
    channels: Annotated[
        str | None,
        typer.Option(
            help="Channels to use, such as Fz,Cz,Pz; by default all that are not marked as bad."
        ),
    ] = None,
    montage: Annotated[
        str | None,
        typer.Option(
            help="Standard montage of MNE with the channel positions; by default those of the "
            "file, or of a template if it has none."
        ),
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(
            help="EEG reference of the recordings: electrodes such as TP9,TP10, or average; by "
            "default it is inferred from the data."
        ),
    ] = None,
    head: HeadName = None,
    head_file: HeadFile = None,
    out: DataFile = None,
    plot: PictureFile = None,
) -> None:
    """Plant class signals with known ground truth in your own recordings, and write or draw them.

    For example: eegxai implant temporal --background rest.edf --snr-db -20 --out planted-epo.fif
    """
    with errors_in_one_sentence():
        recorded = {
            "file": str(background),
            "channels": channels.split(",") if channels else None,
            "reference": reference.split(",") if reference and "," in reference else reference,
        }
        asked = {
            "n_trials": n_trials,
            "tmin": tmin,
            "tmax": tmax,
            "montage": montage,
            "head": head_fields(head, head_file),
            "background": recorded,
            "features": load(configuration_path(config)).data.features if config else None,
        }
        data = Data(**{name: value for name, value in asked.items() if value is not None})
        spec = data.of(feature, snr_db, seed)
    make(spec, out, plot)
