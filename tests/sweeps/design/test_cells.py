"""Cells and their keys: the content is the identity."""

import hashlib
import json

import pytest
from pydantic import TypeAdapter

from eegxai.decoders import TrainingSpec, recommended
from eegxai.simulation import DataSpec
from sweeps.design.cells import (
    SCHEMA,
    DecoderCell,
    MethodCell,
    decoder_cells,
    method_cells,
)
from sweeps.design.config_file import load
from tests.paths import ROOT

DATA = DataSpec(feature="temporal", snr_db=-5, n_trials=100, seed=0)
DECODER = DecoderCell(data=DATA, architecture="deepnet")


def test_numbers_of_one_value_give_one_key():
    same = DataSpec(feature="temporal", snr_db=-5.0, n_trials=100, seed=0)
    assert DECODER.key == DecoderCell(data=same, architecture="deepnet").key


def test_every_field_changes_the_key():
    other = DataSpec(feature="temporal", snr_db=-5, n_trials=101, seed=0)
    variants = [
        DECODER,
        DecoderCell(data=other, architecture="deepnet"),
        DecoderCell(data=DATA, architecture="eegnet"),
        DecoderCell(data=DATA, architecture="deepnet", fold=1),
        DecoderCell(data=DATA, architecture="deepnet", labels="permuted"),
        MethodCell(decoder=DECODER, method="DeepLift"),
        MethodCell(decoder=DECODER, method="LRP"),
    ]
    assert len({cell.key for cell in variants}) == len(variants)


def test_every_decoder_has_draws_of_its_own_and_its_training_changes_none():
    other = DataSpec(feature="temporal", snr_db=-5, n_trials=100, seed=1)
    level = DataSpec(feature="temporal", snr_db=-12, n_trials=100, seed=0)
    spatial = DataSpec(feature="spatial", snr_db=-5, n_trials=100, seed=0)
    decoders = [
        DECODER,
        *(DecoderCell(data=data, architecture="deepnet") for data in (other, level, spatial)),
        DecoderCell(data=DATA, architecture="eegnet"),
        DecoderCell(data=DATA, architecture="deepnet", fold=1),
    ]
    assert len({cell.evaluation_seed for cell in decoders}) == len(decoders)
    longer = DecoderCell(data=DATA, architecture="deepnet", training=TrainingSpec(epochs=7))
    for same in (longer, DECODER.with_permuted_labels):
        assert same.evaluation_seed == DECODER.evaluation_seed


def test_keys_do_not_drift():
    """A changed default or field must change this key on purpose, and raise SCHEMA."""
    cell = MethodCell(decoder=DECODER, method="DeepLift")
    assert cell.key == SNAPSHOT


SNAPSHOT = "c0b1bd918e44537c356c609f27ba9007a51a739e51f977febfcc4cf4815c7140"


@pytest.mark.parametrize("name", ["quickstart", "paper", "study", "study-small"])
def test_a_key_is_the_hash_of_the_canonical_json_of_the_whole_cell(name):
    """However it is put together: keys of a grid are made in parts, decoder by decoder."""
    config = load(ROOT / "conf" / f"{name}.yaml", ["grid.seed=0", "grid.fold=0"])
    for cell in (*decoder_cells(config), *method_cells(config)):
        content = {"schema": SCHEMA, "kind": type(cell).__name__, "spec": cell.as_json()}
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
        assert cell.key == hashlib.sha256(canonical.encode()).hexdigest()


def test_the_key_of_options_knows_their_types():
    cells = [
        MethodCell(decoder=DECODER, method="LRP", options={"x": x}) for x in (1, 1.0, True, "1")
    ]
    assert len({cell.key for cell in cells}) == len(cells)


def test_cells_survive_json():
    cell = MethodCell(decoder=DECODER, method="GradCAM++")
    assert TypeAdapter(MethodCell).validate_python(cell.as_json()) == cell


def test_file_names_are_readable_and_safe():
    stem = MethodCell(decoder=DECODER, method="GradCAM++").stem
    assert stem.startswith("temporal_-5_dB_deepnet_seed_0_fold_0_GradCAM++-")
    assert "/" not in stem
    assert " " not in stem


def test_the_grid_is_the_product_of_its_axes(tiny):
    decoders, methods = list(decoder_cells(tiny)), list(method_cells(tiny))
    assert len(decoders) == 2
    assert len(methods) == 2 * 4
    assert [cell.decoder for cell in methods[::4]] == decoders
    assert len({cell.key for cell in methods}) == len(methods)


def test_the_paper_grid_has_the_study_design():
    config = load(ROOT / "conf" / "paper.yaml")
    decoders = list(decoder_cells(config))
    assert len(decoders) == 3 * 5 * 10 * 5 * len(config.grid.architecture)
    trials = {cell.data.feature: cell.data.n_trials for cell in decoders}
    assert trials == {"temporal": 40000, "spectral": 40000, "spatial": 20000}
    assert {cell.data.snr_db for cell in decoders} == {-3.5, -12.0, -16.0, -19.0, -23.0}


def test_the_paper_trains_the_study_network_as_the_study_did():
    config = load(ROOT / "conf" / "paper.yaml")
    by_name = {cell.architecture: cell.training for cell in decoder_cells(config)}
    assert by_name["deepnet"] == TrainingSpec()
    assert by_name["eegnet"] == recommended("eegnet", epochs=500)


def test_unknown_fields_are_refused():
    with pytest.raises(ValueError, match="unexpected"):
        TypeAdapter(DecoderCell).validate_python({**DECODER.as_json(), "extra": 1})
