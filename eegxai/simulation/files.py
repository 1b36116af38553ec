"""Simulated EEG as files that other tools read: MNE Epochs (.fif), NumPy arrays (.npz), BIDS.

The suffix selects the format; a name without a suffix is a BIDS folder. Nothing is overwritten,
and a file appears under its name only once it is complete.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import mne
import numpy as np
import pandas as pd
from pydantic_core import to_json

from eegxai.atomic import exists, require_writable, staging
from eegxai.simulation.background import AVERAGE_REFERENCE
from eegxai.simulation.dataset import SimulatedEEG

VOLT_PER_MICROVOLT = 1e-6
TRUTH_DATASET = Path("derivatives") / "ground-truth"  # of a BIDS folder

Array = np.ndarray


@dataclass(frozen=True)
class Format:
    """A file format: the names of its files, how they are written, and what it needs.

    ``names`` turns the requested name into the names of all files, ``write`` takes the data and a
    path for each name, ``packages`` maps the import names of modules to installable names, and
    ``memory`` is what writing takes beside the data, in multiples of recording and ground truth.
    ``holds`` says whether files can hold a name of a class.
    """

    names: Callable[[str], tuple[str, ...]]
    write: Callable[..., None]
    packages: Mapping[str, str]
    memory: float
    holds: Callable[[str], bool] = lambda _name: True


def write_eeg(eeg: SimulatedEEG, path: Path) -> list[Path]:
    """Write simulated EEG in the format of the path's suffix.

    Parameters
    ----------
    eeg : SimulatedEEG
    path : Path
        ``NAME-epo.fif``: MNE Epochs in volts with events named by class and the trials as
        metadata; the ground truth likewise in ``NAME-truth-epo.fif``. ``NAME.npz``: arrays in
        µV without pickle. A name without suffix: a BIDS folder with the trials joined into one
        recording, and the ground truth as a derivative.

    Returns
    -------
    list of Path
        What was written; MNE splits files of more than 2 GB.

    Raises
    ------
    ValueError
        As in :func:`targets`.
    """
    n_bytes = eeg.x.nbytes + eeg.ground_truth.nbytes
    names = [target.name for target in targets(path, n_bytes, eeg.class_names)]
    with staging(path.parent) as folder:
        EEG_FORMATS[path.suffix].write(eeg, *(folder / name for name in names))
        written = sorted(entry.name for entry in folder.iterdir())
    return [path.parent / name for name in written]


def targets(path: Path, n_bytes: float = 0, class_names: Sequence[str] = ()) -> list[Path]:
    """Files that :func:`write_eeg` writes for a path; to be checked before a long simulation.

    Parameters
    ----------
    path : Path
    n_bytes : float
        Size of the recording and the ground truth in float32, as all formats store them.
    class_names : sequence of str
        Names of the classes that the files shall hold.

    Raises
    ------
    ValueError
        When the path has no name, the suffix is unknown, a package is not installed, the format
        cannot hold the name of a class, a file exists already, the folder is not writable, or the
        disk is too full.
    """
    if not path.name:
        raise ValueError(f"{str(path)!r} does not name a file or a new folder")
    if path.suffix not in EEG_FORMATS:
        raise ValueError(
            f"{path} has the suffix {path.suffix!r}; allowed are .fif, .npz, and none for BIDS"
        )
    form = EEG_FORMATS[path.suffix]
    missing = [package for module, package in form.packages.items() if not find_spec(module)]
    if missing:
        raise ValueError(
            f"{path} has no suffix, so it becomes a BIDS folder, which needs packages that are "
            f"not installed; run: pip install {' '.join(missing)}"
        )
    for name in class_names:
        if not form.holds(name):
            raise ValueError(
                f"class {name!r} cannot be written to a {path.suffix} file, which holds Latin "
                "letters without ';'; rename it or choose another format"
            )
    found = [path.with_name(name) for name in form.names(path.name)]
    for target in found:
        require_new(target, n_bytes)
    return found


def require_new(path: Path, n_bytes: float = 0) -> None:
    """Refuse a path that exists or cannot be created.

    Parameters
    ----------
    path : Path
    n_bytes : float
        Expected size of what will be written there.

    Raises
    ------
    ValueError
        One sentence that names the path.
    """
    if exists(path):
        raise ValueError(f"{path} exists and is not overwritten; remove it or choose another name")
    require_writable(path, n_bytes)


def _fits_event_id(name: str) -> bool:
    """Whether MNE reads a name back from a .fif file: Latin-1 letters, and lists split at ';'."""
    try:
        name.encode("latin-1")
    except UnicodeEncodeError:
        return False
    return ";" not in name


def _only_name(name: str) -> tuple[str, ...]:
    return (name,)


def _signal_and_truth(name: str) -> tuple[str, ...]:
    """Names that end as MNE requires for Epochs: in -epo.fif or _epo.fif."""
    stem = name.removesuffix(".fif")
    separator = "_" if stem.endswith("_epo") else "-"
    ending = f"{separator}epo"
    stem = stem.removesuffix(ending)
    return f"{stem}{ending}.fif", f"{stem}{separator}truth{ending}.fif"


def _write_fif(eeg: SimulatedEEG, signal: Path, truth: Path) -> None:
    _epochs_in_volts(eeg, eeg.x).save(signal, verbose="ERROR")
    _epochs_in_volts(eeg, eeg.ground_truth).save(truth, verbose="ERROR")


def _epochs_in_volts(eeg: SimulatedEEG, microvolts: Array) -> mne.EpochsArray:
    """Epochs in volts, with the average reference, where they have it, as an applied projection.

    MNE's inverse solutions require the projection; it does not change data that already have the
    average reference.
    """
    epoch = eeg.spec.epoch
    zeros = np.arange(len(eeg.y)) * epoch.n_times + max(-epoch.first, 0)
    epochs = mne.EpochsArray(
        VOLT_PER_MICROVOLT * microvolts.astype(np.float64),
        _info_of_dataset(eeg),
        np.column_stack([zeros, np.zeros_like(zeros), eeg.y + 1]),
        tmin=epoch.start_ms / 1e3,
        event_id=_event_id(eeg),
        metadata=eeg.trials,
        verbose="ERROR",
    )
    if eeg.spec.reference != AVERAGE_REFERENCE:
        return epochs
    return epochs.set_eeg_reference(projection=True, verbose="ERROR").apply_proj(verbose="ERROR")


def _info_of_dataset(eeg: SimulatedEEG) -> mne.Info:
    info = eeg.info.copy()
    info["description"] = _spec_json(eeg)
    return info


def _event_id(eeg: SimulatedEEG) -> dict[str, int]:
    """Event codes: the label plus one, because 0 means no event in MNE."""
    return {name: label + 1 for label, name in enumerate(eeg.class_names)}


def _spec_json(eeg: SimulatedEEG) -> str:
    return to_json(eeg.spec).decode()


def _write_npz(eeg: SimulatedEEG, path: Path) -> None:
    columns = {f"trials_{name}": _unpickled_column(column) for name, column in eeg.trials.items()}
    np.savez(
        path,
        allow_pickle=False,
        x=eeg.x,
        y=eeg.y,
        ground_truth=eeg.ground_truth,
        ch_names=np.array(eeg.info.ch_names),
        class_names=np.array(eeg.class_names),
        times_ms=eeg.spec.epoch.times_ms,
        sfreq=eeg.spec.sfreq,
        spec=_spec_json(eeg),
        **columns,
    )


def _unpickled_column(column: pd.Series) -> Array:
    """Column as an array that needs no pickle: text gets a fixed width."""
    return np.array(column.tolist())


def _write_bids(eeg: SimulatedEEG, root: Path) -> None:
    _write_dataset(eeg, eeg.x, root, "raw", "Simulated EEG")
    truth = root / TRUTH_DATASET
    _write_dataset(eeg, eeg.ground_truth, truth, "derivative", "Noiseless signal in the EEG")


def _write_dataset(eeg: SimulatedEEG, microvolts: Array, root: Path, kind: str, title: str) -> None:
    """One BIDS data set with one recording, BrainVision in float32."""
    import mne_bids

    generator = [{"Name": "eegxai", "Description": _spec_json(eeg)}]
    root.mkdir(parents=True)
    mne_bids.make_dataset_description(
        path=root, name=title, dataset_type=kind, generated_by=generator, verbose="ERROR"
    )
    place = mne_bids.BIDSPath(
        root=root, subject=f"seed{eeg.spec.seed}", task=_entity(eeg.spec.feature), datatype="eeg"
    )
    written = mne_bids.write_raw_bids(
        _recording(eeg, microvolts),
        place,
        event_id=_event_id(eeg),
        format="BrainVision",
        allow_preload=True,
        verbose="ERROR",
    )
    mne_bids.update_sidecar_json(
        written.copy().update(extension=".json"), _sidecar(eeg), verbose="ERROR"
    )


def _entity(name: str) -> str:
    """A name as BIDS allows it in file names: letters and digits."""
    return re.sub(r"[^A-Za-z0-9]", "", name)


def _sidecar(eeg: SimulatedEEG) -> dict[str, str]:
    """What BIDS states of the recording.

    The trials follow each other without a gap, so filters must not be applied across their borders.
    """
    lasts_s = eeg.spec.epoch.duration_ms / 1e3
    made = "Simulated signals in recordings" if eeg.spec.background else "Simulated"
    return {
        "RecordingType": "discontinuous",
        "EEGReference": eeg.spec.reference,
        "Manufacturer": "n/a",
        "TaskDescription": f"{made}; every event comes {_before_event_s(eeg):g} s after the "
        f"start of a trial, which lasts {lasts_s:g} s.",
    }


def _before_event_s(eeg: SimulatedEEG) -> float:
    """From a trial's start to its event, s: to time zero where that is within the trial."""
    return max(-eeg.spec.epoch.start_ms / 1e3, 0.0)


def _recording(eeg: SimulatedEEG, microvolts: Array) -> mne.io.RawArray:
    """Trials joined into one recording in volts, each annotated with its class and metadata."""
    volts = VOLT_PER_MICROVOLT * np.concatenate(microvolts, axis=-1, dtype=np.float64)
    raw = mne.io.RawArray(volts, _info_of_dataset(eeg), verbose="ERROR")
    seconds, before = microvolts.shape[-1] / eeg.info["sfreq"], _before_event_s(eeg)
    onsets = seconds * np.arange(len(eeg.y)) + before
    names = [eeg.class_names[label] for label in eeg.y]
    details = eeg.trials.to_dict("records")
    return raw.set_annotations(mne.Annotations(onsets, seconds - before, names, extras=details))


# Memory as measured: MNE computes in float64 and copies; a BIDS folder takes further copies.
EEG_FORMATS: Mapping[str, Format] = {
    ".fif": Format(_signal_and_truth, _write_fif, {}, 2.2, _fits_event_id),
    ".npz": Format(_only_name, _write_npz, {}, 0.2),
    "": Format(_only_name, _write_bids, {"mne_bids": "mne-bids", "pybv": "pybv"}, 5.0),
}
