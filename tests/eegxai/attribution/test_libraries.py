"""Methods of other libraries: what they give by hand, options, refusals, randomness, traces."""

import random
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy

import numpy as np
import pytest
import torch
from torch import nn

from eegxai.attribution import (
    LIBRARIES,
    DegenerateMap,
    NotApplicable,
    attribute,
    attribute_all,
    options_of,
    validity,
)
from eegxai.attribution.calling import expected_sum
from eegxai.attribution.methods.libraries.foreign import imported
from eegxai.seeding import global_generators, trial_generators
from tests.helpers import lively_decoder, random_trials

attr = pytest.importorskip("captum.attr", reason="captum is not installed")

SHORT = 200  # samples
RANDOM = (
    "captum.GradientShap",
    "captum.KernelShap",
    "captum.NoiseTunnel(Saliency)",
    "captum.ShapleyValueSampling",
    "captum.FeaturePermutation",
    "captum.LayerGradientShap",
)
QUICK = {"feature_mask": "windows", "window": 48}


@pytest.fixture(autouse=True)
def one_thread():
    """Small passes on a busy machine are faster so."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def case():
    x, target = random_trials(3)
    return lively_decoder("deepnet", SHORT), x[..., :SHORT].contiguous(), target


@pytest.fixture(scope="module")
def references():
    return random_trials(6)[0][3:, :, :SHORT] + 0.5


def by_hand(name, decoder, x, target, *constructor, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = deepcopy(decoder)
        method = getattr(attr, name)(model, *[model.get_submodule(one) for one in constructor])
        return method.attribute(x.clone().requires_grad_(), target=target, **options).detach()


def same(ours, theirs):
    largest = float(theirs.abs().max())
    torch.testing.assert_close(ours, theirs.to(ours), rtol=1e-9, atol=1e-9 * largest)


# ------------------------------------------------------------------ the same as by hand


@pytest.mark.parametrize(
    ("name", "ours", "theirs"),
    [
        ("Saliency", {}, {}),
        ("Saliency", {"abs": False}, {"abs": False}),
        ("InputXGradient", {}, {}),
        ("Deconvolution", {}, {}),
        ("GuidedBackprop", {}, {}),
        ("DeepLift", {}, {"baselines": 0}),
        ("LRP", {}, {}),
        ("IntegratedGradients", {}, {}),
        (
            "IntegratedGradients",
            {"n_steps": 7, "method": "riemann_left"},
            {"n_steps": 7, "method": "riemann_left"},
        ),
        (
            "Occlusion",
            {"sliding_window_shapes": [2, 30], "strides": [2, 20]},
            {"sliding_window_shapes": (2, 30), "strides": (2, 20)},
        ),
    ],
)
def test_captum_gives_what_it_gives_by_hand(case, name, ours, theirs):
    same(attribute(f"captum.{name}", *case, **ours), by_hand(name, *case, **theirs))


def test_the_baseline_is_ours(case):
    x = case[1]
    mean = x.mean(2, keepdim=True).expand_as(x)
    theirs = by_hand("DeepLift", *case, baselines=mean)
    same(attribute("captum.DeepLift", *case, baseline="mean"), theirs)


def test_features_are_channels_and_windows(case):
    numbers = {
        "channels": torch.arange(6)[:, None].expand(6, SHORT),
        "windows": (torch.arange(SHORT) // 40).expand(6, SHORT),
        "channels_windows": 5 * torch.arange(6)[:, None] + torch.arange(SHORT) // 40,
    }
    for feature_mask, mask in numbers.items():
        theirs = by_hand("FeatureAblation", *case, feature_mask=mask[None])
        options = {"feature_mask": feature_mask, "window": 40}
        same(attribute("captum.FeatureAblation", *case, **options), theirs)


def test_references_are_the_distribution_of_baselines(case, references):
    theirs = by_hand("DeepLiftShap", *case, baselines=references)
    same(attribute("captum.DeepLiftShap", *case, references=references), theirs)
    zero = by_hand("DeepLift", *case, baselines=0)
    same(attribute("captum.DeepLiftShap", *case), zero)


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_layers_are_interpolated_as_captum_does(case, mode):
    size = tuple(case[1].shape[1:])
    maps = by_hand("LayerGradCam", *case, case[0].cam_layer)
    theirs = attr.LayerAttribution.interpolate(maps, size, mode)[:, 0]
    same(attribute("captum.LayerGradCam", *case, interpolate_mode=mode), theirs)
    guided = by_hand("GuidedBackprop", *case)
    product = guided * attr.LayerAttribution.interpolate(maps.relu(), size, mode)[:, 0]
    same(attribute("captum.GuidedGradCam", *case, interpolate_mode=mode), product)


def test_random_methods_draw_from_generators_of_the_trial(case, references):
    decoder, x, target = case
    name = "captum.GradientShap"
    seeds = [int(one.integers(2**32)) for one in trial_generators(x, name)]
    theirs = []
    for index, seed in enumerate(seeds):
        with global_generators(seed, x.device):
            one = slice(index, index + 1)
            given = {"baselines": references, "n_samples": 4, "stdevs": 0.1}
            theirs.append(by_hand("GradientShap", decoder, x[one], target[one], **given))
    options = {"n_samples": 4, "stdevs": 0.1}
    same(attribute(name, *case, references=references, **options), torch.cat(theirs))


def test_grad_cam_gives_what_it_gives_by_hand(case):
    cam = pytest.importorskip("pytorch_grad_cam", reason="grad-cam is not installed")
    targets = pytest.importorskip("pytorch_grad_cam.utils.model_targets")
    decoder, x, target = case

    class Images(nn.Module):
        def __init__(self):
            super().__init__()
            self.decoder = deepcopy(decoder)

        def forward(self, images):
            return self.decoder(images[:, 0])

    for name in ("GradCAM", "LayerCAM", "ScoreCAM", "EigenCAM", "FullGrad"):
        model = Images()
        method = getattr(cam, name)(model, [model.decoder.get_submodule(decoder.cam_layer)])
        chosen = [targets.ClassifierOutputTarget(int(one)) for one in target]
        theirs = torch.from_numpy(method(x[:, None], chosen)).double()
        same(attribute(f"gradcam.{name}", *case), theirs)


def test_braindecode_gives_what_it_gives_by_hand(case):
    visualization = pytest.importorskip("braindecode.visualization")
    decoder, x, target = case
    theirs = visualization.integrated_gradients(deepcopy(decoder), x, target, steps=5)
    same(attribute("braindecode.integrated_gradients", *case, steps=5), theirs)
    layer = deepcopy(decoder)
    theirs = visualization.layer_grad_cam(layer, x, target, layer.get_submodule(decoder.cam_layer))
    same(attribute("braindecode.layer_grad_cam", *case), theirs)


# ------------------------------------------------------------------ sums


@pytest.mark.parametrize(
    "name", ["IntegratedGradients", "DeepLift", "DeepLiftShap", "GradientShap", "LRP"]
)
def test_sums_are_captums_own(case, references, name):
    decoder, x, target = case
    promised = expected_sum(f"captum.{name}", *case, references=references)
    with torch.no_grad():
        logits = decoder(x).gather(1, target[:, None])[:, 0]
        zero = decoder(torch.zeros_like(x)).gather(1, target[:, None])[:, 0]
        mean = decoder(references).mean(0)[target]
    start = {"LRP": 0, "DeepLiftShap": mean, "GradientShap": mean}.get(name, zero)
    same(promised, logits - start)


def test_without_the_trial_as_a_factor_there_is_no_sum(case):
    name = "captum.IntegratedGradients"
    assert expected_sum(name, *case, multiply_by_inputs=False) is None
    assert expected_sum("captum.NoiseTunnel(IntegratedGradients)", *case) is None
    assert expected_sum("captum.LayerConductance", *case) is None


def test_validity_tells_duplicates_and_limits(case):
    known = attribute_all(["InputXGradient", "DeepLift"], *case)
    assert validity("captum.LRP", *case, compare=known).duplicate_of == "InputXGradient"
    channels = validity("captum.FeatureAblation", *case, feature_mask="channels", compare={})
    assert (channels.status, channels.reason[:18]) == ("ok", "no time resolution")
    windows = [case[1].shape[1], 10]
    options = {"sliding_window_shapes": windows, "strides": windows}
    over_all = validity("captum.Occlusion", *case, **options, compare={})
    assert (over_all.status, over_all.reason[:21]) == ("ok", "no channel resolution")


# ------------------------------------------------------------------ names and options


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("captum.Salency", "class of captum.attr 'Salency' is unknown; did you mean 'Saliency'"),
        ("captun.Saliency", "library 'captun' is unknown; did you mean 'captum'"),
        ("captum.NeuronGradient", "one neuron"),
        ("captum.LayerAttribution", "base class"),
        ("captum.LimeBase", "which is no plain value"),
        ("captum.TCAV", "no map of the trial"),
        ("captum.NoiseTunnel", r"name it: captum.NoiseTunnel\(Saliency\)"),
        ("captum.Saliency(LRP)", "wraps no other"),
        ("captum.NoiseTunnel(NoiseTunnel)", "NoiseTunnel wraps another one itself"),
        ("captum.NoiseTunnel(Salency)", "did you mean 'Saliency'"),
        ("captum.a.b", "allowed are captum.CLASS"),
        ("NoiseTunnel", r"did you mean 'captum.NoiseTunnel\(Saliency\)'"),
        ("NoiseTunnel(Saliency)", r"did you mean 'captum.NoiseTunnel\(Saliency\)'"),
        ("KernelShap", "did you mean 'captum.KernelShap'"),
        ("Occlusion", "'TimeOcclusion'.*captum.Occlusion"),
        ("HiResCAM", "gradcam.HiResCAM"),
        ("guided_backprop", "braindecode.guided_backprop"),
        ("Salency", "did you mean 'Saliency'"),
        ("captum.NoiseTunnel(LayerLRP)", "captum's NoiseTunnel cannot call it"),
        ("gradcam.GradCam", "did you mean 'GradCAM'"),
        ("gradcam.SESS", "trials of one shape"),
        ("braindecode.salience", "did you mean 'saliency'"),
        ("braindecode.amplitude_gradients", "over frequencies"),
    ],
)
def test_names_that_are_none_are_refused(name, message):
    with pytest.raises(ValueError, match=message) as raised:
        options_of(name)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("captum.Saliency", {"abz": True}, "did you mean 'abs'"),
        ("captum.IntegratedGradients", {"n_steps": 0}, "n_steps=0"),
        ("captum.IntegratedGradients", {"method": "simpson"}, "method='simpson'"),
        ("captum.Occlusion", {"strides": [1, 2, 3]}, "strides="),
        ("captum.FeatureAblation", {"feature_mask": "frequencies"}, "feature_mask="),
        ("captum.NoiseTunnel(Saliency)", {"nt_type": "smooth"}, "nt_type="),
        ("gradcam.GradCAM", {"eigen_smooth": "perhaps"}, "eigen_smooth="),
        ("braindecode.integrated_gradients", {"steps": -1}, "steps=-1"),
    ],
)
def test_wrong_options_are_named(name, given, message):
    with pytest.raises(ValueError, match=message):
        options_of(name, given)


@pytest.mark.parametrize("name", [name for one in LIBRARIES.values() for name in one.standard])
def test_the_standard_methods_have_options(name):
    if name.startswith("gradcam"):
        pytest.importorskip("pytorch_grad_cam")
    assert options_of(name)["chunk"] == 8


def test_a_wrapper_has_the_options_of_both():
    options = options_of("captum.NoiseTunnel(IntegratedGradients)")
    assert (options["nt_samples"], options["n_steps"], options["baseline"]) == (5, 50, "zero")


def test_a_missing_library_is_told_in_one_sentence():
    with pytest.raises(ValueError, match=r"pip install 'eegxai\[gradcam\]'") as raised:
        imported("no_such_library", "gradcam.METHOD", "eegxai[gradcam]")
    assert "\n" not in str(raised.value)


@pytest.mark.slow
def test_importing_eegxai_imports_no_library():
    code = (
        "import sys, eegxai.attribution;"
        "assert not {'captum', 'pytorch_grad_cam', 'braindecode'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# ------------------------------------------------------------------ randomness and traces


@pytest.mark.slow
@pytest.mark.parametrize("name", RANDOM)
def test_numbers_depend_on_the_trial_alone(case, references, name):
    decoder, x, target = case
    own = QUICK if "feature_mask" in options_of(name) else {}
    together = attribute(name, *case, references=references, **own)
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002
    alone = attribute(name, decoder, x[1:], target[1:], references=references, chunk=1, **own)
    assert torch.equal(together[1:], alone)
    assert together.any()


def test_global_generators_are_left_as_they_were(case):
    torch.manual_seed(3)
    np.random.seed(3)  # noqa: NPY002
    random.seed(3)
    numpy = np.random.mtrand._rand.get_state
    before = torch.get_rng_state(), numpy()[1].copy(), random.getstate()
    attribute("captum.NoiseTunnel(Saliency)", *case)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(numpy()[1], before[1])
    assert random.getstate() == before[2]


def test_threads_have_the_same_numbers_and_leave_the_generators_alone(case):
    def maps(_):
        return attribute("captum.NoiseTunnel(Saliency)", *case)

    expected = maps(0)
    before = torch.get_rng_state(), random.getstate()
    with ThreadPoolExecutor(4) as pool:
        assert all(torch.equal(found, expected) for found in pool.map(maps, range(8)))
    assert torch.equal(torch.get_rng_state(), before[0])
    assert random.getstate() == before[1]


@pytest.mark.parametrize("name", ["captum.NoiseTunnel(Saliency)", "captum.GradientShap"])
def test_noise_of_another_type_than_the_decoders(case, name):
    decoder, (x, target) = deepcopy(case[0]).float(), case[1:]
    x = x.bfloat16().float()  # so that trials seed the same noise
    expected = attribute(name, decoder, x, target)
    half = attribute(name, deepcopy(decoder).bfloat16(), x, target)
    assert correlation(half, expected) > 0.95
    torch.set_default_dtype(torch.float64)
    try:
        double = attribute(name, decoder, x, target)
    finally:
        torch.set_default_dtype(torch.float32)
    assert double.dtype == x.dtype
    assert correlation(double, expected) > 0.5  # other noise


def correlation(maps, others):
    return float(torch.corrcoef(torch.stack([maps.flatten(), others.flatten()]).double())[0, 1])


class Odd(nn.Module):
    """A layer that captum's LRP has no rule for, between others that it has rules for."""

    def forward(self, z):
        return z.abs()


