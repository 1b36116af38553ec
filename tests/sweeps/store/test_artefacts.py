"""The store: whole files or none, found by key, nothing foreign loaded."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors import safe_open

from eegxai.attribution import Validity
from eegxai.decoders import Checkpoint
from eegxai.evaluation import ExampleMaps
from sweeps.design.cells import decoder_cells, method_cells
from sweeps.store.artefacts import Store
from sweeps.store.names import maps_of
from sweeps.store.packing import BrokenArtefactError, unpacked
from sweeps.store.records import MethodScores, TrainedDecoder
from sweeps.tasks.data import is_done

VERSIONS = {"torch": "2.11"}
TRAINED = TrainedDecoder(
    weights={"w": torch.arange(6.0).reshape(2, 3).T, "n": torch.tensor(3)},
    history=[{"epoch": 0, "train_loss": 0.5}],
    accuracy=0.9,
    at_chance=False,
    confusion=[[5, 0], [1, 4]],
    seconds=1.5,
    finished=2.0,
    versions=VERSIONS,
)
SCORES = MethodScores(
    table=pd.DataFrame(
        {
            "check": ["ground_truth"],
            "domain": ["channel_time"],
            "metric": ["mass"],
            "step": [0],
            "mean": [float("nan")],
        }
    ),
    validity=Validity("ok", completeness=0.99, completeness_worst=0.9),
    accuracy=0.9,
    at_chance=True,
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
    assert (back.history, back.confusion) == (TRAINED.history, TRAINED.confusion)
    assert (back.accuracy, back.at_chance, back.n_test) == (0.9, False, 10)
    assert is_done(decoder, store)


def test_scores_come_back_as_they_went(store, method):
    store.write_scores(method, SCORES)
    back = store.read_scores(method)
    pd.testing.assert_frame_equal(back.table, SCORES.table)
    assert (back.validity, back.accuracy, back.versions) == (SCORES.validity, 0.9, VERSIONS)
    assert back.at_chance


MAPS = ExampleMaps(
    trials=np.array([4, 5, 6, 4]),
    classes=np.array([0, 1, 0, 0]),
    scores=np.array([0.5, np.nan, 0.1, 0.5]),
    attribution=np.linspace(-1, 1, 24, dtype="float32").reshape(4, 2, 3),
    ground_truth=np.linspace(-5, 5, 24, dtype="float32").reshape(4, 2, 3),
    class_attribution=np.ones((2, 2), "float32"),
    class_ground_truth=np.full((2, 2), np.nan, "float32"),
    positions=np.arange(6.0).reshape(2, 3) / 100,
    channels=("Cz", "Pz"),
    sfreq=250.0,
    start_ms=-200.0,
    class_frequency=np.linspace(-0.01, 0.2, 8, dtype="float32").reshape(2, 2, 2),
    class_bands_hz=np.array([[8.0, 13.0], [np.nan, np.nan]]),
    class_courses=np.linspace(0, 1, 6, dtype="float32").reshape(2, 3),
    class_ground_truth_courses=np.full((2, 3), np.nan, "float32"),
)


def test_example_maps_come_back_to_half_precision(store, method):
    assert store.read_maps(method) is None
    store.write_maps(method, MAPS)
    back = store.read_maps(method)
    for name, value in vars(MAPS).items():
        if name not in ("channels", "sfreq", "start_ms"):
            found = getattr(back, name)
            np.testing.assert_allclose(found, value, rtol=1e-3)
            assert found.dtype == value.dtype
    assert (back.channels, back.sfreq, back.start_ms) == (MAPS.channels, 250.0, -200.0)
    assert not store.has(method)


OPTIONAL = (
    "class_frequency", "class_bands_hz", "class_courses", "class_ground_truth_courses"
)  # fmt: skip


def test_example_maps_without_optional_parts_come_back_without_them(store, method):
    """As those of files from before there were any: what is None is not in the file."""
    store.write_maps(method, replace(MAPS, **dict.fromkeys(OPTIONAL)))
    tensors, record = unpacked(store.files.read(maps_of(method)))
    assert not {*OPTIONAL} & {*tensors, *record}
    back = store.read_maps(method)
    assert [getattr(back, name) for name in OPTIONAL] == [None] * len(OPTIONAL)
    np.testing.assert_array_equal(back.trials, MAPS.trials)


def test_example_maps_of_another_cell_or_half_a_file_are_refused(store, tiny, tmp_path):
    one, two, *_ = method_cells(tiny)
    store.write_maps(one, MAPS)
    folder = tmp_path / "store" / "maps"
    content = (folder / f"{one.stem}.safetensors").read_bytes()
    (folder / f"{two.stem}.safetensors").write_bytes(content)
    with pytest.raises(BrokenArtefactError, match="another cell"):
        store.read_maps(two)
    (folder / f"{one.stem}.safetensors").write_bytes(content[:-1])
    with pytest.raises(BrokenArtefactError, match="is broken"):
        store.read_maps(one)


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


CHECKPOINT = Checkpoint({"best/w": torch.ones(2)}, [{"epoch": 0, "train_loss": 0.1 + 0.2}])


def test_checkpoints_come_back_until_the_decoder_is_stored(store, decoder, tmp_path):
    assert store.read_checkpoint(decoder, VERSIONS) is None
    store.write_checkpoint(decoder, CHECKPOINT, VERSIONS)
    assert not store.has(decoder)
    back = store.read_checkpoint(decoder, VERSIONS)
    assert torch.equal(back.tensors["best/w"], torch.ones(2))
    assert back.history == CHECKPOINT.history
    store.write_decoder(decoder, TRAINED)
    assert store.read_checkpoint(decoder, VERSIONS) is None
    assert not list((tmp_path / "store" / "checkpoints").iterdir())


def test_a_checkpoint_that_cannot_be_used_is_told(store, tiny, tmp_path):
    one, two = decoder_cells(tiny)
    store.write_checkpoint(one, CHECKPOINT, VERSIONS)
    with pytest.raises(BrokenArtefactError, match="other versions"):
        store.read_checkpoint(one, {"torch": "2.12"})
    folder = tmp_path / "store" / "checkpoints"
    content = (folder / f"{one.stem}.safetensors").read_bytes()
    (folder / f"{two.stem}.safetensors").write_bytes(content)
    with pytest.raises(BrokenArtefactError, match="another cell"):
        store.read_checkpoint(two, VERSIONS)
    (folder / f"{one.stem}.safetensors").write_bytes(content[:-1])
    with pytest.raises(BrokenArtefactError, match="is broken"):
        store.read_checkpoint(one, VERSIONS)


def test_a_header_names_the_cell_its_architecture_and_the_versions(store, decoder, tmp_path):
    store.write_decoder(decoder, TRAINED)
    store.write_checkpoint(decoder, CHECKPOINT, VERSIONS)
    for path in (tmp_path / "store").rglob("*.safetensors"):
        with safe_open(path, "pt") as file:
            header = json.loads(file.metadata()["eegxai"])
        assert header["key"] == decoder.key
        assert header["cell"]["architecture"] == "deepnet"
        assert header["versions"] == VERSIONS


def test_a_failed_write_leaves_the_finished_file_and_no_other(
    store, decoder, tmp_path, monkeypatch
):
    store.write_decoder(decoder, TRAINED)
    before = store.read_bytes(decoder)

    def full_disk(*_args, **_kwargs):
        raise OSError("No space left on device")

    monkeypatch.setattr(type(store.files.system), "mv", full_disk)
    with pytest.raises(OSError, match="No space"):
        store.write_decoder(decoder, TRAINED)
    assert store.read_bytes(decoder) == before
    assert len(list((tmp_path / "store" / "decoders").iterdir())) == 1
