"""A real lack of memory: most of the device is taken, and trainings and explanations go on."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from benchmarks.gpu.card import device, require_gpu
from benchmarks.gpu.numbers import largest, relative
from benchmarks.gpu.parts import Row
from benchmarks.gpu.sizes import Sizes
from benchmarks.gpu.subjects import network, random_trials
from eegxai.attribution import attribute
from eegxai.decoders import fit, predict, recommended

LEFT = 1.5e9  # bytes that are left to the calls
N_TRIALS = 2048  # of a step, and of a call of a method


def rows(sizes: Sizes) -> Iterator[Row]:
    """Steps of training, a method and predictions: with all memory and with little."""
    require_gpu()
    for what, of in CALLS.items():
        expected, _, _ = _measured(partial(of, sizes))
        with taken():
            found, warnings, memory = _measured(partial(of, sizes))
        yield {
            "what": what,
            "survived": "yes",
            "times halved": len(warnings),
            "last warning": warnings[-1] if warnings else "",
            "GB beside the other tensor": memory,
            "difference from enough memory": _difference(found, expected),
        }


@contextmanager
def taken() -> Iterator[None]:
    """Context in which another tensor holds all memory of the device but a little."""
    torch.cuda.empty_cache()
    free, _ = torch.cuda.mem_get_info()
    other = torch.empty(int(free - LEFT), dtype=torch.uint8, device=device())
    try:
        yield
    finally:
        del other
        torch.cuda.empty_cache()


class Heard(logging.Handler):
    """Keeps warnings of memory."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a message."""
        self.messages.append(record.getMessage())


Result = Tensor | dict[str, Tensor]


def _measured(call: Callable[[], Result]) -> tuple[Result, list[str], float]:
    """What a call returns, the warnings it gives, and the GB that it takes at most."""
    heard, of = Heard(), logging.getLogger("eegxai")
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    of.addHandler(heard)
    try:
        result = call()
    finally:
        of.removeHandler(heard)
    return result, heard.messages, (torch.cuda.max_memory_allocated() - before) / 1e9


def _trained(steps: str, sizes: Sizes) -> dict[str, Tensor]:
    decoder = network(sizes)
    decoder.dropout.p = 0.0  # type: ignore[union-attr, assignment]  (drawn for each part)
    spec = replace(recommended("deepnet", precision="float32", epochs=5), batch_size=N_TRIALS)
    fit(decoder, random_trials(sizes, N_TRIALS), random_trials(sizes, 64), spec, 0, steps=steps)
    return {name: value.cpu() for name, value in decoder.state_dict().items()}


def _explained(sizes: Sizes) -> Tensor:
    x, target = random_trials(sizes, N_TRIALS)
    return attribute("DeepLift", network(sizes), x, target, chunk=N_TRIALS)


def _predicted(sizes: Sizes) -> Tensor:
    return predict(network(sizes), random_trials(sizes, N_TRIALS)[0].to(device())).cpu()


CALLS: dict[str, Callable[[Sizes], Result]] = {
    f"training, batches of {N_TRIALS}": partial(_trained, "eager"),
    f"training, recorded steps of {N_TRIALS}": partial(_trained, "graphs"),
    f"DeepLift, {N_TRIALS} trials": _explained,
    f"predictions, {N_TRIALS} trials": _predicted,
}


def _difference(found: Result, expected: Result) -> float:
    if isinstance(found, Tensor) and isinstance(expected, Tensor):
        return relative(found, expected)
    return largest(found, expected)  # type: ignore[arg-type]
