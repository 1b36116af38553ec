"""Cascade and target swap: they change what they should and nothing else."""

import hashlib
import itertools

import pytest
import torch
from torch import nn

from eegxai.decoders import build, weighted_layers
from eegxai.evaluation import (
    ExplainedTrials,
    bottom_up,
    cascade,
    each_layer_alone,
    swap_targets,
    variants,
)
from eegxai.evaluation.controls.randomized_weights import redraw
from eegxai.evaluation.controls.sanity_checks import CHECKS
from eegxai.seeding import torch_generator


class Nested(nn.Module):
    """Registered in another order than called; weights at the root, in a block, in a norm."""

    def __init__(self):
        super().__init__()
        self.readout = nn.Linear(6, 3)
        self.block = nn.ModuleDict({"norm": nn.LayerNorm(6), "mix": nn.Linear(8 * 20, 6)})
        self.gain = nn.Parameter(torch.ones(8, 1))
        self.attention = nn.MultiheadAttention(20, 2, batch_first=True)

    def forward(self, x):
        attended, _ = self.attention(x, x, x)
        mixed = self.block["mix"](torch.flatten(self.gain * attended, 1))
        return self.readout(self.block["norm"](mixed))


def nested():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Nested().eval()


def eegnet():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        decoder = build("eegnet", 8, 128, 3, 128.0)
        decoder.train()
        decoder(torch.randn(4, 8, 128))  # running statistics that are not the initial ones
        return decoder.eval()


DECODERS = {"nested": (nested, 20), "eegnet": (eegnet, 128)}


@pytest.fixture(params=DECODERS)
def case(request):
    make, n_times = DECODERS[request.param]
    return make(), torch.randn(2, 8, n_times, generator=torch.Generator().manual_seed(1))


def digest(decoder):
    state = hashlib.sha256()
    for name, value in decoder.state_dict().items():
        state.update(name.encode() + value.numpy().tobytes())
    return state.hexdigest()


def same(decoder, other):
    """Names of the parameters that are equal in both."""
    theirs = dict(other.named_parameters())
    return {name for name, p in decoder.named_parameters() if torch.equal(p, theirs[name])}


def test_the_cascade_goes_from_the_output_to_the_input():
    order = [layer for layer, _ in cascade(nested(), torch.randn(1, 8, 20), seed=0)]
    assert order == ["readout", "block.norm", "block.mix", "attention", ""]


def test_the_cascade_visits_every_layer_with_weights(case):
    decoder, x = case
    order = [layer for layer, _ in cascade(decoder, x, seed=0)]
    assert order == list(weighted_layers(decoder, x))[::-1]


def test_each_step_changes_its_layer_and_keeps_what_came_before(case):
    decoder, x = case
    remaining = {name for name, _ in decoder.named_parameters()}
    previous = decoder
    for layer, randomized in cascade(decoder, x, seed=0):
        changed = set(weighted_layers(decoder, x)[layer])
        everything = {name for name, _ in decoder.named_parameters()}
        assert same(randomized, previous) == everything - changed
        remaining -= changed
        assert same(randomized, decoder) == remaining
        previous = randomized
    assert remaining == set()


def test_each_step_changes_the_output(case):
    decoder, x = case
    outputs = [decoder(x), *(randomized(x) for _, randomized in cascade(decoder, x, seed=0))]
    for before, after in itertools.pairwise(outputs):
        assert not torch.allclose(before, after)


def test_copies_are_independent(case):
    decoder, x = case
    expected = [digest(randomized) for _, randomized in cascade(decoder, x, seed=0)]
    found = []
    for _, randomized in cascade(decoder, x, seed=0):
        found.append(digest(randomized))
        with torch.no_grad():
            for parameter in randomized.parameters():
                parameter.zero_()
    assert found == expected
    kept = list(cascade(decoder, x, seed=0))
    assert [digest(randomized) for _, randomized in kept] == expected


def test_the_decoder_and_the_global_generator_stay_as_they_are(case):
    decoder, x = case
    state, modes = digest(decoder), [m.training for m in decoder.modules()]
    torch_state = torch.get_rng_state()
    *_, (_, other) = cascade(decoder, x, seed=9)
    everything = ExplainedTrials(
        decoder, x, torch.tensor([0, 1]), 3, seed=0, permuted_labels_decoder=other
    )
    list(variants(everything, CHECKS))
    assert digest(decoder) == state
    assert [m.training for m in decoder.modules()] == modes
    assert torch.equal(torch.get_rng_state(), torch_state)


def test_the_seed_decides_the_weights(case):
    decoder, x = case
    first, again, other = (
        [digest(randomized) for _, randomized in cascade(decoder, x, seed)] for seed in (0, 0, 1)
    )
    assert first == again
    assert not set(first) & set(other)


def test_the_running_statistics_stay():
    decoder, x = eegnet(), torch.randn(1, 8, 128)
    *_, (_, randomized) = cascade(decoder, x, seed=0)
    for (name, before), after in zip(decoder.named_buffers(), randomized.buffers(), strict=True):
        assert torch.equal(before, after), name


def test_kernels_and_biases_are_uniform_with_the_bound_of_torch():
    layer = nn.Conv2d(4, 300, (5, 5))
    redraw("layer", dict(layer.named_parameters()), torch_generator(0, "test"))
    for values in (layer.weight.detach(), layer.bias.detach()):
        assert values.abs().max() == pytest.approx(0.1, rel=0.02)  # fan in 4 * 5 * 5
        assert values.std() == pytest.approx(0.1 / 3**0.5, rel=0.1)


