"""Montage and head models: how a current dipole in the brain reaches the electrodes.

Everything a caller sees is in MNI millimetres and MNI axes (x right, y anterior, z superior),
whatever frame a head model computes in.
"""

from eegxai.head.base import Head, LeadField
from eegxai.head.models import (
    HEADS,
    HeadField,
    HeadSpec,
    Montage,
    montage_value,
    open_head,
    with_montage,
)
from eegxai.head.montage import MONTAGE, mni_to_head, montage_info
from eegxai.head.referenced import ReferencedHead
from eegxai.head.sphere import SphereHead, brain_points, scanning_head

__all__ = [
    "HEADS",
    "MONTAGE",
    "Head",
    "HeadField",
    "HeadSpec",
    "LeadField",
    "Montage",
    "ReferencedHead",
    "SphereHead",
    "brain_points",
    "mni_to_head",
    "montage_info",
    "montage_value",
    "open_head",
    "scanning_head",
    "with_montage",
]
