"""A sweep in recordings: same stages, same tables, and keys by the content of the file."""

import json
import shutil

import pytest
from pydantic import TypeAdapter

from sweeps.analysis.summary import headline
from sweeps.analysis.verdicts import judged
from sweeps.design.cells import DecoderCell, decoder_cells, method_cells
from sweeps.design.config_file import ConfigError, load
from sweeps.execution.runner import Stage, run_local
from sweeps.report.html import page
from sweeps.report.origin import Origin
from sweeps.report.recordings import recordings_told
from sweeps.scores.cache import tidy_from_store
from sweeps.store.artefacts import store_of
from sweeps.store.status import Status
from sweeps.tracking.datasets import dataset_input
from tests.backgrounds import CH_NAMES, SFREQ, microvolts, write_raw
from tests.html_page import Page
from tests.sweeps.report.test_html import record
from tests.tidy_tables import tidy_table

PLANTED = """
name: planted
grid:
  feature: [temporal]
  snr_db: [0]
  method: [InputXGradient]
data:
  background: raw.fif
  n_trials: 64
  tmax: 1.2
training: {learning_rate: 1e-3, batch_size: 16, epochs: 1}
evaluation: {n_trials: 4, checks: [target_swap]}
tracking: {figures: false}
"""


@pytest.fixture
def planted_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_raw(tmp_path / "raw.fif", microvolts(240))
    path = tmp_path / "planted.yaml"
    path.write_text(PLANTED)
    return path


def test_a_sweep_in_recordings_runs_through_to_its_tables(planted_file):
    config = load(planted_file)
    errors = []
    for kind, cells, resources in (
        ("decoder", decoder_cells(config), config.resources.train),
        ("method", method_cells(config), config.resources.explain),
    ):
        stage = Stage(kind, kind, list(cells), resources)
        run_local(stage, store_of(config).url, lambda outcome: errors.append(outcome.error))
    assert not any(errors), errors
    tidy = tidy_from_store(method_cells(config), store_of(config))
    scored = tidy.dropna(subset=["mean"])
    assert set(scored["method"]) == {"InputXGradient"}
    assert {"ideal_observer", "ground_truth"} <= set(scored["check"])
    assert {"ideal_auprc_magnitude", "dipole_error_mm"} <= set(scored["metric"])
    assert set(judged(headline(tidy))["verdict"]) <= {"passes", "fails", "undecided"}


def test_what_is_not_given_is_as_in_the_recordings(planted_file):
    planted_file.write_text(PLANTED.replace("  n_trials: 64\n  tmax: 1.2\n", ""))
    data = load(planted_file).first_data_of("temporal")
    assert (data.n_trials, data.sfreq, data.tmin, data.tmax) == (240, SFREQ, 0.0, 1.0)
    assert data.n_channels == len(CH_NAMES)
    fewer = load(planted_file, ["data.n_trials=80", "data.tmax=1.5"]).first_data_of("temporal")
    assert (fewer.n_trials, fewer.epoch.n_times) == (80, 192)


def keys(path, overrides=()):
    config = load(path, overrides)
    return [cell.key for cell in (*decoder_cells(config), *method_cells(config))]


def test_keys_are_those_of_the_content_and_not_of_its_place(planted_file, tmp_path):
    shutil.copy(tmp_path / "raw.fif", tmp_path / "moved.fif")
    assert keys(planted_file) == keys(planted_file, ["data.background=moved.fif"])
    write_raw(tmp_path / "other.fif", microvolts(240, seed=1))
    assert not {*keys(planted_file)} & {*keys(planted_file, ["data.background=other.fif"])}
    (cell,) = decoder_cells(load(planted_file))
    (moved,) = decoder_cells(load(planted_file, ["data.background=moved.fif"]))
    assert dataset_input(moved).dataset.digest == dataset_input(cell).dataset.digest
    assert json.loads(dataset_input(cell).dataset.profile)["n_channels"] == len(CH_NAMES)
    again = TypeAdapter(DecoderCell).validate_python(cell.as_json())
    assert again == cell
    assert again.data.background.file == "raw.fif"


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("data.n_trials=500", "data for temporal: n_trials=500 is more than background"),
        ("data.sfreq=250", "sfreq=250 differs from the 128 Hz of background 'raw.fif'"),
        ("data.background=no.fif", "background 'no.fif' does not exist"),
        ("data.background.file=no.fif", "section"),
        ("data.background={file: raw.fif, channels: [Fz, Q]}", "lacks the channels 'Q'"),
        ("data.noise={line_uv: 3}", "noise and background are both given"),
        ("data.montage=[Fz, Cz]", "choose some by background.channels"),
    ],
)
def test_mistakes_are_told_in_one_sentence(planted_file, override, told):
    with pytest.raises(ConfigError) as caught:
        load(planted_file, [override])
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_sweep_tells_what_was_decided_once(planted_file):
    told = recordings_told(load(planted_file, ["grid.feature=[temporal, spectral]"]))
    assert told.count("the channels have the average reference") == 1
    assert recordings_told(load(planted_file)) == told


@pytest.mark.slow
def test_the_report_tells_the_recording_and_that_its_observer_is_estimated(
    planted_file, monkeypatch
):
    monkeypatch.setattr("sweeps.report.html.draw_figures", lambda *_: [])
    config = load(planted_file)
    tidy = tidy_table(["DeepLift", "RandomMap"], ["temporal"], [0], [0], ["deepnet"])
    status = Status(dict.fromkeys(decoder_cells(config), "done"), reasons={})
    found = page(config, tidy, None, Origin(status, [record()]))
    text = " ".join(found.split())
    assert "planted in recorded EEG (raw.fif)" in text
    assert "In simulated EEG the answer is known" not in text
    assert text.count("estimated ideal observer") >= 2  # the question and the legend
    assert "the channels have the average reference" in text[text.index('id="limits"') :]
    assert Page(found).open == []
