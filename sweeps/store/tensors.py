"""Example maps and the use of a decoder as tensors with a record, and back."""

from typing import Any

import torch
from torch import Tensor

from eegxai.evaluation import ExampleMaps
from eegxai.evaluation.references.use import DecoderUse, PieceUse

# Maps of four trials are most of a method's bytes, and only ever drawn.
MAP_TYPES = {
    "trials": torch.int64,
    "classes": torch.int64,
    "scores": torch.float64,
    "attribution": torch.float16,
    "ground_truth": torch.float16,
    "class_attribution": torch.float32,
    "class_ground_truth": torch.float32,
    "positions": torch.float64,
    "class_frequency": torch.float16,
    "class_bands_hz": torch.float64,
    "class_courses": torch.float16,
    "class_ground_truth_courses": torch.float16,
}
USE_ARRAYS = ("use", "halves", "error")  # in the order of the fields of PieceUse

Record = dict[str, Any]
Tensors = dict[str, Tensor]


def maps_as_tensors(maps: ExampleMaps) -> tuple[Tensors, Record]:
    """Arrays of example maps, in half precision where that is enough to see them, and the rest."""
    given = {name: value for name, value in vars(maps).items() if value is not None}
    record = {name: value for name, value in given.items() if name not in MAP_TYPES}
    types = {name: kind for name, kind in MAP_TYPES.items() if name in given}
    return {name: torch.tensor(given[name], dtype=kind) for name, kind in types.items()}, record


def maps_from_tensors(tensors: Tensors, record: Record) -> ExampleMaps:
    """Example maps from what :func:`maps_as_tensors` has made of them."""
    arrays = {name: _widened(tensor).numpy() for name, tensor in tensors.items()}
    return ExampleMaps(
        **arrays,
        channels=tuple(record["channels"]),
        sfreq=record["sfreq"],
        start_ms=record["start_ms"],
    )


def use_as_tensors(use: DecoderUse) -> tuple[Tensors, Record]:
    """Arrays of what a decoder used, and the names of its pieces."""
    parts = list(use.families.items())
    arrays = {f"{name}/{kind}": getattr(p, kind) for name, p in parts for kind in USE_ARRAYS}
    tensors = {name: torch.from_numpy(a) for name, a in {**arrays, "total": use.total}.items()}
    return tensors, {"names": {name: pieces.names for name, pieces in parts}}


def use_from_tensors(tensors: Tensors, record: Record) -> DecoderUse:
    """What a decoder used from what :func:`use_as_tensors` has made of it."""
    families = {
        family: PieceUse(
            tuple(names), *(tensors[f"{family}/{kind}"].numpy() for kind in USE_ARRAYS)
        )
        for family, names in record["names"].items()
    }
    return DecoderUse(tensors["total"].numpy(), families)


def _widened(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.dtype == torch.float16 else tensor
