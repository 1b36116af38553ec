"""Decoders by name and by file, and whether trials fit them."""

import pickle
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import eegxai
from eegxai.explaining.declared import declared
from eegxai.explaining.decoder import open_decoder, read_weights
from eegxai.explaining.matching import with_channels, with_classes, with_sizes
from eegxai.recordings import as_labelled
from tests.eegxai.explaining.small_case import CHANNELS, CLASSES, SFREQ, Reader, epochs, trials

FACTORY = """
import torch
from tests.eegxai.explaining.small_case import Reader

ready = Reader()

def trained():
    return Reader()

def sized(n_outputs, n_times):
    assert n_times == 40
    return Reader(n_outputs)

def needy(secret):
    return Reader()

def nothing():
    return 3
"""


@pytest.fixture
def labelled():
    return as_labelled(*trials(), sfreq=SFREQ, ch_names=CHANNELS, class_names=CLASSES, unit="uV")


@pytest.fixture
def in_folder(tmp_path, monkeypatch):
    (tmp_path / "own_networks.py").write_text(FACTORY)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("own_networks", None)


# ------------------------------------------------------------------ names


@pytest.mark.parametrize("name", ["trained", "ready", "sized"])
def test_modules_of_the_current_folder_can_be_named(in_folder, labelled, name):
    paths = list(sys.path)
    opened = open_decoder(f"own_networks:{name}", None, labelled, 3)
    assert isinstance(opened.module, nn.Module)
    assert opened.name == f"own_networks:{name}"
    assert sys.path == paths


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("own_networks", "must be 'module:factory'"),
        ("own_networkz:trained", "'own_networkz' cannot be imported"),
        ("own_networks:traned", "did you mean 'trained'"),
        ("own_networks:needy", "needs secret, which cannot be taken from the"),
        ("own_networks:nothing", "returned int, not a torch.nn.Module"),
        ("braindecode:EGNet", "did you mean 'EEGNet'"),
        ("braindecode:EEGNet", "weights is missing"),
        ("own_networks:FACTORY_", "is unknown"),
    ],
)
def test_names_that_lead_nowhere(in_folder, labelled, name, sentence):
    with pytest.raises(ValueError, match=sentence):
        open_decoder(name, None, labelled, 3)


def test_a_network_of_braindecode_by_name_and_weights(tmp_path, labelled):
    from braindecode.models import EEGNet

    network = EEGNet(n_chans=4, n_times=40, n_outputs=3, sfreq=SFREQ)
    torch.save({"state_dict": network.state_dict()}, tmp_path / "w.pt")
    save_file(network.state_dict(), tmp_path / "w.safetensors")
    for file in ("w.pt", "w.safetensors"):
        opened = open_decoder("braindecode:EEGNet", tmp_path / file, labelled, 3)
        own = opened.module.state_dict()
        assert all(torch.equal(own[name], value) for name, value in network.state_dict().items())
    other = EEGNet(n_chans=4, n_times=40, n_outputs=4, sfreq=SFREQ)
    torch.save(other.state_dict(), tmp_path / "other.pt")
    with pytest.raises(ValueError, match=r"of size \(4, .*built for these trials has \(3, "):
        open_decoder("braindecode:EEGNet", tmp_path / "other.pt", labelled, 3)


# ------------------------------------------------------------------ weights


def test_weights_go_into_a_copy(tmp_path, labelled):
    trained, fresh = Reader(), Reader()
    nn.init.zeros_(fresh.hidden.weight)
    wrapped = {f"module.{name}": value for name, value in trained.state_dict().items()}
    torch.save(wrapped, tmp_path / "w.pth")
    opened = open_decoder(fresh, tmp_path / "w.pth", labelled, 3)
    assert torch.equal(opened.module.hidden.weight, trained.hidden.weight)
    assert not fresh.hidden.weight.any()


class Dangerous:
    def __reduce__(self):
        return (exec, ("raise SystemExit('it was run')",))


def test_files_that_hold_more_than_tensors_are_not_run(tmp_path):
    torch.save(Reader(), tmp_path / "whole.pt")
    (tmp_path / "pickle.pt").write_bytes(pickle.dumps(Dangerous()))
    torch.save({"state_dict": Dangerous()}, tmp_path / "hidden.pt")
    for name in ("whole", "pickle", "hidden"):
        with pytest.raises(ValueError, match=r"holds more than tensors.*state_dict"):
            read_weights(tmp_path / f"{name}.pt")


def test_weights_that_do_not_fit(tmp_path, labelled):
    state = Reader().state_dict()
    files = {
        "no file": None,
        "lacks hidden.bias and also holds more": {**state, "more": torch.ones(1)},
        "holds no tensors by name": {"loss": 3},
    }
    del files["lacks hidden.bias and also holds more"]["hidden.bias"]
    for sentence, content in files.items():
        path = tmp_path / f"{len(sentence)}.pt"
        if content is not None:
            torch.save(content, path)
        with pytest.raises(ValueError, match=sentence):
            open_decoder(Reader(), path, labelled, 3)
    (tmp_path / "broken.safetensors").write_bytes(b"no such header")
    with pytest.raises(ValueError, match=r"broken.safetensors' cannot be read"):
        read_weights(tmp_path / "broken.safetensors")


# ------------------------------------------------------------------ classifiers


def test_a_fitted_classifier_gives_its_network():
    skorch = pytest.importorskip("skorch")
    classifier = skorch.NeuralNetClassifier(Reader, criterion=nn.CrossEntropyLoss, verbose=0)
    x, y = trials()
    with pytest.raises(ValueError, match="is not fitted"):
        eegxai.explain(classifier, epochs(x, y))
    classifier.initialize()
    found = eegxai.explain(classifier, epochs(x, y), methods=["InputXGradient"], checks=[])
    assert found.decoder_name == "NeuralNetClassifier of Reader"
    assert found.accuracy["accuracy"].item() > 0.9


