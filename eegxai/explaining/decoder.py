"""Decoders as people have them: a network, a fitted classifier, or its name and a file of weights.

Files of weights are read as tensors alone; nothing in them is run.
"""

import inspect
import pickle
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from eegxai.attribution.core.faults import first_line
from eegxai.decoders.compiled import copied
from eegxai.decoders.zoo import braindecode
from eegxai.recordings import LabelledTrials
from eegxai.registry import unknown_name

Weights = Mapping[str, Tensor]

BRAINDECODE = "braindecode"
FORMS = "'module:factory', such as 'my_networks:trained', or 'braindecode:NAME'"
NESTED = ("state_dict", "model_state_dict", "model")  # keys of checkpoints that hold the weights
WRAPPERS = ("module.", "_orig_mod.", "model.")  # what wrappers put before the names of weights
MOST_NAMED = 3  # weights that a sentence names


@dataclass(frozen=True, eq=False)
class OpenedDecoder:
    """A trained network, its name, and what was decided while it was opened.

    Attributes
    ----------
    module : nn.Module
    name : str
    notes : tuple of str
    from_trials : frozenset of str
        What was taken from the trials to build it by its name, and it does not declare itself.
    """

    module: nn.Module
    name: str
    notes: tuple[str, ...] = ()
    from_trials: frozenset[str] = frozenset()


def open_decoder(
    decoder: Any, weights: str | Path | None, trials: LabelledTrials, n_outputs: int | None
) -> OpenedDecoder:
    """The network behind whatever is given for it, with its weights.

    Parameters
    ----------
    decoder : nn.Module, fitted classifier or str
        See :func:`eegxai.explain`.
    weights : path, optional
        File of weights, for a copy of the network.
    trials : LabelledTrials
        Whose sizes a network gets that is built by its name.
    n_outputs : int, optional
        Number of its outputs; needed for a network of braindecode.

    Raises
    ------
    ValueError
        In one sentence, when there is no such decoder, or the weights are not those of one.
    """
    opened = _opened_network(decoder, trials, n_outputs)
    if weights is not None:
        return _with_weights(opened, Path(weights))
    if isinstance(decoder, str) and decoder.startswith(f"{BRAINDECODE}:"):
        raise ValueError(f"weights is missing: {decoder!r} is an untrained network without them")
    return opened


def _opened_network(decoder: Any, trials: LabelledTrials, n_outputs: int | None) -> OpenedDecoder:
    if isinstance(decoder, str):
        module, told = _network_of_name(decoder, _sizes(trials, n_outputs))
        return OpenedDecoder(module, decoder, from_trials=told)
    if isinstance(decoder, nn.Module):
        return OpenedDecoder(decoder, type(decoder).__name__)
    return _classifier(decoder)


def _classifier(decoder: Any) -> OpenedDecoder:
    """The network of a classifier of skorch or braindecode."""
    kind = type(decoder).__name__
    module = getattr(decoder, "module_", None)
    if isinstance(module, nn.Module):
        return OpenedDecoder(
            module, f"{kind} of {type(module).__name__}", (f"the network is that of {kind}",)
        )
    if hasattr(decoder, "module"):
        raise ValueError(f"decoder: this {kind} is not fitted, call its fit or load_params first")
    raise ValueError(
        f"decoder must be a torch.nn.Module, a fitted EEGClassifier or a string {FORMS}, not {kind}"
    )


# ------------------------------------------------------------------ networks by name


def _sizes(trials: LabelledTrials, n_outputs: int | None) -> dict[str, Any]:
    """What a factory may ask for, by the names of its arguments."""
    n_chans, n_times = trials.x.shape[1:]
    sizes = {
        "n_chans": n_chans, "n_channels": n_chans, "n_times": n_times, "sfreq": trials.sfreq,
        "chs_info": list(trials.info["chs"]), "ch_names": list(trials.ch_names),
    }  # fmt: skip
    known = {} if n_outputs is None else dict.fromkeys(("n_outputs", "n_classes"), n_outputs)
    return sizes | known


def _network_of_name(name: str, sizes: Mapping[str, Any]) -> tuple[nn.Module, frozenset[str]]:
    """The network of a name, and which of the sizes it was built with."""
    module, _, factory = name.partition(":")
    if not (module and factory):
        raise ValueError(f"decoder={name!r} must be {FORMS}")
    found = _of_braindecode(factory) if module == BRAINDECODE else _imported(name, module, factory)
    if isinstance(found, nn.Module):
        return found, frozenset()
    made, told = _built(name, found, sizes)
    if not isinstance(made, nn.Module):
        raise ValueError(f"decoder={name!r} returned {type(made).__name__}, not a torch.nn.Module")
    return made, told


def _of_braindecode(name: str) -> Callable[..., Any]:
    models = vars(braindecode("models"))
    known = {n: m for n, m in models.items() if isinstance(m, type) and issubclass(m, nn.Module)}
    if name not in known:
        raise ValueError(unknown_name("decoder: model of braindecode", name, known))
    return known[name]