def test_what_captum_cannot_do_is_a_verdict_and_leaves_nothing():
    decoder = nn.Sequential(nn.Flatten(), nn.Linear(60, 4), Odd(), nn.Linear(4, 2)).double()
    decoder.train()
    x, target = torch.randn(2, 6, 10).double(), torch.tensor([0, 1])
    before = [sorted(vars(module)) for module in decoder.modules()]
    maps = attribute("InputXGradient", decoder, x, target)
    with pytest.raises(NotApplicable, match=r"captum.LRP is not applicable to Seq.* no rule") as no:
        attribute("captum.LRP", decoder, x, target)
    assert "\n" not in str(no.value)
    assert [sorted(vars(module)) for module in decoder.modules()] == before
    assert all(module.training for module in decoder.modules())
    assert not any(module._forward_hooks for module in decoder.modules())
    assert torch.equal(attribute("InputXGradient", decoder, x, target), maps)
    verdict = validity("captum.LRP", decoder, x, target, compare={})
    assert verdict.status == "not_applicable"


def test_a_layer_method_needs_a_cam_layer():
    decoder = nn.Sequential(nn.Flatten(), nn.Linear(60, 2))
    with pytest.raises(NotApplicable, match="cam_layer"):
        attribute("captum.LayerGradCam", decoder, torch.randn(1, 6, 10), torch.tensor([0]))


