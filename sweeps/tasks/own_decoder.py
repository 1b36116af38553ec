"""Explaining anyone's decoder on their recordings: what was asked, and what was found."""

import hashlib
import re
import shlex
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

from eegxai.explaining import DecoderExplanation, explain
from eegxai.explaining.api import OnAccuracy, check_arguments
from eegxai.explaining.matching import AS_GIVEN
from eegxai.explaining.progress import OnProgress
from eegxai.recordings import LabelledTrials, read_trials
from sweeps.store import provenance

FILE_DIGEST_LENGTH = 16  # hexadecimal digits, as in the names of the store's files
OF_READING = ("events", "class_names", "tmin", "tmax")
CHECKED_FIRST = ("unit", "n_trials", "seed", "device")
OF_EXPLAINING = ("weights", "unit", "n_trials", "cam_layer", "seed", "device")


@dataclass(frozen=True, kw_only=True)
class ExplainRequest:
    """What ``eegxai explain`` is asked for; None is the default of what it is passed to.

    Attributes
    ----------
    decoder : str
        ``MODULE:FACTORY`` or ``braindecode:NAME``.
    data : Path
        Recordings that :func:`eegxai.recordings.read_trials` reads.
    weights : Path, optional
        Of the decoder.
    events, class_names, tmin, tmax
        See ``read_trials``.
    methods, unit, n_trials, cam_layer, seed, device
        See :func:`eegxai.explain`.
    """

    decoder: str
    data: Path
    weights: Path | None = None
    events: tuple[str, ...] | Mapping[str, str] | None = None
    class_names: tuple[str, ...] | None = None
    tmin: float | None = None
    tmax: float | None = None
    methods: tuple[str, ...] | None = None
    unit: str | None = None
    n_trials: int | None = None
    cam_layer: str | None = None
    seed: int | None = None
    device: str | None = None

    @property
    def given(self) -> Mapping[str, Any]:
        """What was not left to the defaults, by name."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not None}

    @property
    def command(self) -> str:
        """The command line that asks for the same."""
        words = ["eegxai", "explain"]
        for name, value in self.given.items():
            words += [f"--{name.replace('_', '-')}", as_text(value)]
        return shlex.join(words)

    @property
    def name(self) -> str:
        """Such as ``braindecode-EEGNet-sub-01-epo``, for a folder."""
        return re.sub(r"[^\w.-]+", "-", f"{self.decoder}-{self.data.stem}")

    def of(self, names: tuple[str, ...]) -> dict[str, Any]:
        """Those of some names that were given."""
        return {name: value for name, value in self.given.items() if name in names}


@dataclass(frozen=True, eq=False)
class RequestedExplanation:
    """What was found, and how it came about.

    Attributes
    ----------
    request : ExplainRequest
        What was asked for.
    found : DecoderExplanation
        What was found.
    started, finished : float
        Seconds since 1970.
    """

    request: ExplainRequest
    found: DecoderExplanation
    started: float
    finished: float

    @property
    def versions(self) -> Mapping[str, str]:
        """Versions of the packages that made it."""
        return provenance.versions()

    @cached_property
    def weights_digest(self) -> str:
        """Digest of the file of weights; empty where there is none."""
        return digest_of(self.request.weights) if self.request.weights else ""

    @cached_property
    def data_digest(self) -> str:
        """Digest of the recording; empty of a folder."""
        return digest_of(self.request.data) if self.request.data.is_file() else ""

    @property
    def machine(self) -> str:
        """Hardware in words."""
        return provenance.machine(self.request.device or "cpu")

    @property
    def facts(self) -> dict[str, str]:
        """What a report states of its origin; nothing where it is not known."""
        request, trials = self.request, self.found.trials
        n_trials, n_channels, n_times = trials.x.shape
        told = {
            "Decoder": self.found.decoder_name,
            "Weights": _path_with_digest(request.weights, self.weights_digest),
            "Recordings": _path_with_digest(request.data, self.data_digest),
            "Trials": f"{n_trials} of {n_channels} channels and {n_times} samples at "
            f"{trials.sfreq:g} Hz; {len(self.found.explained)} are explained",
            "Unit": UNIT_NAMES.get(trials.unit, trials.unit),
            "Explained": f"the {self.found.output} of each trial's class",
            "Computed": f"{time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime(self.finished))}, in "
            f"{self.finished - self.started:.0f} s",
            "Hardware": self.machine,
            "Commit": provenance.commit() or "not recorded",
            "Versions": "; ".join(f"{name} {number}" for name, number in self.versions.items()),
        }
        return {name: text for name, text in told.items() if text}


def as_text(value: object) -> str:
    """A value as the command line has it."""
    if isinstance(value, Mapping):
        return ",".join(f"{event}={name}" for event, name in value.items())
    return ",".join(value) if isinstance(value, tuple) else str(value)


UNIT_NAMES = {"uV": "µV", AS_GIVEN: "as in the file"}


def _path_with_digest(path: Path | None, digest: str) -> str:
    if path is None:
        return ""
    return f"{path} (sha256 {digest}…)" if digest else str(path)


def read_requested(request: ExplainRequest) -> LabelledTrials:
    """The trials that a request is about.

    Raises
    ------
    ValueError
        When a value of the request is not allowed, and see :func:`read_trials`.
    """
    check_arguments(**request.of(CHECKED_FIRST))
    given = request.of(OF_READING)
    if request.unit == AS_GIVEN:
        given["unit"] = AS_GIVEN
    return read_trials(request.data, **given)


def explain_requested(
    request: ExplainRequest,
    trials: LabelledTrials,
    on_accuracy: OnAccuracy | None = None,
    on_progress: OnProgress | None = None,
) -> RequestedExplanation:
    """Explain a decoder on trials that were read.

    Parameters
    ----------
    request : ExplainRequest
    trials : LabelledTrials
    on_accuracy : callable, optional
        Called with the tables of accuracy and confusion before anything is explained.
    on_progress : callable, optional
        Called with what is done next, and the share that is done.

    Raises
    ------
    ValueError
        See :func:`eegxai.explain`.
    """
    started = time.time()
    found = explain(
        request.decoder,
        trials,
        methods=request.methods,
        on_accuracy=on_accuracy,
        on_progress=on_progress,
        **request.of(OF_EXPLAINING),
    )
    return RequestedExplanation(request, found, started, time.time())


def digest_of(path: Path) -> str:
    """Beginning of the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:FILE_DIGEST_LENGTH]
