"""Options of the commands that make data: the classes, the head, and what is written."""

from pathlib import Path
from typing import Annotated

import typer

FeatureName = Annotated[
    str,
    typer.Argument(
        help="temporal, spectral, spatial, distractor, one that a package adds, or one that "
        "--config defines."
    ),
]
HeadName = Annotated[
    str | None, typer.Option(help="Head model: sphere (default), forward or nyhead.")
]
HeadFile = Annotated[
    Path | None,
    typer.Option(help="File of the head model: an MNE -fwd.fif, or the New York Head's .mat."),
]
DataFile = Annotated[
    Path | None,
    typer.Option(
        help="File to write: NAME-epo.fif (MNE Epochs, with the ground truth in "
        "NAME-truth-epo.fif), NAME.npz, or a name without suffix for a BIDS folder (needs "
        "mne-bids)."
    ),
]
PictureFile = Annotated[Path | None, typer.Option(help="Picture to draw: .png, .pdf or .svg.")]
