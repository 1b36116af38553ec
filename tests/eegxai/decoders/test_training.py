"""Training: reproducible, resumable, best weights kept, global state untouched."""

import logging
from copy import deepcopy
from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import nn

from eegxai.decoders import DECODERS, TrainingSpec, fit, initialised, predict, recommended, steppers
from eegxai.decoders.precision import OPERATIONS, float32_products
from eegxai.decoders.steppers import STEPPERS
from eegxai.decoders.steps import Stepper, balanced, loss_sum

SIZE = (4, 200, 2, 250.0)
FAST = TrainingSpec(learning_rate=3e-3, batch_size=16, epochs=6, patience=6)


def separable_trials(n_trials=96):
    """Trials whose class is the sign of a bump on channel 0."""
    generator = torch.Generator().manual_seed(1)
    y = torch.arange(n_trials) % 2
    x = torch.randn(n_trials, 4, 200, generator=generator)
    x[:, 0, 40:80] += 2.0 * (2 * y[:, None] - 1)
    return x, y


def trained(seed=0, spec=FAST, name="deepnet", **options):
    x, y = separable_trials()
    decoder = initialised(name, *SIZE, seed)
    history = fit(decoder, (x[:64], y[:64]), (x[64:], y[64:]), spec, seed, **options)
    return decoder, history


def assert_same_weights(one, two):
    for name, value in one.state_dict().items():
        assert torch.equal(value, two.state_dict()[name]), name


def test_training_learns_and_repeats_bit_for_bit():
    decoder, history = trained()
    again, _ = trained()
    x, y = separable_trials()
    assert (predict(decoder, x[64:]).argmax(1) == y[64:]).float().mean() > 0.95
    assert_same_weights(decoder, again)
    assert history[0]["train_loss"] > history[-1]["train_loss"]


def test_trials_and_classes_in_each_others_place_are_refused():
    x, y = separable_trials(8)
    decoder = initialised("deepnet", *SIZE, 0)
    for data in ((y, x), (x, y[:7]), (x, y.double())):
        with pytest.raises(ValueError, match="training must be trials"):
            fit(decoder, data, (x, y), FAST, 0)


def test_another_seed_gives_another_decoder():
    one, two = initialised("deepnet", *SIZE, 0), initialised("deepnet", *SIZE, 1)
    assert not torch.equal(one.output.weight, two.output.weight)


def test_global_random_state_is_left_alone():
    before = torch.get_rng_state()
    trained()
    assert torch.equal(before, torch.get_rng_state())


def test_best_weights_are_restored():
    """The decoder that comes back has the lowest validation loss of the history."""
    decoder, history = trained(spec=TrainingSpec(learning_rate=2e-2, batch_size=16, epochs=8))
    x, y = separable_trials()
    loss = float(torch.nn.functional.cross_entropy(predict(decoder, x[64:]), y[64:]))
    assert loss == pytest.approx(min(epoch["validation_loss"] for epoch in history), abs=1e-6)


@pytest.mark.slow
def test_bfloat16_trains_to_the_same_accuracy():
    decoder, _ = trained(
        spec=TrainingSpec(learning_rate=3e-3, batch_size=16, epochs=6, precision="bfloat16")
    )
    x, y = separable_trials()
    assert next(decoder.parameters()).dtype == torch.float32
    assert (predict(decoder, x[64:]).argmax(1) == y[64:]).float().mean() > 0.95


def test_tf32_is_float32_on_a_cpu():
    one, two = (
        trained(spec=replace(FAST, precision=name, epochs=2))[0] for name in ("tf32", "float32")
    )
    assert_same_weights(one, two)


UNEVEN = TrainingSpec(learning_rate=3e-3, batch_size=15, epochs=3)  # the last of five is smaller


@pytest.mark.slow
@pytest.mark.parametrize("steps", STEPPERS)
@pytest.mark.parametrize("name", ["deepnet", "deepsleepnet"])
def test_steps_are_the_same_however_they_are_taken(monkeypatch, steps, name):
    compiler = partial(torch.compile, backend="eager")
    monkeypatch.setattr(torch, "compile", compiler)
    (decoder, history), (expected, told) = (
        trained(spec=UNEVEN, name=name, steps=how) for how in (steps, "eager")
    )
    assert history == told
    assert_same_weights(decoder, expected)


def fails(*_args, **_options):
    raise RuntimeError("no compiler\nin this place")


@pytest.mark.parametrize(
    ("steps", "what", "told"),
    [
        ("compiled", (torch, "compile", lambda *_args, **_options: fails), "torch.compile failed"),
        ("graphs", (steppers, "_graph_recorded", fails), "cannot be recorded"),
    ],
)
def test_training_goes_on_where_steps_cannot_be_taken_faster(
    monkeypatch, caplog, steps, what, told
):
    monkeypatch.setattr(*what)
    decoder, _ = trained(spec=UNEVEN, steps=steps)
    assert_same_weights(decoder, trained(spec=UNEVEN)[0])
    (record,) = caplog.records
    assert told in record.message
    assert record.message.endswith(": no compiler")


