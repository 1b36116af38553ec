"""DeepLift is complete through every operation that has a rule, and on every architecture."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from eegxai.attribution import METHODS, NotApplicable, attribute
from eegxai.attribution.engine.modified_gradients import ELEMENTWISE, PRODUCTS
from eegxai.decoders import DECODERS
from tests.helpers import lively_decoder, random_trials


class Between(nn.Module):
    """A function between two dense layers, for trials (trials, 2, 8)."""

    def __init__(self, function, shift=0.0):
        super().__init__()
        self.hidden = nn.Linear(16, 12).double()
        self.hidden.bias.data += shift
        self.function = function
        self.output = nn.LazyLinear(3).double()
        self(torch.zeros(1, 2, 8).double())  # the lazy layer learns its size
        self.eval().requires_grad_(False)

    def forward(self, x):
        return self.output(self.function(self.hidden(x.flatten(1))).flatten(1))


def small_trials(n_trials=4):
    generator = torch.Generator().manual_seed(6)
    x = torch.randn(n_trials, 2, 8, generator=generator, dtype=torch.float64)
    return x, torch.arange(n_trials) % 3


def promised(name, decoder, x, target, **options):
    with torch.no_grad():
        return METHODS[name].completeness_target(decoder, x, target, **options)


def assert_complete(decoder, x, target, **options):
    result = attribute("DeepLift", decoder, x, target, **options).sum((1, 2))
    gain = promised("DeepLift", decoder, x, target, **options)
    assert gain.abs().min() > 0
    torch.testing.assert_close(result / gain, torch.ones_like(gain), rtol=0, atol=1e-6)


# ------------------------------------------------------------------ operations

ARGUMENTS = {
    "prelu": [torch.tensor([0.3], dtype=torch.float64)], "threshold": [0.2, -0.5],
    "clamp": [-0.3, 0.4], "clamp_min": [-0.2], "clamp_max": [0.3], "pow": [3],
    "logit": [1e-6],
    "maximum": [torch.full((12,), 0.1, dtype=torch.float64)],
    "minimum": [torch.full((12,), 0.1, dtype=torch.float64)],
}  # fmt: skip
POSITIVE = {"sqrt", "rsqrt", "log", "log2", "log10", "log1p", "reciprocal"}


def function_of(name):
    homes = (torch, torch._C._nn, F)
    return next(getattr(home, name) for home in homes if hasattr(home, name))


@pytest.mark.parametrize("name", sorted(ELEMENTWISE))
def test_elementwise_operation_is_complete(name):
    names = {"log_sigmoid": "logsigmoid"}
    function = function_of(names.get(name, name))
    decoder = Between(
        lambda z: function(z, *ARGUMENTS.get(name, [])), shift=8.0 if name in POSITIVE else 0.0
    )
    assert_complete(decoder, *small_trials())


def split(z):
    return z.view(-1, 3, 4), z.view(-1, 3, 4).flip(2).sin()


PRODUCT_CALLS = {
    "mul": lambda z: z * z.flip(1),
    "matmul": lambda z: split(z)[0] @ split(z)[1].transpose(1, 2),
    "mm": lambda z: torch.stack([a.view(3, 4).mm(a.view(3, 4).T) for a in z]),
    "bmm": lambda z: split(z)[0].bmm(split(z)[1].transpose(1, 2)),
    "mv": lambda z: torch.stack([a.view(3, 4).mv(a[:4]) for a in z]),
    "dot": lambda z: torch.stack([a[:6].dot(a[6:]) for a in z])[:, None],
    "outer": lambda z: torch.stack([torch.outer(a[:6], a[6:]) for a in z]),
    "einsum": lambda z: torch.einsum("tij,tkj->tik", *split(z)),
}


@pytest.mark.parametrize("name", sorted(PRODUCTS))
def test_product_is_complete(name):
    assert_complete(Between(PRODUCT_CALLS[name]), *small_trials())


def steps(z):
    """Three steps of four features."""
    return z.view(-1, 3, 4)


def attended(z):
    return F.scaled_dot_product_attention(steps(z), steps(z), steps(z), is_causal=True)


COMPOUND = {
    "softmax": lambda z: F.softmax(8 * z, 1),
    "softmin": lambda z: F.softmin(z, 1),
    "log_softmax": lambda z: torch.log_softmax(z, 1),
    "layer_norm": nn.LayerNorm(12).double(),
    "group_norm": nn.GroupNorm(3, 12).double(),
    "instance_norm": lambda z: F.instance_norm(steps(z)),
    "batch_norm": nn.BatchNorm1d(12).double(),
    "attention": attended,
    "lstm": nn.LSTM(4, 5, 2, batch_first=True, bidirectional=True).double(),
    "lstm over the second axis": nn.LSTM(4, 5, bias=False).double(),
    "multi-head attention": nn.MultiheadAttention(4, 2, batch_first=True).double(),
    "transformer": nn.TransformerEncoderLayer(4, 2, 8, batch_first=True).double(),
    "glu": F.glu,
    "quotient": lambda z: z / (2 + z.flip(1).sin()) + 1 / (z.square() + 1),
    "variance": lambda z: z.var(1, keepdim=True) + z.std(1, keepdim=True),
    "norm": lambda z: F.normalize(z) + torch.linalg.vector_norm(z, 3, 1, keepdim=True),
    "baddbmm": lambda z: torch.baddbmm(steps(z)[:, :, :3], *(steps(z), steps(z).transpose(1, 2))),
    "max_pool1d": lambda z: F.max_pool1d(z[:, None], 3, 2, padding=1),
    "max_pool2d": lambda z: F.max_pool2d(steps(z), 2, 1),
    "max_pool3d": lambda z: F.max_pool3d(z.view(-1, 1, 2, 2, 3), (1, 2, 2)),
    "adaptive max-pool": lambda z: F.adaptive_max_pool1d(steps(z), 2),
    "softsign": F.softsign,
    "tanhshrink": F.tanhshrink,
}


def halves(z):
    return z[:, :6], z[:, 6:]


def spectrum(z):
    return torch.fft.rfft(z)


COMPOUND |= {
    "rms_norm": nn.RMSNorm(12).double(),
    "rms_norm, two axes": lambda z: F.rms_norm(steps(z), (3, 4), eps=1e-3),
    "rms by hand": lambda z: z * torch.rsqrt(z.pow(2).mean(-1, keepdim=True) + 1e-6),
    "rms by division": lambda z: z / (z.square().mean(-1, keepdim=True).sqrt() + 1e-3),
    "unit length": lambda z: z / z.norm(dim=-1, keepdim=True),
    "modulus": lambda z: spectrum(z).abs(),
    "phase": lambda z: torch.angle(spectrum(z)),
    "length of parts": lambda z: torch.view_as_real(spectrum(z)).norm(dim=-1),
    "short-time spectrum": lambda z: torch.stft(
        z, 4, 2, window=torch.hann_window(4).to(z), return_complex=True
    ).abs(),
    "atan2": lambda z: torch.atan2(*halves(z)),
    "hypot": lambda z: torch.hypot(*halves(z)),
    "larger of two": lambda z: torch.maximum(*halves(z)),
    "power of two": lambda z: halves(z)[0].exp() ** halves(z)[1],
    "added in place": lambda z: z.tanh().add_(1).square(),
    "added into a part": lambda z: torch.cat([z, z]).sigmoid()[: len(z)].sub_(0.2).exp(),
}


def called(name):
    function = COMPOUND[name]
    if isinstance(function, nn.Module):
        function.requires_grad_(False).eval()
    if name == "lstm":
        return lambda z: function(steps(z))[0]
    if name == "lstm over the second axis":
        return lambda z: function(steps(z).transpose(0, 1))[0].transpose(0, 1)
    if name == "multi-head attention":
        return lambda z: function(steps(z), steps(z), steps(z))[0]
    return (lambda z: function(steps(z))) if name == "transformer" else function


@pytest.mark.parametrize("name", COMPOUND)
def test_compound_operation_is_complete(name):
    assert_complete(Between(called(name)), *small_trials())


class Shared(Between):
    """Two functions of one hidden layer, the second after a change in place of the first's."""

    def forward(self, x):
        hidden = self.hidden(x.flatten(1)).tanh()
        before = hidden.square()
        hidden += 1
        return self.output(before + hidden.exp())