# ------------------------------------------------------------------ before any work


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        (
            "captum.Occlusion",
            {"sliding_window_shapes": [7, 25]},
            r"\[7, 25\] is larger than trials",
        ),
        ("captum.Occlusion", {"sliding_window_shapes": [1, 201]}, "of 6 channels and 200 samples"),
        ("captum.Occlusion", {"sliding_window_shapes": [1, 10]}, r"strides=\[1, 25\] must not be"),
        ("captum.Occlusion@fine", {"strides": [2, 25]}, "^captum.Occlusion@fine: strides="),
        ("captum.NoiseTunnel(Occlusion)", {"strides": [7, 1]}, r"strides=\[7, 1\]"),
        ("captum.KernelShap", {"window": 200}, "with window=200 makes one feature"),
        ("captum.NoiseTunnel(KernelShap)", {"window": 200}, "at least two are needed"),
        ("captum.ShapleyValues", {"window": 5}, "makes 40 features .* at most 7 features"),
        ("captum.LayerFeatureAblation", {"perturbations_per_eval": 2}, "eval=2 .* 1 is needed"),
        (
            "captum.NoiseTunnel(GradientShap)",
            {"draw_baseline_from_distrib": False},
            "distrib=False of .* True is needed",
        ),
        ("gradcam.FullGrad", {"eigen_smooth": True}, "eigen_smooth=True of .* False is needed"),
    ],
)
def test_options_that_do_not_fit_are_refused(case, name, given, message):
    if name.startswith("gradcam"):
        pytest.importorskip("pytorch_grad_cam")
    for call in (
        lambda: options_of(name, given, size=(6, SHORT)),
        lambda: attribute(name, *case, **given),
    ):
        with pytest.raises(ValueError, match=message) as raised:
            call()
        assert not isinstance(raised.value, NotApplicable | DegenerateMap)
        assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["captum.GradientShap", "captum.DeepLiftShap", "GradientSHAP"])
