"""``eegxai simulate``: what it writes, what it says, and mistakes told before any work."""

import mne
import numpy as np
import pytest
from typer.testing import CliRunner

from eegxai.simulation import simulate
from sweeps.cli import app
from tests.pictures import pixels

RUNNER = CliRunner()


def run(*arguments):
    return RUNNER.invoke(app, ["simulate", *map(str, arguments)])


@pytest.mark.slow
def test_it_writes_the_data_and_the_picture_it_was_asked_for(tmp_path):
    out, plot = tmp_path / "demo.npz", tmp_path / "pictures" / "demo.png"
    result = run(
        "spatial", "--snr-db", -12, "--n-trials", 9, "--seed", 5, "--out", out, "--plot", plot
    )
    assert result.exit_code == 0, result.output
    said = " ".join(result.output.split())
    assert "spatial at -12 dB, seed 5: 9 trials (5 left, 4 right) of 62 channels" in said
    peaks = simulate("spatial", snr_db=-12, seed=5, n_trials=9).peak_snr_db()
    low, middle, high = np.percentile(peaks, [0, 50, 100])
    assert "; peak SNR of the trials with a signal: median" in said
    assert f"median {middle:.1f} dB, from {low:.1f} to {high:.1f} dB" in said
    assert f"wrote {out}" in said
    assert f"wrote {plot}" in said
    assert pixels(plot).shape[2] == 3
    expected = simulate("spatial", snr_db=-12, seed=5, n_trials=9)
    with np.load(out) as found:
        np.testing.assert_array_equal(found["x"], expected.x)


def test_epochs_are_told_with_both_their_names(tmp_path):
    result = run("temporal", "--n-trials", 4, "--out", tmp_path / "demo.fif")
    assert result.exit_code == 0, result.output
    for name in ("demo-epo.fif", "demo-truth-epo.fif"):
        assert f"wrote {tmp_path / name}" in result.output
        assert len(mne.read_epochs(tmp_path / name, verbose="ERROR")) == 4


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["tempral", "--out", "a.npz"], "did you mean 'temporal'?"),
        (["temporal", "--head", "spere", "--out", "a.npz"], "did you mean 'sphere'?"),
        (["temporal", "--head", "nyhead", "--out", "a.npz"], "needs a file"),
        (
            ["temporal", "--head-file", "no.mat", "--out", "a.npz"],
            "only for head forward and nyhead",
        ),
        (["temporal", "--blink-uv", "-1", "--out", "a.npz"], "blink_uv=-1.0 is out of range"),
        (["temporal", "--n-trials", "3", "--out", "a.npz"], "n_trials 3 is too small"),
        (["temporal", "--seed", "-1", "--out", "a.npz"], "seed=-1 is not allowed"),
        (["temporal", "--snr-db", "nan", "--out", "a.npz"], "snr_db=nan is not allowed"),
        (["temporal", "--snr-db", "-200", "--out", "a.npz"], "snr_db=-200.0 is out of range"),
        (
            ["temporal", "--snr-definition", "peak", "--out", "a.npz"],
            "snr_definition='peak' is not allowed: 'signal_to_noise' or 'source",
        ),
        (["temporal", "--n-trials", "9" * 12, "--plot", "a.png"], "trials fit"),
        (["temporal", "--n-trials", "9" * 12, "--out", "a.npz"], "'a.npz' cannot be written: it"),
        (["temporal", "--sfreq", "1e6", "--plot", "a.png"], "shorter epoch or lower sfreq"),
        (["temporal", "--out", "old.npz/a.npz"], "old.npz/a.npz' cannot be written"),
        (["temporal", "--plot", "old.npz/a.png"], "old.npz/a.png' cannot be written"),
        (["temporal"], "give --out FILE to write, --plot FILE to draw"),
        (["temporal", "--out", "a.mat"], "allowed are .fif, .npz"),
        (["temporal", "--plot", "a.bmp"], "must end in one of: .png"),
        (["temporal", "--out", "old.npz"], "old.npz exists and is not overwritten"),
        (["temporal", "--plot", "old.png"], "old.png exists and is not overwritten"),
        (["temporal", "--out", ""], "'.' does not name a file"),
        (["temporal", "--out", "a" * 300 + ".npz"], "cannot be written: File name too long"),
        (["temporal", "--plot", "a" * 300 + ".png"], "cannot be written: File name too long"),
        (["temporal", "--plot", "a/" * 3000 + "b.png"], "cannot be written: File name too long"),
        (["temporal", "--n-trials", "9" * 400, "--out", "a.npz"], "n_trials=999"),
        (["temporal", "--line-uv", "1e39", "--out", "a.npz"], "line_uv=1e+39 is out of range"),
    ],
)
def test_mistakes_end_with_code_two_and_one_sentence(arguments, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("old.npz", "old.png"):
        (tmp_path / name).touch()
    result = run(*arguments)
    assert result.exit_code == 2
    assert told in result.output
    assert result.output.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} == {"old.npz", "old.png"}


def test_the_other_definition_of_the_snr_is_an_option(tmp_path):
    out = tmp_path / "demo.npz"
    result = run("temporal", "--snr-definition", "source_to_sensor", "--n-trials", 4, "--out", out)
    assert result.exit_code == 0, result.output
    expected = simulate("temporal", -3.5, 0, 4, snr_definition="source_to_sensor")
    with np.load(out) as found:
        np.testing.assert_array_equal(found["x"], expected.x)