def _imported(name: str, module: str, factory: str) -> Any:
    """What a module of the user calls so; modules of the current folder can be imported."""
    try:
        with _current_folder_importable():
            parent = import_module(module)
    except Exception as error:  # a module of the user may fail in any way
        raise ValueError(
            f"decoder={name!r}: {module!r} cannot be imported: {first_line(error)}"
        ) from error
    if not hasattr(parent, factory):
        names = [one for one in vars(parent) if not one.startswith("_")]
        raise ValueError(unknown_name(f"decoder={name!r}: the name", factory, names))
    return getattr(parent, factory)


@contextmanager
def _current_folder_importable() -> Iterator[None]:
    before = list(sys.path)
    sys.path.insert(0, str(Path.cwd()))
    try:
        yield
    finally:
        sys.path[:] = before


def _built(
    name: str, factory: Callable[..., Any], sizes: Mapping[str, Any]
) -> tuple[Any, frozenset[str]]:
    """What a factory makes of those of the sizes that it takes, and which these are."""
    if not callable(factory):
        raise ValueError(f"decoder={name!r} is {type(factory).__name__}, not a function or network")
    parameters = inspect.signature(factory).parameters
    given = {key: value for key, value in sizes.items() if key in parameters}
    plain = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    needed = [n for n, p in parameters.items() if p.default is p.empty and p.kind in plain]
    if missing := [one for one in needed if one not in given]:
        raise ValueError(
            f"decoder={name!r} needs {' and '.join(missing)}, which cannot be taken from the "
            f"trials: write a function without arguments; known are {', '.join(sizes)}"
        )
    try:
        return factory(**given), frozenset(given)
    except (TypeError, ValueError, RuntimeError, AssertionError) as error:
        shown = {key: value for key, value in given.items() if key not in ("chs_info", "ch_names")}
        raise ValueError(f"decoder={name!r} cannot be built with {shown}: {error}") from error


# ------------------------------------------------------------------ weights


def _with_weights(opened: OpenedDecoder, path: Path) -> OpenedDecoder:
    module = copied(opened.module)
    weights = _unwrapped(read_weights(path), module)
    _check_weight_names(path, weights, module)
    _check_weight_sizes(path, weights, module)
    module.load_state_dict(weights)
    notes = (*opened.notes, f"weights are those of {path.name}")
    return replace(opened, module=module, notes=notes)


def read_weights(path: Path) -> Weights:
    """Tensors of a file by name; of nothing else in it is made use.

    Raises
    ------
    ValueError
        When there is no such file, or it holds other things than tensors.
    """
    if not path.is_file():
        raise ValueError(f"weights={str(path)!r} is no file")
    try:
        held = _safetensors(path) if path.suffix == ".safetensors" else _torch_file(path)
    except pickle.UnpicklingError as error:
        raise ValueError(
            f"weights={str(path)!r} holds more than tensors, which would have to be run: write "
            "them by torch.save(decoder.state_dict(), path) or safetensors.torch.save_file"
        ) from error
    except Exception as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(f"weights={str(path)!r} cannot be read: {first}") from error
    for key in NESTED:
        if isinstance(held, Mapping) and isinstance(held.get(key), Mapping):
            held = held[key]
    if not isinstance(held, Mapping) or not any(isinstance(v, Tensor) for v in held.values()):
        raise ValueError(f"weights={str(path)!r} holds no tensors by name, as state_dict() gives")
    return held


def _safetensors(path: Path) -> Any:
    from safetensors.torch import load_file

    return load_file(path)


def _torch_file(path: Path) -> Any:
    return torch.load(path, map_location="cpu", weights_only=True)


def _unwrapped(weights: Weights, module: nn.Module) -> Weights:
    """Weights without what a wrapper, such as DataParallel, put before all of their names."""
    if weights.keys() & module.state_dict().keys():
        return weights
    for prefix in WRAPPERS:
        if all(name.startswith(prefix) for name in weights):
            return {name.removeprefix(prefix): value for name, value in weights.items()}
    return weights


def _check_weight_names(path: Path, weights: Weights, module: nn.Module) -> None:
    own = module.state_dict()
    missing = [name for name in own if name not in weights]
    others = [name for name in weights if name not in own]
    found = [("lacks", missing), ("also holds", others)]
    if said := [f"{verb} {_first_names(names)}" for verb, names in found if names]:
        raise ValueError(
            f"weights={str(path)!r} {' and '.join(said)}: they belong to another network than "
            f"{type(module).__name__} as it is built here"
        )


def _check_weight_sizes(path: Path, weights: Weights, module: nn.Module) -> None:
    own = {name: tuple(value.shape) for name, value in module.state_dict().items()}
    sizes = {name: tuple(weights[name].shape) for name in own}
    differing = [name for name in own if own[name] != sizes[name]]
    if differing:
        first = differing[0]
        others = f", and {len(differing) - 1} more" if len(differing) > 1 else ""
        raise ValueError(
            f"weights={str(path)!r} has {first} of size {sizes[first]}, {type(module).__name__} "
            f"built for these trials has {own[first]}{others}: trained on other channels, times, "
            "classes (class_names= or --class-names names all, also those without trials) or "
            "another sampling rate"
        )


def _first_names(names: list[str]) -> str:
    rest = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + rest