def test_what_is_no_decoder(labelled):
    with pytest.raises(ValueError, match=r"must be a torch.nn.Module.*not dict"):
        open_decoder({}, None, labelled, 3)


# ------------------------------------------------------------------ do they fit


class Named(Reader):
    """Says what it wants, as braindecode's models do."""

    n_chans, n_times, sfreq, n_outputs = 4, 40, SFREQ, 3

    @property
    def chs_info(self):
        return [{"ch_name": name.upper()} for name in CHANNELS]


def test_channels_are_brought_into_the_order_of_the_decoder():
    x, y = trials()
    usual = eegxai.explain(Named(), epochs(x, y), methods=["InputXGradient"], checks=[])
    order = [2, 0, 3, 1]
    names = [CHANNELS[place] for place in order]
    other = eegxai.explain(
        Named(), epochs(x[:, order], y, ch_names=names), methods=["InputXGradient"], checks=[]
    )
    assert other.trials.ch_names == CHANNELS
    assert any("brought into the order" in note for note in other.notes)
    np.testing.assert_array_equal(usual.maps["InputXGradient"], other.maps["InputXGradient"])


def test_an_array_gets_rate_and_names_from_the_decoder():
    x, y = trials()
    found = eegxai.explain(Named(), x, y, methods=["InputXGradient"], checks=[], unit="uV")
    assert found.trials.sfreq == SFREQ
    assert [name.upper() for name in found.trials.ch_names] == [n.upper() for n in CHANNELS]


def test_braindecode_declares_what_it_was_told():
    from braindecode.models import EEGNet

    info = epochs(*trials(6)).info["chs"]
    wanted = declared(EEGNet(n_outputs=3, n_times=40, sfreq=SFREQ, chs_info=info))
    assert (wanted.n_chans, wanted.n_times, wanted.sfreq, wanted.n_outputs) == (4, 40, SFREQ, 3)
    assert wanted.ch_names == CHANNELS
    bare = declared(EEGNet(n_chans=4, n_outputs=3, n_times=40))
    assert (bare.sfreq, bare.ch_names) == (None, None)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"ch_names": ("C3", "Cz", "Oz", "O2")}, "expects Oz, O2, which the trials"),
        ({"ch_names": None, "n_chans": 5}, "expects 5 channels, the trials have 4: C3"),
        ({"sfreq": 250.0}, r"expects sfreq=250 Hz, the trials have 40 Hz: resample.*\(250\)"),
        ({"n_times": 41}, r"41 samples \(1.025 s\), these have 40 \(1 s\): crop"),
    ],
)
def test_sizes_that_do_not_fit_are_told(labelled, changes, sentence):
    wanted = replace(declared(Named()), **changes)
    with pytest.raises(ValueError, match=sentence):
        with_sizes(with_channels(labelled, wanted), wanted)


def test_more_classes_than_outputs_and_fewer(labelled):
    with pytest.raises(ValueError, match=r"3 classes .left, feet, right., the decoder has 2"):
        with_classes(labelled, 2)
    more = with_classes(labelled, 5)
    assert more.class_names == (*CLASSES, "output 3", "output 4")
    assert "first outputs" in more.notes[-1]


@pytest.mark.parametrize("y", [[1] * 6, [1, 2] * 3, [2, 4] * 3])
def test_integers_that_are_numbers_of_outputs_stay_so(y):
    given = as_labelled(trials(6)[0], y, unit="uV", sfreq=SFREQ, ch_names=CHANNELS)
    found = with_classes(given, 5)
    assert found.y.tolist() == y
    assert len(found.class_names) == 5
    assert {found.class_names[k] for k in y} == set(map(str, y))
    assert not any("->" in note for note in found.notes)
    assert "labels are taken as their numbers" in found.notes[-1]


@pytest.mark.parametrize("y", [[1, 2, 3] * 2, [7, 9, 7, 9, 7, 9]])
def test_other_integers_are_numbered_in_their_order(y):
    given = as_labelled(trials(6)[0], y, unit="uV", sfreq=SFREQ, ch_names=CHANNELS)
    np.testing.assert_array_equal(with_classes(given, 3).y, given.y)


def test_classes_that_are_renamed_are_no_numbers_of_outputs():
    given = as_labelled(trials(6)[0], [1, 2] * 3, unit="uV", sfreq=SFREQ, ch_names=CHANNELS)
    renamed = replace(given, class_names=("left", "right"))
    assert with_classes(renamed, 5).class_names[:3] == ("left", "right", "output 2")


@pytest.mark.parametrize("text", ["raise KeyError('gone')", "1 / 0", "def broken(:"])
def test_a_module_that_fails_when_imported_is_told(labelled, tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "failing_networks.py").write_text(text)
    with pytest.raises(ValueError, match="'failing_networks' cannot be imported: "):
        open_decoder("failing_networks:made", None, labelled, 3)
    with pytest.raises(ValueError, match=r"'\.\.' cannot be imported: "):
        open_decoder("..:made", None, labelled, 3)


def test_channels_that_differ_in_case_alone_are_told_apart():
    x, y = trials(4)
    given = as_labelled(x, y, unit="uV", sfreq=SFREQ, ch_names=["c3", "C3", "Cz", "Pz"])
    wanted = replace(declared(Named()), ch_names=("C3", "c3", "CZ"), n_chans=3)
    assert with_channels(given, wanted).ch_names == ("C3", "c3", "Cz")
    with pytest.raises(ValueError, match="'Pz' more than once"):
        with_channels(given, replace(wanted, ch_names=("PZ", "pz")))
