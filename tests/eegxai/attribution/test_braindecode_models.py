"""Models of braindecode, small: DeepLift is complete, and the program of the table works."""

import os
import sys
from copy import deepcopy
from importlib import util

import pandas as pd
import pytest
import torch

from eegxai.attribution import METHODS, adapted, attribute
from eegxai.attribution.calling import expected_sum, maps_or_reasons
from tests.helpers import FEW_PASSES
from tests.paths import ROOT

pytestmark = pytest.mark.filterwarnings("ignore")  # braindecode's own, and how decoders are meant
EEG, SECOND = ("Fz", "Cz", "Pz"), {"times": 200, "sfreq": 200.0}
SMALL = {
    "BIOT": {"options": {"embed_dim": 32, "num_heads": 2, "num_layers": 1}},
    "CBraMod": SECOND | {"options": {"n_layer": 1, "nhead": 2, "dim_feedforward": 32}},
    "ContraWR": {"options": {"emb_size": 8, "res_channels": [4, 8]}},
    "EEGDINO": {"options": {"n_layer": 1}},
    "LUNA": SECOND | {"options": {"depth": 1, "embed_dim": 32, "num_queries": 2, "num_heads": 2}},
    "Labram": SECOND | {"options": {"num_layers": 1}, "arguments": {"ch_names": list(EEG)}},
    "SignalJEPA": {"mean_over": (1,), "options": {"transformer__num_encoder_layers": 1}},
    "MVPFormer": {"options": {"d_model": 32, "n_layers": 2}},
}
SINGLE_INSIDE = ("MVPFormer",)  # turns trials into float32, whatever they are


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """benchmarks/braindecode_models.py, with nothing to download."""
    name = "braindecode_models"
    spec = util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    sys.modules[name] = module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "environ", os.environ.copy())
        module.keep_offline(tmp_path_factory.mktemp("offline"))
        yield module
    del sys.modules[name]


def small(program, model, **size):
    size = program.Size(**({"channels": EEG} | size))
    x = torch.randn(3, len(size.channels), size.times, generator=torch.Generator().manual_seed(1))
    return adapted(program.built(model, size), x, arguments=size.arguments), x


@pytest.mark.parametrize("model", SMALL)
def test_deeplift_is_complete_on_foundation_models(program, model):
    decoder, x = small(program, model, **SMALL[model])
    for dtype in (torch.float32, torch.float64):
        tolerance = 1e-4 if dtype == torch.float32 or model in SINGLE_INSIDE else 1e-6
        given = deepcopy(decoder).to(dtype), x.to(dtype), program.TARGET
        total = expected_sum("DeepLift", *given)
        error = attribute("DeepLift", *given).sum((1, 2)) - total
        assert error.abs().max() < tolerance * total.abs().max()


@pytest.mark.parametrize(
    ("model", "size"),
    [
        ("BDTCN", {"times": 64, "options": {"n_blocks": 2, "kernel_size": 3}}),
        ("SyncNet", {"times": 64}),
        ("EEGMiner", {}),
        ("SignalJEPA_PreLocal", {}),
    ],
)
def test_every_method_has_a_map_or_a_sentence(program, model, size):
    decoder, x = small(program, model, **size)
    methods = {name: FEW_PASSES.get(name, {}) for name in METHODS}
    found = maps_or_reasons(methods, decoder, x, program.TARGET, x.flip(0))
    for name, result in found.items():
        assert isinstance(result, torch.Tensor) or "Error" not in str(result), (name, result)
    assert isinstance(found["CompleteFullGrad"], torch.Tensor)


@pytest.mark.slow
def test_the_table_is_written_row_by_row_and_continued(program, tmp_path, monkeypatch):
    path = tmp_path / "results.csv"
    monkeypatch.setattr(program, "METHODS", ("InputXGradient", "DeepLift"))
    program.append(path, "SyncNet", "InputXGradient", {"status": "ok"})
    program.main(path, ["SyncNet", "AttnSleep"])
    monkeypatch.setattr(program, "SIZES", {"AttnSleep": program.Size()})
    program.append(path, "AttnSleep", "DeepLift", {"status": "ok"})
    table = pd.read_csv(path)
    assert list(table.method[:2]) == ["InputXGradient", "DeepLift"]
    assert table.completeness_float32[1] == pytest.approx(1, abs=1e-3)
    assert "not in float64" in table.reason[1]  # its code turns the trials into float32
    assert (table.cpu_s_per_trial[1:4] > 0).all()


def test_a_row_that_takes_too_long_or_a_model_that_cannot_be_built(program, tmp_path, monkeypatch):
    path = tmp_path / "results.csv"
    monkeypatch.setattr(program, "METHODS", ("DeepLift", "LRP"))
    monkeypatch.setitem(program.SIZES, "AttnSleep", program.Size())
    monkeypatch.setattr(program, "LIMIT_S", 1)
    monkeypatch.setattr(program, "row", lambda method, *_: forever() if method == "LRP" else {})
    program.main(path, ["SyncNet", "AttnSleep"])
    table = pd.read_csv(path).set_index(["model", "method"])
    assert table.status["SyncNet", "LRP"] == "time_limit"
    assert "d_model is 80" in table.reason["AttnSleep", "LRP"]


def forever():
    while True:
        pass


def test_sizes_are_those_of_models(program):
    assert set(program.SIZES) <= set(program.models())
