"""Files that belong to a recording: data and markers that its header names, parts of a long one."""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path

import mne
import scipy

from eegxai.head.models import file_digest

SIDE_FILES = (".eeg", ".dat", ".vmrk", ".amrk", ".fdt")  # where these have the header's name
NAMED_BY_VHDR = re.compile(rb"^\s*(?:DataFile|MarkerFile)\s*=\s*(.+?)\s*$", re.MULTILINE)


def parts(file: str) -> tuple[Path, ...]:
    """The files that hold a recording: its own first, then those that belong to it and exist."""
    path = Path(file).resolve()
    beside = (path.with_suffix(suffix) for suffix in SIDE_FILES)
    possible = (path, *beside, *_files_named_in(path, file_digest(file)))
    return tuple(dict.fromkeys(part for part in possible if part.is_file()))


@lru_cache(maxsize=64)
def _files_named_in(path: Path, _digest: str) -> tuple[Path, ...]:
    suffix = Path(path.name.lower().removesuffix(".gz")).suffix
    return tuple(NAMED_FILES[suffix](path)) if suffix in NAMED_FILES else ()


def _of_vhdr(path: Path) -> Iterable[Path]:
    names = NAMED_BY_VHDR.findall(path.read_bytes())
    # $b stands for the name of the header without its suffix.
    return [path.parent / name.decode(errors="replace").replace("$b", path.stem) for name in names]


def _of_set(path: Path) -> Iterable[Path]:
    try:
        content = scipy.io.loadmat(path, simplify_cells=True)
    except Exception:  # of MATLAB 7.3, or a file that says what is wrong when it is opened
        return ()
    eeg = content.get("EEG", content)
    names = [eeg.get(field) for field in ("data", "datfile")]
    return [path.parent / name for name in names if isinstance(name, str) and name]


def _of_fif(path: Path) -> Iterable[Path]:
    """Parts of a recording as its file names them; parts of epochs by how MNE names them."""
    try:
        with mne.utils.use_log_level("ERROR"):
            return [Path(name) for name in mne.io.read_raw_fif(path).filenames if name]
    except Exception:  # epochs, or a file that says what is wrong when it is opened
        stem, end, rest = path.name.partition(".fif")
        numbered = re.escape(stem) + r"-\d+" + re.escape(end + rest)
        split = r"split-\d+".join(map(re.escape, re.split(r"split-\d+", path.name)))
        part = re.compile(f"{numbered}|{split}")
        return sorted(other for other in path.parent.iterdir() if part.fullmatch(other.name))


NAMED_FILES: Mapping[str, Callable[[Path], Iterable[Path]]] = {
    ".vhdr": _of_vhdr,
    ".set": _of_set,
    ".fif": _of_fif,
}