def test_out_of_memory_is_met_by_recorded_steps_too():
    x, y = separable_trials()
    spec = TrainingSpec(learning_rate=1e-1, batch_size=32, epochs=4)
    large, small = Small(room=32), Small(room=20)
    small.load_state_dict(large.state_dict())
    for decoder in (large, small):
        fit(decoder, (x[:64], y[:64]), (x[80:], y[80:]), spec, 0, steps="graphs")
    assert (large.largest, small.largest) == (32, 16)
    torch.testing.assert_close(small.output.weight, large.output.weight)


@pytest.mark.gpu
@pytest.mark.parametrize("steps", ["graphs", "compiled", "compiled_graphs"])
def test_a_gpu_records_and_compiles_steps(steps, caplog):
    x, y = (tensor.cuda() for tensor in separable_trials())
    weights = {}
    for how in ("eager", steps):
        decoder = initialised("deepnet", *SIZE, 0).cuda()
        decoder.dropout.p = 0.0  # compiled code draws other numbers
        fit(decoder, (x[:64], y[:64]), (x[64:], y[64:]), UNEVEN, 0, steps=how)
        weights[how] = decoder.state_dict()
    assert caplog.records == []
    torch.testing.assert_close(weights[steps], weights["eager"], rtol=1e-3, atol=1e-4)


@pytest.mark.gpu
def test_a_gpu_draws_the_same_dropout_in_recorded_steps():
    x, y = (tensor.cuda() for tensor in separable_trials())
    decoders = [initialised("deepnet", *SIZE, 0).cuda() for _ in range(2)]
    for decoder, how in zip(decoders, ("eager", "graphs"), strict=True):
        fit(decoder, (x[:64], y[:64]), (x[64:], y[64:]), UNEVEN, 0, steps=how)
    torch.testing.assert_close(*(d.state_dict() for d in decoders), rtol=1e-3, atol=1e-4)


def rounded():
    return [operation.fp32_precision for operation in OPERATIONS]


@pytest.mark.parametrize("chosen", ["highest", "high", "medium"])
def test_products_are_rounded_where_it_is_asked_for_and_the_setting_is_put_back(chosen):
    default = torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision(chosen)
        before = rounded()
        with float32_products(torch.device("cuda"), tf32=True):
            assert rounded() == ["tf32"] * 3
            with float32_products(torch.device("cuda")):
                assert rounded() == ["ieee"] * 3
            with float32_products(torch.device("cpu")):
                assert rounded() == ["tf32"] * 3
        assert rounded() == before
        assert torch.get_float32_matmul_precision() == chosen
    finally:
        torch.set_float32_matmul_precision(default)


def test_an_unknown_way_to_take_steps_is_told():
    with pytest.raises(
        ValueError, match="way to take steps 'graph' is unknown; did you mean 'graphs'"
    ):
        trained(steps="graph")


def test_predictions_are_made_of_as_many_trials_as_fit():
    decoder = Small(room=5)
    x, _ = separable_trials()
    logits = predict(decoder, x)
    assert decoder.largest == 4
    decoder.room = 1000
    torch.testing.assert_close(logits, predict(decoder, x))


def test_training_stops_when_enough_is_reached():
    spec = TrainingSpec(learning_rate=3e-3, batch_size=16, epochs=30, patience=30)
    _, history = trained(spec=spec, enough=0.9)
    accuracies = [epoch["validation_accuracy"] for epoch in history]
    assert len(history) < 30
    assert max(accuracies[:-1], default=0) < 0.9 <= accuracies[-1]


def test_training_stops_when_patience_ends():
    spec = TrainingSpec(learning_rate=5e-2, batch_size=16, epochs=40, patience=2)
    _, history = trained(spec=spec)
    losses = [epoch["validation_loss"] for epoch in history]
    assert len(losses) < 40
    assert losses.index(min(losses)) == len(losses) - 3


@pytest.mark.parametrize("name", ["deepnet", "eegnet", "deepsleepnet"])
@pytest.mark.parametrize("optimizer", ["adam", "adamw"])
def test_a_resumed_training_ends_in_the_same_bits(name, optimizer):
    spec = TrainingSpec(
        learning_rate=3e-3, batch_size=16, epochs=4, optimizer=optimizer, weight_decay=0.1
    )
    kept = []
    decoder, history = trained(spec=spec, name=name, on_checkpoint=kept.append)
    assert [len(checkpoint.history) for checkpoint in kept] == [1, 2, 3, 4]
    for checkpoint in kept:
        again, repeated = trained(spec=spec, name=name, resume=checkpoint)
        assert repeated == history
        assert_same_weights(decoder, again)


def test_a_checkpoint_does_not_follow_the_training():
    kept = []
    trained(on_checkpoint=kept.append)
    first, last = kept[0].tensors, kept[-1].tensors
    assert first.keys() == last.keys()
    assert not torch.equal(first["weights/output.weight"], last["weights/output.weight"])