def test_a_baseline_overwritten_in_place_is_kept():
    assert_complete(Shared(torch.tanh), *small_trials())


def test_two_inputs_share_by_their_gains():
    """The larger of two: each gets the mean of what it adds first and last."""
    x, reference = torch.tensor([[[3.0, 5.0]]]).double(), torch.tensor([[[1.0, 0.0]]]).double()
    decoder = nn.Sequential(nn.Flatten(), Larger())
    result = attribute(
        "DeepLiftSHAP", decoder, x, torch.tensor([0]), references=reference, output="value"
    )
    # first alone: 3 - 1 = 2, last: 5 - 5 = 0; second alone: 5 - 1 = 4, last: 5 - 3 = 2
    assert result.flatten().tolist() == [1.0, 3.0]


class Larger(nn.Module):
    def forward(self, z):
        return torch.maximum(z[:, :1], z[:, 1:])


@pytest.mark.parametrize(
    "norm",
    [
        nn.RMSNorm(16, eps=1e-5),
        nn.LayerNorm(16, elementwise_affine=False),
        nn.GroupNorm(2, 16, affine=False),
    ],
)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
def test_silent_baselines_leave_norms_their_digits(norm, dtype, tolerance):
    """Without biases all layers of the baseline are zero, and r is 1 / sqrt(eps) there."""
    torch.manual_seed(0)
    layers = (norm, nn.Linear(16, 16, bias=False), nn.SiLU())
    blocks = [layer for _ in range(4) for layer in layers]
    decoder = nn.Sequential(nn.Flatten(), *blocks, nn.Linear(16, 3, bias=False)).to(dtype)
    x, target = small_trials()
    total = promised("DeepLift", decoder, x.to(dtype), target)
    result = attribute("DeepLift", decoder, x.to(dtype), target).sum((1, 2))
    torch.testing.assert_close(result, total, rtol=0, atol=tolerance * float(total.abs().max()))


