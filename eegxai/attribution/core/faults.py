"""What a method's error means: a reason why there is no map, or a fault that must be seen."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from eegxai.attribution.core.registry import DegenerateMap, NotApplicable

LONGEST_REASON = 200  # characters of an error's message: some print whole tensors
FAULTS_OF_THE_MACHINE = (torch.OutOfMemoryError, torch.AcceleratorError, MemoryError)


PASS_CODES = (nn.Module._call_impl.__code__, torch.autograd.graph._engine_run_backward.__code__)
CUT = "no gradient reaches the trials: its forward pass cuts it off, as {} do"
# What torch's errors mean here, by a piece of their text.
IN_WORDS = {
    "does not require grad": CUT.format("torch.no_grad, inference_mode, detach and numpy"),
    "Inference tensors": CUT.format("torch.inference_mode and its tensors"),
    "Can't call numpy() on Tensor that requires grad": (
        "its forward pass leaves torch for numpy, through which no gradient passes"
    ),
    "use_reentrant=True": (
        "its checkpoints are reentrant, through which the gradient of the trials cannot be "
        "computed: "
        "use torch.utils.checkpoint.checkpoint(..., use_reentrant=False)"
    ),
    "not implemented for 'Complex": (
        "its weights or activations are complex, for which a rule of the method is not defined"
    ),
    "Expected primals to only contain Tensors": (
        "a layer takes or returns something that is not a tensor, such as a packed sequence, and "
        "has no derivative along a direction"
    ),
}


@contextmanager
def errors_as_verdicts(name: str | None, decoder: nn.Module) -> Iterator[None]:
    """Context in which an error of torch or of the decoder becomes the reason for no map.

    Sentences and mistakes of a method, and faults of the machine, pass as they are. Without a name
    the reason is one against every method.

    Raises
    ------
    NotApplicable, DegenerateMap
        The latter where linear algebra found no solution.
    """
    try:
        yield
    except (NotApplicable, DegenerateMap, *FAULTS_OF_THE_MACHINE):
        raise
    except torch.linalg.LinAlgError as error:
        raise DegenerateMap(
            f"{name or 'no method'} has {'no' if name else 'a'} map on {type(decoder).__name__}: "
            f"{first_line(error)}"
        ) from error
    except Exception as error:
        if not _of_the_decoder(error):
            raise
        raise NotApplicable(
            f"{f'{name} is not' if name else 'no method is'} applicable to "
            f"{type(decoder).__name__}: {first_line(error)}"
        ) from error


def _of_the_decoder(error: Exception) -> bool:
    """Whether an error is from a decoder's pass or inside torch, and not from a method's own code.

    What this package calls in a decoder's pass may meet torch's RuntimeErrors; other errors there
    are its own.
    """
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    innermost = str(frames[-1].f_globals.get("__name__"))
    if innermost.startswith("eegxai.") and not isinstance(error, RuntimeError):
        return False
    passes = any(frame.f_code in PASS_CODES for frame in frames)
    return passes or innermost.partition(".")[0] == "torch"


def first_line(error: Exception) -> str:
    """What an error means, or its kind and its first line, or that of the code that it is from."""
    known = (words for piece, words in IN_WORDS.items() if piece in str(error))
    if words := next(known, ""):
        return words
    lines = str(error).strip().splitlines() or [
        str(frame.line) for frame in traceback.extract_tb(error.__traceback__)[-1:]
    ]
    said = ": ".join([type(error).__name__, *lines[:1]])
    return said if len(said) <= LONGEST_REASON else said[: LONGEST_REASON - 3] + "..."
