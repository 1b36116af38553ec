"""The contract of every attribution method, and what it is refused on."""

import ast
import shutil
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import eegxai.attribution.methods
from eegxai.attribution import (
    CONTROLS,
    CORRECTED_METHODS,
    METHODS,
    STUDY_METHODS,
    DegenerateMap,
    NotApplicable,
    attribute,
    attribution,
)
from eegxai.attribution.calling import maps_or_reasons
from eegxai.decoders import DECODERS
from tests.helpers import FEW_PASSES, lively_decoder, random_trials

N_TRIALS = 5
CASES = [
    pytest.param(decoder, name, id=f"{decoder}-{name}")
    for decoder in ("deepnet", "eegnet_relu")
    for name in (METHODS | CONTROLS)
]


def lively(name):
    return lively_decoder(name, dtype=torch.float32)


@cache
def shared(name):
    """One decoder for all tests here: that nobody changes it is what they test."""
    return lively(name)


@cache
def trials():
    return random_trials(N_TRIALS, torch.float32)


def explained(name, decoder, x, target, **options):
    """Maps by any method; some need trials to refer to."""
    options = FEW_PASSES.get(name, {}) | options
    return attribute(name, decoder, x, target, references=trials()[0][:2], **options)


@cache
def reference(decoder, name):
    return explained(name, shared(decoder), *trials())


def assert_same(actual, expected):
    scale = float(expected.abs().max())
    torch.testing.assert_close(actual / scale, expected / scale, rtol=0, atol=1e-6)


def fingerprint(decoder):
    """All that a method could leave behind on a decoder."""
    hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    modules = {
        name: (module.training, sorted(vars(module)), [len(getattr(module, h)) for h in hooks])
        for name, module in decoder.named_modules()
    }
    parameters = {
        name: (parameter.requires_grad, parameter.grad)
        for name, parameter in decoder.named_parameters()
    }
    state = {name: value.numpy().tobytes() for name, value in decoder.state_dict().items()}
    return modules, parameters, state


class Small(nn.Module):
    """Two linear layers with something between them, for trials (trials, 2, 8)."""

    def __init__(self, *between):
        super().__init__()
        self.hidden = nn.Linear(16, 6)
        self.between = nn.Sequential(*between)
        self.output = nn.Linear(6, 3)

    def forward(self, x):
        return self.output(self.between(self.hidden(x.flatten(1))))