@pytest.mark.parametrize("method", ["DeepLift", "LRP"])
def test_squares_in_norms_do_not_overflow_in_half_precision(method):
    torch.manual_seed(0)
    decoder = nn.Sequential(nn.LayerNorm(50), nn.Flatten(), nn.Linear(200, 3))
    x, target = 300 * torch.randn(2, 4, 50), torch.tensor([0, 1])
    expected = attribute(method, decoder, x, target)
    found = attribute(method, decoder.half(), x.half(), target).float()
    torch.testing.assert_close(found, expected, rtol=0, atol=2e-2 * float(expected.abs().max()))


@pytest.mark.parametrize("largest", [1.0, 1e3])
def test_softmax_of_any_size_is_complete(largest):
    """exp(1000) overflows and exp(-1000) is zero."""
    decoder = Between(lambda z: F.softmax(largest * z, 1))
    assert_complete(decoder, *small_trials())


def test_nearly_equal_inputs_take_the_derivative():
    """A difference in the last digits is rounding, and so would be its quotient."""
    decoder, (x, target) = Between(torch.tanh), small_trials(1)
    x = 1e-13 * x
    weights = decoder.output.weight[target[0]] * (1 - decoder.hidden.bias.tanh().square())
    expected = (x.flatten() * (weights @ decoder.hidden.weight)).reshape(x.shape)
    result = attribute("DeepLift", decoder, x, target)
    torch.testing.assert_close(result, expected, rtol=1e-6, atol=0)


