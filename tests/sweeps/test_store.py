"""The store: whole files or none, found by key, nothing foreign loaded."""

import pandas as pd
import pytest
import torch

from sweeps.grid import decoder_cells, method_cells
from sweeps.stages import is_done
from sweeps.store import BrokenArtefactError, MethodScores, Store, TrainedDecoder

VERSIONS = {"torch": "2.11"}
TRAINED = TrainedDecoder(
    weights={"w": torch.arange(6.0).reshape(2, 3).T, "n": torch.tensor(3)},
    history=[{"epoch": 0, "train_loss": 0.5}],
    accuracy=0.9,
    n_test=10,
    seconds=1.5,
    finished=2.0,
    versions=VERSIONS,
)
SCORES = MethodScores(
    table=pd.DataFrame({"check": ["ground_truth"], "mean": [float("nan")]}),
    validity="ok",
    reason="",
    accuracy=0.9,
    seconds=1.5,
    finished=2.0,
    versions=VERSIONS,
)


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "store"))


@pytest.fixture
def decoder(tiny):
    return next(decoder_cells(tiny))


@pytest.fixture
def method(tiny):
    return next(method_cells(tiny))


def test_decoders_come_back_as_they_went(store, decoder):
    assert not store.has(decoder)
    store.write_decoder(decoder, TRAINED)
    back = store.read_decoder(decoder)
    assert all(torch.equal(back.weights[name], value) for name, value in TRAINED.weights.items())
    assert (back.history, back.accuracy, back.n_test) == (TRAINED.history, 0.9, 10)
    assert is_done(decoder, store)


def test_scores_come_back_as_they_went(store, method):
    store.write_scores(method, SCORES)
    back = store.read_scores(method)
    pd.testing.assert_frame_equal(back.table, SCORES.table)
    assert (back.validity, back.accuracy, back.versions) == ("ok", 0.9, VERSIONS)


def test_a_truncated_file_is_not_done_and_never_loaded(store, decoder, method, tmp_path):
    store.write_decoder(decoder, TRAINED)
    store.write_scores(method, SCORES)
    for path in (tmp_path / "store").rglob("*.*"):
        path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(BrokenArtefactError):
        store.read_decoder(decoder)
    with pytest.raises(BrokenArtefactError):
        store.read_scores(method)
    assert not is_done(decoder, store)
    assert not is_done(method, store)


def test_the_file_of_another_cell_is_refused(store, tiny, tmp_path):
    one, two = decoder_cells(tiny)
    store.write_decoder(one, TRAINED)
    content = store.read_bytes(one)
    path = tmp_path / "store" / "decoders" / f"{two.stem}.safetensors"
    path.write_bytes(content)
    with pytest.raises(BrokenArtefactError, match="another cell"):
        store.read_decoder(two)


def test_a_failed_write_leaves_the_finished_file_and_no_other(
    store, decoder, tmp_path, monkeypatch
):
    store.write_decoder(decoder, TRAINED)
    before = store.read_bytes(decoder)

    def full_disk(*_args, **_kwargs):
        raise OSError("No space left on device")

    monkeypatch.setattr(type(store._files), "mv", full_disk)
    with pytest.raises(OSError, match="No space"):
        store.write_decoder(decoder, TRAINED)
    assert store.read_bytes(decoder) == before
    assert len(list((tmp_path / "store" / "decoders").iterdir())) == 1
