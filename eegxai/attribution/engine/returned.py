"""Where the logits are in what a decoder returns: a tensor, or one among others, by its name."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from torch import Tensor

OUTPUT_NAMES = (
    "logits", "logit", "output", "outputs", "log_probs", "prediction", "predictions", "scores",
    "y", "out",
)  # fmt: skip

Path = tuple[str | int, ...]  # names and places that lead to a tensor of an output


def logits_path(output: Any, n_trials: int) -> Path:
    """Where the logits are in what a decoder returns.

    Raises
    ------
    ValueError
        When no tensor is a table of logits, or it is not plain which.
    """
    path = _chosen(output, n_trials)
    logits = as_table(value_at(output, path), n_trials)
    if not logits.is_floating_point():
        raise ValueError(
            f"decoder must return logits (trials, classes), not whole or complex numbers "
            f"({logits.dtype}): numbers of classes, as argmax gives them, have no gradient; "
            "return what they were taken from"
        )
    return path


def value_at(output: Any, path: Path) -> Tensor:
    """The tensor at a path."""
    for name in path:
        output = dict(_parts(output))[name]
    tensor: Tensor = output
    return tensor


def as_table(value: Tensor, n_trials: int) -> Tensor:
    """Outputs (trials, outputs) of the tensor that a decoder returns for some trials."""
    if value.ndim == 2 and len(value) == n_trials:
        return value
    squeezed = value.ndim < 2 or value.shape[1:].numel() == value.shape[1]
    if squeezed and value.numel() and value.numel() % n_trials == 0:
        return value.reshape(n_trials, -1)
    raise ValueError(
        f"decoder must return logits (trials, classes), not {tuple(value.shape)} "
        f"for {n_trials} trials"
    )


def called(path: Path) -> str:
    """How the tensor at a path is called: by the last name that says what it is."""
    name = next((name for name in path if name in OUTPUT_NAMES), path[0])
    first = path[0] if isinstance(path[0], int) else name
    return f"its entry [{first}]" if isinstance(first, int) else repr(first)


def kind_of(output: Any) -> str:
    """Name of an output's type, with its article."""
    name = type(output).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


def _chosen(output: Any, n_trials: int) -> Path:
    """Path to the tensor that is explained: by its name, or the first of a sequence."""
    if isinstance(output, Tensor):
        return ()
    found = dict(_choices(output, n_trials))
    tables = {n: path for n, path in found.items() if _is_table(value_at(output, path), n_trials)}
    named = [name for name in OUTPUT_NAMES if name in found]
    inside = [name for name, path in found.items() if path[-1] in OUTPUT_NAMES]
    in_order = list(tables or found) if isinstance(output, tuple | list) else []
    alone = list(found) if len(found) == 1 else list(tables) if len(tables) == 1 else []
    if chosen := named or in_order or inside or alone:
        return found[chosen[0]]
    names = ", ".join(repr(name) for name, _ in _parts(output)) or "no tensor"
    raise ValueError(
        f"decoder must return logits (trials, classes), or {OUTPUT_NAMES[0]!r} among others; "
        f"it returned {kind_of(output)} with {names}"
    )


def _choices(output: Any, n_trials: int) -> Iterator[tuple[str | int, Path]]:
    """Paths to tensors of an output, by their names or places; of what is nested, the chosen."""
    for name, value in _parts(output):
        if isinstance(value, Tensor):
            yield name, (name,)
        elif isinstance(value, Mapping | tuple | list) and value:
            with suppress(ValueError):
                yield name, (name, *_chosen(value, n_trials))


def _is_table(value: Tensor, n_trials: int) -> bool:
    """Whether a tensor has an entry for each trial, and is no loss of all of them."""
    with suppress(ValueError):
        return value.ndim > 0 and as_table(value, n_trials) is not None
    return False


def _parts(output: Any) -> list[tuple[str | int, Any]]:
    if isinstance(output, Mapping):
        return [(str(name), value) for name, value in output.items()]
    if isinstance(output, tuple | list):
        return list(zip(getattr(output, "_fields", range(len(output))), output, strict=True))
    properties = (name for name in OUTPUT_NAMES if hasattr(output, name))
    names = dict.fromkeys([*properties, *getattr(output, "__dict__", {})])
    return [(name, getattr(output, name)) for name in names]
