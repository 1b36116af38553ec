"""``eegxai claims`` on made-up scores: what is printed, written and refused."""

import re
import shlex
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from sweeps.analysis.claims.verdicts import CANNOT_BE_DECIDED, DOES_NOT_HOLD, HOLDS
from sweeps.cli import app
from sweeps.design.cells import method_cells
from sweeps.design.config_file import load
from sweeps.report.claims import number_text
from sweeps.report.terminal import TABLE_WIDTH
from sweeps.store.artefacts import store_of
from tests.finished_cells import fill
from tests.paths import ROOT

RUNNER = CliRunner()
PAGE = (ROOT / "docs" / "claims.md").read_text()
SHOWN = f"{(ROOT / 'README.md').read_text()}\n{PAGE}"
COMMANDS = dict.fromkeys(re.findall(r"^    eegxai claims (.*)", SHOWN, re.MULTILINE))
(EXAMPLE,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
MINE = """
title: A study of two methods
features: [temporal]
architecture: deepnet
claims:
  - id: mine
    statement: The maps of Saliency and of noise are never the same.
    source: here
    rule: every
    study:
      methods: [Saliency, RandomMap]
      conditions: [{check: target_swap, metric: pearson_raw, asks: below, threshold: 1}]
"""


@pytest.fixture
def claims(tiny_file):
    """The command on a store that is filled."""
    config = load(tiny_file)
    fill(store_of(config), methods=method_cells(config))
    return lambda *options: RUNNER.invoke(app, ["claims", str(tiny_file), *options])


def test_each_claim_is_printed_for_80_columns_and_written_in_every_format(claims, tmp_path):
    shown = claims("--out", str(tmp_path / "out"))
    assert shown.exit_code == 0, shown.output
    lines = shown.output.splitlines()
    assert lines[1] == "decided on 8 of the sweep's 8 method cells"
    copied = [line for line in lines if line.startswith("eegxai sweep ")]  # in one line each
    narrow = [line for line in lines if not line.startswith("wrote ") and line not in copied]
    assert max(map(len, narrow)) <= TABLE_WIDTH
    assert copied
    assert all(shlex.split(line)[2].endswith("tiny.yaml") for line in copied)
    text = " ".join(shown.output.split())
    assert "no cells of feature spectral, spatial" in text
    assert "no cells of method Gradient" in text
    names = {path.name for path in (tmp_path / "out").iterdir()}
    endings = ("csv", "md", "parquet", "tex", "xlsx")
    assert names == {*(f"tiny-claims.{end}" for end in endings), "tiny-claims-numbers.csv"}
    table = pd.read_csv(tmp_path / "out" / "tiny-claims.csv", keep_default_na=False)
    assert len(table) == 16
    assert set(table["verdict"]) <= {HOLDS, DOES_NOT_HOLD, CANNOT_BE_DECIDED}
    assert ((table["lacking"] != "") == (table["verdict"] == CANNOT_BE_DECIDED)).all()
    assert ((table["decided_by"] != "") == (table["verdict"] == CANNOT_BE_DECIDED)).all()
    assert "may be decided by: eegxai sweep" in text


def test_claims_of_ones_own_on_chosen_runs(claims, tmp_path):
    (tmp_path / "mine.yaml").write_text(MINE)
    options = ("--claims", "mine.yaml", "--format", "csv", "--out", "out")
    assert claims(*options).exit_code == 0
    (row,) = pd.read_csv("out/tiny-claims-mine.csv").to_dict("records")
    assert (row["claim"], row["verdict"], row["n_seeds"]) == ("mine", HOLDS, 2)
    chosen = claims(*options, "--where", "seed == 1")
    assert "needs at least 2 seeds with all their cells, has 1" in " ".join(chosen.output.split())
    assert ", 1 seed)" in " ".join(chosen.output.split())
    decided = Path("out/tiny-claims-mine.csv").read_bytes()
    elsewhere = claims(*options, "--architecture", "eegnet")
    assert "no cells of architecture eegnet" in elsewhere.output
    assert Path("out/tiny-claims-mine-eegnet.csv").exists()
    assert Path("out/tiny-claims-mine.csv").read_bytes() == decided
    unknown = claims(*options, "--architecture", "eegnett")
    assert unknown.exit_code == 2
    assert "--architecture 'eegnett' is unknown; did you mean 'eegnet'?" in unknown.output


def test_one_claim_is_decided_beside_the_others(claims):
    chosen = claims("--claim", "4", "--format", "csv", "--out", "out")
    assert chosen.exit_code == 0, chosen.output
    assert list(pd.read_csv("out/tiny-claims-4.csv")["claim"]) == [4, 4]
    assert not Path("out/tiny-claims.csv").exists()
    unknown = claims("--claim", "44")
    assert unknown.exit_code == 2
    assert "--claim '44' is unknown" in unknown.output


def test_a_sweep_half_done_is_decided_as_far_as_it_is(tiny_file):
    config = load(tiny_file)
    fill(store_of(config), methods=list(method_cells(config))[:4])
    shown = RUNNER.invoke(app, ["claims", str(tiny_file), "--out", "out", "--format", "csv"])
    assert shown.exit_code == 0, shown.output
    assert "decided on 4 of the sweep's 8 method cells" in shown.output
    assert "needs at least 2 seeds with all their cells, has 1" in " ".join(shown.output.split())
    # Claim 1 with the study's methods lacks feature types, whose cells would finish no sweep.
    (first, *_) = pd.read_csv("out/tiny-claims.csv").to_dict("records")
    lacking = "'grid.feature=[temporal,spectral,spatial]' 'grid.seed=[0,1,2,3,4]'"
    assert first["decided_by"] == f"eegxai sweep {tiny_file} {lacking}"


def test_seeds_are_asked_for_together_with_all_else_that_is_lacking(tiny_file):
    arguments = [str(tiny_file), "grid.seed=[0]"]
    config = load(tiny_file, arguments[1:])
    fill(store_of(config), methods=method_cells(config))
    RUNNER.invoke(app, ["claims", *arguments, "--out", "out", "--format", "csv"])
    (first, *_) = pd.read_csv("out/tiny-claims.csv").to_dict("records")
    lacking = "'grid.feature=[temporal,spectral,spatial]' 'grid.seed=[0,1,2,3,4]'"
    assert first["decided_by"] == f"eegxai sweep {tiny_file} {lacking}"


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_shown_run(claims, command, tmp_path):
    (tmp_path / "mine.yaml").write_text(EXAMPLE)
    config, *options = shlex.split(command)
    assert (ROOT / "conf" / f"{config}.yaml").exists()
    shown = claims(*options)
    assert shown.exit_code == 0, shown.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--claims", "sujatha"], "sujatha-ravindran-2023"),
        (["--claims", "none.yaml"], "none.yaml"),
        (["--claims", "misspelt.yaml"], "did you mean 'pearson_raw'"),
        (["--claims", "unknown.yaml"], "claims 'unknown.yaml': method 'DeepLft' is unknown"),
        (["--claims", "feature.yaml"], "claims 'feature.yaml': feature 'tempral' is unknown"),
        (["--format", "xls"], "excel"),
        (["--source", "disk"], "store"),
        (["--where", "snr > 3"], "snr_db"),
    ],
)
def test_a_mistake_is_one_sentence_before_anything_is_written(claims, options, message):
    Path("misspelt.yaml").write_text(MINE.replace("pearson_raw", "pearson_row"))
    Path("unknown.yaml").write_text(MINE.replace("methods: [Saliency", "methods: [DeepLft"))
    Path("feature.yaml").write_text(MINE.replace("[temporal]", "[tempral]"))
    refused = claims(*options, "--out", "out")
    assert refused.exit_code == 2
    assert message in refused.output
    assert len(refused.output.strip().splitlines()) == 1
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("value", "low", "high", "text"),
    [
        (0.816, 0.75, 0.9, "0.82 [0.75, 0.90]"),
        (3.0, 2.0, 5.0, "3 [2, 5]"),
        (0.5, float("nan"), float("nan"), "0.50"),
        (float("nan"), float("nan"), float("nan"), ""),
    ],
)
def test_numbers_are_means_or_counts_with_their_intervals(value, low, high, text):
    assert number_text({"value": value, "low": low, "high": high}) == text
