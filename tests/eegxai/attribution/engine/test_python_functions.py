"""The canary of the part that reads torch's own code: it must say when torch has changed."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from eegxai.attribution import attribute
from eegxai.attribution.engine.modified_gradients import ModifiedGradients
from eegxai.attribution.engine.python_functions import SEEN_WITH, asks_for_a_mode, without_asking
from tests.eegxai.attribution.engine.test_modified_gradients import TRIALS, Twice

WHAT_TO_DO = (
    f"eegxai/attribution/engine/python_functions.py was seen with torch {SEEN_WITH}, this is "
    f"{torch.__version__}. Look in torch/nn/functional.py how a function hands itself over to a "
    "TorchFunctionMode, follow it there (QUESTION), and add the version to SEEN_WITH when this "
    "file passes; else forbid the version in pyproject.toml."
)
SQUARE = torch.linspace(-1, 1, 36).reshape(6, 6)
# Functions in Python, their arguments, and an operation that a mode must see inside.
IN_PYTHON = {
    "relu": (F.relu, (SQUARE,), "relu"),
    "silu": (F.silu, (SQUARE,), "silu"),
    "softmax": (F.softmax, (SQUARE, 1), "softmax"),
    "layer_norm": (F.layer_norm, (SQUARE, (6,)), "layer_norm"),
    "batch_norm": (F.batch_norm, (SQUARE, torch.zeros(6), torch.ones(6)), "batch_norm"),
    "max_pool1d": (F.max_pool1d, (SQUARE, 2), "max_pool1d"),
    "einsum": (torch.einsum, ("ij,jk->ik", SQUARE, SQUARE), "einsum"),
    "norm": (torch.norm, (SQUARE,), "linalg_vector_norm"),
    "multi-head attention": (
        F.multi_head_attention_forward,
        (SQUARE, SQUARE, SQUARE, 6, 2, torch.ones(18, 6), None, None, None, False, 0.0,
         torch.eye(6), None),
        "softmax",
    ),
}  # fmt: skip


class Seen(TorchFunctionMode):
    """Names of the functions that a mode is shown; those in Python are run by their twins."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.names.append(func.__name__)
        if asks_for_a_mode(func):
            with self:
                return without_asking(func)(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))


def first(result):
    return result[0] if isinstance(result, tuple) else result


def test_the_version_of_torch_is_one_that_was_looked_at():
    assert torch.__version__.startswith(tuple(f"{version}." for version in SEEN_WITH)), WHAT_TO_DO


@pytest.mark.parametrize("name", IN_PYTHON)
def test_a_mode_sees_what_functions_in_python_call(name):
    function, args, inside = IN_PYTHON[name]
    with Seen() as seen:
        result = first(function(*args))
    assert inside in seen.names[1:] or seen.names == [inside], WHAT_TO_DO
    assert torch.equal(result, first(function(*args))), WHAT_TO_DO
    if asks_for_a_mode(function):
        assert torch.equal(first(without_asking(function)(*args)), result), WHAT_TO_DO


def test_functions_that_run_themselves_are_known():
    known = [name for name, (function, *_) in IN_PYTHON.items() if asks_for_a_mode(function)]
    assert {"relu", "layer_norm", "multi-head attention"} <= set(known), WHAT_TO_DO
    assert not any(map(asks_for_a_mode, (torch.relu, torch.Tensor.relu, len))), WHAT_TO_DO


def test_the_rules_reach_the_softmax_of_attention():
    torch.manual_seed(0)
    attention = nn.MultiheadAttention(6, 2, batch_first=True).eval()
    with ModifiedGradients({"softmax": lambda call: call.plain()}) as mode:
        x = SQUARE[None].requires_grad_()
        attention(x, x, x)
    assert mode.applied == {"softmax"}, WHAT_TO_DO


@pytest.mark.parametrize("name", ["DeepLift", "LRP"])
def test_functions_that_ask_by_another_way_are_called_as_they_are(name):
    """Those of nn.init ask ``torch.overrides.has_...``: their twins would ask for ever."""

    def one_more(z):
        return z + nn.init.constant_(torch.empty_like(z).requires_grad_(), 1.0)

    expected = attribute(name, Twice(lambda z: z + 1), *TRIALS)
    assert torch.equal(attribute(name, Twice(one_more), *TRIALS), expected)
