"""Pictures of a run: whose they are, and maps that do not resolve channels."""

from dataclasses import replace

import numpy as np
import pytest

from eegxai.simulation import DataSpec
from sweeps.design.cells import DecoderCell, MethodCell
from sweeps.store.artefacts import Store
from sweeps.tracking.pictures import RUN_PICTURES, run_pictures
from tests.finished_cells import example_maps, method_scores

CELL = MethodCell(
    decoder=DecoderCell(
        data=DataSpec(feature="temporal", snr_db=-3.5, n_trials=100, seed=2), architecture="eegnet"
    ),
    method="GradCAM",
)


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "store"))


@pytest.fixture
def titles(monkeypatch, store):
    """Titles and axes of the pictures that are drawn of the cell with given maps."""
    drawn = {}

    def noting(name, draw):
        def note(*given):
            drawn[name] = draw(*given)
            return drawn[name]

        return note

    for name, draw in RUN_PICTURES.items():
        monkeypatch.setitem(RUN_PICTURES, name, noting(name, draw))

    def titles_of(maps, at_chance=False):
        store.write_maps(CELL, maps)
        store.write_scores(CELL, replace(method_scores(), at_chance=at_chance))
        assert {*run_pictures(CELL, store)} == {"map_against_truth.png", "topographies.png"}
        return {name: figure.get_suptitle() for name, figure in drawn.items()}, drawn

    return titles_of


@pytest.mark.parametrize("at_chance", [False, True])
def test_titles_name_method_decoder_and_accuracy(titles, at_chance):
    found, _ = titles(example_maps(), at_chance)
    whose = "GradCAM. Decoder: eegnet at −3.5 dB, temporal, seed 2, fold 0; test accuracy 0.75"
    ending = " († no better than chance)." * at_chance or "."
    assert all(whose + ending in title for title in found.values())
    assert "on the scalp" in found["topographies"]
    assert "share of the map's positive part" in found["map_against_truth"]


def test_maps_that_do_not_resolve_channels_are_shown_over_time(titles):
    maps = example_maps()
    level = np.broadcast_to(maps.attribution[:, :1], maps.attribution.shape)
    flat = replace(maps, attribution=level, class_attribution=np.ones_like(maps.class_attribution))
    found, drawn = titles(flat)
    assert "over time" in found["topographies"]
    assert "Channels are not resolved" in found["topographies"]
    assert not any(ax.images for ax in drawn["topographies"].axes)
    images = [ax.images for ax in drawn["map_against_truth"].axes]
    assert list(map(len, images)) == [3, 0, 0]  # what was planted


def test_maps_from_before_there_were_courses_are_told_on_the_scalp(titles):
    maps = example_maps()
    level = np.broadcast_to(maps.attribution[:, :1], maps.attribution.shape)
    old = replace(
        maps,
        attribution=level,
        class_attribution=np.ones_like(maps.class_attribution),
        class_courses=None,
        class_ground_truth_courses=None,
    )
    _, drawn = titles(old)
    heads = drawn["topographies"].axes[0]
    told = [text.get_text() for text in heads.texts]
    assert told.count("channels\nnot\nresolved") == len(heads.images) == 4
