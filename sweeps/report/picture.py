"""A picture of a sweep and what is said of it, or why it is dropped."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from eegxai.evaluation import ExampleMaps
from sweeps.design.cells import DecoderCell

ShownMaps = Mapping[DecoderCell, Mapping[str, ExampleMaps]]


@dataclass(frozen=True)
class Picture:
    """A figure, and what is said of it.

    Attributes
    ----------
    name : str
        Stem of its file.
    figure : Figure
    caption : str
        What it shows and how it is read.
    alt : str
        What it is, for those who do not see it.
    """

    name: str
    figure: Figure
    caption: str
    alt: str


@dataclass(frozen=True)
class DroppedPicture:
    """A picture that the data do not allow, and why."""

    name: str
    reason: str


Pictures = Iterator[Picture | DroppedPicture]
Drawing = Callable[[pd.DataFrame, ShownMaps | None], Pictures]