class Functional(nn.Module):
    """A network's nonlinearity as a function, which no hook on modules sees."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


SMALL_TRIALS = (torch.linspace(-1, 1, 32).reshape(2, 2, 8), torch.tensor([0, 2]))


# ------------------------------------------------------------------ contract of every method


def test_the_studys_methods_are_registered_by_its_names():
    assert set(STUDY_METHODS) == {
        "Saliency", "Deconvolution", "GuidedBackprop", "GuidedGradCAM", "DeepLift", "LRP",
        "InputXGradient", "GradCAM", "GradCAM++", "ScoreCAM", "FullGrad", "LayerCAM",
    }  # fmt: skip
    assert set(CORRECTED_METHODS) == {
        "Gradient", "CentredGradCAM", "CentredGuidedGradCAM", "CentredGradCAM++",
        "CentredScoreCAM", "CentredLayerCAM", "CompleteFullGrad",
    }  # fmt: skip
    assert list(METHODS)[: 12 + 7] == [*STUDY_METHODS, *CORRECTED_METHODS]
    assert set(list(METHODS)[12 + 7 :]) == {
        "IntegratedGradients", "SmoothGrad", "GradientSHAP", "DeepLiftSHAP", "XGradCAM",
        "LRP-EpsilonPlus", "LRP-Gamma", "LRP-Alpha1Beta0", "ChannelOcclusion", "TimeOcclusion",
        "BandOcclusion",
    }  # fmt: skip
    assert set(CONTROLS) == {"RandomMap", "InputMagnitude"}


@pytest.mark.parametrize(("decoder", "name"), CASES)
def test_map_has_the_trials_shape_and_type_and_is_finite(decoder, name):
    x, _ = trials()
    result = reference(decoder, name)
    assert (result.shape, result.dtype, result.device) == (x.shape, x.dtype, x.device)
    assert result.isfinite().all()
    assert result.any()
    assert not result.requires_grad
    assert result.grad_fn is None


@pytest.mark.parametrize(("decoder", "name"), CASES)
def test_map_is_deterministic(decoder, name):
    assert torch.equal(explained(name, shared(decoder), *trials()), reference(decoder, name))


@pytest.mark.parametrize(("decoder", "name"), CASES)
def test_map_does_not_depend_on_the_chunk_or_on_other_trials(decoder, name):
    x, target = trials()[0].double(), trials()[1]  # GradCAM++ magnifies rounding at its poles
    module = lively(decoder).double()
    expected = explained(name, module, x, target)
    assert_same(explained(name, module, x, target, chunk=2), expected)
    assert_same(explained(name, module, x[3:4], target[3:4]), expected[3:4])


@pytest.mark.parametrize(("decoder", "name"), CASES)
def test_nothing_is_left_behind(decoder, name):
    x, target = (tensor.clone() for tensor in trials())
    module = lively(decoder).train()
    list(module.modules())[-1].eval()  # each module's own mode must survive
    next(module.parameters()).requires_grad_(False)
    before = fingerprint(module), torch.get_rng_state(), np.random.get_state()[1].tolist()  # noqa: NPY002
    result = explained(name, module, x, target)
    after = fingerprint(module), torch.get_rng_state(), np.random.get_state()[1].tolist()  # noqa: NPY002
    assert before[0] == after[0]
    assert torch.equal(before[1], after[1])
    assert before[2] == after[2]
    assert torch.equal(x, trials()[0])
    assert not x.requires_grad
    assert torch.equal(result, reference(decoder, name))  # evaluation mode all the same


@pytest.mark.parametrize(("decoder", "name"), CASES)
def test_works_with_frozen_parameters_and_without_gradients_around(decoder, name):
    x, target = trials()
    frozen = lively(decoder).requires_grad_(False)
    for context in (torch.no_grad, torch.inference_mode):
        with context():
            assert torch.equal(explained(name, frozen, x, target), reference(decoder, name))


@pytest.mark.parametrize("name", METHODS)
def test_double_precision_trials_keep_their_type(name):
    x, target = trials()
    result = explained(name, shared("deepnet"), x.double(), target)
    assert result.dtype == torch.float64
    assert torch.equal(result.float(), reference("deepnet", name))


class LittleMemory(nn.Module):
    """Runs out of memory above a number of trials, as a small device does."""

    def __init__(self, room):
        super().__init__()
        self.room, self.layers = room, nn.Sequential(nn.Flatten(), nn.Linear(32, 3))

    def forward(self, x):
        if len(x) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return self.layers(x)


def test_methods_take_as_many_trials_as_fit_into_memory(caplog):
    decoder, (x, target) = LittleMemory(room=3), (torch.randn(7, 4, 8), torch.arange(7) % 3)
    small = attribute("InputXGradient", decoder, x, target)
    assert [record.args for record in caplog.records] == [(3,)]
    decoder.room = 8
    assert torch.equal(small, attribute("InputXGradient", decoder, x, target))


@pytest.mark.gpu
@pytest.mark.parametrize(("decoder", "name"), CASES)
def test_trials_may_be_elsewhere_than_the_decoder(decoder, name):
    result = explained(name, lively(decoder).cuda(), *trials())
    expected = reference(decoder, name)
    assert result.device == expected.device
    assert torch.corrcoef(torch.stack([result.flatten(), expected.flatten()]))[0, 1] > 0.99


def test_operations_in_place_change_no_map():
    decoder, in_place = Small(nn.ReLU()), Small(nn.ReLU(inplace=True))
    in_place.load_state_dict(decoder.state_dict())
    for name in ("GuidedBackprop", "DeepLift", "LRP", "CompleteFullGrad"):
        expected = attribute(name, decoder, *SMALL_TRIALS)
        assert torch.equal(attribute(name, in_place, *SMALL_TRIALS), expected)
    assert in_place.between[0].inplace


# ------------------------------------------------------------------ unusable input


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "GradCam"}, "did you mean 'GradCAM'"),
        ({"x": torch.zeros(6, 200)}, r"x must be .* \(trials, channels, times\)"),
        ({"x": torch.zeros(5, 6, 200, dtype=torch.int64)}, "x must be a floating-point"),
        ({"x": torch.zeros(0, 6, 200)}, "at least one trial"),
        ({"x": torch.full((5, 6, 200), torch.nan)}, "not finite"),
        ({"target": torch.zeros(4, dtype=torch.int64)}, r"target must be integers of shape \(5,\)"),
        ({"target": torch.zeros(5)}, r"target must be integers"),
        ({"target": torch.full((5,), 3)}, "target holds the class 3, the decoder knows 0 to 2"),
        ({"target": torch.full((5,), -1)}, "target holds the class -1"),
        ({"chunk": 0}, "chunk=0"),
        ({"decoder": nn.Identity()}, r"decoder must return logits \(trials, classes\)"),
    ],
)
def test_unusable_input_is_named(change, message):
    x, target = trials()
    call = {"name": "Saliency", "decoder": shared("deepnet"), "x": x, "target": target} | change
    with pytest.raises(ValueError, match=message):
        attribute(**call)


@pytest.fixture
def registered():
    """Register a function as a method for one test."""
    names = set(METHODS)
    yield lambda function: attribution("mine")(function)
    for name in set(METHODS) - names:
        del METHODS[name]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda decoder, x, target: x[:, :0], r"mine returned a map of shape \(5, 0, 200\)"),
        (lambda decoder, x, target: x / 0, "mine returned values that are not finite"),
    ],
)
def test_bad_map_is_named(registered, function, message):
    registered(function)
    with pytest.raises(DegenerateMap, match=message):
        attribute("mine", shared("deepnet"), *trials())


def test_a_method_is_one_function(registered):
    function = registered(lambda decoder, x, target: 2 * x)
    assert METHODS["mine"].function is function
    assert METHODS["mine"].group == "extended"
    assert torch.equal(attribute("mine", shared("deepnet"), *trials()), 2 * trials()[0])


def test_a_name_is_registered_once_and_in_a_known_group():
    with pytest.raises(ValueError, match="'Saliency' is already registered"):
        attribution("Saliency", group="extended")
    with pytest.raises(ValueError, match=r"group 'studies' is unknown; did you mean 'study'"):
        attribution("other", group="studies")


# ------------------------------------------------------------------ modules of the package


def unregistered(folder, methods):
    """Modules that define a map ``(decoder, x, target)`` but register none of their functions."""
    modules = {method.function.__module__.rpartition(".")[2] for method in methods}
    strays = set()
    for path in folder.glob("*.py"):
        functions = [n for n in ast.parse(path.read_text()).body if isinstance(n, ast.FunctionDef)]
        maps = [[a.arg for a in f.args.args] == ["decoder", "x", "target"] for f in functions]
        if any(maps) and path.stem not in modules:
            strays.add(path.stem)
    return strays


def test_every_module_with_methods_registers_them(tmp_path):
    package = Path(eegxai.attribution.methods.__file__).parent
    methods = (METHODS | CONTROLS).values()
    assert unregistered(package, methods) == set()
    folder = shutil.copytree(package, tmp_path / "methods")
    (folder / "forgotten.py").write_text("def mine(decoder, x, target):\n    return x\n")
    assert unregistered(folder, methods) == {"forgotten"}


# ------------------------------------------------------------------ what methods are refused on


@pytest.mark.parametrize("name", ["Deconvolution", "GuidedBackprop", "GuidedGradCAM"])
def test_modified_gradients_are_refused_without_a_relu(name):
    with pytest.raises(NotApplicable, match=f"{name} is not applicable to EEGNet: .*no ReLU"):
        attribute(name, shared("eegnet"), *trials())


ACTIVATIONS = [
    nn.CELU(), nn.ELU(), nn.GELU(), nn.GELU("tanh"), nn.Hardshrink(), nn.Hardsigmoid(),
    nn.Hardswish(), nn.Hardtanh(), nn.LeakyReLU(), nn.LogSigmoid(), nn.LogSoftmax(1), nn.Mish(),
    nn.PReLU(), nn.RReLU(), nn.ReLU6(), nn.SELU(), nn.SiLU(), nn.Sigmoid(), nn.Softmax(1),
    nn.Softmin(1), nn.Softplus(), nn.Softshrink(), nn.Softsign(), nn.Tanh(), nn.Tanhshrink(),
    nn.Threshold(0.1, 0), nn.LayerNorm(6), nn.GroupNorm(2, 6),
]  # fmt: skip
FUNCTIONS = [torch.abs, torch.exp, torch.square, lambda x: x * x, lambda x: x.clamp(-1, 1)]


BETWEEN = [*ACTIVATIONS, *map(Functional, FUNCTIONS)]


@pytest.mark.parametrize("between", BETWEEN, ids=str)
def test_modified_gradients_are_refused_beside_other_nonlinearities(between):
    with pytest.raises(NotApplicable, match="no rule changes its"):
        attribute("GuidedBackprop", Small(nn.ReLU(), between), *SMALL_TRIALS)


@pytest.mark.parametrize("method", ["GuidedBackprop", "DeepLift", "LRP"])
def test_linear_operations_and_ruled_modules_are_accepted(method):
    decoder = Small(nn.ReLU(), nn.Dropout(0.5), nn.Linear(6, 6))
    assert attribute(method, decoder, *SMALL_TRIALS).any()


@pytest.mark.parametrize("between", BETWEEN, ids=str)
def test_deeplift_has_rules_for_other_nonlinearities(between):
    result = attribute("DeepLift", Small(nn.ReLU(), between), *SMALL_TRIALS)
    assert result.isfinite().all()


@pytest.mark.parametrize("between", BETWEEN, ids=str)
def test_lrp_has_rules_for_other_nonlinearities_but_for_a_lone_softmax(between):
    decoder = Small(nn.ReLU(), between)
    if isinstance(between, nn.Softmax | nn.Softmin):  # constant weights, of nothing
        with pytest.raises(NotApplicable, match="carry no relevance from the logits"):
            attribute("LRP", decoder, *SMALL_TRIALS)
    else:
        assert attribute("LRP", decoder, *SMALL_TRIALS).isfinite().all()


@pytest.mark.parametrize("method", ["DeepLift", "LRP"])
@pytest.mark.parametrize("decoder", DECODERS)
def test_deeplift_and_lrp_mean_something_on_every_architecture(method, decoder):
    assert attribute(method, shared(decoder), *trials()).any()


@pytest.mark.parametrize("name", ["GradCAM", "GradCAM++", "ScoreCAM", "LayerCAM", "GuidedGradCAM"])
@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (None, "names no CAM layer"),
        ("missing", "no module with the name of its CAM layer, 'missing'"),
        ("hidden", "its CAM layer 'hidden' resolves no time"),
        ("unused", "'unused' is not called"),
    ],
)
def test_cams_are_refused_without_a_layer_for_them(name, layer, reason):
    decoder = Small(nn.ReLU())
    decoder.unused = nn.ReLU()
    if layer is not None:
        decoder.cam_layer = layer
    with pytest.raises(NotApplicable, match=reason):
        attribute(name, decoder, *SMALL_TRIALS)


@pytest.mark.parametrize("decoder", DECODERS)
def test_every_method_of_the_study_has_a_map_or_a_reason_on_every_decoder(decoder):
    x, target = trials()
    found = maps_or_reasons({name: {} for name in STUDY_METHODS}, shared(decoder), x, target)
    assert list(found) == list(STUDY_METHODS)
    for result in found.values():
        assert isinstance(result, NotApplicable) or result.shape == x.shape