def test_references_of_another_size_are_refused(case, name):
    for references, message in (
        (torch.zeros(3, 5, SHORT), "6 channels and 200 samples, not 5 channels and 200"),
        (torch.zeros(3, 6, 30), "not 6 channels and 30"),
        ("none", r"references must be numbers \(trials"),
    ):
        with pytest.raises(ValueError, match=message):
            attribute(name, *case, references=references)


def test_one_reference_is_a_distribution(case, references):
    twice = references[:1].repeat(2, 1, 1)
    maps = [attribute("captum.DeepLiftShap", *case, references=r) for r in (references[:1], twice)]
    assert torch.equal(*maps)


class Small(nn.Module):
    """A decoder that every method can explain."""

    cam_layer = "convolution"

    def __init__(self):
        super().__init__()
        self.convolution, self.relu = nn.Conv2d(1, 2, (1, 5)), nn.ReLU()
        self.dense = nn.Linear(2 * 3 * 26, 2)

    def forward(self, x):
        return self.dense(self.relu(self.convolution(x[:, None])).flatten(1))


def every_name():
    captum = {name for name in attr.__all__ if usable(f"captum.{name}")}
    wrapped = {f"NoiseTunnel({name})" for name in captum}
    yield from (f"captum.{name}" for name in sorted(captum | wrapped))
    yield from (f"braindecode.{name}" for name in dir(visualization_of_braindecode()))
    yield from (f"gradcam.{name}" for name in dir(pytest.importorskip("pytorch_grad_cam")))