def test_classes_of_unequal_size_weigh_the_same():
    y = torch.tensor([0] * 6 + [1] * 3 + [3])
    weights = balanced(y)
    sums = [float(weights[y == label].sum()) for label in (0, 1, 3)]
    assert sums == pytest.approx([10 / 3] * 3)
    logits = torch.randn(10, 4, generator=torch.Generator().manual_seed(0))
    per_class = torch.tensor([10 / 18, 10 / 9, 0, 10 / 3])
    expected = nn.CrossEntropyLoss(weight=per_class)(logits, y)
    torch.testing.assert_close(loss_sum(logits, y, weights) / weights.sum(), expected)
    assert torch.equal(balanced(torch.tensor([0, 1, 1, 0])), torch.ones(4))


class Small(nn.Module):
    """Runs out of memory above a number of trials, as a small device does."""

    def __init__(self, room):
        super().__init__()
        self.room, self.largest = room, 0
        self.output = nn.Linear(4, 2)

    def forward(self, x):
        if len(x) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        self.largest = max(self.largest, len(x))
        return self.output(x.mean(2))


def stepped(decoder, **options):
    """Decoder and losses after one epoch of three steps; the last batch is smaller."""
    x, y = separable_trials(80)
    weights = balanced(y)
    optimizer = torch.optim.Adam(decoder.parameters(), 1e-2, fused=True)
    settings = {"batch_size": 32, "clip_norm": None, "precision": "float32", **options}
    stepper = Stepper(decoder, optimizer, **settings)
    parts = zip(x.split(32), y.split(32), weights.split(32), strict=True)
    return optimizer, [float(stepper.step(*part)) for part in parts]


def test_out_of_memory_halves_the_batch_and_changes_no_step(caplog):
    large = Small(room=32)
    small = deepcopy(large)
    small.room = 10
    expected_optimizer, expected = stepped(large)
    with caplog.at_level(logging.WARNING):
        optimizer, losses = stepped(small)
    assert small.largest == 8
    assert losses == pytest.approx(expected, rel=1e-6)
    for one, two in zip(small.parameters(), large.parameters(), strict=True):
        torch.testing.assert_close(one, two)
        assert optimizer.state[one]["step"] == expected_optimizer.state[two]["step"] == 3
    assert [record.args for record in caplog.records] == [(16,), (8,)]


def test_a_trial_that_does_not_fit_is_told():
    with pytest.raises(torch.OutOfMemoryError, match="too little memory for a single trial"):
        stepped(Small(room=0))


def test_training_goes_on_in_smaller_parts(caplog):
    x, y = separable_trials()
    decoder = Small(room=20)
    spec = TrainingSpec(learning_rate=1e-1, batch_size=64, epochs=20, patience=20)
    with caplog.at_level(logging.WARNING):
        history = fit(decoder, (x[:76], y[:76]), (x[76:], y[76:]), spec, 0)
    assert history[-1]["validation_accuracy"] > 0.95
    assert [record.args for record in caplog.records] == [(32,), (16,)]


def test_gradients_are_clipped_to_the_norm():
    decoder = Small(room=32)
    stepped(decoder, clip_norm=1e-3)
    norm = torch.cat([p.grad.flatten() for p in decoder.parameters()]).norm()
    assert float(norm) == pytest.approx(1e-3, rel=1e-3)


def test_adamw_decays_the_weights():
    spec = {"learning_rate": 1e-2, "batch_size": 64, "epochs": 1, "optimizer": "adamw"}
    plain, _ = trained(spec=TrainingSpec(**spec))
    decayed, _ = trained(spec=TrainingSpec(**spec, weight_decay=0.5))
    start = initialised("deepnet", *SIZE, 0)
    # The same Adam step of 1e-2 on weights shrunk by 1e-2 x 0.5.
    weights = (d.output.weight for d in (decayed, plain, start))
    shrunk, kept, before = weights
    torch.testing.assert_close(shrunk, kept - 5e-3 * before)


@pytest.mark.parametrize("name", DECODERS)
def test_every_architecture_recommends_a_training(name):
    spec = recommended(name, epochs=7)
    assert spec.epochs == 7
    assert spec.learning_rate > 1e-4


def test_an_unknown_field_of_a_training_is_refused():
    with pytest.raises(ValueError, match="epoch"):
        recommended("deepnet", epoch=7)


def test_a_loss_that_is_not_finite_stops_and_says_where():
    x, y = separable_trials()
    decoder = initialised("deepnet", *SIZE, 0)
    with pytest.raises(FloatingPointError, match="epoch 0, last finite loss none"):
        fit(decoder, (x * torch.inf, y), (x, y), FAST, 0)


def test_a_loss_that_becomes_infinite_tells_the_last_finite_one():
    x, y = separable_trials()
    spoilt = x.clone()
    decoder = initialised("deepnet", *SIZE, 0)
    history = []

    def spoil(epoch):
        history.append(epoch)
        if len(history) == 2:
            spoilt.fill_(torch.nan)

    with pytest.raises(FloatingPointError) as caught:
        fit(decoder, (spoilt, y), (x, y), FAST, 0, spoil)
    assert f"epoch 2, last finite loss {history[-1]['train_loss']}" in str(caught.value)
