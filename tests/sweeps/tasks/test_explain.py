"""A worker opens a decoder once, and its scores are those of the science called directly."""

import errno
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch

from eegxai.attribution import attribute, given, validity
from eegxai.decoders import hold_out, initialised, split_trials
from eegxai.evaluation import evaluate, ideal_observer, source_truth
from eegxai.simulation import simulate_spec
from sweeps.design.cells import decoder_cells, method_cells
from sweeps.design.config_file import load
from sweeps.store.artefacts import Store, store_of
from sweeps.store.names import use_of
from sweeps.store.packing import BrokenArtefactError
from sweeps.tasks import rebuilt as rebuilt_module
from sweeps.tasks.explain import explain_cell
from sweeps.tasks.rebuilt import rebuild_decoder
from sweeps.tasks.train import train_decoder

OVERRIDES = ["grid.seed=[0]", "grid.method=[Saliency,InputXGradient,GradCAM]"]
RETRAIN = "evaluation.checks=[target_swap,label_retrain]"


@pytest.fixture(autouse=True)
def no_decoder_is_open():
    rebuild_decoder.cache_clear()
    yield
    rebuild_decoder.cache_clear()


@pytest.fixture
def trained(tiny_file):
    """Methods of one decoder, and the store with it and its twin of permuted labels."""
    config = load(tiny_file, [*OVERRIDES, RETRAIN])
    (cell,), store = decoder_cells(config), store_of(config)
    for each in (cell, cell.with_permuted_labels):
        train_decoder(each, store)
    return list(method_cells(config)), store


def restored_by_hand(cell, store, eeg):
    decoder = initialised(cell.architecture, *eeg.x.shape[1:], eeg.n_classes, 250.0, 9).eval()
    decoder.load_state_dict(store.read_decoder(cell).weights)
    return decoder


def scores_by_hand(cell, store):
    """Table and validity of a cell from the public functions alone."""
    eeg, spec = simulate_spec(cell.decoder.data), cell.decoder.training
    seed = cell.decoder.data.seed
    split = (
        hold_out(eeg.y, spec.holdout, seed)
        if spec.holdout
        else split_trials(eeg.y, cell.decoder.fold, spec.n_folds, seed)
    )
    x, y, truth = (torch.from_numpy(a[split.test]) for a in (eeg.x, eeg.y, eeg.ground_truth))
    observer = ideal_observer(eeg, split.test)
    decoder = restored_by_hand(cell.decoder, store, eeg)
    table = evaluate(
        lambda *given: attribute(cell.method, *given, output="contrast"),
        *(decoder, x, y, truth, eeg.n_classes, eeg.info),
        *(cell.decoder.evaluation_seed, cell.evaluation),
        known=source_truth(eeg, split.test),
        ideal=observer,
        permuted_labels_decoder=restored_by_hand(cell.decoder.with_permuted_labels, store, eeg),
    )
    return table, validity(cell.method, decoder, x[:8], y[:8], output="contrast")


@pytest.mark.slow
def test_scores_and_validity_are_those_of_the_science_called_directly(trained):
    (*_, cell), store = trained
    explain_cell(cell, store)
    table, verdict = scores_by_hand(cell, store)
    found = store.read_scores(cell)
    pd.testing.assert_frame_equal(found.table, table, check_exact=True, check_dtype=False)
    assert found.validity == verdict
    assert found.validity.state_before == found.validity.state_after
    assert len(store.read_maps(cell).trials) > 0


@pytest.mark.filterwarnings("error::eegxai.attribution.UnitWarning")
def test_a_decoder_and_its_twin_are_read_once_for_all_methods(trained, monkeypatch):
    cells, store = trained
    monkeypatch.setattr(given, "may_be_volts", lambda size: True)  # no sweep doubts its own unit
    read = []

    def counted(self, cell, plain=Store.read_decoder):
        read.append(cell.labels)
        return plain(self, cell)

    monkeypatch.setattr(Store, "read_decoder", counted)
    for cell in cells:
        explain_cell(cell, store)
    assert read == ["true", "permuted"]