def visualization_of_braindecode():
    return pytest.importorskip("braindecode.visualization")


def usable(name):
    try:
        options_of(name)
    except ValueError:
        return False
    return True


@pytest.mark.slow
def test_what_is_accepted_is_not_refused_later():
    torch.manual_seed(0)
    x, target = torch.randn(2, 3, 30).double(), torch.tensor([0, 1])
    references = torch.randn(4, 3, 30).double()
    names = list(filter(usable, every_name()))
    # With its window, of which a trial this short has one.
    options = {name: {"window": 10} if "window" in options_of(name) else {} for name in names}
    maps = attribute_all(options, Small().double(), x, target, references=references)
    assert len(maps) > 60
    assert all(maps[name].shape == x.shape for name in names)


def test_a_label_makes_a_further_name(case):
    coarse = {"feature_mask": "channels"}
    maps = attribute_all(
        {"captum.FeatureAblation@whole": coarse, "captum.FeatureAblation": QUICK}, *case
    )
    whole = attribute("captum.FeatureAblation", *case, **coarse)
    assert torch.equal(maps["captum.FeatureAblation@whole"], whole)
    assert not torch.equal(maps["captum.FeatureAblation"], whole)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Gradient@", "after @ there must be a label of letters"),
        ("Gradient@a b", "such as Gradient@wide"),
        ("Gradent@a", "did you mean 'Gradient'"),
        ("captum.Salency@a", "did you mean 'Saliency'"),
        ("RandomMap@a", "is a control, which takes no label"),
    ],
)
def test_labels_that_are_none_are_refused(name, message):
    with pytest.raises(ValueError, match=message):
        options_of(name)


def test_out_of_memory_is_no_verdict(case, monkeypatch):
    def exhausted(*_args, **_kwargs):
        raise torch.OutOfMemoryError("no memory")

    monkeypatch.setattr(attr.Saliency, "attribute", exhausted)
    with pytest.raises(torch.OutOfMemoryError):
        attribute("captum.Saliency", *case)


def test_permutation_needs_references(case):
    with pytest.raises(ValueError, match=r"captum.FeaturePermutation needs references"):
        attribute("captum.FeaturePermutation", *case)


def test_all_standard_methods_explain(case, references):
    pytest.importorskip("pytorch_grad_cam")
    names = [name for one in LIBRARIES.values() for name in one.standard]
    coarse = {"feature_mask": "windows", "window": 48}
    options = {
        name: {key: value for key, value in coarse.items() if key in options_of(name)}
        for name in names
    }
    decoder, x, target = case
    try:
        maps = attribute_all(options, decoder, x[:1], target[:1], references=references)
    except (NotApplicable, DegenerateMap) as fault:  # pragma: no cover
        pytest.fail(str(fault))
    assert all(maps[name].shape == x[:1].shape for name in names)
