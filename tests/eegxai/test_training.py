"""Splits and training: reproducible, stratified, best weights kept, global state untouched."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from eegxai.decoders import TrainingSpec, fit, initialised, predict, split_trials
from eegxai.decoders.training import EarlyStopping

SIZE = (4, 160, 2, 250.0)
FAST = TrainingSpec(learning_rate=3e-3, batch_size=16, epochs=6, patience=6)


def separable_trials(n_trials=96):
    """Trials whose class is the sign of a bump on channel 0."""
    generator = torch.Generator().manual_seed(1)
    y = torch.arange(n_trials) % 2
    x = torch.randn(n_trials, 4, 160, generator=generator)
    x[:, 0, 40:80] += 2.0 * (2 * y[:, None] - 1)
    return x, y


def trained(seed=0, spec=FAST):
    x, y = separable_trials()
    decoder = initialised("deepnet", *SIZE, seed)
    history = fit(decoder, (x[:64], y[:64]), (x[64:], y[64:]), spec, seed)
    return decoder, history


@settings(max_examples=30, deadline=None)
@given(
    n_trials=st.integers(40, 200),
    n_classes=st.integers(2, 4),
    n_folds=st.integers(2, 5),
    seed=st.integers(0, 10),
)
def test_folds_partition_the_trials_class_by_class(n_trials, n_classes, n_folds, seed):
    y = np.arange(n_trials) % n_classes
    held = []
    for fold in range(n_folds):
        split = split_trials(y, fold, n_folds, seed)
        parts = (split.train, split.validation, split.test)
        assert sorted(np.concatenate(parts)) == list(range(n_trials))
        counts = np.bincount(y[split.validation], minlength=n_classes)
        assert counts.max() - counts.min() <= 1
        held += [*split.validation, *split.test]
    assert sorted(held) == list(range(n_trials))


def test_fold_and_size_errors_name_the_field():
    y = np.arange(40) % 2
    with pytest.raises(ValueError, match=r"fold=5 does not exist, allowed are 0 to 4"):
        split_trials(y, 5, 5, 0)
    with pytest.raises(ValueError, match="n_trials=8"):
        split_trials(y[:8], 0, 5, 0)


def test_training_learns_and_repeats_bit_for_bit():
    decoder, history = trained()
    again, _ = trained()
    x, y = separable_trials()
    assert (predict(decoder, x[64:]).argmax(1) == y[64:]).float().mean() > 0.95
    for name, value in decoder.state_dict().items():
        assert torch.equal(value, again.state_dict()[name])
    assert history[0]["train_loss"] > history[-1]["train_loss"]


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


def test_early_stopping_waits_for_patience():
    decoder = initialised("deepnet", *SIZE, 0)
    stopping = EarlyStopping(patience=2)
    assert [stopping.update(loss, decoder) for loss in (1.0, 0.5, 0.6, 0.7)] == [
        False,
        False,
        False,
        True,
    ]


def test_bfloat16_trains_to_the_same_accuracy():
    decoder, _ = trained(
        spec=TrainingSpec(learning_rate=3e-3, batch_size=16, epochs=6, precision="bfloat16")
    )
    x, y = separable_trials()
    assert next(decoder.parameters()).dtype == torch.float32
    assert (predict(decoder, x[64:]).argmax(1) == y[64:]).float().mean() > 0.95


def test_a_loss_that_is_not_finite_stops_and_says_where():
    x, y = separable_trials()
    decoder = initialised("deepnet", *SIZE, 0)
    with pytest.raises(FloatingPointError, match="epoch 0, last finite loss none"):
        fit(decoder, (x * torch.inf, y), (x, y), FAST, 0)
