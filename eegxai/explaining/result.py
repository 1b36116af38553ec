"""The result of :func:`eegxai.explain`: findings with their pictures, MNE objects and files."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import mne

from eegxai.explaining.files import epochs_of, evoked_of, write_files
from eegxai.explaining.findings import Findings
from eegxai.explaining.html import overview
from eegxai.explaining.pictures import pictures_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False, repr=False)
class DecoderExplanation(Findings):
    """Accuracy, maps and checks of a decoder on someone's own trials, to show and to keep.

    Its attributes and tables are those of :class:`eegxai.explaining.findings.Findings`.
    """

    def evoked(self, method: str, class_name: str) -> mne.EvokedArray:
        """Mean map of a class as MNE draws it; "V" there stands for the map's own unit."""
        return evoked_of(self, method, class_name)

    def epochs(self, method: str) -> mne.EpochsArray:
        """Maps of all explained trials, with the classes as events."""
        return epochs_of(self, method)

    def figures(self, names: Collection[str] | None = None) -> "dict[str, Figure]":
        """Pictures by name, or some of them; what there is nothing to draw of is left out.

        Names are ``confusion``, ``topographies``, ``time_courses``, ``checks``, ``cascade``,
        ``frequency``, ``agreement``, ``patterns`` and ``curves``.
        """
        return pictures_of(self, names)

    def write(self, folder: str | Path) -> Path:
        """Write all of it into a folder: its path. Each file appears whole or not at all.

        ``maps.npz`` (each method's maps, and ``explained``, ``target``, ``times``, ``ch_names``,
        ``class_names``), ``METHOD-epo.fif``, ``METHOD-ave.fif`` (one evoked per class), a CSV per
        table, and ``notes.txt``.

        Raises
        ------
        eegxai.atomic.UnwritableError
            When the system refuses the folder.
        """
        return write_files(self, Path(folder))

    def __repr__(self) -> str:
        """What is explained, and the table of trust without its reasons."""
        accuracy = "".join(f", accuracy {value:.2f}" for value in self.accuracy["accuracy"])
        title = f"{self.decoder_name} on {len(self.trials.x)} trials{accuracy}"
        table = self.trust.drop(columns="reason").to_string(index=False)
        return f"{title}, {len(self.explained)} explained\n\n{table}"

    def _repr_html_(self) -> str:
        return overview(self)
