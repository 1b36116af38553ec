"""A head whose electrodes are referenced as those of a recording were."""

from dataclasses import dataclass

import mne
import numpy as np

from eegxai.head.base import Head, LeadField

Array = np.ndarray


@dataclass(frozen=True)
class ReferencedHead:
    """A head with another reference than the average of its electrodes.

    Parameters
    ----------
    head : Head
        Has the channels and the electrodes of the reference.
    channels : tuple of str
        Those of the recording, in its order.
    reference : tuple of str
        Electrodes whose mean is subtracted.
    """

    head: Head
    channels: tuple[str, ...]
    reference: tuple[str, ...]

    def info(self, sfreq: float) -> mne.Info:
        """See :meth:`eegxai.head.Head.info`."""
        return mne.pick_info(self.head.info(sfreq), self._rows(self.channels))

    def lead_field(self, positions_mni_mm: Array) -> LeadField:
        """See :meth:`eegxai.head.Head.lead_field`, but in this reference."""
        field = self.head.lead_field(positions_mni_mm)
        reference = field.gain[self._rows(self.reference)].mean(axis=0)
        gain = field.gain[self._rows(self.channels)] - reference
        return LeadField(gain, field.normals, field.tilt_deg)

    def require_inside(self, positions_mni_mm: Array) -> None:
        """See :meth:`eegxai.head.Head.require_inside`."""
        self.head.require_inside(positions_mni_mm)

    def random_places(self, n_places: int, rng: np.random.Generator) -> Array:
        """See :meth:`eegxai.head.Head.random_places`."""
        return self.head.random_places(n_places, rng)

    def scan_places(self) -> Array:
        """See :meth:`eegxai.head.Head.scan_places`."""
        return self.head.scan_places()

    def _rows(self, names: tuple[str, ...]) -> list[int]:
        known = self.head.info(1.0).ch_names
        return [known.index(name) for name in names]
