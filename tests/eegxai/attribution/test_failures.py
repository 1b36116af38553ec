"""What fails leaves nothing behind: after it, every method gives the bits that it gave before."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.autograd import forward_ad
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode, _get_current_function_mode_stack
from torch.utils._python_dispatch import TorchDispatchMode, _get_current_dispatch_mode_stack

from eegxai.attribution import CONTROLS, METHODS, attribute, attribute_all, validity
from eegxai.attribution.engine.shared_passes import _done

pytestmark = [
    pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning"),
]
ALL = (*METHODS, *CONTROLS)
N_CHANNELS, N_TIMES, N_CLASSES = 4, 40, 3


class Small(nn.Module):
    """A convolution over time and one over channels, a ReLU, a max-pool, a dense layer."""

    cam_layer = "spatial"

    def __init__(self):
        super().__init__()
        self.temporal = nn.Conv2d(1, 4, (1, 5), padding=(0, 2))
        self.spatial = nn.Conv2d(4, 4, (N_CHANNELS, 1))
        self.norm = nn.BatchNorm2d(4)
        self.pool = nn.MaxPool2d((1, 4))
        self.dense = nn.Linear(4 * N_TIMES // 4, N_CLASSES)

    def features(self, x):
        z = self.norm(self.spatial(self.temporal(x[:, None])))
        return self.pool(F.relu(z)).flatten(1)

    def forward(self, x):
        return self.dense(self.features(x))


class NoStatistics(Small):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(4, track_running_stats=False)


class TupleOutput(Small):
    def forward(self, x):
        return super().forward(x), x


class RaisesLater(Small):
    """Raises at every call but the first."""

    calls = 0

    def forward(self, x):
        self.calls += 1
        if self.calls > 1:
            raise RuntimeError("the second call")
        return super().forward(x)


class RaisesInside(Small):
    """Raises where only calls under a mode, a hook or a gradient come: in a graph."""

    def features(self, x):
        z = super().features(x)
        if z.requires_grad:
            raise RuntimeError("with a graph")
        return z


class RaisesOnTheWayBack(Small):
    def features(self, x):
        return _Raising.apply(super().features(x))


class _Raising(torch.autograd.Function):
    @staticmethod
    def forward(ctx, z):
        return z.clone()

    @staticmethod
    def backward(ctx, gradient):
        raise RuntimeError("backward")


class LeavesAMode(Small):
    """Puts a function mode on the stack and turns gradients off before it raises."""

    def features(self, x):
        torch.set_grad_enabled(False)
        TorchFunctionMode.__enter__(_Harmful())
        raise RuntimeError("in a mode")


class _Harmful(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        raise RuntimeError("still there")


class Recurrent(nn.Module):
    """Two directions: CompleteFullGrad's forward-mode derivative does not know the LSTM."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(N_CHANNELS, 3, batch_first=True, bidirectional=True)
        self.dense = nn.Linear(6, N_CLASSES)

    def forward(self, x):
        return self.dense(self.lstm(x.transpose(1, 2))[0].mean(1))


class LogCovariance(nn.Module):
    def __init__(self):
        super().__init__()
        self.dense = nn.Linear(N_CHANNELS**2, N_CLASSES)

    def forward(self, x):
        values, vectors = torch.linalg.eigh(x @ x.mT)
        return self.dense((vectors * values.log()[:, None] @ vectors.mT).flatten(1))


def compiled():
    return torch.compile(Small(), backend="eager")


def compiled_inside():
    decoder = Small()
    decoder.features = torch.compile(decoder.features, backend="eager")
    return decoder


FAILING = {
    "no statistics": NoStatistics,
    "tuple": TupleOutput,
    "raises later": RaisesLater,
    "raises with a graph": RaisesInside,
    "raises in backward": RaisesOnTheWayBack,
    "leaves a mode": LeavesAMode,
    "recurrent": Recurrent,
    "log covariance": LogCovariance,
    "torch.compile": compiled,
    "torch.compile of a method": compiled_inside,
    "torch.jit.script": lambda: torch.jit.script(Small()),
    "torch.jit.trace": lambda: torch.jit.trace(Small(), trials()[0]),
}


def trials():
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(3, N_CHANNELS, N_TIMES, generator=generator)
    return x, torch.tensor([0, 2, 1])


def fresh(make=Small):
    """Decoder of the same weights every time."""
    torch.manual_seed(0)
    return make().eval()


def explain(name, decoder):
    x, target = trials()
    return attribute(name, decoder, x, target, references=x[:2])


def maps():
    decoder = fresh()
    return {name: explain(name, decoder) for name in ALL}


def leftovers():
    """What torch and this package keep for the whole thread."""
    return {
        "modes": _get_current_function_mode_stack(),
        "gradients": torch.is_grad_enabled(),
        "inference": torch.is_inference_mode_enabled(),
        "forward mode": forward_ad._current_level,
        "functorch": torch._C._functorch.get_dynamic_layer_stack_depth(),
        "sharing": _done.get(),
    }