class Pool(nn.Module):
    def forward(self, x):
        return F.max_pool1d(x, 2).flatten(1)


@pytest.mark.parametrize(
    ("trial", "baseline", "expected"),
    [
        ([3.0, 1.0], [1.0, 2.0], [1.0, 0.0]),  # up from 2 to 3: the trial's place
        ([0.0, 1.0], [2.0, 0.0], [-1.0, 0.0]),  # down from 2 to 1: the baseline's place
        ([1.0, 2.0], [0.0, 0.0], [0.0, 2.0]),
        ([-2.0, -1.0], [0.0, 0.0], [0.0, -1.0]),  # ties: the trial's place
    ],
)
def test_rule_of_a_max_pool(trial, baseline, expected):
    x, reference = (torch.tensor([[values]]).double() for values in (trial, baseline))
    target = torch.tensor([0])
    result = attribute("DeepLiftSHAP", Pool(), x, target, references=reference, output="value")
    assert result.flatten().tolist() == expected


def test_relu_behind_a_max_pool_takes_its_secant_at_the_trials_place():
    """A constant baseline is equal everywhere, and the trial's maximum alone has a place."""
    decoder, (x, target) = Between(lambda z: F.max_pool1d(z[:, None], 3).relu()), small_trials()
    start = decoder.hidden.bias.fill_(0.1)[0]
    hidden = decoder.hidden(x.flatten(1))[:, None]
    largest, place = (z.flatten(1) for z in F.max_pool1d(hidden, 3, return_indices=True))
    assert largest.min() < 0 < largest.max()  # both sides of the ReLU
    secant = (largest.relu() - start) / (largest - start)
    multipliers = decoder.output.weight[target] * secant
    weights = torch.einsum("tp,tpi->ti", multipliers, decoder.hidden.weight[place])
    expected = x * weights.view_as(x)
    torch.testing.assert_close(attribute("DeepLift", decoder, x, target), expected)


# ------------------------------------------------------------------ decoders


@pytest.mark.parametrize("baseline", ["zero", "mean"])
@pytest.mark.parametrize("name", DECODERS)
def test_deeplift_is_complete_on_every_architecture(name, baseline):
    decoder = lively_decoder(name)
    x, target = random_trials(3)
    assert_complete(decoder, x + 0.5, target, baseline=baseline)


@pytest.mark.parametrize("name", ["deep4", "eegconformer", "atcnet", "deepsleepnet"])
def test_map_does_not_depend_on_the_batch(name):
    decoder, (x, target) = lively_decoder(name), random_trials(3)
    together = attribute("DeepLift", decoder, x, target)
    alone = attribute("DeepLift", decoder, x[1:2], target[1:2])
    torch.testing.assert_close(alone, together[1:2], rtol=1e-8, atol=1e-12)


def test_deeplift_shap_is_the_mean_over_references():
    decoder, (x, target) = lively_decoder("deepnet"), random_trials(3)
    references = random_trials(5)[0][3:]
    result = attribute("DeepLiftSHAP", decoder, x, target, references=references)
    each = [
        attribute("DeepLiftSHAP", decoder, x, target, references=one[None]) for one in references
    ]
    torch.testing.assert_close(result, torch.stack(each).mean(0))
    gain = promised("DeepLiftSHAP", decoder, x, target, references=references)
    torch.testing.assert_close(result.sum((1, 2)), gain)


def test_decoder_that_looks_at_the_values_of_a_trial_is_refused():
    decoder = Between(lambda z: z.tanh() if z.abs().sum() > 1e-6 else z.sigmoid())
    decoder.hidden.bias.data.zero_()
    with pytest.raises(NotApplicable, match="performs different operations"):
        attribute("DeepLift", decoder, *small_trials())