def test_normalizations_keep_a_scale_around_one_and_a_shift_around_zero():
    layer = nn.BatchNorm1d(2000)
    redraw("layer", dict(layer.named_parameters()), torch_generator(0, "test"))
    for values, centre in ((layer.weight.detach(), 1), (layer.bias.detach(), 0)):
        assert values.mean() == pytest.approx(centre, abs=0.03)
        assert (values - centre).abs().max() == pytest.approx(0.5, rel=0.02)


def test_a_weight_that_does_not_change_is_an_error():
    class Stubborn(nn.Parameter):
        def copy_(self, *_):
            return self

    weights = {"weight": Stubborn(torch.ones(2, 2))}
    with pytest.raises(RuntimeError, match="layer 'dense' left its weight 'weight' unchanged"):
        redraw("dense", weights, torch_generator(0, "test"))


@pytest.mark.parametrize("n_classes", [2, 4])
def test_swapped_targets_are_uniform_over_the_wrong_classes(n_classes):
    target = torch.arange(n_classes).repeat(3000)
    swapped = swap_targets(target, n_classes, seed=0)
    assert swapped.dtype == target.dtype
    counts = torch.zeros(n_classes, n_classes).index_put_(
        (target, swapped), torch.ones(()), accumulate=True
    )
    assert counts.diagonal().count_nonzero() == 0
    wrong = counts[~torch.eye(n_classes, dtype=torch.bool)]
    torch.testing.assert_close(
        wrong / 3000, torch.full_like(wrong, 1 / (n_classes - 1)), atol=0.05, rtol=0
    )
    assert torch.equal(swapped, swap_targets(target, n_classes, seed=0))
    if n_classes > 2:
        assert not torch.equal(swapped, swap_targets(target, n_classes, seed=1))


def test_one_class_has_no_wrong_one():
    with pytest.raises(ValueError, match="n_classes=1 leaves no wrong class"):
        swap_targets(torch.zeros(3, dtype=torch.int64), 1, seed=0)


def test_variants_are_the_target_swap_and_then_the_cascade(case):
    decoder, x = case
    target = torch.tensor([0, 2])
    swap, *steps = variants(ExplainedTrials(decoder, x, target, 3, seed=5))
    assert (swap.check, swap.step, swap.change.layer) == ("target_swap", 1, "")
    assert swap.change.decoder is decoder
    assert torch.equal(swap.change.target, swap_targets(target, 3, seed=5))
    expected = list(cascade(decoder, x, seed=5))
    assert [step.check for step in steps] == ["cascade"] * len(expected)
    numbers = list(range(1, len(expected) + 1))
    assert [step.step for step in steps] == numbers
    assert [step.change.layers_randomized for step in steps] == numbers
    for step, (layer, randomized) in zip(steps, expected, strict=True):
        assert step.change.layer == layer
        assert digest(step.change.decoder) == digest(randomized)
        assert torch.equal(step.change.target, target)


def test_bottom_up_ends_where_the_cascade_ends(case):
    decoder, x = case
    up, down = list(bottom_up(decoder, x, seed=0)), list(cascade(decoder, x, seed=0))
    assert [layer for layer, _ in up] == [layer for layer, _ in down][::-1]
    assert digest(up[-1][1]) == digest(down[-1][1])


def test_independent_steps_change_one_layer_as_the_cascade_does(case):
    decoder, x = case
    layers = weighted_layers(decoder, x)
    everything = {name for name, _ in decoder.named_parameters()}
    for (layer, alone), (_, cascaded) in zip(
        each_layer_alone(decoder, x, seed=0), cascade(decoder, x, seed=0), strict=True
    ):
        assert same(alone, decoder) == everything - set(layers[layer])
        assert set(layers[layer]) <= same(alone, cascaded)


def test_all_wrong_classes_are_asked_for_once():
    decoder, target = nested(), torch.tensor([0, 2])
    explained = ExplainedTrials(decoder, torch.randn(2, 8, 20), target, 3, seed=0)
    asked = torch.stack([v.change.target for v in variants(explained, ["wrong_classes"])])
    assert asked.sort(0).values.tolist() == [[1, 0], [2, 1]]


def test_a_retrained_decoder_must_be_there_and_another_one():
    decoder, x, target = nested(), torch.randn(2, 8, 20), torch.tensor([0, 2])
    with pytest.raises(ValueError, match="permuted_labels_decoder is missing"):
        list(variants(ExplainedTrials(decoder, x, target, 3, seed=0), ["label_retrain"]))
    twin = ExplainedTrials(decoder, x, target, 3, seed=0, permuted_labels_decoder=nested())
    with pytest.raises(RuntimeError, match="'label_retrain' left all weights unchanged"):
        list(variants(twin, ["label_retrain"]))


def test_weights_that_do_not_reach_the_logits_are_noticed():
    """A layer behind a zero changes its weights, and no prediction."""
    decoder, x = nested(), torch.randn(2, 8, 20)
    with torch.no_grad():
        decoder.readout.weight.zero_()
    explained = ExplainedTrials(decoder, x, torch.tensor([0, 2]), 3, seed=0)
    with pytest.raises(RuntimeError, match=r"step 2 .* left the predictions unchanged"):
        list(variants(explained, ["independent"]))