@pytest.fixture(scope="module")
def expected():
    return maps()


@pytest.mark.slow
@pytest.mark.parametrize("case", FAILING)
def test_methods_give_the_same_bits_after_a_decoder_on_which_they_fail(case, expected):
    before = leftovers()
    decoder = fresh(FAILING[case])
    hooks = [len(module._forward_hooks) for module in decoder.modules()]
    modes = [module.training for module in decoder.modules()]
    for name in ALL:
        try:
            explain(name, decoder)
        except Exception as error:
            del error  # whatever it is
        assert leftovers() == before, name
    assert [len(module._forward_hooks) for module in decoder.modules()] == hooks
    assert [module.training for module in decoder.modules()] == modes
    assert all(parameter.requires_grad for parameter in decoder.parameters())
    found = maps()
    assert [name for name in ALL if not torch.equal(found[name], expected[name])] == []


@pytest.mark.parametrize("case", ["no statistics", "raises with a graph", "leaves a mode"])
def test_several_methods_at_once_leave_nothing_behind_either(case, expected):
    before = leftovers()
    x, target = trials()
    with pytest.raises((RuntimeError, ValueError)):
        attribute_all(ALL, fresh(FAILING[case]), x, target, references=x[:2])
    assert leftovers() == before
    assert torch.equal(explain("LRP", fresh()), expected["LRP"])


def compiled_in_place():
    decoder = Small()
    decoder.compile(backend="eager")
    return decoder


def compiled_forward():
    decoder = Small()
    decoder.forward = torch.compile(decoder.forward, backend="eager")
    return decoder


def compiled_layer():
    decoder = Small()
    decoder.spatial = torch.compile(decoder.spatial, backend="eager")
    return decoder


COMPILED = (compiled, compiled_in_place, compiled_forward, compiled_layer, compiled_inside)


@pytest.mark.parametrize("make", COMPILED)
def test_compiled_decoders_are_explained_as_they_were_written(make, expected):
    decoder = fresh(make)
    for name in ALL:
        assert torch.equal(explain(name, decoder), expected[name]), name


def test_compiled_decoders_are_judged_as_they_were_written():
    for name in ("GradCAM", "DeepLift"):
        given, as_written = (validity(name, fresh(make), *trials()) for make in (compiled, Small))
        assert given.state_before == given.state_after
        # Compiling may leave an attribute on the module, so that the digests are not compared.
        unmarked = {"state_before": "", "state_after": ""}
        assert replace(given, **unmarked) == replace(as_written, **unmarked)


@pytest.mark.parametrize("case", ["torch.jit.script", "torch.jit.trace"])
def test_scripted_decoders_are_refused_in_a_sentence(case):
    for name in METHODS:
        with pytest.raises(ValueError, match=r"the decoder is compiled by torch\.jit"):
            explain(name, fresh(FAILING[case]))
    holder = Small()
    holder.dense = torch.jit.script(holder.dense)
    with pytest.raises(ValueError, match=r"module 'dense' of the decoder is compiled by torch"):
        explain("Saliency", holder)


# ------------------------------------------------------------------ what decoders leave in torch


class Doubling(TorchDispatchMode):
    """Doubles what operations give, as long as it stays."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        return function(*args, **(kwargs or {}))


def enter_a_dispatch_mode():
    Doubling().__enter__()


def halve_saved_tensors():
    torch.autograd.graph.saved_tensors_hooks(lambda z: z / 2, lambda z: z).__enter__()


def compute_in_double():
    torch.set_default_dtype(torch.float64)


class Leaves(Small):
    """Changes torch for all that comes after, then raises."""

    def __init__(self, change):
        super().__init__()
        self.change = change

    def forward(self, x):
        self.change()
        raise RuntimeError("changed")


@pytest.mark.parametrize("change", [enter_a_dispatch_mode, halve_saved_tensors, compute_in_double])
def test_what_a_decoder_changes_in_torch_is_put_back(change, expected):
    decoder, (x, target) = Leaves(change), trials()
    for name in ("Saliency", "DeepLift", "ChannelOcclusion"):
        with pytest.raises(ValueError, match="changed"):
            attribute(name, decoder, x, target)
    assert not _get_current_dispatch_mode_stack()
    assert torch.get_default_dtype() == torch.float32
    found = maps()
    assert [name for name in ALL if not torch.equal(found[name], expected[name])] == []


def test_threads_leave_the_compiler_as_it_was():
    import torch._dynamo  # in memory, as after some torch.compile

    decoder, before = fresh(), torch._dynamo.eval_frame._stance.stance
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: explain("DeepLift", decoder), range(12)))
    assert torch._dynamo.eval_frame._stance.stance == before
