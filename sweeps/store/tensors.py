"""Example maps and the use of a decoder as tensors with a record, and back."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from eegxai.decoders.checkpoint import Tensors
from eegxai.evaluation import ExampleMaps
from eegxai.evaluation.references.use import DecoderUse, PieceUse

# Types and axes. Maps of four trials are most of a method's bytes, and only ever drawn.
MAP_ARRAYS: dict[str, tuple[torch.dtype, str]] = {
    "trials": (torch.int64, "examples"),
    "classes": (torch.int64, "examples"),
    "scores": (torch.float64, "examples"),
    "attribution": (torch.float16, "examples channels times"),
    "ground_truth": (torch.float16, "examples channels times"),
    "class_attribution": (torch.float32, "classes channels"),
    "class_ground_truth": (torch.float32, "classes channels"),
    "positions": (torch.float64, "channels xyz"),
    "class_frequency": (torch.float16, "classes channels frequencies"),
    "class_bands_hz": (torch.float64, "classes ends"),
    "class_courses": (torch.float16, "classes times"),
    "class_ground_truth_courses": (torch.float16, "classes times"),
}
MAP_ARRAY_AXES = {name: axes for name, (_, axes) in MAP_ARRAYS.items()}
USE_AXES = {"use": "trials pieces", "halves": "two trials pieces", "error": "trials pieces"}
TOTAL = {"total": "trials"}
FIXED_SIZES = {"xyz": 3, "ends": 2, "two": 2}  # of axes that have always the same
USE_ARRAYS = tuple(USE_AXES)  # in the order of the fields of PieceUse

TensorRecord = dict[str, Any]


def maps_as_tensors(maps: ExampleMaps) -> tuple[Tensors, TensorRecord]:
    """Arrays of example maps, in half precision where that is enough to see them, and the rest."""
    given = {name: value for name, value in vars(maps).items() if value is not None}
    record = {name: value for name, value in given.items() if name not in MAP_ARRAYS}
    types = {name: kind for name, (kind, _) in MAP_ARRAYS.items() if name in given}
    return {name: torch.tensor(given[name], dtype=kind) for name, kind in types.items()}, record


def maps_from_tensors(tensors: Tensors, record: TensorRecord) -> ExampleMaps:
    """Example maps from what :func:`maps_as_tensors` has made of them.

    Raises
    ------
    ValueError
        When shapes of arrays do not fit together.
    """
    require_axes(tensors, MAP_ARRAY_AXES, {"channels": len(record["channels"])})
    arrays = {name: _widened(tensor).numpy() for name, tensor in tensors.items()}
    return ExampleMaps(
        **arrays,
        channels=tuple(record["channels"]),
        sfreq=float(record["sfreq"]),
        start_ms=float(record["start_ms"]),
    )


def use_as_tensors(use: DecoderUse) -> tuple[Tensors, TensorRecord]:
    """Arrays of what a decoder used, and the names of its pieces."""
    parts = list(use.families.items())
    arrays = {f"{name}/{kind}": getattr(p, kind) for name, p in parts for kind in USE_ARRAYS}
    tensors = {name: torch.from_numpy(a) for name, a in {**arrays, "total": use.total}.items()}
    return tensors, {"names": {name: pieces.names for name, pieces in parts}}


def use_from_tensors(tensors: Tensors, record: TensorRecord) -> DecoderUse:
    """What a decoder used from what :func:`use_as_tensors` has made of it.

    Raises
    ------
    ValueError
        When shapes of arrays do not fit together.
    """
    for family, names in record["names"].items():
        axes = {f"{family}/{kind}": axes for kind, axes in USE_AXES.items()}
        require_axes(tensors, {**axes, **TOTAL}, {"pieces": len(names)})
    families = {
        family: PieceUse(
            tuple(names), *(tensors[f"{family}/{kind}"].numpy() for kind in USE_ARRAYS)
        )
        for family, names in record["names"].items()
    }
    return DecoderUse(tensors["total"].numpy(), families)


def _widened(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.dtype == torch.float16 else tensor


def require_axes(tensors: Tensors, axes: Mapping[str, str], known: Mapping[str, int]) -> None:
    """Check that arrays, as far as there are any, have axes of the same sizes.

    Parameters
    ----------
    tensors : dict of str to Tensor
    axes : mapping of str to str
        Names of an array's axes, separated by spaces.
    known : mapping of str to int
        Sizes of axes that are known beforehand.

    Raises
    ------
    ValueError
        When an array has another number of axes, or one of another size.
    """
    sizes = {**FIXED_SIZES, **known}
    for name in filter(tensors.__contains__, axes):
        shape, names = tuple(tensors[name].shape), axes[name].split()
        fits = len(shape) == len(names) and all(
            sizes.setdefault(axis, size) == size for axis, size in zip(names, shape, strict=True)
        )
        if not fits:
            raise ValueError(f"its array {name} has the shape {shape}, not ({', '.join(names)})")