def use_in(store, cell):
    return store.read_use(*rebuild_decoder(cell.decoder, cell.evaluation, store, "cpu")._use_of)


def test_what_a_decoder_used_is_found_once_for_all_workers(trained, monkeypatch):
    cells, store = trained
    first = rebuild_decoder(cells[0].decoder, cells[0].evaluation, store, "cpu").use
    monkeypatch.setattr(rebuilt_module, "used_by", None)  # nobody computes it again
    for cell in cells[:2]:
        rebuild_decoder.cache_clear()
        explain_cell(cell, store)
    again = use_in(store, cells[0])
    assert (first.total == again.total).all()
    for name, pieces in first.families.items():
        assert pieces.names == again.families[name].names
        for kind in ("use", "halves", "error"):
            assert (getattr(pieces, kind) == getattr(again.families[name], kind)).all()
    table = store.read_scores(cells[0]).table
    assert (table["mode"] == "used").any()


def test_a_broken_use_is_set_aside_and_found_again_with_the_same_bits(trained):
    cells, store = trained
    decoder, evaluation = cells[0].decoder, cells[0].evaluation
    path = store.files.path(use_of(decoder, evaluation))
    first = rebuild_decoder(decoder, evaluation, store, "cpu").use
    with open(path, "r+b") as file:
        whole = file.read()
        file.truncate(100)
    rebuild_decoder.cache_clear()
    again = rebuild_decoder(decoder, evaluation, store, "cpu").use
    assert (first.total == again.total).all()
    with open(path, "rb") as file:
        assert file.read() == whole
    assert len(store.stems("broken")) == 1


def test_the_use_is_that_of_the_trained_weights_and_of_the_settings(trained):
    cells, store = trained
    decoder, evaluation = cells[0].decoder, cells[0].evaluation
    opened = rebuild_decoder(decoder, evaluation, store, "cpu")
    assert opened.use is not None
    *_, record, trials = opened._use_of
    assert store.read_use(decoder, evaluation, record, trials) is not None
    assert store.read_use(decoder, evaluation, replace(record, finished=0.0), trials) is None
    assert store.read_use(decoder, evaluation, record, trials[1:]) is None
    for other in ({"n_trials": 3}, {"use_permutations": 2}):
        assert store.read_use(decoder, replace(evaluation, **other), record, trials) is None
    study = replace(evaluation, mode="study", truth_threshold=0.0, checks=("cascade",))
    rebuild_decoder.cache_clear()
    assert rebuild_decoder(decoder, study, store, "cpu").use is None


def test_a_use_that_cannot_be_written_stops_nothing_and_leaves_nothing(trained, monkeypatch):
    cells, store = trained
    decoder, evaluation = cells[0].decoder, cells[0].evaluation

    def full(path, content):
        with open(path, "wb") as file:
            file.write(content[:50])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(store.files.system, "pipe_file", full)
        first = rebuild_decoder(decoder, evaluation, store, "cpu").use
    assert not any(Path(store.files.path("uses")).iterdir())
    rebuild_decoder.cache_clear()
    again = rebuild_decoder(decoder, evaluation, store, "cpu").use
    assert (first.total == again.total).all()
    assert use_in(store, cells[0]) is not None


@pytest.mark.parametrize("labels", ["true", "permuted"])
def test_a_broken_file_stops_the_task_before_anything_is_stored(trained, labels):
    cells, store = trained
    decoder = cells[0].decoder
    broken = decoder if labels == "true" else decoder.with_permuted_labels
    with open(store.path(broken), "r+b") as file:
        file.truncate(100)
    with pytest.raises(BrokenArtefactError, match=broken.stem):
        explain_cell(cells[0], store)
    assert not store.has(cells[0])
    train_decoder(broken, store)
    explain_cell(cells[0], store)
    assert store.has(cells[0])


def test_weights_of_another_architecture_are_a_broken_file(trained):
    cells, store = trained
    cell = cells[0].decoder
    record = store.read_decoder(cell)
    store.write_decoder(cell, replace(record, weights={"a.weight": torch.zeros(2)}))
    with pytest.raises(BrokenArtefactError, match="do not fit"):
        explain_cell(cells[0], store)
