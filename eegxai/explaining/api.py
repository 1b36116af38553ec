"""The one way to explain someone's own decoder on their own trials."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import nn

from eegxai.explaining.result import DecoderExplanation

CHECKS = ("target_swap", "cascade", "independent")
N_TRIALS = 64


def explain(
    decoder: nn.Module | str | Any,
    data: Any,
    y: Any = None,
    *,
    methods: Sequence[str] | Mapping[str, Mapping[str, Any]] | None = None,
    weights: Any = None,
    sfreq: float | None = None,
    ch_names: Sequence[str] | None = None,
    class_names: Sequence[str] | None = None,
    unit: str | None = None,
    n_trials: int = N_TRIALS,
    target: int | str | None = None,
    output: str = "contrast",
    cam_layer: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    checks: Sequence[str] = CHECKS,
    seed: int = 0,
    device: str | None = None,
    on_progress: Callable[[str, float], None] | None = None,
) -> DecoderExplanation:
    """Which explanations of a decoder to trust, and what they say, on anyone's own trials.

    Parameters
    ----------
    decoder : nn.Module, EEGClassifier or str
        A trained network, a fitted classifier of skorch or braindecode, or a string:
        ``"module:factory"``, a function without arguments (or with those that the data know:
        n_chans, n_outputs, n_times, sfreq), or ``"braindecode:NAME"``.
    data : Epochs, dataset, array, LabelledTrials or path
        MNE Epochs, a braindecode dataset, an array (trials, channels, times), or a file that
        ``eegxai.recordings.read_trials`` reads.
    y : array (trials,), optional
        Classes, where the data do not hold them. Without any the predictions are explained.
    methods : sequence of str or mapping, optional
        Names in ``eegxai.METHODS``, or their options by name; ``DEFAULT_METHODS`` by default.
    weights : path, optional
        Weights of a decoder that is given as a string: ``.safetensors``, or what
        ``torch.load(weights_only=True)`` reads.
    sfreq, ch_names, class_names
        Sampling rate in Hz, names of channels and classes, where the data do not hold them.
    unit : str, optional
        What the decoder gets: ``"uV"``, ``"V"`` or ``"as_given"``. By default its accuracy on the
        labels decides, which ``notes`` state.
    n_trials : int
        Most trials to explain, of those that the decoder classifies correctly.
    target : int or str, optional
        A class (its name or number) or output to explain in all trials; by default each trial's
        own class.
    output : str
        ``"contrast"``, ``"logit"`` or ``"value"``, see ``eegxai.attribute``.
    cam_layer, arguments
        As for ``eegxai.attribute``.
    checks : sequence of str
        Randomizations, names in ``eegxai.evaluation.CHECKS``.
    seed : int
        Seed of the choice of trials, the wrong classes and the random weights.
    device : str, optional
        Where to compute, such as ``"cuda"``; by default where the decoder is.
    on_progress : callable, optional
        Called with what is done next and the share that is done, 0 to 1.

    Returns
    -------
    DecoderExplanation

    Raises
    ------
    ValueError
        In one sentence, when data, decoder or an argument cannot be used.
    """
    raise NotImplementedError
