"""The oddball of the documentation, from its YAML to tables, figures, report and pictures."""

import re

import mne
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from sweeps.cli import app
from sweeps.design.cells import method_cells
from sweeps.design.config_file import load
from sweeps.store.artefacts import store_of
from sweeps.tracking.pictures import run_pictures
from tests.paths import ROOT
from tests.pictures import pixels

pytestmark = pytest.mark.slow  # whole sweeps

PAGE = (ROOT / "docs" / "simulation.md").read_text()
SMALL = (
    "data.n_trials=60",
    "data.sfreq=250",
    "training.precision=float32",  # bfloat16 takes five times as long on some processors
    "data.noise={n_dipoles: 4}",
    "grid.seed=0",
    "grid.snr_db=[0,-60]",  # in the second, no target is found
    "grid.method=[Saliency,RandomMap]",
    "training.epochs=8",
    "evaluation.n_trials=4",
    "evaluation.checks=[target_swap]",
    "tracking.figures=false",
)


@pytest.fixture
def oddball(tmp_path, monkeypatch):
    """The page's configuration in an empty working directory."""
    (text,) = re.findall(r"```yaml\n(name: oddball.*?)```", PAGE, flags=re.DOTALL)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "oddball.yaml"
    path.write_text(text)
    return path


def run(*words):
    result = CliRunner().invoke(app, list(map(str, words)))
    assert result.exit_code == 0, result.output
    return result.output


def headline_trials(scores):
    """How many trials have the headline score, of how many."""
    asked = "check == 'ground_truth' and domain == 'channel_time' and metric == 'mass_clipped'"
    (row,) = scores.table.query(asked).itertuples()
    return row.n_valid, row.n_trials


def test_it_is_what_the_page_says(oddball):
    data = next(method_cells(load(oddball))).decoder.data
    assert (len(data.head.channels), data.sfreq, data.epoch.n_times) == (19, 500, 1000)
    assert data.feature_type.shares == (0.2, 0.8)


def test_it_is_swept_to_tables_figures_and_a_report(oddball, empty_database):
    (oddball.parent / "runs").mkdir()
    (oddball.parent / "runs" / "mlflow.db").write_bytes(empty_database.read_bytes())
    told = run("sweep", "--local", oddball, *SMALL)
    assert "p300" in told
    assert "Saliency" in told
    # So little training leaves the decoders at chance.
    run("tables", oddball, *SMALL, "--keep-at-chance")
    table = pd.read_csv("runs/tables/oddball.csv")
    scores = table[table["feature"] == "p300"].set_index("method")["score"]
    assert scores.between(0, 1).all()
    run("figures", oddball, *SMALL, "--keep-at-chance", "--format", "png")
    assert pixels(oddball.parent / "runs" / "figures" / "oddball" / "maps-p300.png").any()
    run("report", oddball, *SMALL, "--keep-at-chance")
    assert "p300" in (oddball.parent / "runs" / "reports" / "oddball.html").read_text()
    config = load(oddball, SMALL)
    cells, store = list(method_cells(config)), store_of(config)
    (found, most), (none, _) = (headline_trials(store.read_scores(one)) for one in cells[::2])
    assert 0 < found <= most == 4
    assert none == 0
    cell = cells[0]
    maps = store.read_maps(cell)
    np.testing.assert_allclose(maps.times_ms, -200 + 4 * np.arange(500))
    assert maps.ground_truth.any(axis=(1, 2)).all()
    assert np.isnan(maps.class_attribution[1]).all() or maps.class_ground_truth[1].max() == 0
    assert set(run_pictures(cell, store)) == {"map_against_truth.png", "topographies.png"}


def test_it_is_simulated_from_its_file(oddball, tmp_path):
    told = run(
        "simulate", "p300", "--config", oddball, "--n-trials", 20,
        "--out", "a-epo.fif", "--plot", "a.png",
    )  # fmt: skip
    said = " ".join(told.split())
    assert "20 trials (4 target, 16 standard) of 19 channels and 1000 samples (2 s" in said
    epochs = mne.read_epochs(tmp_path / "a-epo.fif", verbose="ERROR")
    assert epochs.times[0] == pytest.approx(-0.2)
    assert pixels(tmp_path / "a.png").any()


def test_options_override_the_file(oddball):
    told = run(
        "simulate", "temporal", "--config", oddball, "--n-trials", 4, "--sfreq", 250,
        "--tmin", 0, "--tmax", 1, "--montage", "Fz,Cz,Pz", "--out", "a.npz",
    )  # fmt: skip
    assert "of 3 channels and 250 samples (1 s at 250 Hz)" in " ".join(told.split())


def said_of(*words):
    """What `simulate` says of ten trials, in one line."""
    return " ".join(run("simulate", *words, "--n-trials", 10, "--out", "a.npz").split())


def test_level_and_seed_are_the_first_of_the_file(oddball):
    said = said_of("p300", "--config", oddball)
    assert said.startswith("p300 at -20 dB, seed 0 (the first of the file's seeds 0, 1): 10 trials")
    text = oddball.read_text().replace("[-20]", "[-12, -3.5]").replace("[0, 1]", "[7]")
    oddball.write_text(text)
    (oddball.parent / "a.npz").unlink()
    said = said_of("p300", "--config", oddball)
    assert said.startswith("p300 at -12 dB (the first of the file's levels -12, -3.5), seed 7: 10 ")


def test_level_and_seed_of_an_option_override_the_file(oddball):
    said = said_of("p300", "--config", oddball, "--snr-db", "-3.5", "--seed", 0)
    assert said.startswith("p300 at -3.5 dB, seed 0: 10 trials")


@pytest.mark.parametrize("montage", ["Fz, Cz,Pz", "[Fz,Cz,Pz]", "[ 'Fz', Cz, Pz ]"])
def test_electrodes_are_listed_with_spaces_or_as_in_yaml(oddball, montage):
    assert "of 3 channels and 1000 samples" in said_of(
        "p300", "--config", oddball, "--montage", montage
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["temporal", "--montage", "Fz"], "channels are ('Fz',); at least two different names"),
        (["temporal", "--montage", "[Fz]"], "channels are ('Fz',); at least two different names"),
        (["p300"], "feature 'p300' is unknown"),
        (["p30", "--config", "oddball.yaml"], "did you mean 'p300'?"),
        (["temporal", "--tmax", "0.5"], "class 'P900': signal 'P900' with latency_ms=[900.0, 5.0]"),
        (["temporal", "--montage", "standard_1021"], "did you mean 'standard_1020'?"),
        (["temporal", "--montage", "Cz,Pzz"], "'Pzz' (closest: 'Pz')"),
        (["temporal", "--sfreq", "0"], "sfreq=0.0 is not allowed"),
        (["temporal", "--config", "odd.yaml"], "'odd.yaml' cannot be read"),
    ],
)
@pytest.mark.usefixtures("oddball")
def test_mistakes_end_with_code_two_and_one_sentence(words, told):
    result = CliRunner().invoke(app, ["simulate", *words, "--out", "a.npz"])
    assert result.exit_code == 2
    assert told in result.output
    assert result.output.count("\n") == 1
