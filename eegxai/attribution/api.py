"""The one way to call attribution methods."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from eegxai.attribution.calling import maps_or_reasons
from eegxai.attribution.core.groups import Names, asked_methods
from eegxai.attribution.core.registry import NotApplicable, find
from eegxai.attribution.engine.frequency import joined_relevance, listening
from eegxai.attribution.given import Trials, in_known_unit, unit_decided
from eegxai.attribution.prepared import Output


def attribute(
    name: str,
    decoder: nn.Module,
    x: Trials,
    target: Trials,
    *,
    references: Trials | None = None,
    output: Output = "logit",
    cam_layer: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    **options: Any,
) -> Tensor:
    """Attribution map of each trial: what the target class's output owes to each sample.

    The method works on a private copy of the decoder in evaluation mode, so the decoder itself
    keeps its modes, parameters, statistics and hooks; what torch.compile has compiled is run as
    it was written. Whatever fails leaves nothing behind in torch. Logits are attributed, never
    softmax probabilities. Numbers do not depend on ``chunk`` or on the other trials.

    Parameters
    ----------
    name : str
        A name in ``METHODS`` or ``CONTROLS``, or of another library's method, such as
        ``captum.IntegratedGradients`` (docs/methods.md).
    decoder : nn.Module
        Maps (trials, channels, times) to (trials, classes) logits; on any device. Other forms of
        trials and outputs are understood too, and said in a ``DecoderWarning``
        (docs/methods.md#your-own-decoder).
    x : Tensor or array
        Trials (trials, channels, times) in the unit that the decoder was trained on, which is µV
        here. Numbers that look like volts are explained with a ``UnitWarning``.
    target : Tensor or array
        Class to explain for each trial, (trials,) integers; or the number of the output.
    references : Tensor or array, optional
        Trials like ``x``, for methods that compare with other trials.
    output : str
        What is explained: ``"logit"`` of the class, as papers and other libraries do, so that the
        call gives their maps; or ``"contrast"``, the logit minus the mean of the others, which is
        what decides (see ``eegxai.attribution.engine.contrast``) and what evaluations explain. A
        lone output is the logit of class 1, unless it is to be explained as a ``"value"``.
    cam_layer : str, optional
        Layer of the class activation maps, in place of the decoder's attribute ``cam_layer``.
    arguments : mapping, optional
        What ``forward`` takes besides the trials, by name: the same for all trials.
    **options
        Options of the method, and ``chunk``, the trials at a time (8 by default; a GPU takes 32
        times as many). Where memory is short, fewer are taken.

    Returns
    -------
    Tensor
        Signed map (trials, channels, times), with x's type and device.

    Raises
    ------
    NotApplicable
        When the method is not applicable to this decoder.
    DegenerateMap
        When the method returned another shape or values that are not finite.
    ValueError
        When the decoder is compiled by torch.jit or does not take such trials, the name or an
        option is unknown, or ``x``, ``target``, ``references`` or the value of an option is
        unusable.
    """
    x, references = in_known_unit(x, references)
    trials = x, target, references, output, cam_layer, arguments
    (result,) = maps_or_reasons({name: options}, decoder, *trials).values()
    if isinstance(result, Tensor):
        return result
    raise result


def frequency_relevance(
    name: str,
    decoder: nn.Module,
    x: Trials,
    target: Trials,
    *,
    references: Trials | None = None,
    output: Output = "logit",
    **options: Any,
) -> Tensor:
    """Relevance of each channel's frequencies: what the target's logit owes to them.

    Where maps are the trial times a multiplier, it is Re(conj(X) M) / N with their Fourier
    transforms, whose sum over frequencies is the map's over time. Where they are a gradient, it is
    the derivative with respect to the amplitudes. ``BandOcclusion`` measures it (virtual
    inspection layers: Vielhaben et al., arXiv:2303.06365).

    Parameters are those of :func:`attribute`.

    Returns
    -------
    Tensor (trials, channels, frequencies)
        Float64, signed, at the frequencies ``torch.fft.rfftfreq(times, 1 / sfreq)``.

    Raises
    ------
    NotApplicable
        When the method is not applicable, or its maps say nothing about frequency.
    DegenerateMap, ValueError
        As :func:`attribute`.

    Examples
    --------
    >>> import torch
    >>> from eegxai.attribution import frequency_relevance
    >>> decoder = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(2 * 8, 3))
    >>> x, target = torch.randn(4, 2, 8), torch.tensor([0, 1, 2, 0])
    >>> frequency_relevance("InputXGradient", decoder, x, target).shape
    torch.Size([4, 2, 5])
    """
    if find(name).frequency is None:
        raise NotApplicable(
            f"{name} does not declare what its maps say about frequency; InputXGradient, Gradient "
            "and others do (docs/methods.md), and BandOcclusion measures it"
        )
    x, references = in_known_unit(x, references)
    with unit_decided(), listening() as parts:
        attribute(name, decoder, x, target, references=references, output=output, **options)
    heard = joined_relevance(parts)
    if heard is None:
        raise NotApplicable(f"{name} declares what its maps say about frequency, but gave nothing")
    return heard.relevance.to(x.device)


def attribute_all(
    names: Names,
    decoder: nn.Module,
    x: Trials,
    target: Trials,
    *,
    references: Trials | None = None,
    output: Output = "logit",
    cam_layer: str | None = None,
    arguments: Mapping[str, Any] | None = None,
) -> dict[str, Tensor]:
    """Maps of several methods as ``attribute`` gives them; shared passes are computed once.

    Parameters
    ----------
    names : str, sequence of str or mapping
        Names of methods and groups, ``"study"`` or ``["study", "Gradient"]``, or their options by
        name.
    decoder, x, target, references, output, cam_layer, arguments
        As for :func:`attribute`.

    Raises
    ------
    NotApplicable, DegenerateMap, ValueError
        As :func:`attribute`, for the first method of which that is true.
    """
    methods = asked_methods(names)
    x, references = in_known_unit(x, references)
    maps = {}
    trials = x, target, references, output, cam_layer, arguments
    for name, result in maps_or_reasons(methods, decoder, *trials).items():
        if not isinstance(result, Tensor):
            raise result
        maps[name] = result
    return maps
