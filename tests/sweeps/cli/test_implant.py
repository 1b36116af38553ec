"""``eegxai implant``: signals in recordings as files, and what is said about the recordings."""

import numpy as np
import pytest
from typer.testing import CliRunner

from eegxai.simulation import implant
from sweeps.cli import app
from tests.backgrounds import microvolts, write_raw

RUNNER = CliRunner()


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    x = microvolts()
    return write_raw(tmp_path_factory.mktemp("rest") / "raw.fif", x - x[4])


def run(*arguments):
    return RUNNER.invoke(app, ["implant", *map(str, arguments)])


@pytest.mark.slow
def test_it_plants_writes_draws_and_tells(file, tmp_path):
    out, plot = tmp_path / "planted.npz", tmp_path / "planted.png"
    result = run(
        "temporal", "--background", file, "--snr-db", -12, "--seed", 3, "--n-trials", 60,
        "--channels", "Fz,Cz,Pz,C3,C4", "--out", out, "--plot", plot,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    said = " ".join(result.output.split())
    assert "temporal at -12 dB, seed 3: 60 trials (15 P60, 15 P900," in said
    assert "of 5 channels and 128 samples (1 s at 128 Hz)" in said
    assert "positions are those of the recordings" in said
    assert "channel Cz is flat, so it is taken for the EEG reference" in said
    assert "where chance is 25.0% (p = " in said
    assert plot.is_file()
    expected = implant(
        "temporal", file, -12, 3, n_trials=60, channels=("Fz", "Cz", "Pz", "C3", "C4")
    )
    with np.load(out) as found:
        np.testing.assert_array_equal(found["x"], expected.x)
        np.testing.assert_array_equal(found["ground_truth"], expected.ground_truth)
        np.testing.assert_array_equal(found["trials_recorded_s"], expected.trials["recorded_s"])


def test_a_short_recording_is_planted_and_not_probed(tmp_path):
    file = write_raw(tmp_path / "short.fif", microvolts(5))
    result = run("temporal", "--background", file, "--snr-db", -6, "--out", tmp_path / "a.npz")
    assert result.exit_code == 0, result.output
    said = " ".join(result.output.split())
    assert "too few trials to test whether the recordings alone predict the class" in said
    assert (tmp_path / "a.npz").is_file()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--n-trials", 500], "holds: at most 120 trials of 1 s"),
        (["--channels", "Fz,Cx"], "lacks the channels 'Cx' (closest: 'C"),
        (["--reference", "TP99"], "has no positions of TP99"),
        (["--background", "nowhere.fif"], "background 'nowhere.fif' does not exist"),
        (["--snr-db", "-99"], "snr_db=-99.0 is out of range"),
    ],
)
def test_mistakes_end_with_code_two_and_one_sentence(file, arguments, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = ["--background", file, "--snr-db", -6, "--out", "a.npz"]
    result = run("temporal", *given, *arguments)
    assert result.exit_code == 2
    assert told in result.output
    assert result.output.count("\n") == 1
    assert not list(tmp_path.iterdir())
