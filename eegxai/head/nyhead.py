"""The New York Head (ICBM-NY), a finite-element model of the MNI152 head with 231 electrodes.

Huang, Parra & Haufe 2016, NeuroImage 140:150-162, doi 10.1016/j.neuroimage.2015.12.019.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import getitem
from typing import Any

import numpy as np
import scipy

from eegxai.head.base import SampledHead, unit
from eegxai.head.montage import (
    MONTAGE,
    TEMPLATE,
    require_channels,
    require_electrodes,
    standard_montage,
)

LABELS = "sa.clab_electrodes"
GAIN, VERTICES, NORMALS = "sa.cortex75K.V_fem", "sa.cortex75K.vc", "sa.cortex75K.normals"

# One unit of V_fem. The file does not state its unit; LFPykit 0.5 (NYHeadModel) takes it to be
# V/(mA·m), "probably", and potentials then have the size that they have in spherical heads.
MICROVOLT_PER_FILE_UNIT = 1.0

Array = np.ndarray


def nyhead_head(file: str, channels: Sequence[str] | None = None) -> SampledHead:
    """The New York Head from its MATLAB file.

    Dipoles are placed at the nearest vertex of the cortex (74,382 vertices, MNI mm) and point
    along its normal, without tilt. The average reference is taken over ``channels``; the file's
    own reference, the average of all its electrodes, cancels out. Electrode positions are those
    of the template and serve for drawing only.

    Parameters
    ----------
    file : str
        ``sa_nyhead.mat`` (MATLAB v7.3, which is HDF5), or the file that SEREEGA prunes it to,
        ``sa_nyhead_sereegareduced.mat`` (MATLAB v7, or v7.3 if MATLAB is set to write that).
    channels : sequence of str, optional
        In the order wanted; by default those of the study.

    Raises
    ------
    ValueError
        When the file is not a MATLAB file or lacks a field, shapes of fields disagree, or the
        head or the template lacks a channel.
    """
    wanted = MONTAGE if channels is None else tuple(channels)
    fields = _read_nyhead_file(file)
    _require_shapes(file, fields)
    require_channels(wanted, fields.labels, f"the New York Head {file}")
    require_electrodes(wanted)
    rows = [fields.labels.index(name) for name in wanted]
    return SampledHead(
        channels=wanted,
        montage=standard_montage(TEMPLATE),
        places_mni_mm=fields.places,
        gain=fields.gain[rows] * MICROVOLT_PER_FILE_UNIT,
        normals=unit(fields.normals),
        tilt_deg=np.zeros(len(fields.normals)),
    )


@dataclass(frozen=True, eq=False)
class _Fields:
    """What a file holds, in MATLAB's order of axes.

    ``gain`` (channels, sources, 3), ``places`` (sources, 3) MNI mm, ``normals`` (sources, 3).
    """

    labels: list[str]
    gain: Array
    places: Array
    normals: Array


def _read_nyhead_file(file: str) -> _Fields:
    import h5py  # 10 MB that few users need

    if not h5py.is_hdf5(file):
        return _read_mat(file)
    with h5py.File(file, "r") as root:
        return _read_hdf5(file, root)


def _read_hdf5(file: str, root: Any) -> _Fields:
    """Fields of a v7.3 file: HDF5 has MATLAB's axes reversed, and cells as references."""
    cells = [root[cell] for cell in np.ravel(_file_field(file, root, LABELS))]
    return _Fields(
        ["".join(map(chr, np.ravel(characters))) for characters in cells],
        *(np.asarray(_file_field(file, root, name)).T for name in (GAIN, VERTICES, NORMALS)),
    )


def _read_mat(file: str) -> _Fields:
    """Fields of a file in MATLAB's formats before v7.3."""
    try:
        root = scipy.io.loadmat(file, variable_names=["sa"], simplify_cells=True)
    except (ValueError, NotImplementedError, scipy.io.matlab.MatReadError) as error:
        raise ValueError(f"the New York Head {file} is not a MATLAB file: {error}") from error
    return _Fields(
        [str(label) for label in np.ravel(_file_field(file, root, LABELS))],
        *(np.asarray(_file_field(file, root, name)) for name in (GAIN, VERTICES, NORMALS)),
    )


def _file_field(file: str, root: Mapping[str, Any], name: str) -> Any:
    try:
        return reduce(getitem, name.split("."), root)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise ValueError(f"the New York Head {file} lacks the field {name}") from error


def _require_shapes(file: str, fields: _Fields) -> None:
    n_channels, n_sources = len(fields.labels), len(fields.places)
    shapes = {
        GAIN: (fields.gain, (n_channels, n_sources, 3)),
        VERTICES: (fields.places, (n_sources, 3)),
        NORMALS: (fields.normals, (n_sources, 3)),
    }
    for name, (array, needed) in shapes.items():
        if array.shape != needed:
            raise ValueError(
                f"the New York Head {file} has {name} of shape {array.shape}; "
                f"{needed} is needed for its {n_channels} labels and {n_sources} positions"
            )
